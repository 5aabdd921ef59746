package adaptertest

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
)

// enter types a user code into the page, and returns the next one.
func (b *browser) enter(code string) *page {
	b.t.Helper()
	return b.open("/device").form().submit("user_code", code)
}

// signIn fills in the built-in sign-in page, if that is what p is.
func (p *page) signIn(name string) *page {
	p.b.t.Helper()
	if !strings.Contains(p.Body, `id="login-form"`) {
		return p
	}
	return p.form().submit("username", name, "password", "password of "+name, "action", "login")
}

// is checks the status and returns p.
func (p *page) is(status int) *page {
	p.b.t.Helper()
	p.status(p.b.t, status)
	return p
}

// connect types a user code, confirms it and signs in, up to the form that asks for consent.
func (b *browser) connect(code, name string) form {
	b.t.Helper()
	p := b.enter(code)
	if !strings.Contains(p.Body, `id="device-confirm-form"`) {
		b.t.Fatalf("page = %q, want the question whether the device shows the code", p.Body)
	}
	p = p.form().submit("action", "confirm").signIn(name)
	if !strings.Contains(p.Body, `id="consent-form"`) {
		b.t.Fatalf("page at %s = %q, want the one that asks", p.url, p.Body)
	}
	return p.form()
}

// done allows it.
func (f form) done() {
	f.b.t.Helper()
	p := f.submit("action", "allow")
	if p.Status != 200 || !strings.Contains(p.Body, `id="page-device-done"`) {
		f.b.t.Fatalf("page at %s = %d %q, want the one that says it is done", p.url, p.Status, p.Body)
	}
}

// fields are those that a browser sends with the form.
func (f form) fields() []string {
	all := append([]string{"Content-Type", "application/x-www-form-urlencoded", "Origin", f.b.w.url, "Sec-Fetch-Site", "same-origin"}, f.b.fields...)
	var pairs []string
	for name, value := range f.b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	return append(all, "Cookie", strings.Join(pairs, "; "))
}

// brokenLimiter cannot tell, except of passwords.
type brokenLimiter struct{}

// Try implements server.Limiter.
func (brokenLimiter) Try(_ context.Context, a server.Attempt) (time.Duration, error) {
	if a.What == server.PasswordAttempt {
		return 0, nil
	}
	return 0, errors.New("secret detail of the limiter")
}

// Done implements server.Limiter.
func (brokenLimiter) Done(context.Context, server.Attempt, server.Outcome) {}

// devicePages are the cases of what people see of RFC 8628.
func devicePages() cases {
	start := func(t *testing.T, a Adapter, change func(s *setup)) (*world, *browser) {
		t.Helper()
		w := newWorld(t, a, devices(change))
		return w, newBrowser(w)
	}
	has := func(t *testing.T, p *page, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if no, without := strings.CutPrefix(text, "!"); strings.Contains(p.Body, no) == without {
				t.Errorf("page at %s = %d %q: %q", p.url, p.Status, p.Body, text)
			}
		}
	}
	return cases{
		"a code is typed in any case, with spaces and dashes": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			letters := strings.ReplaceAll(c.User, "-", "")
			for _, typed := range []string{c.User, letters, strings.ToLower(c.User), " " + strings.Join(strings.Split(letters, ""), "  ") + " ", strings.ReplaceAll(c.User, "-", "\u2013"), letters[:2] + "-" + letters[2:]} {
				has(t, b.enter(typed), `id="device-confirm"`, c.User)
			}
		},
		"every page has the header fields that guard it, and the client is shown to who is signed in": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv(), "scope", "read write")
			enter := b.open("/device")
			has(t, enter, `id="page-device"`, `id="device-form"`, `name="user_code"`, `id="user-code"`, `id="device-submit"`)
			confirm := enter.form().submit("user_code", c.User)
			has(t, confirm, `id="page-device"`, c.User, `id="device-warning"`, "!The tv app")
			login := confirm.form().submit("action", "confirm")
			has(t, login, `id="login-form"`, "!The tv app")
			consent := login.signIn("alice")
			has(t, consent, "The tv app", c.User, `id="device-warning"`, "Read your things", "All of them.", "The alice", `!id="redirect-host"`)
			done := consent.form().submit("action", "allow")
			has(t, done, `id="page-device-done"`, "The tv app")
			for _, p := range []*page{enter, confirm, login, consent, done} {
				p.fields(t, "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "X-Content-Type-Options", "nosniff", "X-Frame-Options", "DENY", "Access-Control-Allow-Origin", "")
				if policy := p.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "form-action") {
					t.Errorf("Content-Security-Policy = %q", policy)
				}
			}
			next := w.codes(tv())
			has(t, b.enter(next.User), "The tv app", next.User, `id="device-confirm"`) // signed in by now
		},
		"a link with the code asks as well, and a link to a later page leads back to the question": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			p := b.open(c.Complete)
			has(t, p, c.User, `id="device-confirm-form"`, `!id="login-form"`)
			login := p.form().submit("action", "confirm")
			has(t, login, `id="login-form"`)
			victim := newBrowser(w)
			victim.fields = append(victim.fields, "Sec-Fetch-Site", "cross-site")
			has(t, victim.open(login.url), c.User, `id="device-confirm-form"`)
			_, handle, _ := strings.Cut(login.url, "?")
			for _, path := range []string{"/device?", "/authorize?", "/interaction/consent?"} {
				has(t, victim.open(path+handle), c.User, `id="device-confirm-form"`)
			}
		},
		"whether a code exists is told to nobody who is not signed in": func(t *testing.T, a Adapter) {
			for _, own := range []bool{false, true} {
				w, _ := start(t, a, func(s *setup) {
					if own {
						ownPages(s)
					}
				})
				c := w.codes(tv(), "scope", "read write admin", "resource", "https://one.example.com")
				see := func(code string) []int {
					b := newBrowser(w)
					p := b.enter(code)
					first := len(p.Body)
					form := p.form()
					confirmed := form.post("action", "confirm")
					to := confirmed.Header.Get("Location")
					login := confirmed.follow()
					if login.Status != 200 || !strings.Contains(login.url, "login") {
						t.Fatalf("page at %s = %d", login.url, login.Status)
					}
					return []int{first, len(to), len(login.url), len(login.Body)}
				}
				given, guess := see(c.User), see("BBBB-BBBB")
				for i := range given { // random bytes are not of one length in JSON; what is asked for would be a hundred bytes more
					if diff := given[i] - guess[i]; diff < -40 || diff > 40 {
						t.Errorf("own pages %v: a real code looks like %v, a guess like %v", own, given, guess)
					}
				}
			}
		},
		"who cancels at the sign-in denies nobody anything": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			p := b.enter(c.User).form().submit("action", "confirm").form().submit("action", "cancel")
			has(t, p, `id="device-form"`)
			has(t, b.enter(c.User).form().submit("action", "cancel"), `id="device-form"`)
			w.poll(tv(), c.Device).refused(t, 400, "authorization_pending")
			b.connect(c.User, "alice").done()
		},
		"guesses are answered ever more slowly, right ones too": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			miss := func(p *page) { t.Helper(); has(t, p.is(200), `id="device-error"`, `id="device-form"`) }
			miss(b.enter("BBBB-BBBB").form().submit("action", "confirm").signIn("alice"))
			for range 4 {
				miss(b.enter("BBBB-BBBC"))
			}
			has(t, b.enter("VOWEL"), `id="device-error"`) // no code at all, and no guess
			p := b.enter(c.User)
			p.status(t, 429)
			p.fields(t, "Retry-After", "1", "Content-Type", "text/html; charset=utf-8")
			has(t, p, "Too many", `id="device-form"`, "!"+c.User)
			again := newBrowser(w) // another session is the same person
			again.enter(c.User).form().submit("action", "confirm").signIn("alice").status(t, 429)
			for _, wait := range []string{"2", "4", "8", "16", "30", "30"} {
				w.clock.Pass(30 * time.Second)
				miss(b.enter("BBBB-BBBC"))
				p = b.enter(c.User)
				p.status(t, 429)
				p.fields(t, "Retry-After", wait)
			}
			newBrowser(w).connect(c.User, "bob").done() // whom it does not hold up
			w.clock.Pass(30 * time.Second)
			c = w.codes(tv())
			b.connect(c.User, "").done()
		},
		"a limiter that cannot tell lets nobody on": func(t *testing.T, a Adapter) {
			w, b := start(t, a, func(s *setup) { s.Limiter = brokenLimiter{} })
			c := w.codes(box())
			p := b.enter(c.User).form().submit("action", "confirm")
			has(t, p.signIn("alice").is(500), `id="page-error"`, "!secret detail")
			w.device(tv(), url.Values{"scope": {"read"}}).refused(t, 500, "server_error")
		},
		"a decision counts once, and the same one again is answered the same": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			form := b.connect(c.User, "alice")
			other := newBrowser(w).connect(c.User, "bob")
			form.done()
			form.done()
			has(t, other.submit("action", "allow").is(410), `id="page-error"`)
			has(t, other.submit("action", "deny").is(410), `id="page-error"`)
			has(t, form.submit("action", "deny").is(410), `id="page-error"`)
			if sub := w.alive(w.poll(tv(), c.Device).tokens(t).Access).text(t, "sub"); sub != "alice" {
				t.Errorf("subject = %q", sub)
			}
			has(t, form.submit("action", "allow").is(410), `id="page-error"`)
			c = w.codes(tv())
			form, other = b.connect(c.User, ""), newBrowser(w).connect(c.User, "bob")
			has(t, form.submit("action", "deny"), `id="page-device-denied"`)
			has(t, form.submit("action", "deny"), `id="page-device-denied"`)
			has(t, other.submit("action", "allow"), `id="page-device-denied"`)
			w.poll(tv(), c.Device).refused(t, 400, "access_denied")
		},
		"forms of other sites, other browsers and other users decide nothing": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			form := b.connect(c.User, "alice")
			for name, x := range map[string][]string{
				"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"}, "a foreign origin": {"Origin", "https://evil.example"},
			} {
				for _, path := range []string{form.action, "/device"} {
					if p := b.send("POST", path, with(form.values, "action", "allow", "user_code", c.User), x...); p.Status != 403 {
						t.Errorf("%s at %s: %d", name, path, p.Status)
					}
				}
			}
			if p := b.send("POST", form.action, with(form.values, "action", "allow", "csrf", "x")); p.Status != 403 {
				t.Errorf("wrong token: %d", p.Status)
			}
			stranger := newBrowser(w)
			stranger.open("/device")
			if p := stranger.send("POST", form.action, with(form.values, "action", "allow")); p.Status != 403 {
				t.Errorf("another browser: %d", p.Status)
			}
			b.send("POST", "/device", url.Values{"user_code": {c.User}}).status(t, 400)
			b.send("POST", "/device", url.Values{"user_code": {c.User}, "handle": {"x"}}).status(t, 410)
			switched := form.submit("action", "switch").signIn("bob")
			has(t, form.submit("action", "allow").is(403), `id="page-error"`)
			w.poll(tv(), c.Device).refused(t, 400, "authorization_pending")
			switched.form().done()
			if sub := w.alive(w.poll(tv(), c.Device).tokens(t).Access).text(t, "sub"); sub != "bob" {
				t.Errorf("subject = %q", sub)
			}
		},
		"pages end after half an hour, and begin again": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			p := b.open("/device")
			w.clock.Pass(30 * time.Minute)
			has(t, p.form().submit("user_code", "BBBB-BBBB").is(410), `href="/device"`)
			c := w.codes(tv())
			has(t, b.open("/device?user_code="+c.User+"&user_code=x").is(400), `id="page-error"`)
			b.connect(c.User, "alice").done()
		},
		"hostile codes are shown as text": func(t *testing.T, a Adapter) {
			_, b := start(t, a, nil)
			for _, typed := range []string{`"><script>alert(1)</script>`, "\x00", "\xff\xfe", "\u202e", strings.Repeat("B", 8000), "BBBB-BBBB\r\nX: y"} {
				p := b.open("/device?user_code=" + url.QueryEscape(typed))
				if p.Status != 200 && p.Status != 400 {
					t.Errorf("%.20q: %d", typed, p.Status)
				}
				has(t, p, "!<script>alert", "!\u202e")
			}
			has(t, b.enter(`"><script>alert(1)</script>`), "!<script>alert", `id="device-error"`)
		},
		"consent is neither remembered for a device nor of one": func(t *testing.T, a Adapter) {
			w, b := start(t, a, func(s *setup) {
				s.Clients[0] = web().client("authorization_code", oauth2.GrantDeviceCode)
			})
			b.authorize(web()).signIn("alice").form().submit("action", "allow").code()
			b.authorize(web()).code()
			c := w.codes(web())
			b.connect(c.User, "").done()
			c = w.codes(web(), "scope", "write")
			b.connect(c.User, "").done()
			has(t, b.authorize(web(), "scope", "write"), `id="consent-form"`)
		},
		"a client that nobody is asked about is still shown with its code": func(t *testing.T, a Adapter) {
			w, b := start(t, a, func(s *setup) { s.Clients[len(s.Clients)-2].Policy.Consent = "never" })
			c := w.codes(tv())
			p := b.enter(c.User).form().submit("action", "confirm").signIn("alice")
			has(t, p, "The tv app", c.User, `id="device-confirm-form"`)
			w.poll(tv(), c.Device).refused(t, 400, "authorization_pending")
			has(t, p.form().submit("action", "confirm"), `id="page-device-done"`)
			w.poll(tv(), c.Device).tokens(t)
			// Who is signed in is asked once.
			c = w.codes(tv())
			has(t, b.open(c.Complete).form().submit("action", "confirm"), `id="page-device-done"`)
		},
		"an application decides with pages of its own": func(t *testing.T, a Adapter) {
			w, b := start(t, a, func(s *setup) {
				ownPages(s)
				s.SignIn = nil
				decide := s.Decide
				s.Decide = func(c Ctx, ask *server.Ask) (server.Answer, error) {
					if !ask.Device() || ask.RedirectHost() != "" || ask.Action() != "/device" {
						t.Errorf("ask: device %v, to %q at %s", ask.Device(), ask.RedirectHost(), ask.Action())
					}
					c.SetHeader("X-User-Code", ask.UserCode())
					return decide(c, ask)
				}
			})
			c := w.codes(tv(), "scope", "read write")
			login := b.enter(c.User).form().submit("action", "confirm")
			if !strings.Contains(login.url, "/login?lang=en&return_to=%2Fdevice%3Fhandle%3D") {
				t.Fatalf("page at %s", login.url)
			}
			p := login.form().submit("user", "alice")
			has(t, p, "alice at ", "Read your things")
			p.fields(t, "X-User-Code", c.User)
			p.form().submit("verdict", "allow", "scope", "read")
			if got := w.poll(tv(), c.Device).tokens(t); got.Scope != "read" || w.alive(got.Access).text(t, "sub") != "alice" {
				t.Errorf("tokens = %+v", got)
			}
			for _, no := range [][]string{{}, {"verdict", "allow"}} { // none of the scopes is no, too
				c = w.codes(tv())
				has(t, b.enter(c.User).form().submit("action", "confirm").form().submit(no...), `id="page-device-denied"`)
				w.poll(tv(), c.Device).refused(t, 400, "access_denied")
			}
			has(t, b.enter("BBBB-BBBB").form().submit("action", "confirm"), `id="device-error"`)
		},
		"what an application approves without a page is asked with ours": func(t *testing.T, a Adapter) {
			w, b := start(t, a, func(s *setup) {
				s.Decide = func(c Ctx, _ *server.Ask) (server.Answer, error) { return always(c, s.clock) }
			})
			c := w.codes(tv())
			p := b.enter(c.User).form().submit("action", "confirm")
			has(t, p, "The tv app", c.User, `id="device-confirm-form"`)
			w.poll(tv(), c.Device).refused(t, 400, "authorization_pending")
			b.fields = append(b.fields, "X-User", "bob") // who came meanwhile is asked anew
			p = p.form().submit("action", "confirm")
			has(t, p, "The tv app", `id="device-confirm-form"`)
			p = p.form().submit("action", "confirm")
			has(t, p, `id="page-device-done"`)
			has(t, b.open(p.url), `id="page-device-done"`) // a reload
			if sub := w.alive(w.poll(tv(), c.Device).tokens(t).Access).text(t, "sub"); sub != "bob" {
				t.Errorf("subject = %q", sub)
			}
			b.open(p.url).status(t, 410)
			has(t, b.enter("BBBB-BBBB").form().submit("action", "confirm"), `id="device-error"`)
		},
		"errors are JSON for what is no browser": func(t *testing.T, a Adapter) {
			w, _ := start(t, a, nil)
			ans := w.get(t, "/device?handle=x")
			ans.status(t, 410)
			if ans.text(t, "error") != "invalid_request" {
				t.Errorf("body = %s", ans.Body)
			}
		},
	}
}
