package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
)

func newSet(t *testing.T, o pages.Options) *pages.Set {
	t.Helper()
	s, err := pages.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// body returns the HTML of a page that must be there.
func body(t *testing.T, resp *mandate.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(resp.Body)
}

func printer() pages.Client {
	return pages.Client{
		ID: "https://photos.example.com/client.json", Name: "Photo Printer", LogoURL: "/oauth/logo/photos",
		PolicyURL: "https://photos.example.com/policy", TermsURL: "https://photos.example.com/terms", URI: "https://photos.example.com/",
	}
}

func fullLogin() pages.Login {
	return pages.Login{
		Action: "/oauth/login", Handle: "h4ndle", CSRF: "t0ken", Username: "alice@example.com", Failed: true, Client: printer(),
	}
}

func fullConsent() pages.Consent {
	return pages.Consent{
		Action: "/oauth/consent", Handle: "h4ndle", CSRF: "t0ken", User: "alice@example.com", Offline: true, Client: printer(),
		Scopes: []pages.Scope{
			{Name: "openid"},
			{Name: "profile", Title: "See your profile", Description: "Your name, picture and language"},
		},
		RedirectHost: "app.example.com",
	}
}

func fullError() pages.Error {
	return pages.Error{
		Code: mandate.InvalidScope, Description: "scope is unknown", RestartURL: "/oauth/authorize?client_id=1&scope=a",
		ReturnURL: "https://app.example.com/callback?error=invalid_scope&state=1",
	}
}

func fullAccounts() pages.Accounts {
	return pages.Accounts{
		Action: "/oauth/accounts", Handle: "h4ndle", CSRF: "t0ken", Client: printer(),
		Accounts: []pages.Account{{ID: "1", Name: "Alice", Login: "alice@example.com"}, {ID: "2", Login: "bob"}},
	}
}

func fullApplications() pages.Applications {
	day := time.Date(2026, 2, 28, 23, 30, 0, 0, time.UTC)
	return pages.Applications{
		Action: "/oauth/applications", Handle: "h4ndle", CSRF: "t0ken", User: "Alice",
		Applications: []pages.Application{
			{ID: "https://photos.example.com/client.json", Client: printer(), Scopes: []pages.Scope{{Name: "profile", Title: "See your profile"}}, Since: day, Used: day.Add(time.Hour)},
			{ID: "web", Client: pages.Client{ID: "web"}},
		},
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	plain := newSet(t, pages.Options{})
	own := newSet(t, pages.Options{
		Brand: "Beispiel", Lang: "de", CSS: "body { color: #111 }",
		Texts: pages.Texts{LoginTitle: "Anmelden", LoginTo: "um mit %s fortzufahren"},
	})
	for file, render := range map[string]func() (*mandate.Response, error){
		"login.html":             func() (*mandate.Response, error) { return plain.Login(fullLogin()) },
		"login-bare.html":        func() (*mandate.Response, error) { return plain.Login(pages.Login{Action: "/login", CSRF: "t0ken"}) },
		"login-own.html":         func() (*mandate.Response, error) { return own.Login(fullLogin()) },
		"consent.html":           func() (*mandate.Response, error) { return plain.Consent(fullConsent()) },
		"error.html":             func() (*mandate.Response, error) { return plain.Error(fullError()) },
		"error-bare.html":        func() (*mandate.Response, error) { return plain.Error(pages.Error{}) },
		"accounts.html":          func() (*mandate.Response, error) { return plain.Accounts(fullAccounts()) },
		"applications.html":      func() (*mandate.Response, error) { return plain.Applications(fullApplications()) },
		"applications-none.html": func() (*mandate.Response, error) { return own.Applications(pages.Applications{Action: "/a"}) },
		"consent-boxes.html": func() (*mandate.Response, error) {
			d := fullConsent()
			d.Scopes[1].Optional, d.Resources, d.Details, d.ManageURL = true, []string{"https://api.example.com"}, []string{"Pay 5 euros"}, "/oauth/applications"
			return plain.Consent(d)
		},
		"consent-own.html": func() (*mandate.Response, error) {
			return own.Consent(pages.Consent{Action: "/c", CSRF: "t0ken", Client: pages.Client{ID: "web"}})
		},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			resp, err := render()
			got := body(t, resp, err)
			got = strings.Replace(got, pages.DefaultCSS(), "/* style.css */", 1)
			golden := filepath.Join("testdata", file)
			if os.Getenv("GOLDEN") == "write" {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("page differs from %s (GOLDEN=write rewrites it):\n%s", golden, got)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	sets := map[string]*pages.Set{
		"default sheet":      newSet(t, pages.Options{}),
		"sheet of one's own": newSet(t, pages.Options{CSS: pages.DefaultCSS() + "\r\nh1::before { content: \"<&>'\\\"\" }\r\n/* <!-- */"}),
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	for name, s := range sets {
		for page, tc := range map[string]struct {
			make     func() (*mandate.Response, error)
			status   int
			referrer string
		}{
			"login":        {func() (*mandate.Response, error) { return s.Login(fullLogin()) }, 200, "same-origin"},
			"consent":      {func() (*mandate.Response, error) { return s.Consent(fullConsent()) }, 200, "same-origin"},
			"accounts":     {func() (*mandate.Response, error) { return s.Accounts(fullAccounts()) }, 200, "same-origin"},
			"applications": {func() (*mandate.Response, error) { return s.Applications(fullApplications()) }, 200, "same-origin"},
			"error":        {func() (*mandate.Response, error) { return s.Error(fullError()) }, 400, "no-referrer"},
		} {
			t.Run(name+", "+page, func(t *testing.T) {
				t.Parallel()
				resp, err := tc.make()
				html := body(t, resp, err)
				sheets := style.FindAllStringSubmatch(html, -1)
				if len(sheets) != 1 {
					t.Fatalf("the page has %d style elements, want 1", len(sheets))
				}
				if strings.Contains(html, "\r") {
					t.Error("the page has a carriage return: a browser hashes the sheet without it")
				}
				sum := sha256.Sum256([]byte(sheets[0][1]))
				if resp.Status != tc.status {
					t.Errorf("status = %d, want %d", resp.Status, tc.status)
				}
				for field, want := range map[string]string{
					"Content-Type":  "text/html; charset=utf-8",
					"Cache-Control": "no-store",
					"Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-" +
						base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src 'self'",
					"Referrer-Policy":        tc.referrer,
					"X-Content-Type-Options": "nosniff",
					"X-Frame-Options":        "DENY",
				} {
					if got := resp.Header.Values(field); len(got) != 1 || got[0] != want {
						t.Errorf("%s = %q, want %q", field, got, want)
					}
				}
				if strings.Contains(html, " style=") || strings.Contains(html, "<script") {
					t.Error("the page has what its policy stops")
				}
			})
		}
	}
}

func TestErrorStatus(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	for name, tc := range map[string]struct {
		data   pages.Error
		status int
		code   string
	}{
		"the zero value is a server error": {pages.Error{}, 500, "server_error"},
		"the usual status of a code":       {pages.Error{Code: mandate.TemporarilyUnavailable}, 503, "temporarily_unavailable"},
		"a status as given":                {pages.Error{Code: mandate.InvalidRequest, Status: 410}, 410, "invalid_request"},
		"a status that is no error":        {pages.Error{Code: mandate.InvalidRequest, Status: 200}, 400, "invalid_request"},
		"a status beyond all":              {pages.Error{Code: mandate.InvalidRequest, Status: 999}, 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := s.Error(tc.data)
			html := body(t, resp, err)
			if want := `<code id="error-code">` + tc.code + `</code>`; resp.Status != tc.status || !strings.Contains(html, want) {
				t.Errorf("status = %d, want %d and %s in:\n%s", resp.Status, tc.status, want, html)
			}
		})
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	s, english := newSet(t, pages.Options{}), pages.English()
	for reason, want := range map[pages.Reason]string{
		pages.Failed: english.Failed, pages.Finished: english.Finished, pages.Expired: english.Expired,
		pages.OtherBrowser: english.OtherBrowser, pages.OtherUser: english.OtherUser,
	} {
		resp, err := s.Error(pages.Error{Reason: reason})
		if html := body(t, resp, err); !strings.Contains(html, `<p id="error-description">`+want+`</p>`) {
			t.Errorf("reason %d alone: the description is not %q", reason, want)
		}
		resp, err = s.Error(pages.Error{Reason: reason, Description: "for developers"})
		html := body(t, resp, err)
		if !strings.Contains(html, `<p class="lead">`+want+`</p>`) || !strings.Contains(html, `<p id="error-description">for developers</p>`) {
			t.Errorf("reason %d with a description: not both are on the page", reason)
		}
	}
}

func TestLoginStates(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	username, password := regexp.MustCompile(`<input id="username"[^>]*autofocus`), regexp.MustCompile(`<input id="password"[^>]*autofocus`)
	for name, tc := range map[string]struct {
		data             pages.Login
		alert            string
		username, passwd bool // which has the focus
		invalid          int  // how many fields are marked
	}{
		"first":               {pages.Login{}, "", true, false, 0},
		"with a hint":         {pages.Login{Username: "alice"}, "", false, true, 0},
		"wrong password":      {pages.Login{Username: "alice", Failed: true}, pages.English().LoginFailed, false, true, 2},
		"too many attempts":   {pages.Login{Username: "alice", Failed: true, Limited: true}, pages.English().LoginLimited, false, true, 0},
		"a hint far too long": {pages.Login{Username: strings.Repeat("a", 300)}, "", true, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.data.Action = "/login"
			resp, err := s.Login(tc.data)
			html := body(t, resp, err)
			if username.MatchString(html) != tc.username || password.MatchString(html) != tc.passwd {
				t.Errorf("the wrong field has the focus:\n%s", html)
			}
			if got, want := strings.Count(html, `aria-invalid="true"`), tc.invalid; got != want {
				t.Errorf("%d fields are marked as wrong, want %d", got, want)
			}
			if got := strings.Contains(html, `role="alert"`); got != (tc.alert != "") || !strings.Contains(html, tc.alert) {
				t.Errorf("alert = %v, want %q", got, tc.alert)
			}
		})
	}
}

func TestConsentNeedsAClient(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	if _, err := s.Consent(pages.Consent{Action: "/c", Client: pages.Client{Name: "\u202e"}}); err == nil || !strings.Contains(err.Error(), "Consent.Client") {
		t.Errorf("error = %v, want one that names Consent.Client", err)
	}
	if _, err := s.Applications(pages.Applications{Action: "/a", Applications: []pages.Application{{ID: "1"}}}); err == nil || !strings.Contains(err.Error(), "neither an ID nor a Name") {
		t.Errorf("an application without a name: error = %v", err)
	}
}

func TestActionMustBeAPath(t *testing.T) {
	t.Parallel()
	s := newSet(t, pages.Options{})
	for _, action := range []string{"", "login", "//evil.example", `/\evil.example`, "https://evil.example", "javascript:alert(1)", "/a\nb"} {
		if _, err := s.Login(pages.Login{Action: action}); err == nil || !strings.Contains(err.Error(), "Login.Action") {
			t.Errorf("Login with action %q: error = %v", action, err)
		}
		if _, err := s.Consent(pages.Consent{Action: action}); err == nil || !strings.Contains(err.Error(), "Consent.Action") {
			t.Errorf("Consent with action %q: error = %v", action, err)
		}
		if _, err := s.Accounts(pages.Accounts{Action: action}); err == nil || !strings.Contains(err.Error(), "Accounts.Action") {
			t.Errorf("Accounts with action %q: error = %v", action, err)
		}
		if _, err := s.Applications(pages.Applications{Action: action}); err == nil || !strings.Contains(err.Error(), "Applications.Action") {
			t.Errorf("Applications with action %q: error = %v", action, err)
		}
	}
}
