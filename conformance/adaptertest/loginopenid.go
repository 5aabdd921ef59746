package adaptertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
)

func openIDLogins() cases {
	list := cases{
		"a login ends with who the ID token says": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			at := w.begin("home", "?return_to=/cart")
			if q := at.Query(); q.Get("scope") != "openid profile email" || q.Get("code_challenge_method") != "S256" || len(q.Get("nonce")) < 22 || q.Get("nonce") == q.Get("state") {
				t.Errorf("the request is %s", at)
			}
			done := w.open(w.op.approve(at)).signed(t, "home")
			if done.text(t, "email") != "alice@example.com" || done.text(t, "sid") != "session-1" || done.text(t, "iss") != w.op.issuer || done.text(t, "return_to") != "/cart" {
				t.Errorf("signed in with %s", done.Body)
			}
			w.open(w.other.approve(w.begin("away", ""))).signed(t, "away")
			if n := w.op.count("jwks") + w.op.count("metadata") + w.op.count("userinfo"); n != 2 {
				t.Errorf("the provider was asked %d times besides the code", n)
			}
		},
		"what the ID token lacks the UserInfo endpoint has": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, func(s *openIDSetup) {
				s.op.claims = func(c map[string]any) { delete(c, "name") }
				s.op.userInfo = func() (string, string) {
					return "application/json", `{"sub":"alice","name":"Alice B","email":"mallory@example.com","email_verified":true}`
				}
			})
			done := w.open(w.come(w.tabs)).signed(t, "home")
			if done.text(t, "name") != "Alice B" || done.text(t, "email") != "alice@example.com" {
				t.Errorf("signed in with %s", done.Body)
			}
		},
		"that an address is verified is said of that address alone": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, func(s *openIDSetup) {
				s.home.UserInfo = client.UserInfoAlways
				s.op.claims = func(c map[string]any) { c["email"] = "victim@example.com"; delete(c, "email_verified") }
				s.op.userInfo = func() (string, string) {
					return "application/json", `{"sub":"alice","email":"mallory@example.com","email_verified":"true"}`
				}
			})
			if done := w.open(w.come(w.tabs)).signed(t, "home"); done.text(t, "email") != "" {
				t.Errorf("signed in with %s", done.Body)
			}
		},
		"signed user info is verified": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, func(s *openIDSetup) {
				s.home.UserInfo = client.UserInfoAlways
				s.op.userInfo = func() (string, string) {
					return "application/jwt", s.op.signed("JWT", map[string]any{"sub": "alice", "picture": "https://x/y", "iss": s.op.issuer, "aud": "shop"})
				}
			})
			if done := w.open(w.come(w.tabs)).signed(t, "home"); done.text(t, "picture") != "https://x/y" {
				t.Errorf("signed in with %s", done.Body)
			}
			w.op.userInfo = func() (string, string) {
				return "application/jwt", rawJWT(map[string]any{"alg": "none"}, map[string]any{"sub": "alice"}, nil)
			}
			w.open(w.come(w.tabs)).unsigned(t, 502, client.Mismatch)
			w.op.userInfo = func() (string, string) {
				return "application/jwt", w.op.signed("JWT", map[string]any{"sub": "alice", "aud": "bank", "iss": w.op.issuer})
			}
			w.open(w.come(w.tabs)).unsigned(t, 502, client.Mismatch)
		},
		"an answer that is posted signs in as well": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, func(s *openIDSetup) { s.home.FormPost = true })
			at := w.begin("home", "")
			if at.Query().Get("response_mode") != "form_post" {
				t.Errorf("the request is %s", at)
			}
			w.send("POST", "/auth/home/callback", w.op.approve(at).Query()).signed(t, "home")
		},
		"max_age and acr are asked for and proven": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, func(s *openIDSetup) {
				s.home.MaxAge, s.home.ACR = 10*time.Minute, []string{"mfa", "phr"}
				s.op.claims = func(c map[string]any) { c["acr"] = "phr" }
			})
			at := w.begin("home", "")
			if q := at.Query(); q.Get("max_age") != "600" || q.Get("acr_values") != "mfa phr" {
				t.Errorf("the request is %s", at)
			}
			w.open(w.op.approve(at)).signed(t, "home")
			for sentence, change := range map[string]func(c map[string]any){
				"signed in too long ago": func(c map[string]any) { c["acr"], c["auth_time"] = "mfa", w.clock.Now().Add(-12*time.Minute).Unix() },
				"no word about when":     func(c map[string]any) { c["acr"] = "mfa"; delete(c, "auth_time") },
				"another class":          func(c map[string]any) { c["acr"] = "pwd" },
				"no class":               func(map[string]any) {},
			} {
				w.op.claims = change
				t.Log(sentence)
				w.open(w.come(w.tabs)).unsigned(t, 502, client.Mismatch)
			}
		},
		"keys are rotated while users sign in": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			w.open(w.come(w.tabs)).signed(t, "home")
			before := w.op.count("jwks")
			w.op.rotate(1)
			w.clock.Pass(time.Minute)
			var all sync.WaitGroup
			for range 16 {
				b := w.another()
				back := w.come(b)
				all.Go(func() { b.open(back).signed(t, "home") })
			}
			all.Wait()
			if n := w.op.count("jwks") - before; n < 1 || n > 2 {
				t.Errorf("the keys were fetched %d times", n)
			}
		},
		"a provider whose keys are away for a while signs in with those that are known": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			w.open(w.come(w.tabs)).signed(t, "home")
			w.op.down["jwks"], w.op.down["metadata"] = true, true
			w.clock.Pass(2 * time.Hour)
			w.open(w.come(w.tabs)).signed(t, "home")
		},
		"a provider whose keys were never there is Unreachable": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, func(s *openIDSetup) { s.op.down["jwks"] = true })
			w.open(w.come(w.tabs)).unsigned(t, 502, client.Unreachable)
		},
		"metadata of another issuer is none": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, func(s *openIDSetup) {
				s.op.metadata = func(m map[string]any) { m["issuer"] = s.op.issuer + "/" }
			})
			w.send("GET", "/auth/home/login", nil).unsigned(t, 502, client.Unreachable)
		},
		"an issuer of many tenants is the one that the token names": func(t *testing.T, a Adapter) {
			const tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
			w := newOpenIDWorld(t, a, func(s *openIDSetup) {
				s.home.Issuer, s.home.MetadataURL = "https://id.example.com/{tenantid}/v2.0", s.op.issuer+"/.well-known/openid-configuration"
				s.op.metadata = func(m map[string]any) {
					m["issuer"] = "https://id.example.com/{tenantid}/v2.0"
					delete(m, "authorization_response_iss_parameter_supported")
				}
				s.op.claims = func(c map[string]any) { c["iss"], c["tid"] = "https://id.example.com/"+tenant+"/v2.0", tenant }
			})
			back := func() *url.URL { return changed(w.come(w.tabs), "iss", "") }
			w.open(back()).signed(t, "home")
			for _, change := range []func(c map[string]any){
				func(c map[string]any) { c["iss"], c["tid"] = "https://id.example.com/"+tenant+"/v2.0", "another" },
				func(c map[string]any) { c["iss"] = "https://id.example.com/" + tenant + "/v2.0" },
				func(c map[string]any) { c["iss"], c["tid"] = "https://id.example.com/{tenantid}/v2.0", "{tenantid}" },
				func(c map[string]any) { c["iss"], c["tid"] = "https://id.example.com/a/b/v2.0", "a/b" },
				func(c map[string]any) { c["iss"], c["tid"] = "https://id.example.com//v2.0", "" },
			} {
				w.op.claims = change
				w.open(back()).unsigned(t, 502, client.Mismatch)
			}
		},
	}
	for sentence, spoil := range idTokenAttacks() {
		list[sentence] = func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			w.open(w.come(w.tabs)).signed(t, "home")
			spoil(w.op)
			w.open(w.come(w.tabs)).unsigned(t, 502, client.Mismatch)
		}
	}
	return list
}

// idTokenAttacks are what an ID token can have that makes it none.
func idTokenAttacks() map[string]func(p *idp) {
	claim := func(name string, value any) func(p *idp) {
		return func(p *idp) {
			p.claims = func(c map[string]any) {
				if c[name] = value; value == nil {
					delete(c, name)
				}
			}
		}
	}
	ago := func(name string, d time.Duration) func(p *idp) {
		return func(p *idp) { p.claims = func(c map[string]any) { c[name] = p.clock.Now().Add(d).Unix() } }
	}
	typed := func(typ string) func(p *idp) {
		return func(p *idp) { p.sign = func(p *idp, c map[string]any) string { return p.signed(typ, c) } }
	}
	forged := func(secret func(p *idp) []byte, header map[string]any) func(p *idp) {
		return func(p *idp) {
			p.sign = func(p *idp, c map[string]any) string {
				h := map[string]any{"typ": "JWT", "kid": p.key().ID()}
				maps.Copy(h, header)
				return rawJWT(h, c, secret(p))
			}
		}
	}
	unsigned := func(*idp) []byte { return nil }
	return map[string]func(p *idp){
		"nonce: an ID token of another request signs nobody in":       claim("nonce", "AAAAAAAAAAAAAAAAAAAAAA"),
		"nonce: an ID token without one signs nobody in":              claim("nonce", nil),
		"nonce: one that says it has none is not believed":            func(p *idp) { p.claims = func(c map[string]any) { delete(c, "nonce"); c["nonce_supported"] = false } },
		"iss: an ID token of another issuer signs nobody in":          claim("iss", "https://evil.example.com"),
		"iss: a slash makes another issuer":                           claim("iss", "https://id.example.com/"),
		"iss: an ID token without one signs nobody in":                claim("iss", nil),
		"aud: an ID token for another client signs nobody in":         claim("aud", "bank"),
		"aud: an ID token for nobody signs nobody in":                 claim("aud", nil),
		"aud: other audiences need an azp":                            claim("aud", []string{"shop", "bank"}),
		"azp: an ID token made for another client signs nobody in":    claim("azp", "bank"),
		"sub: an ID token about nobody signs nobody in":               claim("sub", nil),
		"sub: a subject has 255 bytes at most":                        claim("sub", strings.Repeat("a", 256)),
		"exp: an ID token that has run out signs nobody in":           ago("exp", -time.Minute-time.Second),
		"exp: an ID token without an end signs nobody in":             claim("exp", nil),
		"iat: an ID token of the future signs nobody in":              ago("iat", time.Minute+2*time.Second),
		"iat: an ID token without it signs nobody in":                 claim("iat", nil),
		"nbf: an ID token that is not good yet signs nobody in":       ago("nbf", time.Minute+2*time.Second),
		"at_hash: an ID token beside another access token is refused": func(p *idp) { p.answer = func(m map[string]any) { m["access_token"] = "of-somebody-else" } },
		"c_hash: an ID token of another code is refused":              claim("c_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"typ: an access token is no ID token":                         typed("at+jwt"),
		"typ: a logout token is no ID token":                          typed("logout+jwt"),
		"alg: none is never taken":                                    forged(unsigned, map[string]any{"alg": "none"}),
		"alg: nOnE is never taken":                                    forged(unsigned, map[string]any{"alg": "nOnE"}),
		"alg: HS256 with the public key as its secret is refused": forged(func(p *idp) []byte {
			pem, _ := p.key().Public().MarshalPEM()
			return pem
		}, map[string]any{"alg": "HS256"}),
		"alg: HS256 with the public JWK as its secret is refused": forged(func(p *idp) []byte {
			jwk, _ := json.Marshal(p.key().Public())
			return jwk
		}, map[string]any{"alg": "HS256"}),
		"alg: HS256 with the client secret is refused where nobody asked for it": forged(func(*idp) []byte { return []byte(idpSecret) }, map[string]any{"alg": "HS256"}),
		"jwk: a key in the token's own header proves nothing": func(p *idp) {
			p.sign = func(_ *idp, c map[string]any) string {
				k, _ := jose.Generate(jose.ES256)
				raw, _ := jose.SignEmbedded(k, "JWT", c)
				return raw
			}
		},
		"kid: a stranger's key under a known name proves nothing": func(p *idp) {
			p.sign = func(p *idp, c map[string]any) string {
				private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
				k, _ := jose.NewKey(jose.ES256, private, p.key().ID())
				raw, _ := jose.Sign(k, "JWT", c)
				return raw
			}
		},
		"an answer without an ID token signs nobody in":     func(p *idp) { p.answer = func(m map[string]any) { delete(m, "id_token") } },
		"what is no JWT signs nobody in":                    func(p *idp) { p.answer = func(m map[string]any) { m["id_token"] = "x.y.z" } },
		"an ID token that is encrypted is told from others": func(p *idp) { p.answer = func(m map[string]any) { m["id_token"] = "a.b.c.d.e" } },
		"userinfo: an answer about another user is refused": func(p *idp) {
			p.claims = func(c map[string]any) { delete(c, "email") }
			p.userInfo = func() (string, string) { return "application/json", `{"sub":"mallory","email":"mallory@example.com"}` }
		},
		"userinfo: an answer about nobody is refused": func(p *idp) {
			p.claims = func(c map[string]any) { delete(c, "email") }
			p.userInfo = func() (string, string) { return "application/json", `{"email":"mallory@example.com"}` }
		},
	}
}

func openIDAttacks() cases {
	return cases{
		"swapping: the ID token of another flow signs nobody in": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			victim := w.open(w.come(w.tabs)).signed(t, "home").text(t, "id_token")
			attacker := w.another()
			w.op.answer = func(m map[string]any) { m["id_token"] = victim }
			attacker.open(w.come(attacker)).unsigned(t, 502, client.Mismatch)
		},
		"swapping: the code of another flow signs nobody in": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			stolen, own := w.come(w.another()), w.come(w.tabs)
			w.open(changed(own, "code", stolen.Query().Get("code"))).unsigned(t, 502, client.Provider)
		},
		"mix-up: the answer of another provider is refused before its code is sent anywhere (RFC 9207)": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			back := w.come(w.tabs)
			w.open(changed(back, "iss", w.other.issuer)).unsigned(t, 502, client.Mismatch)
			w.open(changed(w.come(w.tabs), "iss", "")).unsigned(t, 502, client.Mismatch)
			if n := w.op.count("token"); n != 0 {
				t.Errorf("%d codes were sent", n)
			}
		},
		"mix-up: the answer of one provider at the callback of another signs nobody in": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			back := w.come(w.tabs)
			back.Path = "/auth/away/callback"
			w.open(back).unsigned(t, 502, client.Mismatch)
			if n := w.other.count("token"); n != 0 {
				t.Errorf("%d codes were sent", n)
			}
		},
		"mix-up: the ID token of another provider signs nobody in": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			w.op.sign = func(_ *idp, c map[string]any) string {
				c["iss"] = w.other.issuer
				return w.other.signed("JWT", c)
			}
			w.open(w.come(w.tabs)).unsigned(t, 502, client.Mismatch)
		},
		"a flood of unknown keys reaches the provider once": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			w.open(w.come(w.tabs)).signed(t, "home")
			w.op.sign = func(_ *idp, c map[string]any) string {
				k, _ := jose.Generate(jose.ES256)
				raw, _ := jose.Sign(k, "JWT", c)
				return raw
			}
			before := w.op.count("jwks")
			for range 24 {
				w.open(w.come(w.tabs)).unsigned(t, 502, client.Mismatch)
			}
			if n := w.op.count("jwks") - before; n != 1 {
				t.Errorf("the keys were fetched %d times", n)
			}
		},
	}
}
