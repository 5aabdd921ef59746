package adaptertest

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

func loginsOAuth1() cases {
	return cases{
		"a login ends with who came back, where it began, and with credentials that sign": func(t *testing.T, a Adapter) {
			for how, o := range logins1() {
				b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
					app := s.apps[o.Name]
					app.Method, app.Placement, app.Realm, app.RequestTokenMethod, app.TokenMethod = o.Method, o.Placement, o.Realm, o.RequestTokenMethod, o.TokenMethod
				}))
				at := b.begin(o.Name, "?return_to="+url.QueryEscape("/cart?step=2"))
				if q := at.Query(); len(q) != 1 || q.Get("oauth_token") == "" || !strings.HasPrefix(at.String(), b.l.url+"/oauth1/authorize?") {
					t.Errorf("%s: the browser is sent to %s", how, at)
				}
				done := b.open(b.approve(at)).signed(t, o.Name)
				done.fields(t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer")
				if done.text(t, "return_to") != "/cart?step=2" || done.json(t)["bearer"] != false {
					t.Errorf("%s: signed in with %s", how, done.Body)
				}
				if left := b.flows(); len(left) != 0 {
					t.Errorf("%s: cookies are left: %v", how, left)
				}
				b.kept(o.Name)
			}
		},
		"two apps, and one of OAuth 2, finish in any order in one browser": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
				s.more = append(s.more, client.OAuth2{Name: "home", Credentials: client.Credentials{ID: "home", Secret: homeSecret}, Scopes: []string{"read"}})
				s.provider = func(w *setup) {
					w.Clients = append(w.Clients, party{"home", homeSecret, "client_secret_basic", s.BaseURL + "/auth/home/callback"}.client("authorization_code"))
				}
			}))
			first, second, third, modern := b.callback("plain"), b.callback("other"), b.callback("plain"), b.callback("home")
			if n := len(b.flows()); n != 4 {
				t.Errorf("%d cookies of logins, want 4", n)
			}
			b.open(third).signed(t, "plain")
			b.open(modern).signed(t, "home")
			b.open(first).signed(t, "plain")
			b.open(second).signed(t, "other")
			if left := b.flows(); len(left) != 0 {
				t.Errorf("cookies are left: %v", left)
			}
		},
		"realms are asked for, and fewer than that are no error": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
				s.apps["plain"].Scopes = []string{"read", "write"}
				s.provider = func(w *setup) {
					w.Decide = func(_ Ctx, ask *server.Ask) (server.Answer, error) {
						if asked := string(ask.Request.Details.Scopes); asked != "read write" {
							t.Errorf("the provider was asked for %q", asked)
						}
						return server.ApproveScopes(server.User{Subject: "alice", AuthTime: w.clock.Now()}, []string{"read"}), nil
					}
				}
			}))
			done := b.open(b.callback("plain")).signed(t, "plain").json(t)
			if done["first"] != "read" || done["scopes"] != 1.0 || done["missing"] != 1.0 {
				t.Errorf("signed in with %v", done)
			}
		},
		"what else the provider says is there": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
				s.provider = func(w *setup) { w.OAuth1.Extra = sayUserID }
			}))
			if got := b.open(b.callback("plain")).signed(t, "plain").text(t, "user_id"); got != "alice's" {
				t.Errorf("user_id = %q", got)
			}
		},
		"an answer that is posted is as good as a redirect": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			b.send(http.MethodPost, "/auth/plain/callback", b.callback("plain").Query()).signed(t, "plain")
		},
		"a login that the user denies is Denied": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
				s.provider = func(w *setup) { w.Decide = denying }
			}))
			b.open(b.callback("plain")).unsigned(t, 403, client.Denied)
			if left := b.flows(); len(left) != 0 {
				t.Errorf("cookies are left: %v", left)
			}
			b.open(b.callback("plain"), "Accept", "text/html", "Sec-Fetch-Mode", "navigate").status(t, 403).
				fields(t, "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "X-Frame-Options", "DENY")
		},
		"denied= and oauth_problem=user_refused are Denied, too": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			for _, answer := range []string{"denied=", "oauth_problem=user_refused&oauth_token="} {
				token := b.begin("plain", "").Query().Get("oauth_token")
				b.send(http.MethodGet, "/auth/plain/callback?"+answer+token, nil).unsigned(t, 403, client.Denied)
			}
		},
		"the application's own page gets the provider's code, status and words": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
				s.apps["plain"].Credentials.Secret = "another-secret"
				s.Error = func(c Ctx, err *client.Error) error {
					return c.JSON(0, map[string]any{"kind": string(err.Kind), "app": err.App, "code": string(err.Code), "status": err.Status, "body": string(err.Body), "text": err.Description})
				}
			}))
			m := b.send(http.MethodGet, "/auth/plain/login", nil).status(t, 502).json(t)
			body, _ := m["body"].(string)
			if m["kind"] != "provider error" || m["app"] != "plain" || m["code"] != "signature_invalid" || m["status"] != 401.0 || !strings.Contains(body, "oauth_problem=signature_invalid") || m["text"] == "" {
				t.Errorf("the error is %v", m)
			}
			m = b.send(http.MethodGet, "/auth/other/callback?"+b.begin("other", "").RawQuery+"&oauth_problem=server_error&oauth_problem_advice=it+broke", nil).status(t, 502).json(t)
			if m["kind"] != "provider error" || m["code"] != "server_error" || m["text"] != "it broke" || m["status"] != 0.0 {
				t.Errorf("the error is %v", m)
			}
		},
		"a consumer that the provider does not know is told so": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) { s.apps["plain"].Credentials.ID = "nobody" }))
			b.send(http.MethodGet, "/auth/plain/login", nil).unsigned(t, 502, client.Provider)
		},
		"a callback that is not registered is refused by the provider": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) { s.apps["plain"].CallbackState = true }))
			b.send(http.MethodGet, "/auth/plain/login", nil).unsigned(t, 502, client.Provider)
			if left := b.flows(); len(left) != 0 {
				t.Errorf("a login that did not begin has the cookie %v", left)
			}
		},
		"a provider that is away is Unreachable, at either step": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
				o := s.apps["plain"]
				o.RequestTokenURL, o.AuthURL, o.TokenURL = "http://127.0.0.1:1/a", "http://127.0.0.1:1/b", "http://127.0.0.1:1/c"
				s.Fetcher = countingFetcher(t, "token", func(*mandate.FetchRequest) *mandate.Response { return &mandate.Response{Status: 503} })
			}))
			b.send(http.MethodGet, "/auth/plain/login", nil).unsigned(t, 502, client.Unreachable)
			b.open(b.callback("other")).unsigned(t, 502, client.Unreachable)
		},
		"an answer without a verifier is Malformed": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			b.open(changed(b.callback("plain"), "oauth_verifier", "")).unsigned(t, 400, client.Malformed)
		},
		"a profile that cannot be had is no sign-in": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) { s.apps["plain"].ProfileURL = "/nothing" }))
			b.open(b.callback("plain")).unsigned(t, 502, client.Provider)
		},
		"credentials that the user took back are refused by the API, and a new login brings new ones": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			b.open(b.callback("plain")).signed(t, "plain")
			b.kept("plain")
			if _, err := b.l.srv.RevokeGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.BySubject); err != nil {
				t.Fatal(err)
			}
			resp, err := b.l.reg.App("plain").API("alice").Get(t.Context(), "/old", nil)
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := errors.AsType[*client.Error](resp.Err()); !ok || e.Kind != client.BadStatus || e.Status != 401 || e.Code != oauth1.TokenRevoked {
				t.Errorf("the API says %v", resp.Err())
			}
			b.open(b.callback("plain")).signed(t, "plain")
			b.kept("plain")
			if err := b.l.reg.App("plain").Disconnect(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			if _, err := b.l.reg.App("plain").API("alice").Get(t.Context(), "/old", nil); !errors.Is(err, client.NoToken) {
				t.Errorf("after Disconnect: error = %v, want NoToken", err)
			}
		},
	}
}

// sayUserID is an OAuth1.Extra.
func sayUserID(_ context.Context, i server.OAuth1Issue) ([]mandate.Field, error) {
	return []mandate.Field{{Name: "user_id", Value: i.Subject + "'s"}}, nil
}

func loginAttacksOAuth1() cases {
	return cases{
		"the token of another login, made up or another's, signs nobody in": func(t *testing.T, a Adapter) {
			l := newLogin1World(t, a, nil)
			b, other := newTabs(l), newTabs(l)
			back, foreign := b.callback("plain"), other.callback("plain")
			for _, token := range []string{"", "x", foreign.Query().Get("oauth_token"), back.Query().Get("oauth_token") + "x", strings.Repeat("A", 2000)} {
				b.open(changed(back, "oauth_token", token)).unsigned(t, 400, client.StateMissing)
			}
			b.open(back).signed(t, "plain") // nothing of that burned it
		},
		"tokens swapped between two tabs: each verifier opens its own login alone (RFC 5849, 2.3)": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			one, two := b.callback("plain"), b.callback("plain")
			b.open(changed(one, "oauth_verifier", two.Query().Get("oauth_verifier"))).unsigned(t, 502, client.Provider)
			b.open(two).signed(t, "plain")
		},
		"an attacker's answer in a victim's browser signs nobody in (login CSRF; session fixation of OAuth 1.0)": func(t *testing.T, a Adapter) {
			l := newLogin1World(t, a, nil)
			attacker, victim := newTabs(l), newTabs(l)
			back := attacker.callback("plain")
			victim.open(back).unsigned(t, 400, client.StateMissing)
			victim.begin("plain", "") // a login of his own does not help
			victim.open(back).unsigned(t, 400, client.StateMissing)
			attacker.open(back).signed(t, "plain")
		},
		"a victim's approval of an attacker's request leads to no browser of the attacker": func(t *testing.T, a Adapter) {
			l := newLogin1World(t, a, nil)
			attacker, victim := newTabs(l), newTabs(l)
			at := attacker.begin("plain", "")
			back := victim.approve(at) // lured to the provider's page
			victim.open(back).unsigned(t, 400, client.StateMissing)
			attacker.send(http.MethodGet, "/auth/plain/callback?oauth_token="+at.Query().Get("oauth_token")+"&oauth_verifier=guess", nil).unsigned(t, 502, client.Provider)
		},
		"a forged verifier is refused by the provider": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			for _, verifier := range []string{"x", strings.Repeat("A", 22), "\x00", "v&oauth_token=y"} {
				b.open(changed(b.callback("plain"), "oauth_verifier", verifier)).status(t, map[bool]int{true: 400, false: 502}[verifier == "\x00"])
			}
			if b.cookies["signed-in"] != "" {
				t.Error("somebody was signed in")
			}
		},
		"replay: an answer works once in its browser, and with a copy of the cookie the provider refuses it": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			back := b.callback("plain")
			thief := &tabs{t, b.l, maps.Clone(b.cookies)}
			b.open(back).signed(t, "plain")
			b.open(back).unsigned(t, 400, client.StateMissing)
			thief.open(back).unsigned(t, 502, client.Provider)
			b.kept("plain")
		},
		"replay: where replays are remembered a copy of the cookie reaches no provider": func(t *testing.T, a Adapter) {
			asked := 0
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
				s.Replay = a.NewStore(t)
				s.Fetcher = countingFetcher(t, "token", func(*mandate.FetchRequest) *mandate.Response { asked++; return nil })
			}))
			back := b.callback("plain")
			thief := &tabs{t, b.l, maps.Clone(b.cookies)}
			b.open(back).signed(t, "plain")
			thief.open(back).unsigned(t, 400, client.StateMissing)
			if asked != 1 {
				t.Errorf("the provider was asked %d times, want once", asked)
			}
		},
		"a provider that confirms no callback is not OAuth 1.0a, and begins nothing": func(t *testing.T, a Adapter) {
			for _, more := range []string{"", "&oauth_callback_confirmed=false", "&oauth_callback_confirmed="} {
				b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
					s.Fetcher = countingFetcher(t, "request token", func(*mandate.FetchRequest) *mandate.Response {
						return &mandate.Response{Status: 200, Body: []byte("oauth_token=a&oauth_token_secret=b" + more)}
					})
				}))
				b.send(http.MethodGet, "/auth/plain/login", nil).unsigned(t, 502, client.Mismatch)
				if left := b.flows(); len(left) != 0 {
					t.Errorf("cookies are left: %v", left)
				}
			}
		},
		"the answer to one app at the callback of another is no sign-in, and its verifier goes nowhere": func(t *testing.T, a Adapter) {
			asked := 0
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
				s.Fetcher = countingFetcher(t, "token", func(*mandate.FetchRequest) *mandate.Response { asked++; return nil })
			}))
			back := b.callback("plain")
			there := *back
			there.Path = "/auth/other/callback"
			b.open(&there).unsigned(t, 400, client.StateMissing)
			if asked != 0 {
				t.Error("the verifier of one provider was sent to another")
			}
			b.open(back).signed(t, "plain")
		},
		"after ten minutes it is Expired, and nothing is asked for": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			back := b.callback("plain")
			b.l.clock.Pass(10 * time.Minute)
			b.open(back).unsigned(t, 400, client.Expired)
			if left := b.flows(); len(left) != 0 {
				t.Errorf("cookies are left: %v", left)
			}
		},
		"a parameter twice is Malformed": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			back := b.callback("plain")
			for _, name := range []string{"oauth_token", "oauth_verifier", "oauth_problem", "denied", "state", "error"} {
				twice := *back
				twice.RawQuery += "&" + name + "=1&" + name + "=2"
				b.open(&twice).unsigned(t, 400, client.Malformed)
			}
			b.open(back).signed(t, "plain")
		},
		"a cookie that was tampered with is none": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			back := b.callback("plain")
			name := b.flows()[0]
			value := b.cookies[name]
			for _, bad := range []string{value[:len(value)/2], value[:len(value)/2] + "AAAAAAAA" + value[len(value)/2+8:], "x"} {
				b.cookies[name] = bad
				b.open(back).unsigned(t, 400, client.StateMissing)
			}
			b.cookies[name] = value
			b.open(back).signed(t, "plain")
		},
		"the secret of temporary credentials is in no URL and in no cookie to read": func(t *testing.T, a Adapter) {
			secret := ""
			b := newTabs(newLogin1World(t, a, func(s *login1Setup) {
				s.Fetcher = countingFetcher(t, "request token", func(*mandate.FetchRequest) *mandate.Response {
					secret = "temporary-secret"
					return &mandate.Response{Status: 200, Body: []byte("oauth_token=a&oauth_token_secret=" + secret + "&oauth_callback_confirmed=true")}
				})
			}))
			at := b.begin("plain", "")
			if all := at.String() + b.cookies[b.flows()[0]]; secret == "" || strings.Contains(all, secret) || strings.Contains(all, consumerSecret) {
				t.Errorf("the secret is in %s", all)
			}
		},
		"hostile text of a provider reaches neither page nor header": func(t *testing.T, a Adapter) {
			b := newTabs(newLogin1World(t, a, nil))
			page := b.open(changed(b.callback("plain"), "oauth_problem", "<script>alert(1)</script>\r\nX-Evil: 1", "oauth_problem_advice", "<b>call 555</b>"),
				"Accept", "text/html", "Sec-Fetch-Mode", "navigate").status(t, 502)
			if strings.Contains(page.Body, "alert") || strings.Contains(page.Body, "call 555") || page.Header.Get("X-Evil") != "" {
				t.Errorf("the page is %q", page.Body)
			}
		},
	}
}
