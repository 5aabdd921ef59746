package adaptertest

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/fetch"
)

func loginAttacks() cases {
	return cases{
		"state: an answer without one, or with one that is made up, signs nobody in (RFC 6749, 10.12)": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			back := b.callback("home")
			made := back.Query().Get("state")
			for _, state := range []string{"", "x", made + "A", made[:26], strings.Repeat("A", len(made)), made[:20] + "AAAAAAA", strings.Repeat("=", len(made))} {
				b.open(changed(back, "state", state)).unsigned(t, 400, client.StateMissing)
			}
			b.open(back).signed(t, "home") // nothing of that burned it
		},
		"state: an attacker's answer in a victim's browser signs nobody in (login CSRF)": func(t *testing.T, a Adapter) {
			l := newLoginWorld(t, a, nil)
			attacker, victim := newTabs(l), newTabs(l)
			back := attacker.callback("home")
			victim.open(back).unsigned(t, 400, client.StateMissing)
			victim.begin("home", "") // a login of his own does not help
			victim.open(back).unsigned(t, 400, client.StateMissing)
			attacker.open(back).signed(t, "home")
		},
		"state: an error without one is not believed either": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			b.send(http.MethodGet, "/auth/home/callback?error=access_denied", nil).unsigned(t, 400, client.StateMissing)
		},
		"state: a parameter twice is Malformed (RFC 6749, 3.1)": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			back := b.callback("home")
			for _, name := range []string{"state", "code", "iss", "error"} {
				twice := *back
				twice.RawQuery += "&" + name + "=1&" + name + "=2"
				b.open(&twice).unsigned(t, 400, client.Malformed)
			}
			b.open(back).signed(t, "home")
		},
		"state: after ten minutes it is Expired, with the cookie and without": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			at := b.begin("home", "")
			b.l.clock.Pass(10*time.Minute - time.Second)
			b.open(b.approve(at)).signed(t, "home")
			late := b.callback("home")
			b.l.clock.Pass(10 * time.Minute)
			b.open(late).unsigned(t, 400, client.Expired)
			b.open(late).unsigned(t, 400, client.Expired)
			b.open(b.callback("home")).signed(t, "home")
		},
		"cookie swapping: the cookie of one login under the name of another opens nothing": func(t *testing.T, a Adapter) {
			l := newLoginWorld(t, a, nil)
			attacker, victim := newTabs(l), newTabs(l)
			back := attacker.callback("home")
			victim.begin("home", "")
			name, value := attacker.flows()[0], victim.cookies[victim.flows()[0]]
			victim.cookies[name] = value
			victim.open(back).unsigned(t, 400, client.StateMissing)
			if _, ok := victim.cookies[name]; ok {
				t.Error("the cookie that opens nothing is left")
			}
		},
		"cookie swapping: a cookie that comes twice is none": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			back := b.callback("home")
			name := b.flows()[0]
			b.cookies["a"] = "1; " + name + "=planted"
			b.open(back).unsigned(t, 400, client.StateMissing)
		},
		"cookie swapping: a changed cookie opens nothing": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			back := b.callback("home")
			name := b.flows()[0]
			whole := b.cookies[name]
			for _, value := range []string{whole[:len(whole)-4], whole[4:], whole + "AAAA", strings.ToLower(whole), otherwise(whole), "%00", "x"} {
				b.cookies[name] = value
				b.open(back).unsigned(t, 400, client.StateMissing)
			}
		},
		"cookie swapping: the cookie of another application with the same secret opens nothing": func(t *testing.T, a Adapter) {
			secret := mandate.NewRandomSecret()
			one := newTabs(newLoginWorld(t, a, func(s *loginSetup) { s.Secret = secret }))
			two := newTabs(newLoginWorld(t, a, func(s *loginSetup) { s.Secret = secret }))
			back := one.callback("home")
			two.begin("home", "")
			from, own := one.flows()[0], two.flows()[0]
			if from[:len("mandate-login-")+8] == own[:len("mandate-login-")+8] {
				t.Errorf("two applications on one host share the name %q", from)
			}
			state := back.Query().Get("state")
			two.cookies[own[:len("mandate-login-")+9]+state] = one.cookies[from]
			there := *back
			there.Host = two.l.shop.addr
			two.open(&there).unsigned(t, 400, client.StateMissing)
		},
		"mix-up: an answer of another issuer is a Mismatch (RFC 9207, 2.4)": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			for _, iss := range []string{"https://evil.example.com", b.l.issuer + "/", ""} {
				b.open(changed(b.callback("home"), "iss", iss)).unsigned(t, 502, client.Mismatch)
			}
		},
		"mix-up: an error of another issuer is a Mismatch, too": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			b.open(changed(b.callback("home"), "iss", "https://evil.example.com", "code", "", "error", "access_denied")).unsigned(t, 502, client.Mismatch)
		},
		"mix-up: the answer to one app at the callback of another is a Mismatch (RFC 9700, 4.4)": func(t *testing.T, a Adapter) {
			asked := 0
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.Fetcher = countingFetcher(t, "token", func(*mandate.FetchRequest) *mandate.Response { asked++; return nil })
			}))
			back := b.callback("home")
			back.Path = "/auth/away/callback"
			b.open(back).unsigned(t, 502, client.Mismatch)
			if asked != 0 {
				t.Error("the code of one provider was sent to another")
			}
		},
		"PKCE: the code of another login is refused by the provider (RFC 9700, 4.5)": func(t *testing.T, a Adapter) {
			l := newLoginWorld(t, a, nil)
			attacker, victim := newTabs(l), newTabs(l)
			stolen := victim.callback("home").Query().Get("code")
			attacker.open(changed(attacker.callback("home"), "code", stolen)).unsigned(t, 502, client.Provider)
		},
		"PKCE: the verifier is in no URL and in no cookie to read": func(t *testing.T, a Adapter) {
			verifier := ""
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.Fetcher = countingFetcher(t, "token", func(r *mandate.FetchRequest) *mandate.Response {
					form, _ := url.ParseQuery(r.Body)
					verifier = form.Get("code_verifier")
					return nil
				})
			}))
			at := b.begin("home", "")
			cookie := b.cookies[b.flows()[0]]
			back := b.approve(at)
			b.open(back).signed(t, "home")
			if verifier == "" || strings.Contains(at.String()+back.String()+cookie, verifier) {
				t.Errorf("verifier %q is in %s, %s or %s", verifier, at, back, cookie)
			}
		},
		"replay: an answer works once in its browser": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			back := b.callback("home")
			b.open(back).signed(t, "home")
			b.open(back).unsigned(t, 400, client.StateMissing)
		},
		"replay: with a copy of the cookie the provider refuses the code": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			back := b.callback("home")
			thief := &tabs{t, b.l, maps.Clone(b.cookies)}
			b.open(back).signed(t, "home")
			thief.open(back).unsigned(t, 502, client.Provider)
		},
		"replay: where replays are remembered a copy of the cookie reaches no provider": func(t *testing.T, a Adapter) {
			asked := 0
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.Replay = a.NewStore(t)
				s.Fetcher = countingFetcher(t, "token", func(*mandate.FetchRequest) *mandate.Response { asked++; return nil })
			}))
			back := b.callback("home")
			thief := &tabs{t, b.l, maps.Clone(b.cookies)}
			b.open(back).signed(t, "home")
			thief.open(back).unsigned(t, 400, client.StateMissing)
			if asked != 1 {
				t.Errorf("the token endpoint was asked %d times, want once", asked)
			}
		},
		"open redirect: return_to stays on this host": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			for target, want := range map[string]string{
				"/cart?a=b": "/cart?a=b", b.l.shop.url + "/cart": "/cart", b.l.shop.url: "/", b.l.shop.url + "?a=b": "/?a=b",
				"": "/", "cart": "/", "//evil.example.com": "/", "/\\evil.example.com": "/", "/\t/evil.example.com": "/", "\t//evil.example.com": "/",
				"https://evil.example.com/": "/", "javascript:alert(1)": "/", b.l.shop.url + "@evil.example.com/": "/", b.l.shop.url + ".evil.example.com/": "/",
				"/\r\nSet-Cookie: a=b": "/", "/%": "/", "/x" + strings.Repeat("y", 2000): "/", "/ü": "/", b.l.shop.url + "//evil.example.com": "/",
			} {
				done := b.open(b.approve(b.begin("home", "?return_to="+url.QueryEscape(target)))).signed(t, "home")
				if got := done.text(t, "return_to"); got != want {
					t.Errorf("return_to %q became %q, want %q", target, got, want)
				}
			}
		},
		"hostile text of a provider reaches neither page nor header": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			page := b.open(changed(b.callback("home"), "code", "", "error", "<script>alert(1)</script>\r\nX-Evil: 1", "error_description", "<b>call 555</b>"),
				"Accept", "text/html", "Sec-Fetch-Mode", "navigate").status(t, 502)
			if strings.Contains(page.Body, "alert") || strings.Contains(page.Body, "call 555") || page.Header.Get("X-Evil") != "" {
				t.Errorf("the page is %q", page.Body)
			}
		},
		"broken percent-encoding is Malformed": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			for _, query := range []string{"state=%", "state=%ff", "code=%00"} {
				b.send(http.MethodGet, "/auth/home/callback?"+query, nil).unsigned(t, 400, client.Malformed)
			}
		},
	}
}

func countingFetcher(t *testing.T, purpose string, seen func(r *mandate.FetchRequest) *mandate.Response) mandate.Fetcher {
	t.Helper()
	f, err := fetch.New(fetch.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return counting{f, purpose, seen}
}
