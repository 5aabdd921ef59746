package adaptertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// hostile are values that no parameter may have: they are refused before anybody looks into the store.
func hostile() cases {
	list := cases{}
	values := map[string]string{"a NUL": "a\x00b", "bytes that are no text": "a\xff\xfeb", "a line": "a\r\nX-Evil: 1\r\n\r\n<b>evil", "a bare line feed": "a\nX-Evil: 1"}
	check := func(t *testing.T, counted *countingStore, before int64, ans *answer) {
		t.Helper()
		refused := ans.Status >= 400 && ans.Status < 500
		if ans.Status == http.StatusSeeOther {
			to, q := ans.params(t)
			refused = to == callback && q.Get("error") != "" && q.Get("code") == ""
		}
		if !refused {
			t.Errorf("status = %d, Location %q, want a refusal", ans.Status, ans.Header.Get("Location"))
		}
		if ans.Header.Get("X-Evil") != "" || strings.ContainsAny(ans.Header.Get("Location"), "\r\n") || strings.Contains(ans.Body, "<b>evil") {
			t.Errorf("the answer was split: %v %q", ans.Header, ans.Body)
		}
		if n := counted.calls.Load() - before; n > 0 {
			t.Errorf("%d calls of the store", n)
		}
	}
	world := func(t *testing.T, a Adapter) (*countingStore, *site) {
		t.Helper()
		counted := new(countingStore)
		w := newWorld(t, a, func(s *setup) { counted.Store, s.Store = s.Store, counted })
		return counted, w.site
	}
	for what, value := range values {
		list[what+" at the authorization endpoint"] = func(t *testing.T, a Adapter) {
			counted, s := world(t, a)
			for _, name := range []string{
				"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age", "acr_values", "ui_locales",
				"resource", "login_hint", "display", "id_token_hint", "handle", "request", "request_uri",
			} {
				q := with(web().request(), name, value).Encode()
				before := counted.calls.Load()
				t.Run(name, func(t *testing.T) {
					check(t, counted, before, s.get(t, "/authorize?"+q, "Accept", "text/html"))
					check(t, counted, before, s.get(t, "/authorize?"+q))
					check(t, counted, before, s.do(t, http.MethodPost, "/authorize", q, "Content-Type", "application/x-www-form-urlencoded"))
				})
			}
		}
		list[what+" at the endpoints of clients"] = func(t *testing.T, a Adapter) {
			counted, s := world(t, a)
			for _, path := range []string{"/token", "/introspect", "/revoke"} {
				names := []string{"client_id", "client_secret", "token", "token_type_hint"}
				if path == "/token" {
					names = []string{"client_id", "client_secret", "grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource"}
				}
				for _, name := range names {
					form := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}, "token": {"x"}, "client_id": {post().id}, "client_secret": {post().secret}}
					form.Set(name, value)
					before := counted.calls.Load()
					t.Run(path+" "+name, func(t *testing.T) { check(t, counted, before, s.form(t, path, form)) })
				}
			}
		}
		list[what+" in Basic credentials"] = func(t *testing.T, a Adapter) {
			counted, s := world(t, a)
			for _, authorization := range []string{basic(value, "x"), basic("web", value)} {
				for _, path := range []string{"/token", "/introspect", "/revoke"} {
					check(t, counted, counted.calls.Load(), s.form(t, path, url.Values{"grant_type": {"client_credentials"}, "token": {"x"}}, "Authorization", authorization))
				}
			}
		}
	}
	return list
}
