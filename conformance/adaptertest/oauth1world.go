package adaptertest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// The consumers of the suite. Their secrets are in the clear: the server seals them.
const (
	consumerSecret = "consumer-secret-0123456789"
	consumerBack   = "https://consumer.example.com/cb"
	formContent    = "application/x-www-form-urlencoded"
)

// consumerKey is the key of the consumers that sign with RSA: made once, for it takes a while.
var consumerKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }) //nolint:gochecknoglobals // as it says

// consumer returns the record of a client of OAuth 1.0a.
func consumer(id string, change func(c *store.Client)) *store.Client {
	c := &store.Client{ID: id, Secrets: []store.Secret{server.ClearSecret(consumerSecret)}, Metadata: oauth2.ClientMetadata{
		Name: "The " + id, GrantTypes: []string{server.GrantTypeOAuth1}, RedirectURIs: []string{consumerBack}, Scope: "read write",
	}}
	if change != nil {
		change(c)
	}
	return c
}

// consumers are the clients of a world with OAuth 1.0a: "plain", "typist" without a callback, "launcher" that may act for itself, "keyed" with an RSA key, "modern" of OAuth
// 2 alone.
func consumers(t *testing.T) []*store.Client {
	t.Helper()
	key, err := consumerKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := jose.NewPublicKey("", key.Public(), "k")
	if err != nil {
		t.Fatal(err)
	}
	set, err := jose.NewKeySet(public).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return []*store.Client{
		consumer("plain", nil), consumer("other", nil),
		consumer("typist", func(c *store.Client) { c.Metadata.RedirectURIs = nil }),
		consumer("launcher", func(c *store.Client) {
			c.Metadata.GrantTypes = append(c.Metadata.GrantTypes, "client_credentials")
			c.Policy.Default = "read"
		}),
		consumer("keyed", func(c *store.Client) { c.Secrets, c.Metadata.AuthMethod, c.Metadata.JWKS = nil, "private_key_jwt", set }),
		consumer("modern", func(c *store.Client) {
			c.Metadata.GrantTypes = []string{"authorization_code"}
		}),
		consumer("disabled", func(c *store.Client) { c.Disabled = true }),
	}
}

// oldWorld is a world with OAuth 1.0a, and an API at /old that takes both generations.
type oldWorld struct {
	*world
	seen lockedEvents
}

type lockedEvents struct {
	mu   sync.Mutex // guards list
	list []mandate.Event
}

func (l *lockedEvents) add(e mandate.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, e)
}

func hearing(l *lockedEvents) func(context.Context, mandate.Event) {
	return func(_ context.Context, e mandate.Event) { l.add(e) }
}

func loadAnyUser(_ context.Context, tok *mandate.Token) (any, error) {
	return &User{ID: tok.Subject()}, nil
}

// causes returns why something was refused, as a log would have it, and forgets it.
func (l *lockedEvents) causes() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, e := range l.list {
		if e.Err != nil {
			fmt.Fprintln(&b, e.Name, e.Err)
			if cause := mandate.AsError(e.Err).Cause; cause != nil {
				fmt.Fprintln(&b, cause)
			}
		}
	}
	l.list = nil
	return b.String()
}

func newOldWorld(t *testing.T, a Adapter, change func(s *setup)) *oldWorld {
	t.Helper()
	w := new(oldWorld)
	w.world = newWorld(t, a, func(s *setup) {
		s.OAuth1 = &server.OAuth1{Methods: []oauth1.Method{
			oauth1.HMACSHA1, oauth1.HMACSHA256, oauth1.HMACSHA512, oauth1.RSASHA1, oauth1.RSASHA256, oauth1.RSASHA512,
		}, InsecurePlaintext: true}
		s.Clients = append(s.Clients, consumers(t)...)
		s.Hooks.On = hearing(&w.seen)
		s.more = w.routes(t, s)
		if change != nil {
			change(s)
		}
	})
	return w
}

// routes registers what is guarded.
func (w *oldWorld) routes(t *testing.T, s *setup) func(x *world) {
	t.Helper()
	return func(x *world) {
		guard, err := resource.New(resource.Config{
			Audience: apiName, Verifiers: []resource.Verifier{resource.Of(x.srv), resource.OAuth1{Server: x.srv}}, Realm: "photos", Now: s.clock.Now, User: loadAnyUser,
			Hooks: mandate.Hooks{On: hearing(&w.seen)},
		})
		if err != nil {
			t.Fatal(err)
		}
		app := x.app
		auth := app.Auth(guard, AuthConfig{})
		show := app.Route(func(c Ctx) error {
			tok := c.Token()
			m := map[string]any{
				"sub": tok.Subject(), "client": tok.ClientID(), "scope": string(tok.Scopes()), "type": tok.Type(), "grant": tok.GrantID(), "size": c.Query("size"),
			}
			if c.Header("Content-Type") == formContent {
				m["color"] = c.Form("color")
				return c.JSON(200, m)
			}
			body, err := c.Body()
			if err != nil {
				return err
			}
			m["body"] = body
			return c.JSON(200, m)
		})
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			app.Handle(method, "/old", show, auth.Require())
			app.Handle(method, "/old/read", show, auth.Require("read"))
			app.Handle(method, "/old/both", show, auth.Require("read", "write"))
			app.Handle(method, "/old/launch", show, auth.RequireClient())
			app.Handle(method, "/old/optional", app.Route(func(c Ctx) error {
				return c.JSON(200, map[string]any{"sub": c.Token().Subject()})
			}), auth.Optional())
			app.Handle(method, "/old/stacked", show, auth.Require("read"), auth.Require("write"))
		}
		app.Handle(http.MethodGet, "/old/user", auth.WithUser(func(c Ctx, user *User) error { return c.JSON(200, user) }))
		app.Handle(http.MethodPost, "/old/inside", app.Route(func(c Ctx) error {
			tok, err := auth.Acquire(c, "read")
			if err != nil {
				return auth.Refuse(c, err)
			}
			return c.JSON(200, map[string]any{"sub": tok.Subject(), "color": c.Form("color")})
		}))
	}
}

// consumerSide is a client as it knows itself.
type consumerSide struct {
	w *oldWorld
	c oauth1.SignerConfig
}

// as returns the client side of a consumer that signs with a method.
func (w *oldWorld) as(id string, method oauth1.Standard, placement oauth1.Placement) consumerSide {
	w.t.Helper()
	key, err := consumerKey()
	if err != nil {
		w.t.Fatal(err)
	}
	c := oauth1.SignerConfig{ConsumerKey: id, Method: method, Placement: placement, Now: w.clock.Now, Keys: oauth1.Keys{ClientSecret: consumerSecret}}
	if strings.HasPrefix(string(method), "RSA-") {
		c.Keys.Private = key
	}
	return consumerSide{w, c}
}

// with returns the side with other settings.
func (s consumerSide) with(change func(c *oauth1.SignerConfig)) consumerSide {
	change(&s.c)
	return s
}

// holding returns the side with a token.
func (s consumerSide) holding(c credentials1) consumerSide {
	s.c.Token, s.c.Keys.TokenSecret = c.Token, c.Secret
	return s
}

// sign signs a request. A path is below the site.
func (s consumerSide) sign(r oauth1.Outgoing) oauth1.Signed {
	s.w.t.Helper()
	if strings.HasPrefix(r.URL, "/") {
		r.URL = s.w.url + r.URL
	}
	signer, err := oauth1.NewSigner(s.c)
	if err != nil {
		s.w.t.Fatal(err)
	}
	signed, err := signer.Sign(r)
	if err != nil {
		s.w.t.Fatal(err)
	}
	return signed
}

// send sends what was signed.
func (w *oldWorld) send(method string, s oauth1.Signed) *answer {
	w.t.Helper()
	var fields []string
	if s.Authorization != "" {
		fields = append(fields, "Authorization", s.Authorization)
	}
	if s.ContentType != "" {
		fields = append(fields, "Content-Type", s.ContentType)
	}
	return w.do(w.t, method, s.URL, s.Body, fields...)
}

// call signs a request and sends it.
func (s consumerSide) call(r oauth1.Outgoing) *answer {
	s.w.t.Helper()
	return s.w.send(r.Method, s.sign(r))
}

// credentials1 are credentials of OAuth 1.0a.
type credentials1 struct{ Token, Secret string }

// issued reads credentials from an answer.
func (a *answer) issued(t *testing.T) (credentials1, url.Values) {
	t.Helper()
	a.status(t, 200)
	a.fields(t, "Content-Type", "application/x-www-form-urlencoded", "Cache-Control", "no-store")
	v, err := url.ParseQuery(a.Body)
	if err != nil || v.Get("oauth_token") == "" || v.Get("oauth_token_secret") == "" {
		t.Fatalf("answer = %q: %v", a.Body, err)
	}
	return credentials1{v.Get("oauth_token"), v.Get("oauth_token_secret")}, v
}

// temporary asks for temporary credentials.
func (s consumerSide) temporary(callback string) credentials1 {
	s.w.t.Helper()
	c, v := s.call(oauth1.Outgoing{Method: "POST", URL: "/oauth1/request_token", Callback: callback}).issued(s.w.t)
	if v.Get("oauth_callback_confirmed") != "true" {
		s.w.t.Fatalf("answer = %v", v)
	}
	return c
}

// exchange asks for token credentials.
func (s consumerSide) exchange(c credentials1, verifier string) *answer {
	s.w.t.Helper()
	return s.holding(c).call(oauth1.Outgoing{Method: "POST", URL: "/oauth1/access_token", Verifier: verifier})
}

// decided lets alice, or whom fields name, decide about temporary credentials, and returns what the callback gets.
func (w *oldWorld) decided(c credentials1, fields ...string) (to string, q url.Values) {
	w.t.Helper()
	ans := w.get(w.t, "/oauth1/authorize?oauth_token="+url.QueryEscape(c.Token), fields...).status(w.t, 303)
	ans.fields(w.t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer")
	u, err := url.Parse(ans.Header.Get("Location"))
	if err != nil {
		w.t.Fatal(err)
	}
	q = u.Query()
	u.RawQuery = ""
	return u.String(), q
}

// login is the whole way, and returns token credentials.
func (s consumerSide) login() credentials1 {
	s.w.t.Helper()
	temporary := s.temporary(consumerBack)
	_, q := s.w.decided(temporary)
	c, _ := s.exchange(temporary, q.Get("oauth_verifier")).issued(s.w.t)
	return c
}

// problem checks that the answer is a refusal of an endpoint of OAuth 1.0a.
func (a *answer) problem(t *testing.T, status int, problem string) url.Values {
	t.Helper()
	if a.Status != status {
		t.Errorf("status = %d, want %d; body %.300q", a.Status, status, a.Body)
		return nil
	}
	a.fields(t, "Content-Type", "application/x-www-form-urlencoded", "Cache-Control", "no-store")
	v, err := url.ParseQuery(a.Body)
	if err != nil || v.Get("oauth_problem") != problem || v.Get("error") != problem {
		t.Errorf("body = %q, want the problem %s: %v", a.Body, problem, err)
	}
	challenge := a.Header.Get("WWW-Authenticate")
	if want := `, oauth_problem="` + problem + `"`; status == 401 && (!strings.HasPrefix(challenge, `OAuth realm="`) || !strings.HasSuffix(challenge, want)) || status != 401 && challenge != "" {
		t.Errorf("challenge = %q of a %d", challenge, status)
	}
	return v
}

// challenged checks that the answer is a refusal of a guard that takes both generations.
func (a *answer) challenged(t *testing.T, status int, problem string) {
	t.Helper()
	a.refused(t, status, problem)
	all := a.Header.Values("WWW-Authenticate")
	if len(all) != 2 || all[0] != `Bearer realm="photos"` || !strings.HasPrefix(all[1], `OAuth realm="photos", oauth_problem="`+problem+`"`) {
		t.Errorf("challenges = %q", all)
	}
}
