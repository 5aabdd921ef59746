package adaptertest

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// attacks are the cases in which somebody works at more than one request.
func attacks() cases {
	return cases{
		"a cookie that no browser protects is not taken for one that is": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, builtInPages)
			attacker := newBrowser(w)
			attacker.authorize(web()).form().submit("username", "alice", "password", "password of alice", "action", "login")
			for name, value := range attacker.cookies {
				for _, space := range []string{"\u2000", "\u00a0", "\u0085", "\u3000", "\u2028"} {
					victim := newBrowser(w)
					victim.fields = append(victim.fields, "Cookie", space+name+"="+value)
					if p := victim.authorize(web()); !strings.Contains(p.Body, "page-login") {
						t.Errorf("cookie %q: %d %s, want the sign-in", space+name, p.Status, p.url)
					}
				}
				victim := newBrowser(w)
				victim.fields = append(victim.fields, "Cookie", name+"="+value+"; "+name+"=x")
				if p := victim.authorize(web()); !strings.Contains(p.Body, "page-login") {
					t.Errorf("cookie %q twice: %d %s, want the sign-in", name, p.Status, p.url)
				}
			}
		},
		"101 scopes are too many, wherever they stand": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			var many strings.Builder
			for i := range 101 {
				many.WriteString(strconv.Itoa(i) + " ")
			}
			_, q := w.authorize(with(web().request(), "scope", many.String())).params(t)
			if q.Get("error") != "invalid_scope" {
				t.Errorf("error = %q, want invalid_scope", q.Get("error"))
			}
			refresh := w.login(web()).Refresh
			w.token(web(), with(refreshing(refresh), "scope", many.String())).refused(t, 400, "invalid_scope")
			w.refresh(web(), refresh)
			for _, name := range []string{"response_type", "prompt"} {
				_, q := w.authorize(with(web().request(), name, many.String()+many.String())).params(t)
				if q.Get("error") != "invalid_request" {
					t.Errorf("%s of %d words: error = %q, want invalid_request", name, 202, q.Get("error"))
				}
			}
		},
		"a code stays used as long as its decision can be sent again": func(t *testing.T, a Adapter) {
			for _, p := range []party{post(), jwtWeb()} {
				b := signedInWorld(t, a, func(s *setup) {
					s.TokenTTL = 5 * time.Minute
					for _, c := range s.Clients {
						if c.ID == p.id {
							c.Metadata.GrantTypes = []string{"authorization_code"}
						}
					}
				})
				consent := b.authorize(p).form()
				code := consent.submit("action", "allow").code()
				b.w.token(p, p.exchange(code)).tokens(t)
				for range 3 {
					b.w.clock.Pass(9 * time.Minute)
					if _, err := b.w.store.Prune(t.Context(), b.w.clock.Now(), 1000); err != nil {
						t.Fatal(err)
					}
					consent.submit("action", "allow").status(t, http.StatusGone)
					b.w.token(p, p.exchange(code)).refused(t, 400, "invalid_grant")
				}
				b.w.clock.Pass(4 * time.Minute)
				consent.submit("action", "allow").status(t, http.StatusGone)
			}
		},
		"a redirect URI that was taken from the client gets nothing more": func(t *testing.T, a Adapter) {
			p := party{"moving", "moving-secret-0123456789", "client_secret_basic", "https://old.example.com/cb"}
			var clients store.ClientWriter
			b := signedInWorld(t, a, func(s *setup) {
				var ok bool
				if clients, ok = s.store.(store.ClientWriter); !ok {
					t.Fatal("the store of the suite is no store.ClientWriter")
				}
				if err := clients.PutClient(t.Context(), p.client("authorization_code")); err != nil {
					t.Fatal(err)
				}
			})
			consent := b.authorize(p, "redirect_uri", "").form()
			have, err := b.w.store.Client(t.Context(), p.id)
			if err != nil {
				t.Fatal(err)
			}
			moved := have.Clone()
			moved.Metadata.RedirectURIs = []string{"https://new.example.com/cb"}
			if err := clients.PutClient(t.Context(), moved); err != nil {
				t.Fatal(err)
			}
			if to := consent.post("action", "allow").Header.Get("Location"); strings.Contains(to, "code=") {
				t.Errorf("the code goes to %s", to)
			}
		},
		"opening a large request again and again is one row": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, ownPages)
			q := with(web().request(), "state", strings.Repeat("s", 2000), "nonce", strings.Repeat("n", 1000))
			to := newBrowser(w).send(http.MethodPost, "/authorize", q).Header.Get("Location")
			for range 20 {
				newBrowser(w).send(http.MethodGet, to, nil)
			}
			rows, err := w.store.Prune(t.Context(), w.clock.Now().Add(24*time.Hour), 1000)
			if err != nil || rows != 1 {
				t.Errorf("%d rows are left of 20 visits, %v, want one", rows, err)
			}
		},
		"a decision that is refused is not remembered": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, nil)
			consent := b.authorize(web(), "scope", "read write").form()
			b.w.token(web(), web().exchange(consent.submit("action", "allow").code())).tokens(t)
			if err := b.w.store.DeleteConsent(t.Context(), "alice", "web"); err != nil {
				t.Fatal(err)
			}
			consent.submit("action", "allow").status(t, http.StatusGone)
			if c, err := b.w.store.Consent(t.Context(), "alice", "web"); err == nil {
				t.Errorf("the withdrawn consent is back: %q", c.Scopes)
			}
		},
		"a session that another sign-in replaced is over": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, nil)
			b.authorize(web(), "prompt", "consent").form()
			old := newBrowser(b.w)
			maps.Copy(old.cookies, b.cookies)
			b.w.clock.Pass(time.Minute)
			b.authorize(web(), "prompt", "login").form().submit("username", "alice", "password", "password of alice", "action", "login")
			if p := old.authorize(web()); !strings.Contains(p.Body, "page-login") {
				t.Errorf("the old cookie still signs in: %d %s", p.Status, p.url)
			}
		},
		"what an application cannot mean is a fault and no approval": func(t *testing.T, a Adapter) {
			for name, answer := range map[string]func(*setup) server.Answer{
				"a page without a function": func(*setup) server.Answer { return server.Page(nil) },
				"a subject that is not UTF-8": func(s *setup) server.Answer {
					return server.Approve(server.User{Subject: "\xff", AuthTime: s.clock.Now()})
				},
				"a subject with a NUL": func(s *setup) server.Answer {
					return server.Approve(server.User{Subject: "a\x00b", AuthTime: s.clock.Now()})
				},
				"a subject with a line break": func(s *setup) server.Answer {
					return server.Approve(server.User{Subject: "a\nb", AuthTime: s.clock.Now()})
				},
			} {
				w := newWorld(t, a, func(s *setup) {
					s.Decide = func(Ctx, *server.Ask) (server.Answer, error) { return answer(s), nil }
				})
				_, q := w.authorize(web().request()).params(t)
				if q.Get("error") != "server_error" || q.Get("error_description") != "" {
					t.Errorf("%s: %v, want server_error without a text", name, q)
				}
			}
		},
	}
}

// signedInWorld returns a browser in which alice is signed in at the built-in pages.
func signedInWorld(t *testing.T, a Adapter, change func(s *setup)) *browser {
	t.Helper()
	b := newBrowser(newWorld(t, a, func(s *setup) {
		builtInPages(s)
		if change != nil {
			change(s)
		}
	}))
	b.authorize(web()).form().submit("username", "alice", "password", "password of alice", "action", "login")
	return b
}
