package adaptertest

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// consents are the cases of what is remembered, and of whom nothing is.
func consents() cases {
	signedIn := func(t *testing.T, a Adapter, change func(s *setup)) *browser {
		t.Helper()
		w := newWorld(t, a, func(s *setup) {
			ownPages(s)
			if change != nil {
				change(s)
			}
		})
		b := newBrowser(w)
		b.cookies["app"] = "alice.0."
		return b
	}
	allow := func(b *browser, p party, changes ...string) {
		b.t.Helper()
		scopes := []string{"verdict", "allow"}
		for _, s := range []string{"read", "write", "admin", "open"} {
			scopes = append(scopes, "scope", s)
		}
		b.authorize(p, changes...).form().submit(scopes...).code()
	}
	silent := func(b *browser, p party, code string, changes ...string) {
		b.t.Helper()
		ans := b.authorize(p, append(changes, "prompt", "none")...)
		_, q := ans.params(b.t)
		if q.Get("error") != code || (q.Get("code") == "") != (code != "") {
			b.t.Errorf("Location = %q, want error %q", ans.Header.Get("Location"), code)
		}
	}
	list := cases{
		"what was allowed once is not asked again, and more is": func(t *testing.T, a Adapter) {
			b := signedIn(t, a, nil)
			silent(b, web(), "consent_required")
			allow(b, web(), "scope", "read write")
			silent(b, web(), "", "scope", "read")
			silent(b, web(), "", "scope", "write read")
			silent(b, web(), "consent_required", "scope", "read admin")
			allow(b, web(), "scope", "admin")
			silent(b, web(), "", "scope", "read write admin")
		},
		"what was left unticked is asked again": func(t *testing.T, a Adapter) {
			b := signedIn(t, a, nil)
			b.authorize(web(), "scope", "read write").form().submit("verdict", "allow", "scope", "read").code()
			silent(b, web(), "consent_required", "scope", "read write")
			silent(b, web(), "", "scope", "read")
		},
		"a resource that was not allowed is asked for": func(t *testing.T, a Adapter) {
			b := signedIn(t, a, nil)
			allow(b, web(), "resource", "https://one.example.com")
			silent(b, web(), "", "resource", "https://one.example.com/")
			silent(b, web(), "consent_required", "resource", "https://two.example.com/v1")
			silent(b, web(), "")
		},
		"it is one user's, for one client": func(t *testing.T, a Adapter) {
			b := signedIn(t, a, nil)
			allow(b, web())
			silent(b, post(), "consent_required")
			b.cookies["app"] = "bob.0."
			silent(b, web(), "consent_required")
		},
		"what is forgotten is asked for": func(t *testing.T, a Adapter) {
			b := signedIn(t, a, nil)
			allow(b, web())
			if err := b.w.store.DeleteConsent(t.Context(), "alice", "web"); err != nil {
				t.Fatal(err)
			}
			silent(b, web(), "consent_required")
		},
		"an approval without a form, and one for once, are not remembered": func(t *testing.T, a Adapter) {
			for _, once := range []bool{false, true} {
				w := newWorld(t, a, func(s *setup) {
					s.Decide = func(c Ctx, ask *server.Ask) (server.Answer, error) {
						user := server.User{Subject: "alice"}
						switch {
						case !once:
							return server.Approve(user), nil
						case ask.Submitted():
							return server.Approve(user).Once(), nil
						}
						return server.Page(func() error {
							return c.HTML(200, `<form action="`+ask.Action()+`">`+string(ask.Fields())+`</form>`)
						}), nil
					}
				})
				p := newBrowser(w).authorize(web())
				if once {
					p = p.form().submit()
				}
				p.code()
				if _, err := w.store.Consent(t.Context(), "alice", "web"); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("consent: error = %v, want not found", err)
				}
			}
		},
		"a client's own policy counts first": func(t *testing.T, a Adapter) {
			b := signedIn(t, a, func(s *setup) { s.Clients[0].Policy.Consent = "always"; s.Clients[1].Policy.Consent = "never" })
			allow(b, web())
			silent(b, web(), "consent_required")
			silent(b, post(), "")
		},
		"even an approval is no answer to a client that anybody could be": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			_, q := w.authorize(with(native().request(), "prompt", "none")).params(t)
			if q.Get("error") != "consent_required" {
				t.Errorf("answer = %v", q)
			}
			w.code(native())
		},
	}
	for name, row := range map[string]struct {
		change     func(c *store.Client)
		redirect   string
		remembered bool
	}{
		"a public client on loopback":                     {nil, "http://127.0.0.1:4711/cb", false},
		"a public client on IPv6 loopback":                {nil, "http://[::1]:4711/six", false},
		"a public client with a scheme of its own":        {nil, "com.example.app:/cb", false},
		"a public client whose identity is assumed":       {func(c *store.Client) { c.Policy.AssumeIdentity = true }, "com.example.app:/cb", true},
		"a public client with https":                      {func(c *store.Client) { c.Metadata.RedirectURIs = []string{"https://native.example.com/cb"} }, "https://native.example.com/cb", true},
		"a confidential client on loopback":               {confidential(""), "http://127.0.0.1/cb", true},
		"a confidential client that registered itself":    {confidential(store.ByRegistration), "http://127.0.0.1/cb", false},
		"a confidential client whose id is its own URL":   {confidential(store.ByDocument), "http://127.0.0.1/cb", false},
		"a public client with https that registered":      {https(store.ByRegistration), "https://native.example.com/cb", true},
		"a public client for whom nobody need be asked":   {func(c *store.Client) { c.Policy.Consent = "never" }, "com.example.app:/cb", false},
		"the same on loopback, with a port that is fixed": {func(c *store.Client) { c.Policy.Consent = "never" }, "http://localhost:8080/named", false},
	} {
		verdict := map[bool]string{true: "remembered: ", false: "never remembered: "}[row.remembered]
		list[verdict+name] = func(t *testing.T, a Adapter) {
			b := signedIn(t, a, func(s *setup) {
				if row.change != nil {
					row.change(s.Clients[3])
				}
			})
			allow(b, native(), "redirect_uri", row.redirect, "scope", "open")
			p := b.authorize(native(), "redirect_uri", row.redirect, "scope", "open")
			if row.remembered {
				p.code()
				silent(b, native(), "", "redirect_uri", row.redirect, "scope", "open")
				return
			}
			p.form()
			silent(b, native(), "consent_required", "redirect_uri", row.redirect, "scope", "open")
		}
	}
	return list
}

func confidential(origin store.Origin) func(c *store.Client) {
	return func(c *store.Client) {
		c.Origin, c.Metadata.AuthMethod, c.Secrets = origin, "client_secret_basic", []store.Secret{server.HashSecret("native-secret")}
	}
}

func https(origin store.Origin) func(c *store.Client) {
	return func(c *store.Client) {
		c.Origin, c.Metadata.RedirectURIs = origin, []string{"https://native.example.com/cb"}
	}
}

// strangers are the cases of clients that registered themselves: the browser is not sent to their sites for nothing.
func strangers() cases {
	world := func(t *testing.T, a Adapter, origin store.Origin) *browser {
		t.Helper()
		return newBrowser(newWorld(t, a, func(s *setup) {
			builtInPages(s)
			s.Clients[0].Origin = origin
		}))
	}
	wrong := []string{"scope", "unknown"}
	list := cases{
		"an operator's client is told at once": func(t *testing.T, a Adapter) {
			b := world(t, a, store.ByOperator)
			toldAs(t, b.w, b.authorize(web(), wrong...).answer, "invalid_scope", true)
			toldAs(t, b.w, b.authorize(web()).form().submit("action", "cancel").answer, "access_denied", true)
		},
	}
	for _, origin := range []store.Origin{store.ByRegistration, store.ByDocument} {
		list["a stranger's client gets a page with a link: "+string(origin)] = func(t *testing.T, a Adapter) {
			b := world(t, a, origin)
			for _, p := range []*page{b.authorize(web(), wrong...), b.authorize(web(), "scope", "open").form().submit("action", "cancel")} {
				p.status(t, 400)
				p.fields(t, "Location", "", "Cache-Control", "no-store", "Referrer-Policy", "no-referrer")
				if !strings.Contains(p.Body, `id="error-back"`) || !strings.Contains(p.Body, "app.example.com") || !strings.Contains(p.Body, "error=") {
					t.Errorf("the page does not name the way back: %q", p.Body)
				}
			}
		}
		list["a stranger's client is told where no page may be shown: "+string(origin)] = func(t *testing.T, a Adapter) {
			b := world(t, a, origin)
			toldAs(t, b.w, b.authorize(web(), append(wrong, "prompt", "none")...).answer, "invalid_scope", true)
			toldAs(t, b.w, b.authorize(web(), "scope", "open", "prompt", "none").answer, "login_required", true)
		}
		list["a stranger's client is told by a browser that is signed in: "+string(origin)] = func(t *testing.T, a Adapter) {
			b := world(t, a, origin)
			consent := b.authorize(web(), "scope", "open").form().submit("username", "alice", "password", "password of alice", "action", "login").form()
			toldAs(t, b.w, b.authorize(web(), wrong...).answer, "invalid_scope", true)
			toldAs(t, b.w, consent.submit("action", "deny").answer, "access_denied", true)
		}
		list["a stranger's client is told what the application's own user decided: "+string(origin)] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				ownPages(s)
				s.Clients[0].Origin = origin
			})
			b := newBrowser(w)
			b.cookies["app"] = "alice.0."
			toldAs(t, w, b.authorize(web(), "scope", "open").form().submit("verdict", "deny").answer, "access_denied", true)
		}
	}
	return list
}

// errorPages are the cases of what may not go to the client by redirect.
func errorPages() cases {
	unknown := "/authorize?" + with(web().request(), "client_id", "nobody").Encode()
	return cases{
		"an application's page has status and header fields before it is written": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Error = applicationError })
			for _, fields := range [][]string{nil, {"Accept", "text/html"}} {
				ans := w.get(t, unknown, fields...).status(t, 400)
				ans.fields(t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer", "X-Content-Type-Options", "nosniff", "Vary", "Accept, Sec-Fetch-Mode", "X-App", "yes")
				if ans.Body != "sorry: invalid_client" {
					t.Errorf("body = %q", ans.Body)
				}
			}
			ans := w.get(t, "/authorize?handle=garbage").status(t, http.StatusGone)
			if ans.Body != "sorry: invalid_request" {
				t.Errorf("body = %q", ans.Body)
			}
		},
		"an application's page may have a status of its own": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Error = func(c Ctx, _ *mandate.Error) error { return c.HTML(418, "teapot") } })
			w.get(t, unknown).status(t, 418)
		},
		"an ErrorURL is where browsers are sent, and nobody else": func(t *testing.T, a Adapter) {
			for given, want := range map[string]string{"https://app.example.com/sorry": "https://app.example.com/sorry?", "https://app.example.com/sorry?lang=en": "https://app.example.com/sorry?lang=en&"} {
				w := newWorld(t, a, func(s *setup) { s.ErrorURL = given })
				ans := w.get(t, unknown, "Accept", "text/html").status(t, 303)
				if to := ans.Header.Get("Location"); to != want+"error=invalid_client&error_description=client+is+unknown" {
					t.Errorf("Location = %q", to)
				}
				ans.fields(t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer")
				w.get(t, unknown).refused(t, 400, "invalid_client")
			}
		},
		"*/* alone is no browser": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			w.get(t, unknown, "Accept", "*/*", "Sec-Fetch-Mode", "cors").refused(t, 400, "invalid_client")
			w.get(t, unknown, "Accept", "application/json").refused(t, 400, "invalid_client")
		},
		"hostile text is shown as text": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { builtInPages(s); s.Clients[0].Metadata.Name = `<script>alert(1)</script>` })
			b := newBrowser(w)
			p := b.authorize(web(), "login_hint", `"><script>alert(2)</script>`)
			if strings.Contains(p.Body, "<script") {
				t.Errorf("a script is on the page: %q", p.Body)
			}
			p.form()
		},
	}
}
