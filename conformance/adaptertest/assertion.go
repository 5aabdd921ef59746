package adaptertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

const (
	jwtBearer    = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	sharedSecret = "a-secret-that-two-know-and-nobody-else-0123456789-0123456789-abc"
	otherSecret  = "b-secret-that-two-know-and-nobody-else-0123456789-0123456789-abc"
)

// asserter is a client that authenticates by assertions.
type asserter struct {
	w      *world
	id     string
	key    *jose.Key // or
	secret string
	alg    jose.Alg // with secret
	made   *atomic.Int64
}

// claims are those of an assertion that is right, with a jti of its own.
func (s asserter) claims() map[string]any {
	now := s.w.clock.Now()
	return map[string]any{
		"iss": s.id, "sub": s.id, "aud": s.w.issuer, "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(),
		"jti": fmt.Sprintf("%s-%d", s.id, s.made.Add(1)),
	}
}

// sign signs claims as what typ says.
func (s asserter) sign(typ string, claims map[string]any) string {
	s.w.t.Helper()
	var text string
	var err error
	if s.key != nil {
		text, err = jose.Sign(s.key, typ, claims)
	} else {
		text, err = jose.SignHMAC(s.alg, []byte(s.secret), typ, claims)
	}
	if err != nil {
		s.w.t.Fatal(err)
	}
	return text
}

// assertion returns one that is right, but for the claims that changes names: nil takes one away.
func (s asserter) assertion(changes map[string]any) string {
	claims := s.claims()
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return s.sign("client-authentication+jwt", claims)
}

// asserted returns form with an assertion.
func asserted(form url.Values, assertion string) url.Values {
	return with(form, "client_assertion", assertion, "client_assertion_type", jwtBearer)
}

func ownToken() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}
}

// asserting are the clients of assertion worlds: one with inline keys, one whose keys are at a URL, one with a secret.
type asserting struct {
	*world
	keyed, remote, shared asserter
	web                   *keySite
}

// newAsserting makes a world in which all built-in methods are on.
func newAsserting(t *testing.T, a Adapter, change func(s *setup, clients map[string]*store.Client)) *asserting {
	t.Helper()
	x := &asserting{web: newKeySite()}
	inline, far := newSigningKey(t, jose.ES256), newSigningKey(t, jose.EdDSA)
	x.web.publish(t, far)
	x.world = newWorld(t, a, func(s *setup) {
		s.ClientAuthMethods = []string{"client_secret_basic", "client_secret_post", "none", "private_key_jwt", "client_secret_jwt"}
		s.Fetcher, s.PushedRequests = x.web, &server.PushedRequests{}
		grants := []string{"client_credentials", "authorization_code", "refresh_token"}
		clients := map[string]*store.Client{
			"keyed":  {ID: "keyed", Metadata: oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: publicKeys(t, inline), GrantTypes: grants, RedirectURIs: []string{callback}}},
			"remote": {ID: "remote", Metadata: oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKSURI: keySiteURL, GrantTypes: grants, RedirectURIs: []string{callback}}},
			"shared": {ID: "shared", Secrets: []store.Secret{server.ClearSecret(sharedSecret)}, Metadata: oauth2.ClientMetadata{AuthMethod: "client_secret_jwt", GrantTypes: grants, RedirectURIs: []string{callback}}},
		}
		if change != nil {
			change(s, clients)
		}
		for _, c := range clients {
			s.Clients = append(s.Clients, c)
		}
	})
	made := new(atomic.Int64)
	x.keyed = asserter{x.world, "keyed", inline, "", "", made}
	x.remote = asserter{x.world, "remote", far, "", "", made}
	x.shared = asserter{x.world, "shared", nil, sharedSecret, jose.HS256, made}
	return x
}

// send sends an assertion with a token request.
func (x *asserting) send(assertion string, changes ...string) *answer {
	x.t.Helper()
	return x.form(x.t, "/token", with(asserted(ownToken(), assertion), changes...))
}

// quiet checks that ans is invalid_client without a challenge.
func quiet(t *testing.T, ans *answer) {
	t.Helper()
	ans.refused(t, 400, "invalid_client")
	ans.fields(t, "WWW-Authenticate", "", "Cache-Control", "no-store")
}

// badClaims are claims with which no assertion proves anything.
func badClaims(x *asserting) map[string]map[string]any {
	now := x.clock.Now()
	token := x.issuer + "/token"
	return map[string]map[string]any{
		"no aud":                      {"aud": nil},
		"an empty aud":                {"aud": ""},
		"an aud of nobody":            {"aud": []string{}},
		"another server's aud":        {"aud": "https://as.example.com"},
		"the issuer with a slash":     {"aud": x.issuer + "/"},
		"the introspection endpoint":  {"aud": x.issuer + "/introspect"},
		"issuer and token endpoint":   {"aud": []string{x.issuer, token}},
		"issuer and another server":   {"aud": []string{x.issuer, "https://as.example.com"}},
		"an aud that is a number":     {"aud": 7},
		"an aud that is an object":    {"aud": map[string]any{"iss": x.issuer}},
		"an array of an array":        {"aud": []any{[]string{x.issuer}}},
		"no iss":                      {"iss": nil},
		"another iss":                 {"iss": "web"},
		"an iss of another type":      {"iss": []string{"keyed"}},
		"no exp":                      {"exp": nil},
		"exp that is text":            {"exp": "soon"},
		"exp before 1970":             {"exp": -1},
		"exp without end":             {"exp": 1e300},
		"exp that is over":            {"exp": now.Add(-10 * time.Second).Unix()},
		"exp over an hour ahead":      {"exp": now.Add(time.Hour + 11*time.Second).Unix()},
		"iat ahead":                   {"iat": now.Add(12 * time.Second).Unix()},
		"iat that is text":            {"iat": "now"},
		"nbf ahead":                   {"nbf": now.Add(12 * time.Second).Unix()},
		"no jti":                      {"jti": nil},
		"an empty jti":                {"jti": ""},
		"a jti that is a number":      {"jti": 7},
		"a jti that is null":          {"jti": json.RawMessage("null")},
		"a sub that is another":       {"sub": "web"},
		"a sub of nobody":             {"sub": "nobody"},
		"no sub":                      {"sub": nil},
		"a sub that is an array":      {"sub": []string{"keyed"}},
		"a sub with a NUL":            {"sub": "keyed\x00"},
		"a sub that is very long":     {"sub": strings.Repeat("k", 5000)},
		"a sub of the client's space": {"sub": "keyed "},
	}
}

// goodClaims are claims that prove as much as the usual ones.
func goodClaims(x *asserting) map[string]map[string]any {
	now := x.clock.Now()
	return map[string]map[string]any{
		"the issuer":                      {},
		"the issuer in an array":          {"aud": []string{x.issuer}},
		"the token endpoint":              {"aud": x.issuer + "/token"},
		"the token endpoint in an array":  {"aud": []string{x.issuer + "/token"}},
		"exp just over":                   {"exp": now.Add(-9 * time.Second).Unix()},
		"exp an hour ahead":               {"exp": now.Add(time.Hour).Unix()},
		"iat and nbf a little ahead":      {"iat": now.Add(9 * time.Second).Unix(), "nbf": now.Add(9 * time.Second).Unix()},
		"no iat":                          {"iat": nil},
		"exp with a fraction":             {"exp": float64(now.Add(time.Minute).Unix()) + 0.5},
		"more claims":                     {"client_id": "other", "scope": "admin", "act": map[string]any{"sub": "x"}},
		"a long jti":                      {"jti": strings.Repeat("j", 2000)},
		"a jti with letters of all sorts": {"jti": "ä\u0000 ✓"},
	}
}

// forgeries are assertions with the right claims that prove nothing.
func forgeries(t *testing.T, x *asserting) map[string]string {
	t.Helper()
	b64 := base64.RawURLEncoding
	claims := func() map[string]any { return x.keyed.claims() }
	payload, err := json.Marshal(claims())
	if err != nil {
		t.Fatal(err)
	}
	stranger := x.keyed
	stranger.key = newSigningKey(t, jose.ES256)
	embedded, err := jose.SignEmbedded(stranger.key, "JWT", claims())
	if err != nil {
		t.Fatal(err)
	}
	// The public key, which everybody knows, as a shared secret.
	public := x.keyed
	public.key, public.secret, public.alg = nil, string(publicKeys(t, x.keyed.key)), jose.HS256
	shared := x.keyed
	shared.key, shared.secret, shared.alg = nil, sharedSecret, jose.HS256
	good := x.keyed.sign("JWT", claims())
	return map[string]string{
		"another key":                   stranger.sign("JWT", claims()),
		"the key in its own header":     embedded,
		"no algorithm":                  b64.EncodeToString([]byte(`{"alg":"none"}`)) + "." + b64.EncodeToString(payload) + ".",
		"the public key as a secret":    public.sign("JWT", claims()),
		"another client's secret":       shared.sign("JWT", claims()),
		"a broken signature":            good[:len(good)-8] + "AAAAAAAA",
		"no signature":                  good[:strings.LastIndexByte(good, '.')+1],
		"two parts":                     good[:strings.LastIndexByte(good, '.')],
		"four parts":                    good + ".x",
		"no base64":                     "!" + good,
		"three dots":                    "...",
		"not a JWT":                     "a.b.c",
		"typ of an access token":        x.keyed.sign("at+jwt", claims()),
		"typ of a request object":       x.keyed.sign("oauth-authz-req+jwt", claims()),
		"typ of a DPoP proof":           x.keyed.sign("dpop+jwt", claims()),
		"64 KiB":                        strings.Repeat("a", 30<<10) + "." + strings.Repeat("b", 30<<10) + ".c",
		"a payload that is an array":    signRaw(t, x.keyed.key, `["iss","keyed"]`),
		"a claim that comes twice":      signRaw(t, x.keyed.key, strings.Replace(string(payload), "{", `{"aud":"https://as.example.com",`, 1)),
		"a payload that is not UTF-8":   signRaw(t, x.keyed.key, strings.Replace(string(payload), "{", "{\"x\":\"\xff\",", 1)),
		"a payload with something more": signRaw(t, x.keyed.key, string(payload)+"{}"),
	}
}

func signRaw(t *testing.T, key *jose.Key, payload string) string {
	t.Helper()
	text, err := jose.Sign(key, "JWT", []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// assertions are the cases of private_key_jwt and client_secret_jwt (RFC 7523, sections 2.2 and 3).
func assertions() cases {
	list := cases{
		"each claim that is right is taken": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			for name, changes := range goodClaims(x) {
				for _, s := range []asserter{x.keyed, x.remote, x.shared} {
					if ans := x.send(s.assertion(changes)); ans.Status != 200 {
						t.Errorf("%s of %s: %d %s", name, s.id, ans.Status, ans.Body)
					}
				}
			}
		},
		"each claim that is wrong is refused": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			for name, changes := range badClaims(x) {
				for _, s := range []asserter{x.keyed, x.shared} {
					ans := x.send(s.assertion(changes))
					if t.Log(name, s.id); ans.Status == 200 {
						t.Fatal("it was taken")
					}
					quiet(t, ans)
				}
			}
		},
		"what is forged is refused": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			for name, assertion := range forgeries(t, x) {
				t.Log(name)
				quiet(t, x.send(assertion))
			}
			x.send(x.keyed.assertion(nil)).tokens(t)
		},
	}
	maps.Copy(list, assertionRequests())
	maps.Copy(list, assertionKeys())
	maps.Copy(list, assertionOnce())
	return list
}

// assertionRequests are the cases of the request around an assertion.
func assertionRequests() cases {
	return cases{
		"it needs no client_id, and another is refused": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			x.send(x.keyed.assertion(nil), "client_id", "keyed").tokens(t)
			x.send(x.keyed.assertion(nil), "client_id", "web").refused(t, 400, "invalid_request")
			quiet(t, x.send("a.b.c", "client_id", "keyed"))
		},
		"its two parameters go together": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			x.send(x.keyed.assertion(nil), "client_assertion_type", "").refused(t, 400, "invalid_request")
			x.send("", "client_id", "keyed").refused(t, 400, "invalid_request")
			quiet(t, x.send(x.keyed.assertion(nil), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"))
			form := asserted(ownToken(), x.keyed.assertion(nil))
			form["client_assertion"] = append(form["client_assertion"], x.keyed.assertion(nil))
			x.form(t, "/token", form).refused(t, 400, "invalid_request")
		},
		"another method beside it is refused": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			x.send(x.keyed.assertion(nil), "client_secret", "x").refused(t, 400, "invalid_request")
			x.form(t, "/token", asserted(ownToken(), x.keyed.assertion(nil)), "Authorization", basic("keyed", "x")).refused(t, 400, "invalid_request")
		},
		"a method that the client is not registered for is refused": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, func(s *setup, _ map[string]*store.Client) {
				s.Clients = append(s.Clients, &store.Client{ID: "sealed", Secrets: []store.Secret{server.ClearSecret(sharedSecret)}, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}}})
			})
			sealed := x.shared
			sealed.id = "sealed"
			quiet(t, x.send(sealed.assertion(nil)))
			x.token(party{"sealed", sharedSecret, "client_secret_basic", ""}, ownToken()).tokens(t)
			x.token(party{"shared", sharedSecret, "client_secret_basic", ""}, ownToken()).refused(t, 401, "invalid_client")
			quiet(t, x.token(party{"shared", sharedSecret, "client_secret_post", ""}, ownToken()))
			quiet(t, x.token(party{"keyed", "", "none", ""}, ownToken()))
		},
		"a secret is for no private key, and the other way round": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			crossed := x.shared
			crossed.key = x.keyed.key
			quiet(t, x.send(crossed.assertion(nil)))
			wrong := x.shared
			wrong.secret = otherSecret
			quiet(t, x.send(wrong.assertion(nil)))
		},
		"the registered algorithm is the only one": func(t *testing.T, a Adapter) {
			rsa := newSigningKey(t, jose.PS256)
			x := newAsserting(t, a, func(_ *setup, c map[string]*store.Client) {
				c["keyed"].Metadata.JWKS = publicKeys(t, rsa)
				c["keyed"].Metadata.AuthAlg = "PS256"
				c["shared"].Metadata.AuthAlg = "HS512"
			})
			x.keyed.key = rsa
			x.send(x.keyed.assertion(nil)).tokens(t)
			x.keyed.key = withAlg(t, rsa, jose.RS256)
			quiet(t, x.send(x.keyed.assertion(nil)))
			quiet(t, x.send(x.shared.assertion(nil)))
			x.shared.alg = jose.HS512
			x.send(x.shared.assertion(nil)).tokens(t)
		},
		"each algorithm of a shared secret works": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, nil)
			for _, alg := range []jose.Alg{jose.HS256, jose.HS384, jose.HS512} {
				x.shared.alg = alg
				x.send(x.shared.assertion(nil)).tokens(t)
			}
		},
		"where only the issuer counts, it must be a string": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, func(s *setup, _ map[string]*store.Client) { s.StrictAssertionAudience = true })
			for _, s := range []asserter{x.keyed, x.remote, x.shared} {
				x.send(s.assertion(nil)).tokens(t)
				for _, aud := range []any{x.issuer + "/token", []string{x.issuer}, []string{x.issuer + "/token"}} {
					quiet(t, x.send(s.assertion(map[string]any{"aud": aud})))
				}
			}
		},
		"a method that is off is refused, and metadata knows it": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, func(s *setup, c map[string]*store.Client) {
				s.ClientAuthMethods = []string{"client_secret_basic", "client_secret_post", "none"}
				clear(c)
			})
			quiet(t, x.send(x.keyed.assertion(nil)))
			m := x.get(t, "/.well-known/oauth-authorization-server").json(t)
			if m["token_endpoint_auth_signing_alg_values_supported"] != nil {
				t.Errorf("metadata promises %v", m["token_endpoint_auth_signing_alg_values_supported"])
			}
		},
		"metadata names methods and algorithms, for each endpoint": func(t *testing.T, a Adapter) {
			x := newAsserting(t, a, func(s *setup, _ map[string]*store.Client) {
				s.ClientAuthAlgs = []jose.Alg{jose.HS256, jose.ES256, jose.EdDSA}
			})
			m := x.get(t, "/.well-known/oauth-authorization-server").json(t)
			for _, endpoint := range []string{"token", "revocation", "introspection"} {
				methods, want := strings.Join(words(m[endpoint+"_endpoint_auth_methods_supported"]), " "), "client_secret_basic client_secret_post none private_key_jwt client_secret_jwt"
				if endpoint == "introspection" {
					want = strings.Replace(want, "none ", "", 1)
				}
				if methods != want {
					t.Errorf("%s: methods = %q, want %q", endpoint, methods, want)
				}
				if algs := strings.Join(words(m[endpoint+"_endpoint_auth_signing_alg_values_supported"]), " "); algs != "ES256 EdDSA HS256" {
					t.Errorf("%s: algorithms = %q", endpoint, algs)
				}
			}
		},
	}
}
