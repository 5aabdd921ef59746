package adaptertest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

const applicationsPath = "/interaction/applications"

// connectedApplications are the cases of the page on which people take back what they allowed, and of its Go functions.
func connectedApplications() cases {
	on := func(s *setup) { s.AccountPage = true }
	// allowed returns a browser in which alice allowed three clients something, and the tokens of the web client.
	allowed := func(t *testing.T, a Adapter) (*browser, tokens) {
		t.Helper()
		b := signedInWorld(t, a, on)
		got := b.w.token(web(), web().exchange(b.authorize(web(), "scope", "read write").form().submit("action", "allow").code())).tokens(t)
		for _, p := range []party{post(), spa()} {
			b.w.token(p, p.exchange(b.authorize(p).form().submit("action", "allow").code())).tokens(t)
		}
		b.w.clock.Pass(time.Second)
		return b, got
	}
	return cases{
		"what was allowed, by whom, and one of it taken back": func(t *testing.T, a Adapter) {
			b, got := allowed(t, a)
			p := b.open(applicationsPath).is(200)
			p.fields(t, "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "Referrer-Policy", "same-origin", "X-Content-Type-Options", "nosniff", "X-Frame-Options", "DENY")
			for _, text := range []string{`id="page-applications"`, "The alice", "The web app", "The post app", "The spa app", "Read your things", "Change them", `value="web"`, b.w.clock.Now().UTC().Format(time.DateOnly)} {
				if !strings.Contains(p.Body, text) {
					t.Errorf("the page does not say %q: %s", text, p.Body)
				}
			}
			ans := p.form().post("revoke", "web").status(t, http.StatusSeeOther)
			if to := ans.Header.Get("Location"); to != applicationsPath {
				t.Errorf("Location = %q", to)
			}
			p = b.open(applicationsPath)
			if strings.Contains(p.Body, "The web app") || !strings.Contains(p.Body, "The post app") {
				t.Errorf("page = %s", p.Body)
			}
			b.w.dead(web(), got.Access, got.Refresh)
			if _, err := b.w.store.Consent(t.Context(), "alice", "web"); err == nil {
				t.Error("the consent is still remembered")
			}
			if !strings.Contains(b.authorize(web(), "scope", "read").Body, `id="consent-form"`) {
				t.Error("nobody is asked again")
			}
			b.authorize(post()).code()
		},
		"who is not signed in signs in first, and out in the end": func(t *testing.T, a Adapter) {
			b := newBrowser(newWorld(t, a, func(s *setup) { builtInPages(s); s.AccountPage = true }))
			p := b.open(applicationsPath).is(200)
			if !strings.Contains(p.Body, `id="login-form"`) || strings.Contains(p.Body, `id="login-cancel"`) {
				t.Fatalf("page = %s", p.Body)
			}
			wrong := p.form().submit("username", "alice", "password", "wrong", "action", "login").is(200)
			if !strings.Contains(wrong.Body, `id="login-error"`) {
				t.Errorf("page = %s", wrong.Body)
			}
			if p := p.form().submit("username", "fault", "password", "x", "action", "login").is(500); strings.Contains(p.Body, "secret detail") {
				t.Errorf("page = %s", p.Body)
			}
			p = wrong.signIn("alice")
			if !strings.Contains(p.Body, `id="applications-none"`) || !strings.Contains(p.Body, "The alice") {
				t.Fatalf("page = %s", p.Body)
			}
			out := p.form().post("action", "signout").status(t, 303)
			if set := out.Header.Get("Set-Cookie"); !strings.Contains(set, "Max-Age=0") {
				t.Errorf("Set-Cookie = %q", set)
			}
			if p := b.open(applicationsPath); !strings.Contains(p.Body, `id="login-form"`) {
				t.Errorf("page = %s", p.Body)
			}
			if list, err := b.w.store.FindSessions(t.Context(), "alice", b.w.clock.Now(), store.Page{}); err != nil || len(list) != 0 {
				t.Errorf("sessions = %v, %v", list, err)
			}
			if p := p.form().submit("revoke", "web"); !strings.Contains(p.Body, `id="login-form"`) {
				t.Errorf("what a page without a session posts: %d %s", p.Status, p.Body)
			}
		},
		"the guesses of a password are counted here, too": func(t *testing.T, a Adapter) {
			b := newBrowser(newWorld(t, a, func(s *setup) { builtInPages(s); s.AccountPage = true }))
			p := b.open(applicationsPath)
			for range 5 {
				p.form().submit("username", "alice", "password", "wrong", "action", "login").is(200)
			}
			ans := p.form().submit("username", "alice", "password", "password of alice", "action", "login").is(429)
			if ans.Header.Get("Retry-After") == "" || !strings.Contains(ans.Body, `id="login-error"`) {
				t.Errorf("answer = %v %s", ans.Header, ans.Body)
			}
		},
		"several people each have their own": func(t *testing.T, a Adapter) {
			b := several(t, a, on)
			p := b.open(applicationsPath)
			if !strings.Contains(p.Body, "The bob") {
				t.Fatalf("page = %s", p.Body)
			}
			page := p.form()
			p = page.submit("action", "switch").choose("The alice")
			if !strings.Contains(p.Body, "The alice") || !strings.Contains(p.Body, "The web app") {
				t.Fatalf("page = %s", p.Body)
			}
			// The page of bob was open meanwhile.
			if p := page.submit("revoke", "web").is(403); !strings.Contains(p.Body, "Somebody else has signed in since this page was opened.") || !strings.Contains(p.Body, `href="`+applicationsPath+`"`) {
				t.Errorf("page = %s", p.Body)
			}
			for _, name := range []string{"alice", "bob"} {
				if _, err := b.w.store.Consent(t.Context(), name, "web"); err != nil {
					t.Errorf("consent of %s: %v", name, err)
				}
			}
			p = p.form().submit("action", "signout")
			if !strings.Contains(p.Body, "The bob") {
				t.Errorf("after alice signed out the page is %s", p.Body)
			}
			p = p.form().submit("action", "switch")
			if p = p.signIn("carol"); !strings.Contains(p.Body, "The carol") {
				t.Errorf("page = %s", p.Body)
			}
		},
		"the form is bound to browser, person and page": func(t *testing.T, a Adapter) {
			b, _ := allowed(t, a)
			f := b.open(applicationsPath).form()
			still := func() {
				t.Helper()
				if _, err := b.w.store.Consent(t.Context(), "alice", "web"); err != nil {
					t.Fatalf("the consent is gone: %v", err)
				}
			}
			revoke := func(changes ...string) *page {
				v := with(f.values, append([]string{"revoke", "web"}, changes...)...)
				return b.send(http.MethodPost, f.action, v)
			}
			b.send(http.MethodPost, f.action, with(f.values, "revoke", "web"), "Sec-Fetch-Site", "cross-site").is(403)
			b.send(http.MethodPost, f.action, with(f.values, "revoke", "web"), "Sec-Fetch-Site", "same-site").is(403)
			b.send(http.MethodPost, f.action, with(f.values, "revoke", "web"), "Origin", "https://evil.example.com").is(403)
			revoke("csrf", "").is(403)
			revoke("csrf", "x").is(403)
			revoke("handle", "").is(400)
			revoke("handle", "x").is(410)
			consent := b.authorize(web(), "prompt", "consent").form()
			revoke("handle", consent.values.Get("handle"), "csrf", consent.values.Get("csrf")).is(410)
			b.send(http.MethodPost, consent.action, with(f.values, "action", "allow")).is(410)
			b.send(http.MethodGet, "/authorize?handle="+f.values.Get("handle"), nil).is(410)
			twice := with(f.values, "revoke", "web")
			twice.Add("revoke", "post")
			b.send(http.MethodPost, f.action, twice).is(400)
			still()
			for _, id := range []string{"", "nobody", "x y", strings.Repeat("x", 10_000), `"><script>`} {
				revoke("revoke", id).is(303)
			}
			still()
			other := newBrowser(b.w)
			name, value := b.sessionCookie()
			other.cookies[name] = value
			other.send(http.MethodPost, f.action, with(f.values, "revoke", "web")).is(403)
			b.w.clock.Pass(31 * time.Minute)
			revoke().is(410)
			still()
			b.send(http.MethodGet, applicationsPath+"?revoke=web", nil).is(200)
			still()
			b.send(http.MethodDelete, applicationsPath, nil).is(405)
		},
		"a client that is gone, and one with a hostile name": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, func(s *setup) {
				s.AccountPage = true
				s.Clients[0].Metadata.Name = `</h2><script>alert(1)</script>`
			})
			b.authorize(web()).form().submit("action", "allow").code()
			b.w.clock.Pass(time.Second)
			gone := store.Consent{Subject: "alice", ClientID: `gone"><script>alert(2)</script>`, Scopes: "read unheard-of", Updated: b.w.clock.Now()}
			if err := b.w.store.PutConsent(t.Context(), gone); err != nil {
				t.Fatal(err)
			}
			over := store.Consent{Subject: "alice", ClientID: "over", Scopes: "read", Updated: b.w.clock.Now().Add(-time.Hour), Expires: b.w.clock.Now().Add(-time.Minute)}
			if err := b.w.store.PutConsent(t.Context(), over); err != nil {
				t.Fatal(err)
			}
			p := b.open(applicationsPath)
			if strings.Contains(p.Body, "<script") || !strings.Contains(p.Body, "gone") || !strings.Contains(p.Body, "unheard-of") || strings.Contains(p.Body, "over\"") {
				t.Errorf("page = %s", p.Body)
			}
			if p = p.form().submit("revoke", gone.ClientID); strings.Contains(p.Body, "unheard-of") {
				t.Errorf("page = %s", p.Body)
			}
		},
		"off, it is not there": func(t *testing.T, a Adapter) {
			b := newBrowser(newWorld(t, a, builtInPages))
			b.open(applicationsPath).is(404)
		},
		"the same in Go": func(t *testing.T, a Adapter) {
			b, got := allowed(t, a)
			began := b.w.clock.Now().Add(-time.Second)
			b.w.clock.Pass(time.Hour)
			got = b.w.refresh(web(), got.Refresh)
			list, err := b.w.srv.Connections(t.Context(), "alice")
			if err != nil || len(list) != 3 {
				t.Fatalf("connections = %+v, %v", list, err)
			}
			var names []string
			for _, c := range list {
				names = append(names, c.Name())
			}
			if !slices.IsSorted(names) {
				t.Errorf("names = %q, want them sorted", names)
			}
			x := list[2]
			if x.ClientID != "web" || x.Client == nil || len(x.Scopes) != 2 || x.Scopes[0].Title != "Read your things" || !x.Consented || x.Grants != 1 ||
				x.Since.After(began) || !x.Used.Equal(b.w.clock.Now()) {
				t.Errorf("connection = %+v", x)
			}
			if n, err := b.w.srv.Disconnect(t.Context(), "alice", "web"); err != nil || n != 1 {
				t.Errorf("disconnected %d, %v, want 1", n, err)
			}
			if n, err := b.w.srv.Disconnect(t.Context(), "alice", "web"); err != nil || n != 0 {
				t.Errorf("the second time %d, %v, want 0", n, err)
			}
			b.w.dead(web(), got.Access, got.Refresh)
			if list, err := b.w.srv.Connections(t.Context(), "bob"); err != nil || len(list) != 0 {
				t.Errorf("connections of bob = %+v, %v", list, err)
			}
			for _, who := range [][2]string{{"", "web"}, {"alice", ""}} {
				if _, err := b.w.srv.Disconnect(t.Context(), who[0], who[1]); err == nil {
					t.Errorf("Disconnect(%q) is no error", who)
				}
			}
			if _, err := b.w.srv.Connections(t.Context(), ""); err == nil {
				t.Error("the connections of nobody are no error")
			}
			if _, err := server.New(server.Config{Issuer: "http://127.0.0.1", Store: b.w.store, AccountPage: true}); err == nil || !strings.Contains(err.Error(), "SignIn") {
				t.Errorf("an account page without a sign-in: %v", err)
			}
			if _, err := b.w.srv.Endpoints(server.Mounting{Decide: func(context.Context, *server.Ask) (server.Answer, error) { return server.Deny(), nil }}); err == nil || !strings.Contains(err.Error(), "AccountPage") {
				t.Errorf("an account page beside pages of the application: %v", err)
			}
		},
		"hooks hear of what is taken back": func(t *testing.T, a Adapter) {
			var mu sync.Mutex
			var revoked []mandate.Event
			b := signedInWorld(t, a, func(s *setup) {
				s.AccountPage = true
				s.Hooks.On = func(_ context.Context, e mandate.Event) {
					if mu.Lock(); e.Name == mandate.GrantRevoked {
						revoked = append(revoked, e)
					}
					mu.Unlock()
				}
			})
			b.authorize(web()).form().submit("action", "allow").code()
			b.open(applicationsPath).form().submit("revoke", "web")
			mu.Lock()
			defer mu.Unlock()
			if len(revoked) != 1 || revoked[0].Subject != "alice" || revoked[0].ClientID != "web" {
				t.Errorf("events = %+v", revoked)
			}
		},
	}
}
