package adaptertest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
)

// wrongMetadata are the cases of what a client may not say of itself.
func wrongMetadata() cases {
	keys := func(key string) json.RawMessage { return json.RawMessage(`{"keys":[` + key + `]}`) }
	const public = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	list := cases{}
	for sentence, of := range map[string]struct {
		code  mandate.Code
		wrong []said
	}{
		"a redirect URI that no client may have": {mandate.InvalidRedirectURI, []said{
			{"redirect_uris": nil},
			{"redirect_uris": []string{}},
			{"redirect_uris": []string{""}},
			{"redirect_uris": []string{"/cb"}},
			{"redirect_uris": []string{"http://app.example.com/cb"}},
			{"redirect_uris": []string{callback + "#x"}},
			{"redirect_uris": []string{callback + "#"}},
			{"redirect_uris": []string{"https://user@app.example.com/cb"}},
			{"redirect_uris": []string{"javascript:alert(1)"}},
			{"redirect_uris": []string{"data:text/html,x"}},
			{"redirect_uris": []string{"https://app.example.com\\@evil.example/cb"}},
			{"redirect_uris": []string{"https://app.example.com:99999/cb"}},
			{"redirect_uris": []string{callback, callback}},
			{"redirect_uris": []string{"https://äpp.example.com/cb"}},
			{"redirect_uris": []string{"https:///cb"}},
		}},
		"a member of another type, too long, or with what no text has": {mandate.InvalidClientMetadata, []said{
			{"redirect_uris": callback},
			{"redirect_uris": []any{callback, 7}},
			{"redirect_uris": said{"0": callback}},
			{"client_name": 7},
			{"client_name": []string{"x"}},
			{"client_name": strings.Repeat("x", 2049)},
			{"client_name": "a\x00b"},
			{"client_name": "a\nb"},
			{"software_id": "ä"},
			{"scope": []string{"open"}},
			{"scope": "open\u0000"},
			{"grant_types": "authorization_code"},
			{"contacts": strings.Repeat("x", 10)},
			{"contacts": make([]string, 51)},
			{"require_auth_time": "true"},
			{"default_max_age": "60"},
			{"default_max_age": -1},
			{"default_max_age": 1.5},
			{"jwks": "x"},
			{"jwks": []string{"x"}},
			{"require_signed_request_object": 1},
		}},
		"a link that is not https": {mandate.InvalidClientMetadata, []said{
			{"client_uri": "http://app.example.com"},
			{"logo_uri": "data:image/png;base64,xx"},
			{"policy_uri": "javascript:alert(1)"},
			{"tos_uri": "ftp://app.example.com"},
			{"jwks_uri": "http://app.example.com/jwks"},
			{"jwks_uri": "https://u:p@app.example.com/jwks"},
			{"initiate_login_uri": "http://app.example.com"},
			{"request_uris": []string{"http://app.example.com"}},
			{"post_logout_redirect_uris": []string{"http://app.example.com"}},
			{"backchannel_logout_uri": "http://127.0.0.1/x"},
		}},
		"what is not offered here": {mandate.InvalidClientMetadata, []said{
			{"token_endpoint_auth_method": "tls_client_auth"},
			{"token_endpoint_auth_method": "magic"},
			{"grant_types": []string{"implicit"}},
			{"grant_types": []string{"magic"}},
			{"response_types": []string{"token"}},
			{"response_types": []string{"code id_token"}},
			{"id_token_encrypted_response_alg": "RSA-OAEP"},
			{"subject_type": "pairwise"},
			{"subject_type": "x"},
			{"id_token_signed_response_alg": "none"},
			{"token_endpoint_auth_signing_alg": "none"},
			{"request_object_signing_alg": "HS256"},
			{"dpop_bound_access_tokens": true},
			{"tls_client_certificate_bound_access_tokens": true},
			{"application_type": "browser"},
			{"scope": "unknown"},
		}},
		"what contradicts itself": {mandate.InvalidClientMetadata, []said{
			{"grant_types": []string{"refresh_token"}, "response_types": []string{"code"}},
			{"grant_types": []string{}},
			{"response_types": []string{}},
			{"grant_types": []string{"authorization_code", "authorization_code"}},
			{"response_types": []string{"code " + "code"}},
			{"response_types": []string{""}},
			{"jwks": keys(public), "jwks_uri": "https://app.example.com/jwks"},
			{"tls_client_auth_subject_dn": "CN=x", "tls_client_auth_san_dns": "app.example.com"},
		}},
		"keys that are none, private or symmetric": {mandate.InvalidClientMetadata, []said{
			{"jwks": json.RawMessage(`{}`)},
			{"jwks": keys("")},
			{"jwks": keys("7")},
			{"jwks": keys(strings.TrimSuffix(public, "}") + `,"d":"AAAA"}`)},
			{"jwks": keys(public + `,{"kty":"oct","k":"AAAA"}`)},
			{"jwks": keys(strings.TrimSuffix(public, "}") + `,"kid":"a\u0000b"}`)},
			{"jwks": keys(strings.Repeat(public+",", 150) + public)},
		}},
	} {
		list[sentence+" is refused, and writes nothing"] = func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			for _, wrong := range of.wrong {
				m := registrant()
				for name, value := range wrong {
					m = m.with(name, value)
				}
				if ans := w.register(t, m); ans.Status != 400 || ans.text(t, "error") != string(of.code) {
					t.Errorf("%s: %d %s, want 400 %s", jsonOf(t, wrong), ans.Status, ans.Body, of.code)
				}
			}
			w.nobody(t)
		}
	}
	list["keys, links and the members of OpenID Connect are kept"] = func(t *testing.T, a Adapter) {
		w := registering(t, a, nil)
		m := registrant()
		for name, value := range map[string]any{
			"jwks": keys(public), "client_uri": "https://app.example.com", "logo_uri": "https://app.example.com/l.png", "policy_uri": "https://app.example.com/p", "tos_uri": "https://app.example.com/t",
			"contacts": []string{"änne@example.com"}, "software_id": "4711", "software_version": "1.0 β", "default_max_age": 0, "require_auth_time": true, "default_acr_values": []string{"1"},
			"initiate_login_uri": "https://app.example.com/go", "post_logout_redirect_uris": []string{"https://app.example.com/bye"}, "id_token_signed_response_alg": "ES256",
			"subject_type": "public", "request_uris": []string{"https://app.example.com/r#digest"}, "application_type": "web",
		} {
			m = m.with(name, value)
		}
		ans := w.register(t, m)
		_, uri, token := ans.registered(t, 201)
		for _, got := range []map[string]any{ans.json(t), w.get(t, uri, "Authorization", "Bearer "+token).json(t)} {
			for name, want := range m {
				var a, b any
				_ = json.Unmarshal([]byte(jsonOf(t, got[name])), &a)
				_ = json.Unmarshal([]byte(jsonOf(t, want)), &b)
				if jsonOf(t, a) != jsonOf(t, b) {
					t.Errorf("%s = %s, want %s", name, jsonOf(t, a), jsonOf(t, b))
				}
			}
		}
	}
	return list
}

// statements are the cases of software statements (RFC 7591, section 2.3).
func statements() cases {
	const publisher = "https://publisher.example.com"
	world := func(t *testing.T, a Adapter) (*world, *jose.Key) {
		t.Helper()
		key, err := jose.Generate(jose.ES256)
		if err != nil {
			t.Fatal(err)
		}
		return registering(t, a, func(r *server.Registration, _ *setup) {
			r.Open = false
			r.Statements = []server.StatementIssuer{{Issuer: publisher, Keys: jose.NewKeySet(key.Public()), Limits: server.RegistrationLimits{Scopes: "open read"}}}
		}), key
	}
	sign := func(t *testing.T, k *jose.Key, typ string, claims said) string {
		t.Helper()
		text, err := jose.Sign(k, typ, claims)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	claims := said{"iss": publisher, "client_name": "Certified", "redirect_uris": []string{callback}, "scope": "read", "software_id": "4711"}
	return cases{
		"a software statement stands in for a token, and overrides what the client says": func(t *testing.T, a Adapter) {
			w, by := world(t, a)
			statement := sign(t, by, "JWT", claims.with("aud", w.issuer).with("exp", w.clock.Now().Add(time.Hour).Unix()))
			m := said{"software_statement": statement, "client_name": "Mine", "redirect_uris": []string{"https://evil.example/cb"}, "client_uri": "https://app.example.com"}
			ans := w.register(t, m)
			p, uri, token := ans.registered(t, 201)
			if p.redirect != callback || ans.text(t, "client_name") != "Certified" || ans.text(t, "scope") != "read" || ans.text(t, "software_statement") != statement || ans.text(t, "client_uri") != "https://app.example.com" {
				t.Errorf("answer = %s", ans.Body)
			}
			w.login(p, "scope", "read")
			// What it says holds at every change, also of who leaves it out and after its time.
			w.clock.Pass(2 * time.Hour)
			put := func(m said) *answer {
				return w.do(t, http.MethodPut, uri, jsonOf(t, m.with("client_id", p.id)), "Content-Type", "application/json", "Authorization", "Bearer "+token)
			}
			again := put(said{"client_name": "Mine", "redirect_uris": []string{"https://evil.example/cb"}, "scope": "open"}).status(t, 200)
			if got, _, _ := again.registered(t, 200); got.redirect != callback || again.text(t, "client_name") != "Certified" || again.text(t, "scope") != "read" || again.json(t)["client_uri"] != nil {
				t.Errorf("changed = %s", again.Body)
			}
			w.register(t, m).refused(t, 400, "invalid_software_statement")
			put(said{"software_statement": sign(t, by, "JWT", claims.with("exp", w.clock.Now().Add(-time.Minute).Unix()))}).refused(t, 400, "invalid_software_statement")
			newer := put(said{"software_statement": sign(t, by, "JWT", claims.with("client_name", "Certified again"))}).status(t, 200)
			if newer.text(t, "client_name") != "Certified again" {
				t.Errorf("changed = %s", newer.Body)
			}
		},
		"all copies of one software wait together": func(t *testing.T, a Adapter) {
			w, by := world(t, a)
			m := said{"software_statement": sign(t, by, "JWT", claims)}
			for range 30 {
				w.register(t, m).status(t, 201)
			}
			ans := w.register(t, m)
			ans.refused(t, 429, "temporarily_unavailable")
			ans.fields(t, "Retry-After", "60")
			w.clock.Pass(time.Minute)
			w.register(t, m).status(t, 201)
		},
		"a software statement that is broken, over, for somebody else or of nobody is refused": func(t *testing.T, a Adapter) {
			w, by := world(t, a)
			stranger, err := jose.Generate(jose.ES256)
			if err != nil {
				t.Fatal(err)
			}
			now := w.clock.Now()
			good := sign(t, by, "", claims)
			for why, statement := range map[string]any{
				"no string": 7, "no JWT": "x.y.z", "empty": "", "cut": good[:len(good)-4], "of a stranger's key": sign(t, stranger, "", claims),
				"over": sign(t, by, "", claims.with("exp", now.Add(-10*time.Second).Unix())), "not yet": sign(t, by, "", claims.with("nbf", now.Add(time.Hour).Unix())),
				"for another server": sign(t, by, "", claims.with("aud", "https://other.example.com")), "an access token": sign(t, by, "at+jwt", claims),
			} {
				if ans := w.register(t, said{"software_statement": statement}); ans.Status != 400 || ans.text(t, "error") != "invalid_software_statement" {
					t.Errorf("%s: %d %s", why, ans.Status, ans.Body)
				}
			}
			w.register(t, said{"software_statement": sign(t, stranger, "", claims.with("iss", "https://stranger.example.com"))}).refused(t, 400, "unapproved_software_statement")
			w.register(t, said{"software_statement": sign(t, by, "", claims.with("scope", "admin"))}).refused(t, 400, "invalid_client_metadata")
			w.nobody(t)
		},
	}
}
