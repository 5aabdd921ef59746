package adaptertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// replayAttacks show again what was shown before: RFC 9700, section 2.1.1; RFC 6819, sections 4.4.1.1 and 4.6.2; RFC 7523, section 3; RFC 8628,
// section 5.5; RFC 9101, section 10; RFC 9126, section 7.3.
func replayAttacks() cases {
	return cases{
		"code replay: a code that was used is worth nothing, whatever else is right, and ends the tokens": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), spa(), jwtWeb()} {
				w := newWorld(t, a, nil)
				code := w.code(p)
				got := w.token(p, p.exchange(code)).tokens(t)
				next := w.refresh(p, got.Refresh)
				w.clock.Pass(time.Second)
				w.token(p, p.exchange(code)).refused(t, 400, "invalid_grant")
				w.dead(p, got.Access, "")
				w.dead(p, next.Access, next.Refresh)
			}
		},
		"request_uri replay: a pushed request ends once, in whatever browser": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { builtInPages(s); pushing(s) })
			uri := w.pushed(web())
			q := url.Values{"client_id": {"web"}, "request_uri": {uri}}
			alice, mallory := newBrowser(w), newBrowser(w)
			mine := mallory.open("/authorize?" + q.Encode()).signIn("mallory").form()
			alice.open("/authorize?"+q.Encode()).signIn("alice").form().submit("action", "allow").code()
			if p := mine.submit("action", "allow"); p.Status != 410 || strings.Contains(p.Header.Get("Location"), "code=") {
				t.Errorf("%d to %q", p.Status, p.Header.Get("Location"))
			}
			for _, b := range []*browser{alice, mallory, newBrowser(w)} {
				b.open("/authorize?" + q.Encode()).is(400)
			}
		},
		"request_uri replay: a pushed request that is over begins nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			uri := w.pushed(web())
			w.clock.Pass(time.Minute)
			w.open(web(), uri).refused(t, 400, "invalid_request_uri")
			for _, guess := range []string{uri + "x", uri[:len(uri)-1], strings.ToUpper(uri), "urn:ietf:params:oauth:request_uri:", "urn:ietf:params:oauth:request_uri:" + strings.Repeat("A", 43)} {
				if ans := w.open(web(), guess); ans.Status != 400 && !strings.Contains(ans.Header.Get("Location"), "error=invalid_request") {
					t.Errorf("%s: %d to %q", guess, ans.Status, ans.Header.Get("Location"))
				}
			}
		},
		"request object replay: a signed request with a jti ends once, by itself or pushed": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			object := x.keyed.object(map[string]any{"jti": "once"})
			if _, q := x.keyed.ask(object).params(t); q.Get("code") == "" {
				t.Fatalf("answer = %v", q)
			}
			for range 2 {
				if ans := x.keyed.ask(object); strings.Contains(ans.Header.Get("Location"), "code=") {
					t.Errorf("Location = %q", ans.Header.Get("Location"))
				}
			}
			x.form(t, "/par", asserted(url.Values{"request": {object}}, x.keyed.assertion(nil))).refused(t, 400, "invalid_request_object")
		},
		"request object replay: a signed request that is over is none": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			object := x.keyed.object(nil)
			x.clock.Pass(2 * time.Minute)
			if ans := x.keyed.ask(object); !strings.Contains(ans.Header.Get("Location"), "invalid_request_object") && ans.Status != 400 {
				t.Errorf("%d to %q", ans.Status, ans.Header.Get("Location"))
			}
		},
		"assertion replay: a client assertion is good once, at whichever endpoint, and at no other server": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			access := x.send(x.keyed.assertion(nil)).tokens(t).Access
			used := x.keyed.assertion(nil)
			x.form(t, "/introspect", asserted(url.Values{"token": {access}}, used)).status(t, 200)
			for path, form := range map[string]url.Values{
				"/token": ownToken(), "/introspect": {"token": {access}}, "/revoke": {"token": {access}}, "/par": party{"keyed", "", "", callback}.request(),
			} {
				quiet(t, x.form(t, path, asserted(form, used)))
			}
			x.alive(access)
			quiet(t, x.send(x.keyed.assertion(map[string]any{"aud": "https://other.example.com"})))
			quiet(t, x.send(x.keyed.assertion(map[string]any{"aud": []string{x.issuer, "https://other.example.com"}}))) // which could use it here
		},
		"assertion replay: what vouches for a user is good once": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := bearerWorld(t, a, by, nil)
			voucher := by.sign("JWT", vouching(w))
			w.token(bearer(), bringing(voucher)).tokens(t)
			w.token(bearer(), bringing(voucher)).refused(t, 400, "invalid_grant")
		},
		"device code replay: a device code gives tokens once, and its replay ends them": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, devices(nil))
			codes := w.codes(tv())
			newBrowser(w).connect(codes.User, "alice").done()
			got := w.poll(tv(), codes.Device).tokens(t)
			w.poll(tv(), codes.Device).refused(t, 400, "invalid_grant")
			w.dead(tv(), got.Access, got.Refresh)
		},
		"user code replay: a code that was decided about is decided, for everybody": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, devices(nil))
			codes := w.codes(tv())
			newBrowser(w).connect(codes.User, "alice").done()
			mallory := newBrowser(w)
			p := mallory.enter(codes.User).form().submit("action", "confirm").signIn("mallory")
			if strings.Contains(p.Body, `id="consent-form"`) {
				p = p.form().submit("action", "allow")
			}
			got := w.poll(tv(), codes.Device).tokens(t)
			if sub := w.alive(got.Access).text(t, "sub"); sub != "alice" || strings.Contains(p.Body, "page-device-done") && !strings.Contains(p.Body, "alice") && sub != "alice" {
				t.Errorf("the device is %s's", sub)
			}
			if list, _ := w.store.FindGrants(t.Context(), store.GrantQuery{Subject: "mallory"}, store.Page{}); len(list) != 0 {
				t.Errorf("grants = %v", list)
			}
		},
		"decision replay: a consent that was posted before gives nothing more": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, nil)
			f := b.authorize(web()).form()
			code := f.submit("action", "allow").code()
			b.w.token(web(), web().exchange(code)).tokens(t)
			for _, action := range []string{"allow", "deny", "switch"} {
				if p := f.post("action", action); strings.Contains(p.Header.Get("Location"), "code=") {
					t.Errorf("%s: to %q", action, p.Header.Get("Location"))
				}
			}
		},
		"sign-in replay: a session cookie that was signed out is nobody's": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, func(s *setup) { s.AccountPage = true })
			name, value := b.sessionCookie()
			b.open(applicationsPath).form().submit("action", "signout")
			thief := newBrowser(b.w)
			thief.cookies[name] = value
			if p := thief.authorize(web()); !strings.Contains(p.Body, `id="login-form"`) {
				t.Errorf("%d %s", p.Status, p.url)
			}
		},
		"token replay: a token that was revoked, or is over, is dead at once": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), jwtWeb()} {
				w := newWorld(t, a, nil)
				got := w.login(p)
				w.revoke(p, got.Refresh).status(t, 200)
				w.dead(p, got.Access, got.Refresh)
				over := w.login(p)
				w.clock.Pass(over.ExpiresIn)
				w.get(t, "/api", "Authorization", "Bearer "+over.Access).refused(t, 401, "invalid_token")
			}
		},
		"registration replay: a token that was replaced or whose client is gone manages nothing": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(r *server.Registration, _ *setup) { r.Open = true })
			c := w.manage(t, registrant())
			c.delete(t).status(t, 204)
			for _, ans := range []*answer{c.get(t), c.put(t, registrant().with("client_id", c.id)), c.delete(t)} {
				if ans.Status != http.StatusUnauthorized {
					t.Errorf("%d %s", ans.Status, ans.Body)
				}
			}
		},
	}
}
