package adaptertest

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/server"
)

// loginWorld is an application whose users sign in with a provider, which is a world: two sites of the same framework.
type loginWorld struct {
	*world

	shop *site
	reg  *client.Registry
}

// loginSetup is what a case changes before its loginWorld begins.
type loginSetup struct {
	client.Config
	LoginConfig

	home, away client.OAuth2 // two apps of the one provider
	provider   func(s *setup)
	prefix     string
	routes     func(l *loginWorld) // instead of MountLogin
}

const (
	homeSecret = "secret-of-home-0123456789"
	awaySecret = "secret-of-away-0123456789"
)

// newLoginWorld makes a world and starts both sites.
func newLoginWorld(t *testing.T, a Adapter, change func(s *loginSetup)) *loginWorld {
	t.Helper()
	l := &loginWorld{shop: newSite(t, a)}
	s := &loginSetup{prefix: "/auth"}
	app := func(name, secret string) client.OAuth2 {
		return client.OAuth2{Name: name, Credentials: client.Credentials{ID: name, Secret: secret}, Scopes: []string{"read"}}
	}
	s.home, s.away = app("home", homeSecret), app("away", awaySecret)
	s.away.Credentials.Method = client.MethodPost
	s.BaseURL = l.shop.url
	if change != nil {
		change(s)
	}
	l.world = newWorld(t, a, func(w *setup) {
		for _, p := range []party{{"home", homeSecret, "client_secret_basic", ""}, {"away", awaySecret, "client_secret_post", ""}} {
			c := p.client("authorization_code", "refresh_token")
			c.Metadata.RedirectURIs = []string{s.BaseURL + s.prefix + "/" + p.id + "/callback", s.BaseURL + "/hand/" + p.id}
			w.Clients = append(w.Clients, c)
		}
		if s.provider != nil {
			s.provider(w)
		}
	})
	s.Now = l.clock.Now
	for _, o := range []*client.OAuth2{&s.home, &s.away} {
		if o.Issuer == "" && o.AuthURL == "" {
			o.Issuer = l.issuer
		}
		if o.ProfileURL == "" && o.Profile == nil {
			o.ProfileURL = l.issuer + "/api"
		}
		s.Apps = append(s.Apps, *o)
	}
	reg, err := client.NewRegistry(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	l.reg = reg
	if s.routes != nil {
		s.routes(l)
	} else if err := l.shop.app.MountLogin(s.prefix, reg, signedIn, s.LoginConfig); err != nil {
		t.Fatal(err)
	}
	l.shop.start(t)
	return l
}

// signedIn answers with who signed in.
func signedIn(c Ctx, in *client.SignIn) error {
	c.SetCookie("signed-in", in.Profile.Subject)
	return c.JSON(200, map[string]any{
		"app": in.App, "sub": in.Profile.Subject, "return_to": in.ReturnTo, "data": in.Data, "token": in.Token.AccessToken, "refresh": in.Token.RefreshToken,
		"scope": strings.Join(in.Scopes, " "), "missing": strings.Join(in.Missing, " "),
	})
}

// tabs is a browser in which logins run. Cookies are not parted by port, as in a real one.
type tabs struct {
	t       *testing.T
	l       *loginWorld
	cookies map[string]string
}

func newTabs(l *loginWorld) *tabs {
	return &tabs{l.t, l, map[string]string{}}
}

// send sends one request and keeps the cookies of the answer. A target that is a path is the application's.
func (b *tabs) send(method, target string, values url.Values, fields ...string) *answer {
	b.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.l.shop.url + target
	}
	body := ""
	if values != nil {
		body = values.Encode()
		fields = append(fields, "Content-Type", "application/x-www-form-urlencoded")
	}
	if len(b.cookies) > 0 {
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
			pairs = append(pairs, name+"="+b.cookies[name])
		}
		fields = append(fields, "Cookie", strings.Join(pairs, "; "))
	}
	a := b.l.shop.do(b.t, method, target, body, fields...)
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return a
}

// begin begins a login with app and returns where it leads to at the provider.
func (b *tabs) begin(app, query string) *url.URL {
	b.t.Helper()
	a := b.send(http.MethodGet, "/auth/"+app+"/login"+query, nil)
	a.status(b.t, http.StatusSeeOther)
	a.fields(b.t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer")
	return location(b.t, a)
}

// location returns where a redirect leads.
func location(t *testing.T, a *answer) *url.URL {
	t.Helper()
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// approve lets the provider answer and returns the callback that it sends the browser to.
func (b *tabs) approve(at *url.URL) *url.URL {
	b.t.Helper()
	return location(b.t, b.send(http.MethodGet, at.String(), nil).status(b.t, http.StatusSeeOther))
}

// callback runs a login up to the provider's answer.
func (b *tabs) callback(app string) *url.URL {
	b.t.Helper()
	return b.approve(b.begin(app, ""))
}

// open sends the browser to u.
func (b *tabs) open(u *url.URL, fields ...string) *answer {
	b.t.Helper()
	return b.send(http.MethodGet, u.String(), nil, fields...)
}

// flows returns the names of the cookies of logins.
func (b *tabs) flows() []string {
	var names []string
	for name := range b.cookies {
		if strings.Contains(name, "mandate-login-") {
			names = append(names, name)
		}
	}
	return names
}

// changed returns u with other parameters: name, value, name, value; "" deletes.
func changed(u *url.URL, changes ...string) *url.URL {
	c := *u
	c.RawQuery = with(u.Query(), changes...).Encode()
	return &c
}

// signed checks that a is the answer of a login of alice.
func (a *answer) signed(t *testing.T, app string) *answer {
	t.Helper()
	a.status(t, 200)
	if a.text(t, "app") != app || a.text(t, "sub") != "alice" || a.text(t, "token") == "" {
		t.Errorf("signed in as %s, want alice with %s", a.Body, app)
	}
	return a
}

// unsigned checks that nobody was signed in by a, and why.
func (a *answer) unsigned(t *testing.T, status int, kind client.Kind) {
	t.Helper()
	if slices.ContainsFunc(a.Header.Values("Set-Cookie"), func(line string) bool { return strings.HasPrefix(line, "signed-in=") }) {
		t.Errorf("somebody was signed in: %s", a.Body)
	}
	a.refused(t, status, strings.ReplaceAll(string(kind), " ", "_"))
}

// counting is a Fetcher that counts the requests for a purpose, and may answer them itself.
type counting struct {
	mandate.Fetcher
	purpose string
	seen    func(r *mandate.FetchRequest) *mandate.Response
}

func (c counting) Fetch(ctx context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	if r.Purpose == c.purpose {
		if resp := c.seen(r); resp != nil {
			return resp, nil
		}
	}
	return c.Fetcher.Fetch(ctx, r)
}

// denying is a Decide that says no.
func denying(Ctx, *server.Ask) (server.Answer, error) { return server.Deny(), nil }
