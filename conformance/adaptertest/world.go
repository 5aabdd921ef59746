package adaptertest

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

const (
	verifier = "a-code-verifier-of-the-suite-0123456789-abcdefghij"
	apiName  = "https://api.example.com"
	callback = "https://app.example.com/cb"
)

// world is a site with an authorization server, and an API at /api that takes its tokens.
type world struct {
	*site
	t      *testing.T
	srv    *server.Server
	store  store.Store
	clock  *Clock
	issuer string
}

// setup is what a case changes before its world begins.
type setup struct {
	server.Config
	Mounting
	store store.Store // what the suite itself looks into; Config.Store may be a wrapper of it
	site  *site
	clock *Clock
	more  func(w *world) // registers more routes
}

// newWorld makes a world and starts it. Its server approves every request, for the user that the field X-User names,
// unless change says otherwise.
func newWorld(t *testing.T, a Adapter, change func(s *setup)) *world {
	t.Helper()
	s := &setup{store: a.NewStore(t), site: newSite(t, a), clock: NewClock()}
	s.Config = server.Config{
		Issuer: s.site.url, Store: s.store, Clients: everybody(), Secret: mandate.NewRandomSecret(), Now: s.clock.Now,
		Scopes:          []server.Scope{{Name: "read", Title: "Read your things"}, {Name: "write", Title: "Change them", Description: "All of them."}, {Name: "admin"}, {Name: "open", Public: true}},
		DefaultAudience: []string{apiName},
		Resources:       []string{"https://one.example.com", "https://two.example.com/v1"},
	}
	s.Decide = func(c Ctx, _ *server.Ask) (server.Answer, error) { return always(c, s.clock) }
	if change != nil {
		change(s)
	}
	srv, err := server.New(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{site: s.site, t: t, srv: srv, store: s.store, clock: s.clock, issuer: s.Issuer}
	if err := s.site.app.Mount(srv, s.Mounting); err != nil {
		t.Fatal(err)
	}
	guard, err := resource.New(resource.Config{Audience: apiName, Verifiers: []resource.Verifier{resource.Of(srv)}, Now: s.clock.Now, User: func(_ context.Context, tok *mandate.Token) (any, error) {
		return &User{ID: tok.Subject()}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	auth := s.site.app.Auth(guard, AuthConfig{})
	s.site.app.Handle(http.MethodGet, "/api", s.site.app.Route(func(c Ctx) error {
		tok := c.Token()
		return c.JSON(200, map[string]any{"sub": tok.Subject(), "client": tok.ClientID(), "scope": string(tok.Scopes()), "grant": tok.GrantID(), "claims": tok.Claims()})
	}), auth.Require())
	s.site.app.Handle(http.MethodGet, "/user", auth.WithUser(func(c Ctx, user *User) error { return c.JSON(200, user) }))
	if s.more != nil {
		s.more(w)
	}
	s.site.start(t)
	return w
}

// always approves.
func always(c Ctx, clock *Clock) (server.Answer, error) {
	user := server.User{Subject: c.Header("X-User"), AuthTime: clock.Now()}
	if user.Subject == "" {
		user.Subject = "alice"
	}
	return server.Approve(user), nil
}

// party is a client as it knows itself.
type party struct{ id, secret, method, redirect string }

func web() party { return party{"web", "web-secret-0123456789", "client_secret_basic", callback} }

func post() party    { return party{"post", "post-secret-0123456789", "client_secret_post", callback} }
func spa() party     { return party{"spa", "", "none", "https://spa.example.com/cb"} }
func native() party  { return party{"native", "", "none", "http://127.0.0.1/cb"} }
func service() party { return party{"service", "service-secret-0123", "client_secret_basic", ""} }
func jwtWeb() party  { return party{"jwt", "jwt-secret-0123456789", "client_secret_basic", callback} }

// client returns the record of p with grants.
func (p party) client(grants ...string) *store.Client {
	c := &store.Client{ID: p.id, Metadata: oauth2.ClientMetadata{Name: "The " + p.id + " app", AuthMethod: p.method, GrantTypes: grants}}
	if p.secret != "" {
		c.Secrets = []store.Secret{server.HashSecret(p.secret)}
	}
	if p.redirect != "" {
		c.Metadata.RedirectURIs = []string{p.redirect}
	}
	return c
}

// everybody are the clients of a world.
func everybody() []*store.Client {
	const code, refresh, own = "authorization_code", "refresh_token", "client_credentials"
	list := []*store.Client{
		web().client(code, refresh, own), post().client(code, refresh, own), spa().client(code, refresh),
		native().client(code, refresh), service().client(own), jwtWeb().client(code, refresh, own),
	}
	list[3].Metadata.RedirectURIs = append(list[3].Metadata.RedirectURIs, "com.example.app:/cb", "http://[::1]/six", "http://localhost:8080/named")
	list[3].Metadata.ApplicationType = "native"
	list[5].Policy.TokenFormat = "jwt"
	return list
}

// sign adds p's credentials to a form and returns the header fields that go with it.
func (p party) sign(form url.Values) []string {
	switch p.method {
	case "client_secret_basic":
		return []string{"Authorization", basic(p.id, p.secret)}
	case "client_secret_post":
		form.Set("client_secret", p.secret)
	}
	form.Set("client_id", p.id)
	return nil
}

// request is p's ordinary authorization request.
func (p party) request() url.Values {
	return url.Values{
		"client_id": {p.id}, "response_type": {"code"}, "redirect_uri": {p.redirect}, "scope": {"read"}, "state": {"xyz"},
		"code_challenge": {oauth2.Challenge(verifier)}, "code_challenge_method": {"S256"},
	}
}

// with returns a copy of v in which name, value, name, value are set; "" deletes.
func with(v url.Values, changes ...string) url.Values {
	c := url.Values{}
	for name, values := range v {
		c[name] = append([]string(nil), values...)
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == "" {
			c.Del(changes[i])
		} else {
			c.Set(changes[i], changes[i+1])
		}
	}
	return c
}

// authorize sends an authorization request.
func (w *world) authorize(q url.Values, fields ...string) *answer {
	w.t.Helper()
	return w.get(w.t, w.path("authorize")+"?"+q.Encode(), fields...)
}

// path returns the path of an endpoint of a server without a prefix.
func (w *world) path(name string) string { return "/" + name }

// params returns what the redirect a carries to the client, and where it goes.
func (a *answer) params(t *testing.T) (to string, q url.Values) {
	t.Helper()
	a.status(t, http.StatusSeeOther)
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	raw := u.RawQuery
	if u.Fragment != "" {
		raw = u.EscapedFragment()
	}
	if q, err = url.ParseQuery(raw); err != nil {
		t.Fatal(err)
	}
	u.RawQuery, u.Fragment, u.RawFragment = "", "", ""
	return u.String(), q
}

// code returns a code of p, after the changes to its ordinary request.
func (w *world) code(p party, changes ...string) string {
	w.t.Helper()
	a := w.authorize(with(p.request(), changes...))
	_, q := a.params(w.t)
	if q.Get("code") == "" {
		w.t.Fatalf("no code in %q", a.Header.Get("Location"))
	}
	return q.Get("code")
}

// token sends a token request of p.
func (w *world) token(p party, form url.Values) *answer {
	w.t.Helper()
	form = with(form)
	fields := p.sign(form)
	return w.form(w.t, w.path("token"), form, fields...)
}

// exchange is the ordinary request with which p redeems code.
func (p party) exchange(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.redirect}, "code_verifier": {verifier}}
}

// refreshing is the ordinary request with which a refresh token is used.
func refreshing(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// tokens is the answer of the token endpoint.
type tokens struct {
	Access, Refresh, Type, Scope string
	ExpiresIn                    time.Duration
}

// tokens reads the answer of the token endpoint, which must be one.
func (a *answer) tokens(t *testing.T) tokens {
	t.Helper()
	a.status(t, 200)
	a.fields(t, "Content-Type", "application/json", "Cache-Control", "no-store", "Pragma", "no-cache")
	seconds, _ := a.json(t)["expires_in"].(float64)
	return tokens{a.text(t, "access_token"), a.text(t, "refresh_token"), a.text(t, "token_type"), a.text(t, "scope"), time.Duration(seconds) * time.Second}
}

// login is the whole code flow of p, after the changes to its authorization request.
func (w *world) login(p party, changes ...string) tokens {
	w.t.Helper()
	return w.token(p, p.exchange(w.code(p, changes...))).tokens(w.t)
}

// refresh uses a refresh token of p.
func (w *world) refresh(p party, token string) tokens {
	w.t.Helper()
	return w.token(p, refreshing(token)).tokens(w.t)
}

// alive checks that the API takes an access token, and returns its answer.
func (w *world) alive(access string) *answer {
	w.t.Helper()
	a := w.get(w.t, "/api", "Authorization", "Bearer "+access)
	if a.Status != 200 {
		w.t.Errorf("the API refuses the access token: %d %s", a.Status, a.Body)
	}
	return a
}

// dead checks that the API refuses an access token, that the introspection endpoint calls it inactive, and the same of a
// refresh token where there is one.
func (w *world) dead(p party, access, refresh string) {
	w.t.Helper()
	w.get(w.t, "/api", "Authorization", "Bearer "+access).refused(w.t, 401, "invalid_token")
	for _, token := range []string{access, refresh} {
		if token == "" || p.method == "none" {
			continue
		}
		if a := w.introspect(p, token); a.Body != notActive {
			w.t.Errorf("introspection = %d %s, want inactive", a.Status, a.Body)
		}
	}
	if refresh != "" {
		w.token(p, refreshing(refresh)).refused(w.t, 400, "invalid_grant")
	}
}
