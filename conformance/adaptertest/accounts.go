package adaptertest

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// isAccounts reports whether p is the page on which an account is chosen.
func (p *page) isAccounts() bool {
	return p.Status == 200 && strings.Contains(p.Body, `id="accounts-form"`)
}

// accounts returns the ids of the accounts that the page offers, in its order, by what it calls them.
func (p *page) accounts() (order []string, ids map[string]string) {
	p.b.t.Helper()
	if !p.isAccounts() {
		p.b.t.Fatalf("page at %s = %d %q, want the choice of an account", p.url, p.Status, p.Body)
	}
	ids = map[string]string{}
	for _, m := range regexp.MustCompile(`name="account" value="([^"]*)"[^>]*><bdi>([^<]*)</bdi>`).FindAllStringSubmatch(p.Body, -1) {
		order, ids[m[2]] = append(order, m[2]), m[1]
	}
	return order, ids
}

// choose presses the button of the account called name.
func (p *page) choose(name string) *page {
	p.b.t.Helper()
	_, ids := p.accounts()
	if ids[name] == "" {
		p.b.t.Fatalf("the page offers %v and not %s", ids, name)
	}
	return p.form().submit("account", ids[name])
}

// sessionCookie returns name and value of the cookie that keeps who is signed in.
func (b *browser) sessionCookie() (name, value string) {
	for name, value := range b.cookies {
		if strings.Contains(name, "session") {
			return name, value
		}
	}
	return "", ""
}

// several returns a browser where alice and then bob signed in, and both allowed the web client to read.
func several(t *testing.T, a Adapter, change func(s *setup)) *browser {
	t.Helper()
	b := signedInWorld(t, a, change)
	b.authorize(web()).form().submit("action", "allow").code()
	b.w.clock.Pass(time.Second)
	p := b.authorize(web(), "prompt", "consent").form().submit("action", "switch")
	p.signIn("bob").form().submit("action", "allow").code()
	b.w.clock.Pass(time.Second)
	return b
}

// subject exchanges the code of p, and returns whose it is.
func (p *page) subject() string {
	p.b.t.Helper()
	got := p.b.w.token(web(), web().exchange(p.code())).tokens(p.b.t)
	return p.b.w.alive(got.Access).text(p.b.t, "sub")
}

// accountChoice are the cases of several people who are signed in at once (OpenID Connect Core, sections 3.1.2.1 and 3.1.2.6).
func accountChoice() cases {
	return cases{
		"whoever comes second joins whoever was there, and both are a click away": func(t *testing.T, a Adapter) {
			b := several(t, a, nil)
			p := b.authorize(web())
			if order, _ := p.accounts(); len(order) != 2 || order[0] != "The bob" || order[1] != "The alice" {
				t.Errorf("the page offers %v, want bob, who is current, and alice", order)
			}
			p.fields(t, "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "Referrer-Policy", "same-origin", "X-Frame-Options", "DENY")
			if sub := p.choose("The alice").subject(); sub != "alice" {
				t.Errorf("subject = %q, want alice", sub)
			}
			p = b.authorize(web())
			if order, _ := p.accounts(); order[0] != "The alice" {
				t.Errorf("the page offers %v, want alice, who is current now, first", order)
			}
			if sub := p.choose("The bob").subject(); sub != "bob" {
				t.Errorf("subject = %q, want bob", sub)
			}
		},
		"a single account is not asked for, unless the client asks": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, nil)
			b.authorize(web()).form().submit("action", "allow").code()
			b.w.clock.Pass(time.Second)
			b.authorize(web()).code()
			p := b.authorize(web(), "prompt", "select_account")
			if order, _ := p.accounts(); len(order) != 1 {
				t.Errorf("the page offers %v", order)
			}
			if sub := p.choose("The alice").subject(); sub != "alice" {
				t.Errorf("subject = %q, want alice", sub)
			}
		},
		"select_account of a browser in which nobody is signed in is a sign-in": func(t *testing.T, a Adapter) {
			b := newBrowser(newWorld(t, a, builtInPages))
			p := b.authorize(web(), "prompt", "select_account")
			if !strings.Contains(p.Body, `id="login-form"`) {
				t.Fatalf("page = %q", p.Body)
			}
			p.signIn("alice").form().submit("action", "allow").code()
		},
		"use another account, and cancel": func(t *testing.T, a Adapter) {
			b := several(t, a, nil)
			p := b.authorize(web(), "prompt", "select_account").form().submit("action", "another")
			if sub := p.signIn("carol").form().submit("action", "allow").subject(); sub != "carol" {
				t.Errorf("subject = %q, want carol", sub)
			}
			b.w.clock.Pass(time.Second)
			if order, _ := b.authorize(web()).accounts(); len(order) != 3 {
				t.Errorf("the page offers %v, want three", order)
			}
			toldAs(t, b.w, b.authorize(web()).form().submit("action", "cancel").answer, "access_denied", true)
		},
		"prompt=none is told that the choice is not its own, unless its hint is": func(t *testing.T, a Adapter) {
			b := several(t, a, nil)
			toldAs(t, b.w, b.authorize(web(), "prompt", "none").answer, "account_selection_required", true)
			toldAs(t, b.w, b.authorize(web(), "prompt", "none", "login_hint", "nobody").answer, "account_selection_required", true)
			for _, name := range []string{"alice", "bob"} {
				if sub := b.authorize(web(), "prompt", "none", "login_hint", name).subject(); sub != name {
					t.Errorf("subject = %q, want %q", sub, name)
				}
			}
			if order, _ := b.authorize(web()).accounts(); order[0] != "The bob" {
				t.Errorf("a silent request changed who is current: %v", order)
			}
		},
		"a hint goes before the page where it names who is current, and to its top otherwise": func(t *testing.T, a Adapter) {
			b := several(t, a, nil)
			if sub := b.authorize(web(), "login_hint", "bob").subject(); sub != "bob" {
				t.Errorf("subject = %q, want bob", sub)
			}
			if order, _ := b.authorize(web(), "login_hint", "ALICE").accounts(); order[0] != "The alice" {
				t.Errorf("the page offers %v, want alice first", order)
			}
			if !b.authorize(web(), "login_hint", "bob", "prompt", "select_account").isAccounts() {
				t.Error("a hint takes the choice away that the client wants its user to have")
			}
		},
		"a chosen account signs in again where the client wants that": func(t *testing.T, a Adapter) {
			for _, changes := range [][]string{{"prompt", "login"}, {"prompt", "login select_account"}, {"max_age", "0"}} {
				b := several(t, a, nil)
				p := b.authorize(web(), changes...).choose("The alice")
				if !strings.Contains(p.Body, `id="login-form"`) || !strings.Contains(p.Body, `name="username" type="text" value="alice"`) {
					t.Fatalf("%v: page = %q, want the sign-in with the name filled in", changes, p.Body)
				}
				if sub := p.signIn("alice").subject(); sub != "alice" {
					t.Errorf("%v: subject = %q", changes, sub)
				}
			}
		},
		"a choice is good for its own request alone": func(t *testing.T, a Adapter) {
			b := several(t, a, nil)
			b.authorize(web(), "prompt", "select_account").choose("The alice").code()
			if !b.authorize(web(), "prompt", "select_account").isAccounts() {
				t.Error("an earlier choice answers a later request")
			}
			to := b.authorize(web(), "prompt", "select_account").form().post("account", idOf(b, "The alice")).Header.Get("Location")
			b.authorize(web()).choose("The bob").code()
			if !b.open(to).isAccounts() {
				t.Error("a choice counts for whoever is current by now")
			}
			other := newBrowser(b.w)
			maps.Copy(other.cookies, b.cookies)
			for name := range other.cookies {
				if strings.Contains(name, "browser") {
					delete(other.cookies, name)
				}
			}
			if !other.open(to).isAccounts() {
				t.Error("a choice that was made in another browser counts")
			}
		},
		"an account that is not this browser's is not chosen": func(t *testing.T, a Adapter) {
			b := several(t, a, nil)
			stranger := newBrowser(b.w)
			stranger.authorize(web()).signIn("mallory")
			list, err := b.w.store.FindSessions(t.Context(), "mallory", b.w.clock.Now(), store.Page{})
			if err != nil || len(list) != 1 {
				t.Fatalf("sessions = %v, %v", list, err)
			}
			_, before := b.sessionCookie()
			for _, id := range []string{list[0].ID, "", "x y", strings.Repeat("x", 10_000)} {
				if p := b.authorize(web()).form().submit("account", id); !p.isAccounts() {
					t.Errorf("account %.20q: page at %s = %d", id, p.url, p.Status)
				}
			}
			if _, after := b.sessionCookie(); after != before {
				t.Errorf("the cookie became %q", after)
			}
		},
		"the form is bound to browser and request": func(t *testing.T, a Adapter) {
			b := several(t, a, nil)
			f := b.authorize(web()).form()
			id := idOf(b, "The alice")
			f.b.send(http.MethodPost, f.action, with(f.values, "account", id), "Sec-Fetch-Site", "cross-site").status(t, 403)
			f.b.send(http.MethodPost, f.action, with(f.values, "account", id, "csrf", "x")).status(t, 403)
			f.b.send(http.MethodPost, f.action, with(f.values, "account", id, "handle", "x")).status(t, 410)
			b.w.clock.Pass(31 * time.Minute)
			f.submit("account", id).status(t, 410)
		},
		"at most so many people, and whoever was current longest ago is signed out": func(t *testing.T, a Adapter) {
			b := several(t, a, func(s *setup) { s.MaxAccounts = 2 })
			b.authorize(web(), "prompt", "select_account").form().submit("action", "another").signIn("carol").form().submit("action", "allow").code()
			b.w.clock.Pass(time.Second)
			if order, _ := b.authorize(web()).accounts(); strings.Join(order, ", ") != "The carol, The bob" {
				t.Errorf("the page offers %v", order)
			}
			for name, want := range map[string]int{"alice": 0, "bob": 1, "carol": 1} {
				if list, err := b.w.store.FindSessions(t.Context(), name, b.w.clock.Now(), store.Page{}); err != nil || len(list) != want {
					t.Errorf("%s has %d sessions, %v, want %d", name, len(list), err, want)
				}
			}
			name, value := b.sessionCookie()
			b.cookies[name] = value + "." + value + strings.Repeat(".x", 500)
			if order, _ := b.authorize(web()).accounts(); len(order) != 2 {
				t.Errorf("of a cookie with many values the page offers %v", order)
			}
			first, _, _ := strings.Cut(value, ".")
			b.cookies[name] = first + "." + first
			if order, _ := b.authorize(web(), "prompt", "select_account").accounts(); len(order) != 1 {
				t.Errorf("of a cookie that says it twice the page offers %v", order)
			}
			b.cookies[name] = "x.x." + value
			if p := b.authorize(web()); !strings.Contains(p.Body, `id="login-form"`) {
				t.Errorf("more values than there can be people are read: page at %s", p.url)
			}
		},
		"with one account at most there is no choice": func(t *testing.T, a Adapter) {
			b := several(t, a, func(s *setup) { s.MaxAccounts = 1 })
			if sub := b.authorize(web()).subject(); sub != "bob" {
				t.Errorf("subject = %q, want bob", sub)
			}
			if list, err := b.w.store.FindSessions(t.Context(), "alice", b.w.clock.Now(), store.Page{}); err != nil || len(list) != 0 {
				t.Errorf("alice has %d sessions, %v", len(list), err)
			}
		},
		"a session that ended is offered to nobody": func(t *testing.T, a Adapter) {
			b := several(t, a, nil)
			list, err := b.w.store.FindSessions(t.Context(), "bob", b.w.clock.Now(), store.Page{})
			if err != nil || len(list) != 1 {
				t.Fatalf("sessions = %v, %v", list, err)
			}
			if _, err := b.w.store.EndSession(t.Context(), list[0].ID, b.w.clock.Now()); err != nil {
				t.Fatal(err)
			}
			if sub := b.authorize(web()).subject(); sub != "alice" {
				t.Errorf("subject = %q, want alice, who is left", sub)
			}
		},
		"who was shown the question must answer it: another account in another tab is refused": func(t *testing.T, a Adapter) {
			b := several(t, a, nil)
			consent := b.authorize(web(), "scope", "read write", "prompt", "consent").choose("The alice").form()
			b.authorize(web()).choose("The bob").code()
			p := consent.submit("action", "allow").status(t, 403)
			if !strings.Contains(p.Body, "Somebody else has signed in since this page was opened.") || !strings.Contains(p.Body, `id="error-restart"`) {
				t.Errorf("body = %q", p.Body)
			}
			if c, err := b.w.store.Consent(t.Context(), "alice", "web"); err != nil || c.Scopes != "read" {
				t.Errorf("consent = %q, %v", c.Scopes, err)
			}
		},
		"an application's own page chooses": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Decide = func(c Ctx, ask *server.Ask) (server.Answer, error) {
					who := c.Cookie("who")
					user := server.User{Subject: who, AuthTime: s.clock.Now().Add(-time.Hour)}
					switch {
					case ask.Submitted():
						c.SetCookie("who", c.Form("account"))
						return server.Choose(server.User{Subject: c.Form("account")}), nil
					case who == "" || !ask.Accepts(user):
						return server.Page(func() error { return c.HTML(200, `<form action="`+ask.Action()+`">`+string(ask.Fields())+`</form>`) }), nil
					}
					return server.Approve(user), nil
				}
			})
			b := newBrowser(w)
			b.cookies["who"] = "alice"
			if sub := b.authorize(web()).subject(); sub != "alice" {
				t.Errorf("subject = %q, want alice", sub)
			}
			if sub := b.authorize(web(), "prompt", "select_account").form().submit("account", "bob").subject(); sub != "bob" {
				t.Errorf("subject = %q, want bob", sub)
			}
			_, q := b.authorize(web(), "prompt", "select_account").form().submit("account", "").params(t)
			if q.Get("error") != "server_error" {
				t.Errorf("a choice of nobody: %v, want server_error", q)
			}
			w = newWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) {
					return server.Choose(server.User{Subject: "alice"}), nil
				}
			})
			toldAs(t, w, w.authorize(with(web().request(), "prompt", "none")), "account_selection_required", true)
		},
		"with a device, too": func(t *testing.T, a Adapter) {
			b := several(t, a, devices(nil))
			p := b.enter(b.w.codes(tv()).User).form().submit("action", "confirm")
			if p = p.choose("The alice"); !strings.Contains(p.Body, `id="consent-form"`) || !strings.Contains(p.Body, "The alice") {
				t.Fatalf("page at %s = %d %q", p.url, p.Status, p.Body)
			}
			p.form().done()
		},
	}
}

// idOf returns the id of the account called name.
func idOf(b *browser, name string) string {
	b.t.Helper()
	_, ids := b.authorize(web(), "prompt", "select_account").accounts()
	return ids[name]
}
