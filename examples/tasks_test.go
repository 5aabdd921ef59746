package examples_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

func TestGuardAPI(t *testing.T) {
	t.Parallel()
	for _, framework := range append(frameworks[:3:3], "nethttp") {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, "guard-api-"+framework)
			if got := paste(t, p.said); !slices.Equal(got, []string{"401", "200", "403", "200", "200"}) {
				t.Errorf("the pasted lines = %v, want 401 200 403 200 200", got)
			}
			for name, tc := range map[string]struct {
				method, path, token string
				status              int
				says                string
			}{
				"optional, anonymous":        {"GET", "/hello", "", 200, `"hello":""`},
				"optional, bad token":        {"GET", "/hello", "nonsense", 401, "invalid_token"},
				"any valid token":            {"GET", "/any", "demo-profile", 200, `"hello":"u1"`},
				"two scopes, one of them":    {"GET", "/address", "demo-profile", 403, "insufficient_scope"},
				"alternatives, none of them": {"GET", "/search", "demo-orders", 403, "insufficient_scope"},
				"scope and role":             {"POST", "/refunds", "demo-orders", 200, "u1"},
				"neither scope nor role":     {"POST", "/refunds", "demo-profile", 403, "insufficient_scope"},
				"no recent sign-in":          {"POST", "/payouts", "demo-orders", 401, "insufficient_user_authentication"},
				"with the user":              {"GET", "/account", "demo-profile", 200, "Ada"},
				"group":                      {"GET", "/api/orders", "demo-orders", 200, "u1"},
				"group, another scope":       {"GET", "/api/orders", "demo-profile", 403, "insufficient_scope"},
			} {
				t.Run(name, func(t *testing.T) {
					req, err := http.NewRequestWithContext(t.Context(), tc.method, p.base+tc.path, nil)
					if err != nil {
						t.Fatal(err)
					}
					if tc.token != "" {
						req.Header.Set("Authorization", "Bearer "+tc.token)
					}
					got := newBrowser(t).do(req)
					if got.status != tc.status || !strings.Contains(got.text, tc.says) {
						t.Errorf("%s %s = %d %s, want %d with %s", tc.method, tc.path, got.status, got.text, tc.status, tc.says)
					}
				})
			}
		})
	}
}

func TestOwnConsentPage(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, "own-consent-page-"+framework)
			signIn := func(b browser) page {
				login := b.open(p.base+"/client/login").want(t, 200, "Password")
				login = b.submit(login, url.Values{"name": {"demo"}, "password": {"wrong"}}).want(t, 401, "Password")
				return b.submit(login, url.Values{"name": {"demo"}, "password": {"demo"}}).want(t, 200, "Bookkeeper")
			}
			b := newBrowser(t)
			// A form without its fields decides nothing.
			bare := signIn(b)
			bare.text = hidden.ReplaceAllString(bare.text, "")
			if got := b.submit(bare, url.Values{"decision": {"allow"}, "scope": {"profile"}}); got.status != 400 {
				t.Errorf("a form without its fields = %d %s, want 400", got.status, got.text)
			}

			b.submit(b.open(p.base+"/client/login"), url.Values{"decision": {"deny"}}).want(t, 200, "access_denied")
			b.submit(b.open(p.base+"/client/login"), url.Values{"decision": {"allow"}}).want(t, 200, "access_denied")
			done := b.submit(b.open(p.base+"/client/login"), url.Values{"decision": {"allow"}, "scope": {"invoices"}})
			if done.want(t, 200, "The user allowed: invoices<"); done.url.Path != "/client/callback" {
				t.Errorf("the end is at %s", done.url)
			}
			// One of two scopes is not all of them: the page comes again, and then no more.
			b.submit(b.open(p.base+"/client/login").want(t, 200, "Bookkeeper"), url.Values{"decision": {"allow"}, "scope": {"profile", "invoices"}}).
				want(t, 200, "The user allowed: profile invoices<")
			b.open(p.base+"/client/login").want(t, 200, "The user allowed: profile invoices<")
		})
	}
}

func TestCustomGrant(t *testing.T) {
	t.Parallel()
	p := start(t, "custom-grant")
	if got := paste(t, p.said); !slices.Equal(got, []string{"200", "400"}) {
		t.Errorf("the pasted lines = %v, want 200 400", got)
	}
}

func TestTokenExchange(t *testing.T) {
	t.Parallel()
	for _, framework := range []string{"gin", "echo", "fiber"} {
		p := start(t, "token-exchange", "-framework", framework)
		if got := paste(t, p.said); !slices.Equal(got, []string{"401", "200", "400"}) {
			t.Errorf("%s: the pasted lines = %v, want 401 200 400", framework, got)
		}
	}
}

// TestGORM signs in at one process, and brings the token to another that has the same database.
func TestGORM(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "example.db")
	first := start(t, "gorm", "-db", file)
	client := oauth2.Config{
		ClientID: "books", ClientSecret: "books-secret", RedirectURL: first.base + "/client/callback", Scopes: []string{"profile"},
		Endpoint: oauth2.Endpoint{AuthURL: first.base + "/oauth/authorize", TokenURL: first.base + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader},
	}
	verifier := oauth2.GenerateVerifier()
	b := newBrowser(t)
	login := b.open(client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier))).want(t, 200, "<form")
	for _, wrong := range []url.Values{{"username": {"nobody"}, "password": {"demo"}}, {"username": {"demo"}, "password": {"wrong"}}} {
		wrong.Set("action", "login")
		login = b.submit(login, wrong).want(t, 200, "password")
	}
	consent := b.submit(login, url.Values{"username": {"demo"}, "password": {"demo"}, "action": {"login"}}).want(t, 200, "See who you are")
	end := b.submit(consent, url.Values{"action": {"allow"}}) // which shows nothing: the client did not begin this
	tok, err := client.Exchange(t.Context(), end.url.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("%v at the end of %s", err, end.url)
	}

	second := start(t, "gorm", "-db", file)
	for name, tc := range map[string]struct {
		base, token string
		status      int
		says        string
	}{
		"the token":                    {first.base, tok.AccessToken, 200, "hello, demo"},
		"the token, at the other":      {second.base, tok.AccessToken, 200, "hello, demo"},
		"nobody's token, at the other": {second.base, "nonsense", 401, "invalid_token"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tc.base+"/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+tc.token)
		if got := newBrowser(t).do(req); got.status != tc.status || !strings.Contains(got.text, tc.says) {
			t.Errorf("%s: GET /me = %d %s, want %d with %s", name, got.status, got.text, tc.status, tc.says)
		}
	}
}
