package main

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// What the members of the configuration do.
func TestEffects(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(c map[string]any)
		see  func(t *testing.T, v *visitor, s *started)
	}{
		"auto_consent asks nobody": {
			edit: func(c map[string]any) { c["auto_consent"] = true },
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				login := v.follow(v.send("GET", authorizeURL("native", "com.example.app:/cb"), "", navigation()...))
				v.code(v.follow(v.submit(login, "action", "login", "username", "foo", "password", "bar")))
			},
		},
		"auto_consent and prompt=consent": {
			edit: func(c map[string]any) { c["auto_consent"] = true },
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				login := v.follow(v.send("GET", authorizeURL("web", redirectURI, "prompt", "consent"), "", navigation()...))
				asked := v.follow(v.submit(login, "action", "login", "username", "foo", "password", "bar"))
				if asked.status != 200 || !strings.Contains(asked.body, `id="page-consent"`) {
					t.Errorf("status %d, want the consent page", asked.status)
				}
			},
		},
		"pkce_required off lets a confidential client go without": {
			edit: func(c map[string]any) { c["features"] = map[string]any{"pkce_required": false} },
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				bare := []string{"code_challenge", "", "code_challenge_method", ""}
				if a := v.send("GET", authorizeURL("web", redirectURI, bare...), "", navigation()...); !strings.HasPrefix(a.location, "/interaction/login") {
					t.Errorf("a confidential client is sent to %q, want the sign-in", a.location)
				}
				if a := v.send("GET", authorizeURL("native", "com.example.app:/cb", bare...), "", navigation()...); !strings.Contains(a.location, "error=invalid_request") {
					t.Errorf("a public client is sent to %q, want invalid_request (RFC 9700, 2.1.1)", a.location)
				}
			},
		},
		"iss_parameter off (RFC 9207)": {
			edit: func(c map[string]any) { c["features"] = map[string]any{"iss_parameter": false} },
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				a := v.send("GET", authorizeURL("web", redirectURI, "prompt", "none"), "", navigation()...)
				if u, err := url.Parse(a.location); err != nil || u.Query().Has("iss") || u.Query().Get("error") != "login_required" {
					t.Errorf("location %q, want login_required without iss", a.location)
				}
				if a := v.send("GET", "/.well-known/oauth-authorization-server", ""); strings.Contains(a.body, "iss_parameter") {
					t.Errorf("metadata advertise iss: %s", a.body)
				}
			},
		},
		"refresh_tokens off": {
			edit: func(c map[string]any) {
				c["features"] = map[string]any{"refresh_tokens": false}
				for _, client := range c["clients"].([]any) {
					delete(client.(map[string]any), "grant_types")
				}
				c["clients"] = c["clients"].([]any)[:1]
			},
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				got := redeemed(t, v)
				if got["refresh_token"] != nil {
					t.Error("there is a refresh token, want none")
				}
			},
		},
		"refresh_rotation never": {
			edit: func(c map[string]any) { c["refresh_rotation"] = "never" },
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				first, _ := redeemed(t, v)["refresh_token"].(string)
				next := tokenOf(t, v, "grant_type=refresh_token&refresh_token="+first)
				if again, ok := next["refresh_token"]; ok && again != first {
					t.Errorf("the refresh token changed")
				}
			},
		},
		"refresh_grace_s 0: every second use ends the family": {
			edit: func(c map[string]any) { c["refresh_grace_s"] = 0 },
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				first, _ := redeemed(t, v)["refresh_token"].(string)
				next, _ := tokenOf(t, v, "grant_type=refresh_token&refresh_token="+first)["refresh_token"].(string)
				for _, token := range []string{first, next} {
					if a := v.send("POST", "/token", "grant_type=refresh_token&refresh_token="+token, basic); a.status != 400 || !strings.Contains(a.body, `"invalid_grant"`) {
						t.Errorf("status %d, %s, want 400 invalid_grant", a.status, a.body)
					}
				}
			},
		},
		"lifetimes": {
			edit: func(c map[string]any) {
				c["lifetimes"] = map[string]any{"access_token": 77, "refresh_token": 100, "code": 5, "session": 50}
			},
			see: func(t *testing.T, v *visitor, s *started) {
				t.Helper()
				got := redeemed(t, v)
				if got["expires_in"] != 77.0 {
					t.Errorf("expires_in = %v, want 77", got["expires_in"])
				}
				code := v.code(v.send("GET", authorizeURL("web", redirectURI), "", navigation()...))
				s.settings.clock.offset.Store(6)
				if a := v.send("POST", "/token", redemption(code), basic); a.status != 400 {
					t.Errorf("a code of 6 seconds: status %d, want 400", a.status)
				}
				s.settings.clock.offset.Store(51)
				if a := v.send("GET", authorizeURL("web", redirectURI), "", navigation()...); !strings.HasPrefix(a.location, "/interaction/login") {
					t.Errorf("a session of 51 seconds leads to %q, want the sign-in", a.location)
				}
				s.settings.clock.offset.Store(101)
				refresh, _ := got["refresh_token"].(string)
				if a := v.send("POST", "/token", "grant_type=refresh_token&refresh_token="+refresh, basic); a.status != 400 {
					t.Errorf("a refresh token of 101 seconds: status %d, want 400", a.status)
				}
			},
		},
		"signing_algs and a client's own": {
			edit: func(c map[string]any) {
				c["signing_algs"] = map[string]any{"introspection": []any{"ES256", "EdDSA"}}
				client0(c)["introspection_signed_response_alg"] = "EdDSA"
			},
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				access, _ := redeemed(t, v)["access_token"].(string)
				a := v.send("POST", "/introspect", "token="+access, basic, "Accept: application/token-introspection+jwt")
				if head, _, _ := strings.Cut(a.body, "."); a.status != 200 || !strings.HasPrefix(head, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid"`))[:24]) {
					t.Errorf("answer = %d %s", a.status, a.body)
				}
			},
		},
		"a client's own lifetimes": {
			edit: func(c map[string]any) { client0(c)["access_token_ttl_s"], client0(c)["code_ttl_s"] = 11, 600 },
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				if got := redeemed(t, v); got["expires_in"] != 11.0 {
					t.Errorf("expires_in = %v, want 11", got["expires_in"])
				}
			},
		},
		"a short client secret": {
			edit: func(c map[string]any) { client0(c)["client_secret"] = "short" },
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				for secret, status := range map[string]int{"short": 200, "shorty": 401} {
					pair := base64.StdEncoding.EncodeToString([]byte("web:" + secret))
					if a := v.send("POST", "/token", "grant_type=client_credentials&scope=read", "Authorization: Basic "+pair); a.status != status {
						t.Errorf("secret %q: status %d, want %d", secret, a.status, status)
					}
				}
			},
		},
		"introspect all": {
			edit: func(c map[string]any) { client0(c)["introspect"] = "all" },
			see: func(t *testing.T, v *visitor, _ *started) {
				t.Helper()
				a := v.send("POST", "/token", "grant_type=client_credentials&scope=read", basicOf("jwt"))
				var got map[string]any
				if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
					t.Fatalf("status %d, %s", a.status, a.body)
				}
				token, _ := got["access_token"].(string)
				if a := v.send("POST", "/introspect", "token="+token, basic); !strings.Contains(a.body, `"active":true`) {
					t.Errorf("introspection of another client's token: %s, want it active", a.body)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := basis()
			tc.edit(content)
			s := start(t, "nethttp", content, nil)
			tc.see(t, newVisitor(t, s.addr), s)
		})
	}
}

// redeemed signs in, allows, and returns what the token endpoint answers.
func redeemed(t *testing.T, v *visitor) map[string]any {
	t.Helper()
	login := v.follow(v.send("GET", authorizeURL("web", redirectURI), "", navigation()...))
	consent := v.follow(v.submit(login, "action", "login", "username", "foo", "password", "bar"))
	return tokenOf(t, v, redemption(v.code(v.submit(consent, "action", "allow"))))
}

func redemption(code string) string {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}}.Encode()
}

func tokenOf(t *testing.T, v *visitor, body string) map[string]any {
	t.Helper()
	a := v.send("POST", "/token", body, basic)
	var got map[string]any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
		t.Fatalf("token: status %d, %s", a.status, a.body)
	}
	return got
}
