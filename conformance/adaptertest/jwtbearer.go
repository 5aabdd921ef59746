package adaptertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

const (
	partner = "https://partner.example.com"
)

// partnerKey is somebody who makes JWTs.
type partnerKey struct {
	t   *testing.T
	key *jose.Key
}

func newPartnerKey(t *testing.T) partnerKey {
	t.Helper()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return partnerKey{t, key}
}

func (s partnerKey) keys() *jose.KeySet { return jose.NewKeySet(s.key.Public()) }

// sign returns a JWT with the claims and the changes to them: name, value, name, value; nil deletes.
func (s partnerKey) sign(typ string, claims map[string]any, changes ...any) string {
	s.t.Helper()
	all := maps.Clone(claims)
	for i := 0; i+1 < len(changes); i += 2 {
		name, _ := changes[i].(string)
		if all[name] = changes[i+1]; changes[i+1] == nil {
			delete(all, name)
		}
	}
	text, err := jose.Sign(s.key, typ, all)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// vouching are the claims with which the partner vouches for pat.
func vouching(w *world) map[string]any {
	now := w.clock.Now().Unix()
	return map[string]any{"iss": partner, "sub": "pat@partner", "aud": w.issuer, "iat": now, "exp": now + 300, "jti": "id-1"}
}

// known is who the partner's subjects are here: "pat" for "pat@partner". Nobody else is known.
func known(t *mandate.Token) (server.User, error) {
	name, ok := strings.CutSuffix(t.Subject(), "@partner")
	switch {
	case t.Subject() == "robot":
		return server.User{Subject: "marvin"}, nil
	case t.Subject() == "broken@partner":
		return server.User{}, errors.New("the directory is out")
	case !ok || name == "stranger":
		return server.User{}, mandate.AccessDenied
	}
	return server.User{Subject: name, ACR: "partner"}, nil
}

// bearer is a client that brings assertions.
func bearer() party {
	return party{"bearer", "bearer-secret-0123456789", "client_secret_basic", ""}
}

// bearerWorld is a world in which the bearer brings what by signs, and the client "robot" what it signs itself.
func bearerWorld(t *testing.T, a Adapter, by partnerKey, change func(c *server.JWTBearerConfig, s *setup)) *world {
	t.Helper()
	return newWorld(t, a, func(s *setup) {
		config := server.JWTBearerConfig{
			Issuers: []server.TrustedIssuer{{Issuer: partner, Keys: by.keys()}},
			Clients: true,
			User:    func(_ context.Context, _ server.Client, t *mandate.Token) (server.User, error) { return known(t) },
		}
		robot := party{"robot", "robot-secret-0123456789", "client_secret_basic", ""}.client(oauth2.GrantJWTBearer)
		robot.Metadata.JWKS = keysJSON(t, by)
		s.Clients = append(s.Clients, bearer().client(oauth2.GrantJWTBearer, "refresh_token"), robot)
		if change != nil {
			change(&config, s)
		}
		s.GrantTypes = []server.GrantType{server.AuthorizationCode(), server.RefreshToken(), server.ClientCredentials(), server.JWTBearer(config)}
	})
}

func keysJSON(t *testing.T, by partnerKey) json.RawMessage {
	t.Helper()
	data, err := by.keys().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// bringing is the ordinary request of the bearer.
func bringing(assertion string, changes ...string) url.Values {
	return with(url.Values{"grant_type": {oauth2.GrantJWTBearer}, "assertion": {assertion}, "scope": {"read"}}, changes...)
}

// vouchers are the cases of RFC 7523, section 2.1.
func vouchers() cases {
	robot := party{"robot", "robot-secret-0123456789", "client_secret_basic", ""}
	list := cases{
		"an assertion becomes an access token of the user's": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := bearerWorld(t, a, by, nil)
			ans := w.token(bearer(), bringing(by.sign("JWT", vouching(w))))
			got := ans.tokens(t)
			if got.Refresh != "" || got.Scope != "read" || got.ExpiresIn != time.Hour {
				t.Errorf("answer = %s", ans.Body)
			}
			if m := w.alive(got.Access); m.text(t, "sub") != "pat" || m.text(t, "client") != "bearer" {
				t.Errorf("the API sees %s", m.Body)
			}
			if m := w.introspect(bearer(), got.Access); m.text(t, "acr") != "partner" {
				t.Errorf("introspection = %s", m.Body)
			}
			narrow := w.token(bearer(), bringing(by.sign("authorization-grant+jwt", vouching(w), "jti", "id-2", "aud", []string{"x", w.issuer + "/token"}), "resource", "https://one.example.com")).tokens(t)
			if aud := fmt.Sprint(words(w.introspect(bearer(), narrow.Access).json(t)["aud"])); aud != "[https://one.example.com]" {
				t.Errorf("aud = %s", aud)
			}
		},
		"client, user and issuer have one grant, and a new one after it was ended": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := bearerWorld(t, a, by, nil)
			id := 0
			next := func(sub string) (access, grant string) {
				id++
				access = w.token(bearer(), bringing(by.sign("JWT", vouching(w), "jti", strconv.Itoa(id), "sub", sub))).tokens(t).Access
				return access, w.alive(access).text(t, "grant")
			}
			first, one := next("pat@partner")
			second, again := next("pat@partner")
			other, others := next("sam@partner")
			if one != again || one == others || one == "" {
				t.Errorf("grants %q, %q, and of another user %q", one, again, others)
			}
			for range 2 {
				if list, err := w.srv.RevokeGrants(t.Context(), store.GrantQuery{Subject: "pat"}, store.ByAdmin); err != nil || len(list) != 1 {
					t.Fatalf("revoked %v: %v", list, err)
				}
				w.dead(bearer(), first, "")
				w.dead(bearer(), second, "")
				w.alive(other)
				var renewed string
				if first, renewed = next("pat@partner"); renewed == one {
					t.Errorf("grant = %q, which was ended", renewed)
				}
				second, _ = next("pat@partner")
			}
		},
		"an assertion is good once": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := bearerWorld(t, a, by, nil)
			for _, id := range []any{"id-1", nil} {
				assertion := by.sign("JWT", vouching(w), "jti", id)
				w.token(bearer(), bringing(assertion)).tokens(t)
				w.token(bearer(), bringing(assertion)).refused(t, 400, "invalid_grant")
				w.clock.Pass(309 * time.Second)
				w.token(bearer(), bringing(assertion)).refused(t, 400, "invalid_grant")
			}
			w.token(bearer(), bringing(by.sign("JWT", vouching(w), "sub", "sam@partner", "jti", "id-7"))).tokens(t)
			w.token(bearer(), bringing(by.sign("JWT", vouching(w), "sub", "sam@partner", "jti", nil))).tokens(t)
		},
		"what is refused for another reason burns nothing": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := bearerWorld(t, a, by, nil)
			assertion := by.sign("JWT", vouching(w))
			w.token(party{"bearer", "wrong", "client_secret_basic", ""}, bringing(assertion)).refused(t, 401, "invalid_client")
			w.token(bearer(), bringing(assertion, "scope", "unknown")).refused(t, 400, "invalid_scope")
			w.token(bearer(), bringing(assertion, "resource", "https://unknown.example.com")).refused(t, 400, "invalid_target")
			w.token(web(), bringing(assertion)).refused(t, 400, "unauthorized_client")
			stolen := by.sign("JWT", vouching(w), "jti", "id-1")
			w.token(bearer(), bringing(otherwise(stolen))).refused(t, 400, "invalid_grant")
			w.token(bearer(), bringing(assertion)).tokens(t)
		},
		"of a crowd with one assertion one gets a token": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			var id atomic.Int64
			race(t, fewer(a), func(s *setup) {
				s.Clients = append(s.Clients, bearer().client(oauth2.GrantJWTBearer))
				s.GrantTypes = []server.GrantType{server.JWTBearer(server.JWTBearerConfig{
					Issuers: []server.TrustedIssuer{{Issuer: partner, Keys: by.keys()}},
					User:    func(_ context.Context, _ server.Client, t *mandate.Token) (server.User, error) { return known(t) },
				})}
				s.Decide = nil
				s.Clients = s.Clients[len(s.Clients)-1:]
			}, func(w *world, l *lines, n int) error {
				answers, err := w.crowd(l, bearer(), bringing(by.sign("JWT", vouching(w), "jti", strconv.FormatInt(id.Add(1), 10), "sub", fmt.Sprintf("u%d@partner", n%3))))
				if err != nil {
					return err
				}
				won := 0
				for _, ans := range answers {
					switch {
					case ans.Status == 200:
						won++
					case ans.Status != 400 || ans.text(w.t, "error") != "invalid_grant":
						return fmt.Errorf("a loser is told %d %s", ans.Status, ans.Body)
					}
				}
				if won != 1 {
					return fmt.Errorf("%d won, want one", won)
				}
				return nil
			})
		},
		"a client vouches for users with its own keys, where the server lets it": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := bearerWorld(t, a, by, nil)
			got := w.token(robot, bringing(by.sign("JWT", vouching(w), "iss", "robot"))).tokens(t)
			if m := w.alive(got.Access); m.text(t, "sub") != "pat" || m.text(t, "client") != "robot" {
				t.Errorf("the API sees %s", m.Body)
			}
			w.token(robot, bringing(by.sign("JWT", vouching(w), "iss", "robot", "sub", "robot", "jti", "a"))).refused(t, 400, "invalid_grant")
			w.token(robot, bringing(newPartnerKey(t).sign("JWT", vouching(w), "iss", "robot", "jti", "b"))).refused(t, 400, "invalid_grant")
			w.token(bearer(), bringing(by.sign("JWT", vouching(w), "iss", "robot", "jti", "c"))).refused(t, 400, "invalid_grant")
			w.token(bearer(), bringing(by.sign("JWT", vouching(w), "iss", "bearer", "jti", "d"))).refused(t, 400, "invalid_grant")
			off := bearerWorld(t, a, by, func(c *server.JWTBearerConfig, _ *setup) { c.Clients = false })
			off.token(robot, bringing(by.sign("JWT", vouching(off), "iss", "robot"))).refused(t, 400, "invalid_grant")
		},
		"keys that are published are fetched once, as the operator's": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			f := &partnerSite{body: keysJSON(t, by), status: 200}
			w := bearerWorld(t, a, by, func(c *server.JWTBearerConfig, s *setup) {
				c.Issuers, s.Fetcher = []server.TrustedIssuer{{Issuer: partner, JWKSURI: "http://10.0.0.1/jwks"}}, f
			})
			for id := range 3 {
				w.token(bearer(), bringing(by.sign("JWT", vouching(w), "jti", strconv.Itoa(id)))).tokens(t)
			}
			if n := f.asked.Load(); n != 1 {
				t.Errorf("fetched %d times, want once", n)
			}
			down := bearerWorld(t, a, by, func(c *server.JWTBearerConfig, s *setup) {
				c.Issuers, s.Fetcher = []server.TrustedIssuer{{Issuer: partner, JWKSURI: "http://10.0.0.1/jwks"}}, &partnerSite{status: 500}
			})
			down.token(bearer(), bringing(by.sign("JWT", vouching(down)))).refused(t, 503, "temporarily_unavailable")
		},
		"an issuer vouches for no more scopes than it may": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := bearerWorld(t, a, by, func(c *server.JWTBearerConfig, s *setup) {
				c.Issuers[0].Scopes, s.DefaultScopes = "read open", "read write"
			})
			w.token(bearer(), bringing(by.sign("JWT", vouching(w)), "scope", "read write")).refused(t, 400, "invalid_scope")
			if got := w.token(bearer(), bringing(by.sign("JWT", vouching(w)), "scope", "")).tokens(t); got.Scope != "read" {
				t.Errorf("scope = %q, want read", got.Scope)
			}
		},
		"who cannot say who a subject is refuses nobody": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := bearerWorld(t, a, by, nil)
			w.token(bearer(), bringing(by.sign("JWT", vouching(w), "sub", "broken@partner"))).refused(t, 500, "server_error")
			w.token(bearer(), bringing(by.sign("JWT", vouching(w), "sub", "@partner"))).refused(t, 500, "server_error")
			w.token(bearer(), bringing(by.sign("JWT", vouching(w), "sub", "bearer@partner"))).refused(t, 400, "invalid_grant")
			w.token(bearer(), bringing(by.sign("JWT", vouching(w)))).tokens(t)
		},
	}
	for name, change := range badAssertions() {
		list["refused: "+name] = func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := bearerWorld(t, a, by, nil)
			assertion, code := change(w, by), "invalid_grant"
			if assertion == "" || strings.Contains(assertion, "\x00") || !utf8.ValidString(assertion) || len(assertion) > 16<<10 {
				code = "invalid_request"
			}
			w.token(bearer(), bringing(assertion)).refused(t, 400, code)
			twice := bringing(by.sign("JWT", vouching(w)))
			twice.Add("assertion", "x")
			w.token(bearer(), twice).refused(t, 400, "invalid_request")
			w.token(bearer(), bringing(by.sign("JWT", vouching(w)))).tokens(t)
		}
	}
	return list
}

// badAssertions are assertions that are not good.
func badAssertions() map[string]func(w *world, by partnerKey) string {
	change := func(changes ...any) func(*world, partnerKey) string {
		return func(w *world, by partnerKey) string {
			return by.sign("JWT", vouching(w), append([]any{"jti", "bad"}, changes...)...)
		}
	}
	typed := func(typ string) func(*world, partnerKey) string {
		return func(w *world, by partnerKey) string { return by.sign(typ, vouching(w), "jti", "bad") }
	}
	at := func(name string, from time.Duration) func(*world, partnerKey) string {
		return func(w *world, by partnerKey) string {
			return by.sign("JWT", vouching(w), "jti", "bad", name, w.clock.Now().Add(from).Unix())
		}
	}
	return map[string]func(w *world, by partnerKey) string{
		"none":                        func(*world, partnerKey) string { return "" },
		"NUL":                         func(*world, partnerKey) string { return "a.b\x00.c" },
		"no text":                     func(*world, partnerKey) string { return "\xff.b.c" },
		"64 KiB":                      func(*world, partnerKey) string { return strings.Repeat("x", 60<<10) },
		"garbage":                     func(*world, partnerKey) string { return "a.b.c" },
		"an access token":             func(w *world, _ partnerKey) string { return w.login(web()).Access },
		"a JWT access token":          func(w *world, _ partnerKey) string { return w.login(jwtWeb()).Access },
		"no issuer":                   change("iss", nil),
		"another issuer":              change("iss", "https://other.example.com"),
		"this server":                 func(w *world, by partnerKey) string { return by.sign("JWT", vouching(w), "iss", w.issuer) },
		"an issuer that is a number":  change("iss", 1),
		"no subject":                  change("sub", nil),
		"a subject that nobody is":    change("sub", "stranger@partner"),
		"a subject with NUL":          change("sub", "pat\x00@partner"),
		"a subject that is a client":  change("client_id", "pat@partner"),
		"no audience":                 change("aud", nil),
		"another audience":            change("aud", "https://other.example.com"),
		"an audience with a slash":    func(w *world, by partnerKey) string { return by.sign("JWT", vouching(w), "aud", w.issuer+"/") },
		"no end":                      change("exp", nil),
		"over":                        at("exp", -11*time.Second),
		"an end too far ahead":        at("exp", time.Hour+11*time.Second),
		"made too long ago":           at("iat", -time.Hour-11*time.Second),
		"made in the future":          at("iat", 11*time.Second),
		"not yet good":                at("nbf", 11*time.Second),
		"an end that is a text":       change("exp", "tomorrow"),
		"another key":                 func(w *world, by partnerKey) string { return newPartnerKey(by.t).sign("JWT", vouching(w)) },
		"an access token by its type": typed("at+jwt"),
		"a proof":                     typed("dpop+jwt"),
		"a request object":            typed("oauth-authz-req+jwt"),
		"a logout token":              typed("logout+jwt"),
		"a client's assertion":        typed("client-authentication+jwt"),
	}
}

// partnerSite answers with a key set.
type partnerSite struct {
	body   []byte
	status int
	asked  atomic.Int64
}

// Fetch implements mandate.Fetcher.
func (k *partnerSite) Fetch(_ context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	k.asked.Add(1)
	if r.Trust != mandate.Operator || r.Purpose != "jwks" {
		return nil, fmt.Errorf("trust %v for %s", r.Trust, r.Purpose)
	}
	return &mandate.Response{Status: k.status, Body: k.body}, nil
}
