package adaptertest

import (
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
)

// errorURIs are the cases of error_uri (RFC 6749, sections 4.1.2.1 and 5.2).
func errorURIs() cases {
	const scopes, clients = "https://docs.example.com/errors?code=invalid_scope&x=1#top", "https://docs.example.com/clients"
	documented := func(t *testing.T, a Adapter, change func(s *setup)) *world {
		t.Helper()
		return newWorld(t, a, func(s *setup) {
			s.ErrorURIs = map[mandate.Code]string{mandate.InvalidScope: scopes, mandate.InvalidClient: clients, mandate.AccessDenied: clients}
			if change != nil {
				change(s)
			}
		})
	}
	unknown := with(web().request(), "client_id", "nobody")
	return cases{
		"in the JSON of every endpoint, for the codes that have one": func(t *testing.T, a Adapter) {
			w := documented(t, a, nil)
			ans := w.token(web(), with(machine(), "scope", "unknown"))
			if ans.refused(t, 400, "invalid_scope"); ans.text(t, "error_uri") != scopes {
				t.Errorf("body = %s", ans.Body)
			}
			for _, path := range []string{"/token", "/introspect", "/revoke"} {
				ans := w.form(t, path, url.Values{"grant_type": {"client_credentials"}, "token": {"x"}}, "Authorization", basic("web", "wrong"))
				if ans.refused(t, 401, "invalid_client"); ans.text(t, "error_uri") != clients {
					t.Errorf("%s: body = %s", path, ans.Body)
				}
			}
			ans = w.token(web(), refreshing("x"))
			if ans.refused(t, 400, "invalid_grant"); strings.Contains(ans.Body, "error_uri") {
				t.Errorf("body = %s", ans.Body)
			}
		},
		"in a redirect, by query, fragment and form_post": func(t *testing.T, a Adapter) {
			w := documented(t, a, nil)
			for _, mode := range []string{"query", "fragment"} {
				ans := w.authorize(with(web().request(), "scope", "unknown", "response_mode", mode))
				if _, q := ans.params(t); q.Get("error") != "invalid_scope" || q.Get("error_uri") != scopes || q.Get("state") != "xyz" || len(q["error_uri"]) != 1 {
					t.Errorf("%s: Location = %q", mode, ans.Header.Get("Location"))
				}
			}
			ans := w.authorize(with(web().request(), "scope", "unknown", "response_mode", "form_post")).status(t, 200)
			if !strings.Contains(ans.Body, `name="error_uri"`) || !strings.Contains(ans.Body, "https://docs.example.com/errors?code=invalid_scope&amp;x=1#top") {
				t.Errorf("body = %s", ans.Body)
			}
			ans = w.authorize(with(web().request(), "code_challenge", ""))
			if _, q := ans.params(t); q.Get("error") == "" || q.Has("error_uri") {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
		},
		"before the redirect URI is trusted: in the JSON, at the ErrorURL, and for the application's page": func(t *testing.T, a Adapter) {
			w := documented(t, a, nil)
			if ans := w.authorize(unknown); ans.Status != 400 || ans.text(t, "error_uri") != clients {
				t.Errorf("answer = %d %s", ans.Status, ans.Body)
			}
			if ans := w.authorize(unknown, "Accept", "text/html").status(t, 400); ans.Header.Get("Location") != "" {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
			w = documented(t, a, func(s *setup) { s.ErrorURL = "https://app.example.com/sorry" })
			ans := w.authorize(unknown, "Accept", "text/html")
			if to, q := ans.params(t); to != "https://app.example.com/sorry" || q.Get("error") != "invalid_client" || q.Get("error_uri") != clients {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
			w = documented(t, a, func(s *setup) {
				s.Error = func(c Ctx, err *mandate.Error) error { return c.HTML(400, "see "+err.URI) }
			})
			if ans := w.authorize(unknown, "Accept", "text/html").status(t, 400); ans.Body != "see "+clients {
				t.Errorf("body = %q", ans.Body)
			}
		},
	}
}
