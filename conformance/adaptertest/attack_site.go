package adaptertest

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// crossSite sends a form as a browser does that another site makes post it: the victim's cookies come along as if SameSite were not there.
func (b *browser) crossSite(action string, values url.Values) *page {
	b.t.Helper()
	return b.send(http.MethodPost, action, values, "Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site", "Referer", "https://evil.example.com/")
}

// siteAttacks are attacks of another site, or another browser, on the pages: RFC 9700, sections 2.6 (CORS), 4.7 (CSRF) and 4.16 (clickjacking); RFC 6819,
// sections 4.4.1.6 (session impersonation), 4.4.1.8 (CSRF), 4.4.1.9 (clickjacking) and 4.4.1.10 (resource owner impersonation); RFC 8628, section 5.4.
func siteAttacks() cases {
	// everything is a browser in which alice is signed in, with all pages on.
	everything := func(t *testing.T, a Adapter) *browser {
		t.Helper()
		b := signedInWorld(t, a, func(s *setup) {
			devices(nil)(s)
			s.AccountPage = true
		})
		b.authorize(post()).form().submit("action", "allow").code() // something that can be lost
		b.w.clock.Pass(time.Second)
		return b
	}
	// unchanged checks that nobody decided anything for alice.
	unchanged := func(b *browser) {
		b.t.Helper()
		list, err := b.w.store.FindGrants(b.t.Context(), store.GrantQuery{Subject: "alice"}, store.Page{})
		sessions, fail := b.w.store.FindSessions(b.t.Context(), "alice", b.w.clock.Now(), store.Page{})
		if err != nil || fail != nil || len(list) != 1 || list[0].ClientID != "post" || !list[0].AliveAt(b.w.clock.Now()) || len(sessions) != 1 {
			b.t.Errorf("grants = %+v, sessions = %+v, %v %v", list, sessions, err, fail)
		}
	}
	// forms are those of all pages that alice sees, each with what its victim would press.
	forms := func(b *browser) map[string]struct {
		form
		press []string
	} {
		b.t.Helper()
		type pressed = struct {
			form
			press []string
		}
		tv := b.w.codes(tv())
		return map[string]pressed{
			"consent":      {b.authorize(web()).form(), []string{"action", "allow"}},
			"denial":       {b.authorize(web()).form(), []string{"action", "deny"}},
			"sign-in":      {b.authorize(web(), "prompt", "login").form(), []string{"username", "mallory", "password", "password of mallory", "action", "login"}},
			"accounts":     {b.authorize(web(), "prompt", "select_account").form(), []string{"action", "another"}},
			"applications": {b.open(applicationsPath).form(), []string{"revoke", "post"}},
			"sign-out":     {b.open(applicationsPath).form(), []string{"action", "signout"}},
			"device":       {b.enter(tv.User).form(), []string{"action", "confirm"}},
		}
	}
	list := cases{
		"CSRF: a form that another site posts decides nothing, on any page": func(t *testing.T, a Adapter) {
			b := everything(t, a)
			for what, f := range forms(b) {
				v := with(f.values, f.press...)
				for how, p := range map[string]*page{
					"cross-site, with the right token":        b.crossSite(f.action, v),
					"same-site, with the right token":         b.send(http.MethodPost, f.action, v, "Sec-Fetch-Site", "same-site"),
					"another origin and an old browser":       b.send(http.MethodPost, f.action, v, "Origin", "https://evil.example.com"),
					"a sibling's origin":                      b.send(http.MethodPost, f.action, v, "Origin", b.w.url+".evil.example.com"),
					"our origin on another port":              b.send(http.MethodPost, f.action, v, "Origin", "http://127.0.0.1:1"),
					"a sandboxed frame, with a token made up": b.send(http.MethodPost, f.action, with(v, "csrf", strings.Repeat("A", 22)), "Origin", "null"),
					"no token": b.send(http.MethodPost, f.action, with(v, "csrf", "")),
				} {
					if p.Status != 403 || p.Header.Get("Location") != "" || p.Header.Get("Set-Cookie") != "" {
						t.Errorf("%s, %s: %d to %q %q", what, how, p.Status, p.Header.Get("Location"), p.Header.Get("Set-Cookie"))
					}
				}
				p := b.send(http.MethodPost, f.action, with(v, "handle", ""))
				if p.Status < 400 || p.Header.Get("Location") != "" {
					t.Errorf("%s without a handle: %d to %q", what, p.Status, p.Header.Get("Location"))
				}
			}
			unchanged(b)
		},
		"CSRF: the attacker's own handle and token are worth nothing in the victim's browser": func(t *testing.T, a Adapter) {
			b := everything(t, a)
			attacker := newBrowser(b.w)
			attacker.authorize(post()).signIn("mallory").form().submit("action", "allow").code()
			b.w.clock.Pass(time.Second)
			mine := forms(attacker)
			for what, theirs := range forms(b) {
				f := mine[what]
				b.send(http.MethodPost, f.action, with(f.values, f.press...)).is(403)
				b.send(http.MethodPost, theirs.action, with(theirs.values, append(theirs.press, "csrf", f.values.Get("csrf"))...)).is(403)
				b.send(http.MethodPost, theirs.action, with(f.values, append(theirs.press, "csrf", theirs.values.Get("csrf"))...)).is(403)
			}
			unchanged(b)
		},
		"CSRF: one page's token is no other request's": func(t *testing.T, a Adapter) {
			b := everything(t, a)
			all := forms(b)
			for one, f := range all {
				for other, g := range all {
					if one == other {
						continue
					}
					b.send(http.MethodPost, f.action, with(f.values, append(f.press, "csrf", g.values.Get("csrf"))...)).is(403)
				}
			}
			unchanged(b)
		},
		"CSRF: a link decides nothing, nor does a body that is no form": func(t *testing.T, a Adapter) {
			b := everything(t, a)
			for what, f := range forms(b) {
				v := with(f.values, f.press...)
				if p := b.send(http.MethodGet, f.action+"?"+v.Encode(), nil); strings.Contains(p.Header.Get("Location"), "code=") || strings.Contains(p.Header.Get("Set-Cookie"), "session") {
					t.Errorf("GET of %s: %d to %q", what, p.Status, p.Header.Get("Location"))
				}
				for _, kind := range []string{"text/plain", "application/json", "multipart/form-data; boundary=x", ""} {
					cookies := []string{}
					for name, value := range b.cookies {
						cookies = append(cookies, name+"="+value)
					}
					ans := b.w.do(t, http.MethodPost, f.action, v.Encode(), "Content-Type", kind, "Cookie", strings.Join(cookies, "; "), "Accept", "text/html")
					if ans.Status < 400 || ans.Header.Get("Location") != "" {
						t.Errorf("%s as %q: %d to %q", what, kind, ans.Status, ans.Header.Get("Location"))
					}
				}
			}
			unchanged(b)
		},
		"CSRF: a request that another site begins is shown and not decided": func(t *testing.T, a Adapter) {
			b := everything(t, a)
			p := b.crossSite("/authorize", with(web().request(), "action", "allow", "csrf", "x", "prompt", "")).follow()
			if !strings.Contains(p.Body, `id="consent-form"`) {
				t.Errorf("the page is %d %s", p.Status, p.url)
			}
			unchanged(b)
		},
		"login CSRF: nobody is signed in to the attacker's account by another site": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, builtInPages)
			attacker, b := newBrowser(w), newBrowser(w)
			f := attacker.authorize(web()).form()
			press := []string{"username", "mallory", "password", "password of mallory", "action", "login"}
			for range 2 { // without cookies, and with some
				p := b.crossSite(f.action, with(f.values, press...))
				if p.is(403); p.Header.Get("Set-Cookie") != "" {
					t.Errorf("Set-Cookie = %q", p.Header.Get("Set-Cookie"))
				}
				p = b.send(http.MethodPost, f.action, with(f.values, press...))
				if p.is(403); p.Header.Get("Set-Cookie") != "" {
					t.Errorf("Set-Cookie = %q", p.Header.Get("Set-Cookie"))
				}
				b.authorize(web())
			}
			if _, value := b.sessionCookie(); value != "" {
				t.Error("the victim has a session")
			}
		},
		"logout CSRF: no other site signs anybody out": func(t *testing.T, a Adapter) {
			b := everything(t, a)
			f := b.open(applicationsPath).form()
			for _, v := range []url.Values{{"action": {"signout"}}, with(f.values, "action", "signout", "csrf", ""), with(f.values, "action", "signout")} {
				if p := b.crossSite(f.action, v); p.Status < 400 || p.Header.Get("Set-Cookie") != "" {
					t.Errorf("%v: %d %q", v, p.Status, p.Header.Get("Set-Cookie"))
				}
			}
			b.send(http.MethodGet, f.action+"?"+with(f.values, "action", "signout").Encode(), nil)
			unchanged(b)
			if p := b.authorize(web()); !strings.Contains(p.Body, `id="consent-form"`) {
				t.Errorf("alice is signed out: %s", p.url)
			}
		},
		"session fixation: a session that was planted is not the one that signs in": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, builtInPages)
			attacker := newBrowser(w)
			attacker.authorize(web()).signIn("mallory")
			name, planted := attacker.sessionCookie()
			b := newBrowser(w)
			b.cookies[name] = planted
			b.w.clock.Pass(time.Second)
			b.authorize(web(), "prompt", "login").form().submit("username", "alice", "password", "password of alice", "action", "login").form().submit("action", "allow").code()
			if p := attacker.authorize(web()); strings.Contains(p.Body, "alice") {
				t.Errorf("the planted cookie is alice's: %s", p.Body)
			}
			attacker.cookies[name] = planted
			if p := attacker.authorize(web(), "prompt", "none"); strings.Contains(p.Header.Get("Location"), "code=") {
				t.Errorf("the planted cookie has alice's consent: %s", p.Header.Get("Location"))
			}
		},
		"session fixation: a binding cookie that was planted signs nobody in by itself": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, builtInPages)
			attacker, b := newBrowser(w), newBrowser(w)
			f := attacker.authorize(web()).form()
			maps.Copy(b.cookies, attacker.cookies) // tossed from a sibling domain
			b.authorize(web()).signIn("alice").form().submit("action", "allow").code()
			if p := attacker.authorize(web()); !strings.Contains(p.Body, `id="login-form"`) {
				t.Errorf("the attacker is at %s", p.url)
			}
			// The flow that the attacker began stays the attacker's: the victim's session is not in it.
			if p := attacker.send(http.MethodPost, "/interaction/consent", with(f.values, "action", "allow")); strings.Contains(p.Header.Get("Location"), "code=") {
				t.Errorf("a code goes to %s", p.Header.Get("Location"))
			}
		},
		"cookie tossing: two cookies of one name are nobody's, whichever comes first": func(t *testing.T, a Adapter) {
			b := everything(t, a)
			name, value := b.sessionCookie()
			attacker := newBrowser(b.w)
			attacker.authorize(web()).signIn("mallory")
			_, tossed := attacker.sessionCookie()
			for _, pair := range []string{name + "=" + tossed + "; " + name + "=" + value, name + "=" + value + "; " + name + "=" + tossed} {
				victim := newBrowser(b.w)
				victim.fields = append(victim.fields, "Cookie", pair)
				if p := victim.authorize(web()); strings.Contains(p.Body, "alice") || strings.Contains(p.Body, "mallory") || !strings.Contains(p.Body, `id="login-form"`) {
					t.Errorf("%d %s: %s", p.Status, p.url, p.Body)
				}
			}
		},
		"clickjacking: no page can be framed, the application's own and the one that posts neither": func(t *testing.T, a Adapter) {
			b := everything(t, a)
			own := newBrowser(newWorld(t, a, ownPages))
			own.cookies["app"] = "alice.0."
			tv := b.w.codes(tv())
			signedOut := newBrowser(b.w)
			pages := map[string]*page{
				"sign-in": signedOut.authorize(web()), "wrong password": signedOut.authorize(web()).form().submit("username", "alice", "password", "x", "action", "login"),
				"consent": b.authorize(web()), "accounts": b.authorize(web(), "prompt", "select_account"), "applications": b.open(applicationsPath), "device": b.open("/device"), "device code": b.enter(tv.User),
				"device code by link": b.open("/device?user_code=" + tv.User), "wrong device code": b.enter("nothing"), "error": b.open("/authorize"), "over": b.open("/authorize?handle=x"),
				"form_post": b.authorize(post(), "response_mode", "form_post"), "application's own": own.authorize(web()), "no applications": signedOut.open(applicationsPath),
			}
			pages["consent of a device"] = b.enter(tv.User).form().submit("action", "confirm")
			pages["device done"] = pages["consent of a device"].form().submit("action", "allow")
			for what, p := range pages {
				policy := strings.Join(p.Header.Values("Content-Security-Policy"), ", ")
				p.fields(t, "X-Frame-Options", "DENY", "X-Content-Type-Options", "nosniff", "Cache-Control", "no-store")
				if !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe-") || len(p.Header.Values("Content-Security-Policy")) != 1 {
					t.Errorf("%s at %s: %d, Content-Security-Policy = %q", what, p.url, p.Status, policy)
				}
			}
		},
		"device phishing: a link with somebody's code decides nothing without the question whose it is": func(t *testing.T, a Adapter) {
			b := everything(t, a)
			codes := b.w.codes(tv())
			p := b.open("/device?user_code=" + codes.User + "&action=confirm&csrf=x")
			if !strings.Contains(p.Body, `id="device-confirm-form"`) || !strings.Contains(p.Body, codes.User) || !strings.Contains(p.Body, `id="device-warning"`) {
				t.Fatalf("page = %s", p.Body)
			}
			// Nor does a later page's link lead past it, in a browser that did not come that way.
			next := p.form().post("action", "confirm").Header.Get("Location")
			other := newBrowser(b.w)
			name, value := b.sessionCookie()
			other.cookies[name] = value
			if p := other.open(next); !strings.Contains(p.Body, `id="device-confirm-form"`) {
				t.Errorf("the link leads to %s: %s", p.url, p.Body)
			}
			b.w.poll(tv(), codes.Device).refused(t, 400, "authorization_pending")
		},
		"resource owner impersonation: a consent that a script posts needs the page that was shown": func(t *testing.T, a Adapter) {
			b := everything(t, a)
			// All that a client has from the outside: its request, and a cookie-bearing agent. It cannot make the handle of a page.
			for _, v := range []url.Values{
				with(web().request(), "action", "allow"), {"client_id": {"web"}, "action": {"allow"}, "scope": {"read"}}, {"handle": {"e30"}, "csrf": {"e30"}, "action": {"allow"}},
			} {
				for _, path := range []string{"/interaction/consent", "/authorize"} {
					if p := b.send(http.MethodPost, path, v); strings.Contains(p.follow().Header.Get("Location"), "code=") {
						t.Errorf("POST %s %v gives a code", path, v)
					}
				}
			}
			unchanged(b)
		},
	}
	list["CORS: no page answers a script of another site"] = func(t *testing.T, a Adapter) {
		b := everything(t, a)
		for _, path := range []string{"/authorize?" + web().request().Encode(), "/interaction/login", "/interaction/consent", "/interaction/accounts", applicationsPath, "/device"} {
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
				ans := b.w.do(t, method, path, "", "Origin", "https://evil.example.com", "Access-Control-Request-Method", "POST", "Accept", "text/html")
				ans.fields(t, "Access-Control-Allow-Origin", "", "Access-Control-Allow-Credentials", "", "Access-Control-Allow-Methods", "")
			}
		}
	}
	return list
}
