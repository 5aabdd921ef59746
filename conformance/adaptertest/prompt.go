package adaptertest

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/server"
)

// ownPages makes s decide with an application's own sign-in and consent page, as its documentation shows it. The session is the
// cookie "app": subject, time of the sign-in in milliseconds, and perhaps how strongly.
func ownPages(s *setup) {
	clock := s.clock
	s.Decide = func(c Ctx, ask *server.Ask) (server.Answer, error) {
		user, ok := appUser(c)
		switch {
		case !ok || !ask.Accepts(user):
			return server.SignIn("/login?lang=en"), nil
		case ask.Submitted() && c.Form("verdict") == "allow":
			return server.ApproveScopes(user, c.Forms("scope")), nil
		case ask.Submitted():
			return server.Deny(), nil
		case ask.Remembered(c.Context(), user):
			return server.Approve(user), nil
		}
		return server.Page(func() error {
			var boxes strings.Builder
			for _, scope := range ask.Scopes {
				boxes.WriteString(`<label><input type="checkbox" name="scope" value="` + scope.Name + `">` + scope.Title + `</label>`)
			}
			return c.HTML(0, `<form method="post" action="`+ask.Action()+`">`+string(ask.Fields())+boxes.String()+`<button name="verdict" value="allow">`+user.Subject+` at `+ask.RedirectHost()+`</button></form>`)
		}), nil
	}
	more := s.more
	s.more = func(w *world) {
		if more != nil {
			more(w)
		}
		w.app.Handle(http.MethodGet, "/login", w.app.Route(func(c Ctx) error {
			return c.HTML(200, `<form method="post" action="/login"><input type="hidden" name="return_to" value="`+c.Query("return_to")+`"></form>`)
		}))
		w.app.Handle(http.MethodPost, "/login", w.app.Route(func(c Ctx) error {
			clock.Pass(time.Millisecond)
			value := c.Form("user") + "." + strconv.FormatInt(clock.Now().UnixMilli(), 10) + "." + c.Form("acr")
			c.SetCookie("app", value)
			return c.Redirect(http.StatusSeeOther, c.ReturnTo(w.srv, "/home"))
		}))
		w.app.Handle(http.MethodGet, "/home", w.app.Route(func(c Ctx) error { return c.HTML(200, "home") }))
	}
}

func appUser(c Ctx) (server.User, bool) {
	parts := strings.Split(c.Cookie("app"), ".")
	if len(parts) != 3 || parts[0] == "" {
		return server.User{}, false
	}
	at, _ := strconv.ParseInt(parts[1], 10, 64)
	return server.User{Subject: parts[0], SessionID: parts[0] + parts[1], AuthTime: time.UnixMilli(at), ACR: parts[2]}, true
}

// prompts are the cases of prompt, max_age and acr_values (OpenID Connect Core, section 3.1.2.1), which plain OAuth has too.
func prompts() cases {
	own := func(t *testing.T, a Adapter) *browser {
		t.Helper()
		return newBrowser(newWorld(t, a, ownPages))
	}
	// signedIn is a browser that allowed web everything, and whose sign-in is an hour old.
	signedIn := func(t *testing.T, a Adapter) *browser {
		t.Helper()
		b := own(t, a)
		b.authorize(web()).form().submit("user", "alice").form().submit("verdict", "allow", "scope", "read").code()
		b.w.clock.Pass(time.Hour)
		return b
	}
	// told checks that the browser was sent to the client with an error.
	told := func(b *browser, p *page, code string) {
		b.t.Helper()
		_, q := p.params(b.t)
		if q.Get("error") != code || q.Get("state") != "xyz" || q.Get("iss") != b.w.url {
			b.t.Errorf("Location = %q, want error=%s", p.Header.Get("Location"), code)
		}
	}
	return cases{
		"prompt none without a session is login_required": func(t *testing.T, a Adapter) {
			b := own(t, a)
			told(b, b.authorize(web(), "prompt", "none"), "login_required")
			if len(b.cookies) > 0 {
				t.Errorf("cookies = %v, want none", b.cookies)
			}
		},
		"prompt none without consent is consent_required, and no page is rendered": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			told(b, b.authorize(web(), "prompt", "none", "scope", "write"), "consent_required")
		},
		"prompt none with session and consent is a code": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			b.w.token(web(), web().exchange(b.authorize(web(), "prompt", "none").code())).tokens(t)
		},
		"prompt none where something else is to be done is interaction_required": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) { return server.Interact("/terms"), nil }
			})
			b := newBrowser(w)
			told(b, b.authorize(web(), "prompt", "none"), "interaction_required")
			p := b.send(http.MethodGet, "/authorize?"+web().request().Encode(), nil)
			if to := p.Header.Get("Location"); !strings.HasPrefix(to, "/terms?return_to=%2Fauthorize%3Fhandle%3D") {
				t.Errorf("Location = %q", to)
			}
		},
		"prompt none with max_age that is over is login_required": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			told(b, b.authorize(web(), "prompt", "none", "max_age", "3599"), "login_required")
			b.authorize(web(), "prompt", "none", "max_age", "3601").code()
		},
		"prompt login asks for a sign-in that is new, once": func(t *testing.T, a Adapter) {
			for _, word := range []string{"login", "select_account"} {
				b := signedIn(t, a)
				p := b.authorize(web(), "prompt", word)
				if !strings.Contains(p.url, "/login?") {
					t.Fatalf("%s: the browser is at %s", word, p.url)
				}
				p.form().submit("user", "alice").code()
			}
		},
		"prompt consent asks although it is remembered": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			b.authorize(web()).code()
			b.authorize(web(), "prompt", "consent").form().submit("verdict", "allow", "scope", "read").code()
			b.authorize(web(), "prompt", "login consent").form().submit("user", "alice").form().submit("verdict", "allow", "scope", "read").code()
		},
		"max_age asks for a sign-in that is new, once": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			b.authorize(web(), "max_age", "3601").code()
			b.authorize(web(), "max_age", "3599").form().submit("user", "alice").code()
			b.w.clock.Pass(time.Second)
			b.authorize(web(), "max_age", "0").form().submit("user", "alice").code()
		},
		"acr_values asks for a stronger sign-in": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			told(b, b.authorize(web(), "prompt", "none", "acr_values", "gold silver"), "login_required")
			b.authorize(web(), "acr_values", "gold silver").form().submit("user", "alice", "acr", "silver").code()
			b.w.clock.Pass(time.Hour)
			b.authorize(web(), "prompt", "none", "acr_values", "gold silver").code()
		},
		"an approval of a sign-in that is too old is login_required": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) {
					return server.Approve(server.User{Subject: "alice", AuthTime: s.clock.Now().Add(-time.Hour)}), nil
				}
			})
			toldAs(t, w, w.authorize(with(web().request(), "max_age", "60")), "login_required", true)
			toldAs(t, w, w.authorize(with(web().request(), "prompt", "login")), "login_required", true)
			w.code(web())
		},
		"the sign-in is in the token": func(t *testing.T, a Adapter) {
			b := own(t, a)
			code := b.authorize(web()).form().submit("user", "alice", "acr", "gold").form().submit("verdict", "allow", "scope", "read").code()
			at := b.w.clock.Now().Unix()
			got := b.w.token(web(), web().exchange(code)).tokens(t)
			if m := b.w.introspect(web(), got.Access).json(t); m["acr"] != "gold" || m["auth_time"] != float64(at) {
				t.Errorf("introspection = %v", m)
			}
		},
	}
}

// wishes are what a client says about the page, which the application may follow.
func wishes() cases {
	world := func(t *testing.T, a Adapter) *world {
		t.Helper()
		return newWorld(t, a, func(s *setup) {
			s.Decide = func(_ Ctx, ask *server.Ask) (server.Answer, error) {
				q := &ask.Request
				switch {
				case q.Wants("create"):
					return server.SignIn("/signup?locale=" + q.UILocales), nil
				case q.LoginHint != "":
					return server.Interact("/who?hint=" + q.LoginHint), nil
				}
				return server.Approve(server.User{Subject: "alice"}), nil
			}
		})
	}
	return cases{
		"a prompt that the server does not know is the application's": func(t *testing.T, a Adapter) {
			w := world(t, a)
			if to := w.authorize(with(web().request(), "prompt", "create", "ui_locales", "de")).status(t, 303).Header.Get("Location"); !strings.HasPrefix(to, "/signup?locale=de&return_to=") {
				t.Errorf("Location = %q", to)
			}
			w.code(web(), "prompt", "whatever")
			toldAs(t, w, w.authorize(with(web().request(), "prompt", "none create")), "invalid_request", true)
		},
		"a hint may lead to a page, and without pages to an error": func(t *testing.T, a Adapter) {
			w := world(t, a)
			if to := w.authorize(with(web().request(), "login_hint", "bob")).status(t, 303).Header.Get("Location"); !strings.HasPrefix(to, "/who?hint=bob&return_to=") {
				t.Errorf("Location = %q", to)
			}
			toldAs(t, w, w.authorize(with(web().request(), "login_hint", "bob", "prompt", "none")), "interaction_required", true)
		},
	}
}
