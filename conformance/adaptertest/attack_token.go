package adaptertest

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// passports are JWTs of all kinds that the server makes or takes, by kind, each good where it belongs. All that clients sign is of one client, "keyed",
// with one key: only what it says, and for what, sets it apart.
func passports(t *testing.T, a Adapter) (x *asserting, kinds map[string]string) {
	t.Helper()
	partnered := newPartnerKey(t)
	x = objecting(t, a, func(s *setup, clients map[string]*store.Client) {
		signing(s)
		s.Registration = &server.Registration{Open: true, Statements: []server.StatementIssuer{{Issuer: partner, Keys: partnered.keys()}}}
		s.SignedIntrospection = &server.SignedIntrospection{}
		exchange := freely()
		exchange.Issuers = []server.TrustedIssuer{{Issuer: partner, Keys: partnered.keys()}}
		exchange.User = func(_ context.Context, t *mandate.Token) (server.User, error) { return known(t) }
		s.GrantTypes = []server.GrantType{
			server.AuthorizationCode(), server.RefreshToken(), server.ClientCredentials(), server.TokenExchange(exchange),
			server.JWTBearer(server.JWTBearerConfig{
				Clients: true, Issuers: []server.TrustedIssuer{{Issuer: partner, Keys: partnered.keys()}},
				User: func(_ context.Context, _ server.Client, t *mandate.Token) (server.User, error) { return known(t) },
			}),
		}
		c := clients["keyed"]
		c.Metadata.GrantTypes = append(c.Metadata.GrantTypes, oauth2.GrantJWTBearer, oauth2.GrantTokenExchange)
		c.Policy.TokenFormat, c.Policy.Introspect, c.Policy.Serves = "jwt", "all", apiName
	})
	p := party{"keyed", "", "", callback}
	_, jarm := x.authorize(with(p.request(), "response_mode", "jwt")).params(t)
	access := x.form(t, "/token", asserted(ownToken(), x.keyed.assertion(nil))).tokens(t).Access
	now := x.clock.Now().Unix()
	// both is an assertion and a request in one: what it is must be said by more than what it has (RFC 9101, section 10.8).
	both := func(jti string) map[string]any {
		return x.keyed.request(map[string]any{"sub": "keyed", "jti": jti, "exp": now + 60})
	}
	kinds = map[string]string{
		"assertion with a request":  x.keyed.sign("client-authentication+jwt", both("b1")),
		"request by another type":   x.keyed.sign("client-authentication+jwt", x.keyed.request(map[string]any{"jti": "b4"})),
		"untyped one of both":       x.keyed.sign("JWT", both("b2")),
		"request with an assertion": x.keyed.sign("oauth-authz-req+jwt", both("b3")),
		"access token":              x.login(jwtWeb()).Access,
		"access token of a machine": access,
		"authorization response":    jarm.Get("response"),
		"introspection":             x.introspectAs(web(), x.login(web()).Access, signedType).status(t, 200).Body,
		"client assertion":          x.keyed.assertion(nil),
		"request object":            x.keyed.object(map[string]any{"jti": "r1"}),
		"assertion of a client":     x.keyed.sign("JWT", map[string]any{"iss": "keyed", "sub": "pat@partner", "aud": x.issuer, "iat": now, "exp": now + 300, "jti": "v1"}),
		"assertion of a partner":    partnered.sign("JWT", vouching(x.world)),
		"software statement":        partnered.sign("software-statement+jwt", map[string]any{"iss": partner, "software_id": "app"}),
		"ID token of a partner":     partnered.sign("JWT", map[string]any{"iss": partner, "sub": "pat@partner", "aud": "keyed", "iat": now, "exp": now + 300, "nonce": "n"}),
	}
	return x, kinds
}

// doors are where a JWT may be shown: each reports whether it was taken for what belongs there, and the kinds that do.
func doors(x *asserting) map[string]struct {
	belongs []string
	open    func(token string) (answer *answer, in bool)
} {
	type door = struct {
		belongs []string
		open    func(token string) (*answer, bool)
	}
	t := x.t
	proven := func(form url.Values) url.Values { return asserted(form, x.keyed.assertion(nil)) }
	return map[string]door{
		"the API": {[]string{"access token", "access token of a machine"}, func(token string) (*answer, bool) {
			ans := x.get(t, "/api", "Authorization", "Bearer "+token)
			return ans, ans.Status == 200
		}},
		"introspection": {[]string{"access token", "access token of a machine"}, func(token string) (*answer, bool) {
			ans := x.form(t, "/introspect", proven(url.Values{"token": {token}}))
			return ans, ans.Body != notActive
		}},
		"client authentication": {[]string{"client assertion", "assertion with a request", "untyped one of both"}, func(token string) (*answer, bool) {
			ans := x.send(token)
			return ans, ans.Status == 200
		}},
		"the authorization request": {[]string{"request object"}, func(token string) (*answer, bool) {
			ans := x.keyed.ask(token)
			return ans, strings.Contains(ans.Header.Get("Location"), "code=")
		}},
		"a pushed request": {[]string{"request object"}, func(token string) (*answer, bool) {
			ans := x.form(t, "/par", proven(url.Values{"request": {token}}))
			return ans, ans.Status == 201
		}},
		"the grant of assertions": {[]string{"assertion of a client", "assertion of a partner"}, func(token string) (*answer, bool) {
			ans := x.form(t, "/token", proven(bringing(token)))
			return ans, ans.Status == 200
		}},
		"registration": {[]string{"software statement"}, func(token string) (*answer, bool) {
			ans := x.register(t, registrant().with("software_statement", token))
			return ans, ans.Status == 201
		}},
		"registration's token": {nil, func(token string) (*answer, bool) {
			ans := x.register(t, registrant(), "Authorization", "Bearer "+token)
			return ans, ans.Status == 201
		}},
		"the refresh grant": {nil, func(token string) (*answer, bool) {
			ans := x.form(t, "/token", proven(refreshing(token)))
			return ans, ans.Status == 200
		}},
		"the code grant": {nil, func(token string) (*answer, bool) {
			ans := x.form(t, "/token", proven((party{"keyed", "", "", callback}).exchange(token)))
			return ans, ans.Status == 200
		}},
		"the exchange of access tokens": {[]string{"access token"}, func(token string) (*answer, bool) {
			ans := x.form(t, "/token", proven(trade(token)))
			return ans, ans.Status == 200
		}},
		"the exchange of JWTs": {[]string{"assertion of a partner", "access token"}, func(token string) (*answer, bool) {
			ans := x.form(t, "/token", proven(trade(token, "subject_token_type", "urn:ietf:params:oauth:token-type:jwt")))
			return ans, ans.Status == 200
		}},
		"the page": {nil, func(token string) (*answer, bool) {
			ans := x.get(t, "/authorize?handle="+token, "Accept", "text/html")
			return ans, ans.Status < 400
		}},
	}
}

// tokenAttacks are attacks with tokens: RFC 9700, sections 2.2.2 and 4.14 (refresh tokens), 4.9 and 4.10 (stolen access tokens); RFC 8725, sections 2.8,
// 3.11 and 3.12 (one JWT for another); RFC 6819, sections 4.1.2 (refresh tokens), 4.5.3 and 4.6.3 (guessing), 4.6.4 (counterfeit resource server).
func tokenAttacks() cases {
	grace := func(s *setup) { s.Grace = -1 }
	list := cases{
		"token substitution: every JWT is good for one thing, and no other": func(t *testing.T, a Adapter) {
			x, kinds := passports(t, a)
			for where, door := range doors(x) {
				for kind, token := range kinds {
					belongs := false
					for _, b := range door.belongs {
						belongs = belongs || b == kind
					}
					if belongs {
						continue // at last, as it may be used up
					}
					if ans, in := door.open(token); in || ans.Status >= 500 {
						t.Errorf("%s takes the %s: %d to %q, %s", where, kind, ans.Status, ans.Header.Get("Location"), ans.Body)
					}
				}
			}
			// And all of them work where they belong: what was refused was refused for its kind.
			for where, door := range doors(x) {
				for _, kind := range door.belongs {
					if where == "a pushed request" || where == "the exchange of JWTs" {
						continue // takes what another door has used up, and has cases of its own
					}
					if ans, in := door.open(kinds[kind]); !in {
						t.Errorf("%s refuses the %s: %d %s", where, kind, ans.Status, ans.Body)
					}
				}
			}
		},
		"token substitution: opaque tokens of one kind are nothing elsewhere": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				decide := s.Decide
				devices(nil)(s)
				s.Decide, s.SignIn = decide, nil
			})
			code, codes := w.code(web()), w.codes(box())
			for _, token := range []string{code, codes.Device, codes.User} {
				w.get(t, "/api", "Authorization", "Bearer "+token).refused(t, 401, "invalid_token")
				w.token(web(), refreshing(token)).refused(t, 400, "invalid_grant")
				w.token(box(), refreshing(token)).refused(t, 400, "invalid_grant")
			}
			w.token(box(), polling(code)).refused(t, 400, "invalid_grant")
			first := w.token(web(), web().exchange(code)).tokens(t)
			w.get(t, "/api", "Authorization", "Bearer "+first.Refresh).refused(t, 401, "invalid_token")
			w.token(web(), refreshing(first.Access)).refused(t, 400, "invalid_grant")
			w.token(web(), web().exchange(first.Refresh)).refused(t, 400, "invalid_grant")
			w.alive(w.refresh(web(), first.Refresh).Access)
		},
		"token substitution: a JWT that was signed by another, or by nobody, is no token": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			good := w.login(jwtWeb()).Access
			claims := part(t, good, 1)
			claims["sub"], claims["scope"] = "admin", "read write admin"
			stranger := newSigningKey(t, jose.ES256)
			forged, err := jose.Sign(stranger, "at+jwt", claims)
			if err != nil {
				t.Fatal(err)
			}
			pieces, mine := strings.Split(good, "."), strings.Split(forged, ".")
			for what, token := range map[string]string{
				"another key": forged, "our signature under other claims": pieces[0] + "." + mine[1] + "." + pieces[2], "no signature": pieces[0] + "." + mine[1] + ".", "alg none": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0." + mine[1] + ".",
				"our header, their signature": pieces[0] + "." + mine[1] + "." + mine[2], "two signatures": good + "." + pieces[2], "JSON serialization": `{"payload":"` + pieces[1] + `"}`,
			} {
				if ans := w.get(t, "/api", "Authorization", "Bearer "+token); ans.Status != 401 && ans.Status != 400 {
					t.Errorf("%s: %d %s", what, ans.Status, ans.Body)
				}
				if ans := w.introspect(jwtWeb(), token); ans.Status == 200 && ans.Body != notActive {
					t.Errorf("%s: introspection %d %s", what, ans.Status, ans.Body)
				}
			}
			w.alive(good)
		},
		"refresh theft: the thief is first, and the owner's use ends the family": func(t *testing.T, a Adapter) {
			for _, p := range []party{spa(), web(), jwtWeb()} {
				w := newWorld(t, a, grace)
				stolen := w.login(p)
				thief := w.refresh(p, stolen.Refresh)
				w.token(p, refreshing(stolen.Refresh)).refused(t, 400, "invalid_grant") // the owner
				w.dead(p, thief.Access, thief.Refresh)
				w.dead(p, stolen.Access, "")
			}
		},
		"refresh theft: the owner is first, and the thief's use ends the family": func(t *testing.T, a Adapter) {
			for _, p := range []party{spa(), web(), jwtWeb()} {
				w := newWorld(t, a, grace)
				stolen := w.login(p)
				owner := w.refresh(p, stolen.Refresh)
				w.token(p, refreshing(stolen.Refresh)).refused(t, 400, "invalid_grant")
				w.dead(p, owner.Access, owner.Refresh)
			}
		},
		"refresh theft: within the grace both have one successor, and after it the family ends": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			stolen := w.login(spa())
			owner := w.refresh(spa(), stolen.Refresh)
			w.clock.Pass(29 * time.Second)
			if thief := w.refresh(spa(), stolen.Refresh); thief.Refresh != owner.Refresh {
				t.Error("the grace forks the family")
			}
			next := w.refresh(spa(), owner.Refresh)
			w.token(spa(), refreshing(stolen.Refresh)).refused(t, 400, "invalid_grant") // two behind
			w.dead(spa(), next.Access, next.Refresh)
		},
		"refresh theft: owner and thief at once leave one family or none": func(t *testing.T, a Adapter) {
			for range 8 {
				w := newWorld(t, a, grace)
				stolen := w.login(spa())
				var mu sync.Mutex
				var won []tokens
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						ans, err := w.tryToken(spa(), refreshing(stolen.Refresh))
						if err == nil && ans.Status == 200 {
							var m struct {
								Access  string `json:"access_token"`
								Refresh string `json:"refresh_token"`
							}
							if json.Unmarshal([]byte(ans.Body), &m) == nil {
								mu.Lock()
								won = append(won, tokens{Access: m.Access, Refresh: m.Refresh})
								mu.Unlock()
							}
						}
					})
				}
				wg.Wait()
				if len(won) > 1 {
					t.Fatalf("%d got tokens", len(won))
				}
				for _, got := range won { // all others came second: that ended it
					w.dead(spa(), got.Access, got.Refresh)
				}
			}
		},
		"refresh theft: a stranger with the token and without the client's secret gets nothing, and ends nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, grace)
			stolen := w.login(web())
			for _, thief := range []party{post(), spa(), jwtWeb(), {"web", "", "none", ""}, {"web", "guess", "client_secret_basic", ""}} {
				for range 2 {
					if ans := w.token(thief, refreshing(stolen.Refresh)); ans.Status != 400 && ans.Status != 401 {
						t.Errorf("%s: %d %s", thief.id, ans.Status, ans.Body)
					}
				}
			}
			w.alive(w.refresh(web(), stolen.Refresh).Access)
		},
		"refresh guessing: neither a neighbour nor another generation of a token is one": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, grace)
			got := w.login(spa())
			for i := len("mdr_"); i < len(got.Refresh); i++ {
				other := byte('A')
				if got.Refresh[i] == other {
					other = 'B'
				}
				w.token(spa(), refreshing(got.Refresh[:i]+string(other)+got.Refresh[i+1:])).refused(t, 400, "invalid_grant")
			}
			w.alive(w.refresh(spa(), got.Refresh).Access) // and no guess raised the alarm
		},
		"token redirect: a token for one API is refused by another": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			for _, p := range []party{web(), jwtWeb()} {
				got := w.login(p, "resource", "https://one.example.com")
				w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
				api, one := w.login(p).Access, got.Access
				w.alive(api)
				if aud := w.introspect(p, one).json(t)["aud"]; strings.Contains(jsonOf(t, aud), apiName) {
					t.Errorf("aud = %v", aud)
				}
			}
		},
		"token guessing: what nobody issued costs no lookup": func(t *testing.T, a Adapter) {
			counted := new(countingStore)
			w := newWorld(t, a, func(s *setup) { counted.Store, s.Store = s.Store, counted })
			got := w.login(web())
			before := counted.calls.Load()
			for _, token := range []string{"x", strings.Repeat("x", 4000), otherwise(got.Refresh), "mdr_" + strings.Repeat("A", 60), strings.ToUpper(got.Refresh)} {
				w.token(web(), refreshing(token)).refused(t, 400, "invalid_grant")
			}
			if n := counted.calls.Load() - before; n != 0 {
				t.Errorf("%d calls of the store", n)
			}
		},
	}
	return list
}

// otherwise returns text with another character in its middle, which is a letter or digit still.
func otherwise(text string) string {
	i, c := len(text)/2, "A"
	if text[i] == 'A' {
		c = "B"
	}
	return text[:i] + c + text[i+1:]
}
