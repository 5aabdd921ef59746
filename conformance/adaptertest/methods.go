package adaptertest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// methods are the cases of RFC 9110, section 9 and of CORS, which the core answers alike everywhere.
func methods() cases {
	type place struct {
		allow string
		cors  bool
	}
	places := map[string]place{
		"/token":      {"POST, OPTIONS", true},
		"/revoke":     {"POST, OPTIONS", true},
		"/introspect": {"POST", false},
		"/jwks":       {"GET, HEAD, OPTIONS", true},
		"/.well-known/oauth-authorization-server": {"GET, HEAD, OPTIONS", true},
		"/par":                      {"POST, OPTIONS", true},
		"/device_authorization":     {"POST", false}, // no device is a script of a page
		"/register":                 {"POST, OPTIONS", true},
		"/register/someone":         {"GET, HEAD, PUT, DELETE, OPTIONS", true},
		"/authorize":                {"GET, HEAD, POST", false},
		"/device":                   {"GET, HEAD, POST", false},
		"/interaction/login":        {"GET, HEAD, POST", false},
		"/interaction/accounts":     {"GET, HEAD, POST", false},
		"/interaction/consent":      {"GET, HEAD, POST", false},
		"/interaction/applications": {"GET, HEAD, POST", false},
		"/interaction/logo":         {"GET, HEAD", false},
	}
	pages := func(t *testing.T, a Adapter) *world {
		t.Helper()
		return newWorld(t, a, builtInPages)
	}
	list := cases{
		"HEAD is GET without its body": func(t *testing.T, a Adapter) {
			w := pages(t, a)
			for _, path := range []string{"/jwks", "/.well-known/oauth-authorization-server"} {
				get, head := w.get(t, path), w.do(t, "HEAD", path, "")
				head.status(t, 200)
				if head.Body != "" || head.Header.Get("Content-Length") != get.Header.Get("Content-Length") || head.Header.Get("Cache-Control") != get.Header.Get("Cache-Control") {
					t.Errorf("%s: HEAD = %v, GET = %v", path, head.Header, get.Header)
				}
			}
			w.do(t, "HEAD", "/authorize?"+web().request().Encode(), "").status(t, 303)
		},
		"HEAD of a page and of what a client manages is GET without its body": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			browser := []string{"Accept", "text/html"}
			for path, fields := range map[string][]string{
				"/device": browser, "/interaction/login": browser, "/interaction/accounts": browser, "/interaction/consent": browser, "/interaction/applications": browser,
				"/interaction/logo": nil, "/register/someone": {"Authorization", "Bearer x"},
			} {
				get, head := w.get(t, path, fields...), w.do(t, "HEAD", path, "", fields...)
				if head.Status != get.Status || head.Body != "" || head.Header.Get("Cache-Control") != "no-store" || get.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: HEAD = %d %v, GET = %d %v", path, head.Status, head.Header, get.Status, get.Header)
				}
			}
		},
		"what the server does not have, it does not answer": func(t *testing.T, a Adapter) {
			w := pages(t, a)
			for _, path := range []string{"/register", "/token/", "/Token", "/userinfo", "/par", "/.well-known/openid-configuration", "//token", "/authorize/x"} {
				if ans := w.get(t, path); ans.Status != 404 && ans.Status != 301 && ans.Status != 307 {
					t.Errorf("%s = %d", path, ans.Status)
				}
			}
		},
	}
	for path, place := range places {
		list["405 with Allow at "+path] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
				if method != "OPTIONS" && strings.Contains(place.allow, method) {
					continue
				}
				ans := w.do(t, method, path, "")
				if ans.Status != 405 {
					t.Errorf("%s = %d, want 405", method, ans.Status)
					continue
				}
				ans.fields(t, "Allow", place.allow)
				if ans.Body != "" {
					t.Errorf("%s: body %q, want none", method, ans.Body)
				}
			}
		}
		list["CORS at "+path] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, whole)
			preflight := w.do(t, "OPTIONS", path, "", "Origin", "https://spa.example.com", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization")
			method := http.MethodGet
			if strings.HasPrefix(place.allow, "POST") {
				method = http.MethodPost
			}
			plain := w.do(t, method, path, "", "Origin", "https://spa.example.com")
			if !place.cors {
				preflight.status(t, 405)
				for name := range preflight.Header {
					if strings.HasPrefix(name, "Access-Control") {
						t.Errorf("%s = %q", name, preflight.Header.Get(name))
					}
				}
				plain.fields(t, "Access-Control-Allow-Origin", "")
				return
			}
			preflight.status(t, 204)
			preflight.fields(t, "Access-Control-Allow-Origin", "*", "Access-Control-Allow-Methods", place.allow, "Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP, MCP-Protocol-Version",
				"Access-Control-Allow-Credentials", "")
			plain.fields(t, "Access-Control-Allow-Origin", "*", "Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce, Retry-After", "Access-Control-Allow-Credentials", "")
		}
	}
	return list
}

// builtInPages makes s decide with the built-in pages: see signIn.
func builtInPages(s *setup) {
	s.Decide = nil
	s.SignIn = signIn
}

// metadata are the cases of RFC 8414 and of the key set.
func metadata() cases {
	read := func(t *testing.T, w *world, path string) map[string]any {
		t.Helper()
		ans := w.get(t, path).status(t, 200)
		ans.fields(t, "Content-Type", "application/json", "Cache-Control", "public, max-age=300")
		return ans.json(t)
	}
	list := cases{
		"the key set is public, has no private part, and stays the same": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			first := w.get(t, "/jwks").status(t, 200)
			first.fields(t, "Content-Type", "application/json", "Cache-Control", "public, max-age=300")
			keys, _ := first.json(t)["keys"].([]any)
			if len(keys) == 0 {
				t.Fatalf("body = %s", first.Body)
			}
			for _, k := range keys {
				m, _ := k.(map[string]any)
				if m["kty"] != "EC" || m["alg"] != "ES256" || m["use"] != "sig" || m["kid"] == "" || m["d"] != nil || m["k"] != nil {
					t.Errorf("key = %v", m)
				}
			}
			if again := w.get(t, "/jwks"); again.Body != first.Body {
				t.Errorf("keys changed: %s, then %s", first.Body, again.Body)
			}
		},
		"a rotated key is published before it signs, and kept": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			old := w.login(jwtWeb())
			if err := w.srv.RotateKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
			if keys, _ := w.get(t, "/jwks").json(t)["keys"].([]any); len(keys) != 2 {
				t.Errorf("%d keys, want 2", len(keys))
			}
			w.alive(old.Access)
			w.alive(w.login(jwtWeb()).Access)
		},
		"nobody is advertised who does not answer, and nothing answers that is not": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.GrantTypes = []server.GrantType{server.ClientCredentials()}
				s.Clients = slices.DeleteFunc(slices.Clone(s.Clients), func(c *store.Client) bool {
					return !slices.Equal(c.Metadata.GrantTypes, []string{"client_credentials"})
				})
				s.Decide = nil
				s.SignIn = nil
			})
			m := read(t, w, "/.well-known/oauth-authorization-server")
			for _, absent := range []string{"authorization_endpoint", "response_modes_supported", "code_challenge_methods_supported", "authorization_response_iss_parameter_supported", "registration_endpoint"} {
				if m[absent] != nil {
					t.Errorf("%s = %v, want none", absent, m[absent])
				}
			}
			if g := strings.Join(words(m["grant_types_supported"]), " "); g != "client_credentials" {
				t.Errorf("grant_types_supported = %q", g)
			}
			if list, ok := m["response_types_supported"].([]any); !ok || len(list) != 0 {
				t.Errorf("response_types_supported = %v, want an empty list", m["response_types_supported"])
			}
			w.get(t, "/authorize").status(t, 404)
			w.token(service(), url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}).refused(t, 400, "unsupported_grant_type")
		},
		"without iss it is not advertised": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.OmitIss = true })
			if m := read(t, w, "/.well-known/oauth-authorization-server"); m["authorization_response_iss_parameter_supported"] == true {
				t.Error("iss is advertised")
			}
		},
	}
	for name, row := range map[string]struct{ issuer, prefix, base, document string }{
		"at the root":                {"", "", "", "/.well-known/oauth-authorization-server"},
		"below a prefix":             {"", "/oauth", "", "/.well-known/oauth-authorization-server"},
		"below the issuer's path":    {"/tenant/a", "", "", "/.well-known/oauth-authorization-server/tenant/a"},
		"below both":                 {"/tenant", "/oauth/v2", "", "/.well-known/oauth-authorization-server/tenant"},
		"behind a proxy that strips": {"/tenant", "/oauth", "/tenant", "/.well-known/oauth-authorization-server/tenant"},
	} {
		list["the document is true, "+name] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Issuer, s.Prefix, s.BasePath = s.site.url+row.issuer, row.prefix, row.base })
			m := read(t, w, row.document)
			if m["issuer"] != w.issuer {
				t.Errorf("issuer = %v, want %s", m["issuer"], w.issuer)
			}
			at := func(member string) string {
				text, _ := m[member].(string)
				public := strings.TrimPrefix(text, w.url)
				if public == text || !strings.HasPrefix(public, row.issuer+row.prefix+"/") {
					t.Errorf("%s = %q, want it below %s", member, text, w.issuer+row.prefix)
				}
				return strings.TrimPrefix(public, row.base) // what the proxy makes of it
			}
			follow(t, w, m, at)
		}
	}
	return list
}

// follow goes where the document m points, with all that it promises.
func follow(t *testing.T, w *world, m map[string]any, at func(member string) string) {
	t.Helper()
	for member, want := range map[string]string{
		"grant_types_supported": "authorization_code client_credentials refresh_token", "response_types_supported": "code", "response_modes_supported": "query fragment form_post",
		"code_challenge_methods_supported": "S256", "scopes_supported": "read write admin open",
		"token_endpoint_auth_methods_supported": "client_secret_basic client_secret_post none private_key_jwt", "revocation_endpoint_auth_methods_supported": "client_secret_basic client_secret_post none private_key_jwt",
		"introspection_endpoint_auth_methods_supported": "client_secret_basic client_secret_post private_key_jwt",
	} {
		if got := strings.Join(words(m[member]), " "); got != want {
			t.Errorf("%s = %q, want %q", member, got, want)
		}
	}
	if m["authorization_response_iss_parameter_supported"] != true {
		t.Error("iss is not advertised")
	}
	for _, p := range []party{web(), post(), spa()} {
		_, q := w.get(t, at("authorization_endpoint")+"?"+p.request().Encode()).params(t)
		if q.Get("iss") != w.issuer {
			t.Errorf("iss = %q", q.Get("iss"))
		}
		form := p.exchange(q.Get("code"))
		fields := p.sign(form)
		got := w.form(t, at("token_endpoint"), form, fields...).tokens(t)
		w.alive(got.Access)
		if p.method != "none" {
			form = url.Values{"token": {got.Access}}
			fields = p.sign(form)
			if m := w.form(t, at("introspection_endpoint"), form, fields...).json(t); m["active"] != true || m["iss"] != w.issuer {
				t.Errorf("introspection = %v", m)
			}
		}
		form = url.Values{"token": {got.Access}}
		fields = p.sign(form)
		w.form(t, at("revocation_endpoint"), form, fields...).status(t, 200)
		w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal([]byte(w.get(t, at("jwks_uri")).status(t, 200).Body), &set); err != nil || len(set.Keys) == 0 {
		t.Errorf("key set: %v", err)
	}
}

// words returns a JSON array of strings.
func words(v any) []string {
	var list []string
	values, _ := v.([]any)
	for _, x := range values {
		s, _ := x.(string)
		list = append(list, s)
	}
	return list
}
