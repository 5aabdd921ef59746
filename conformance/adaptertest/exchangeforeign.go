package adaptertest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// lookup verifies the opaque tokens of another server: "other:subject", and those that make it fail.
type lookup struct{ seen *[]string }

// VerifyToken implements server.TokenVerifier.
func (l lookup) VerifyToken(_ context.Context, kind, raw string, now time.Time) (*mandate.Token, error) {
	*l.seen = append(*l.seen, raw)
	subject, ok := strings.CutPrefix(raw, "other:")
	switch {
	case raw == "down":
		return nil, context.DeadlineExceeded
	case raw == "broken":
		return nil, errors.New("the other server answers nonsense")
	case raw == "nothing":
		return nil, nil //nolint:nilnil // a verifier that is wrong
	case raw == "own":
		return mandate.NewToken(mandate.TokenInfo{Subject: "pat@partner", Scopes: "read"}), nil
	case !ok || kind != server.TypeAccessToken && kind != "urn:example:badge":
		return nil, mandate.InvalidToken
	}
	expires := now.Add(time.Minute)
	if subject == "late@partner" {
		expires = now
	}
	return mandate.NewToken(mandate.TokenInfo{Issuer: "https://other.example.com", Subject: subject, Scopes: "read", Expires: expires}), nil
}

// foreignExchanges are the cases of RFC 8693 with the tokens of others.
func foreignExchanges() cases {
	trusting := func(by partnerKey) server.TokenExchangeConfig {
		config := freely()
		config.Issuers = []server.TrustedIssuer{{Issuer: partner, Keys: by.keys()}}
		config.User = func(_ context.Context, t *mandate.Token) (server.User, error) { return known(t) }
		return config
	}
	// says are the claims of a token of the partner's that may read.
	says := func(w *world) map[string]any {
		claims := vouching(w)
		claims["scope"] = "read write other"
		return claims
	}
	return cases{
		"the JWT of a trusted issuer becomes a token under a grant of its own": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := exchangeWorld(t, a, trusting(by), nil)
			for _, kind := range []string{server.TypeJWT, server.TypeAccessToken, server.TypeIDToken} {
				ans := w.token(gateway(), trade(by.sign("JWT", says(w)), "subject_token_type", kind))
				got := ans.tokens(t)
				if got.Scope != "read write" || got.ExpiresIn != 5*time.Minute || got.Refresh != "" {
					t.Errorf("%s: answer = %s", kind, ans.Body)
				}
				m := w.alive(got.Access)
				if m.text(t, "sub") != "pat" || m.text(t, "client") != "gateway" || actorIn(t, m) != "" {
					t.Errorf("%s: the API sees %s", kind, m.Body)
				}
				if list, err := w.srv.RevokeGrants(t.Context(), store.GrantQuery{Subject: "pat"}, store.BySubject); err != nil || len(list) != 1 || list[0].ID != m.text(t, "grant") {
					t.Errorf("%s: revoked %v: %v", kind, list, err)
				}
				w.dead(gateway(), got.Access, "")
			}
		},
		"what is not good, not meant for this server or of nobody is refused": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := exchangeWorld(t, a, trusting(by), nil)
			for name, change := range map[string][]any{
				"another audience": {"aud", "https://other.example.com"}, "no audience": {"aud", nil}, "over": {"exp", w.clock.Now().Add(-time.Minute).Unix()},
				"no end": {"exp", nil}, "another issuer": {"iss", "https://other.example.com"}, "no subject": {"sub", nil}, "a stranger": {"sub", "stranger@partner"},
				"a client": {"client_id", "pat@partner"}, "an actor without a name": {"act", map[string]any{"role": "x"}}, "an actor that is none": {"act", "bob"},
				"five actors": {"act", map[string]any{"sub": "1", "act": map[string]any{"sub": "2", "act": map[string]any{"sub": "3", "act": map[string]any{"sub": "4", "act": map[string]any{"sub": "5"}}}}}},
				"cnf":         {"cnf", map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}, "unknown cnf": {"cnf", map[string]any{"kid": "x"}},
			} {
				if ans := w.token(gateway(), trade(by.sign("JWT", says(w), change...), "subject_token_type", server.TypeJWT)); ans.Status != 400 || ans.text(t, "error") != "invalid_request" {
					t.Errorf("%s: %d %s", name, ans.Status, ans.Body)
				}
			}
			w.token(gateway(), trade(newPartnerKey(t).sign("JWT", says(w)), "subject_token_type", server.TypeJWT)).refused(t, 400, "invalid_request")
			w.token(gateway(), trade(by.sign("dpop+jwt", says(w)), "subject_token_type", server.TypeJWT)).refused(t, 400, "invalid_request")
			w.token(gateway(), trade(by.sign("at+jwt", says(w)), "subject_token_type", server.TypeIDToken)).refused(t, 400, "invalid_request")
			w.token(gateway(), trade(by.sign("JWT", says(w), "sub", "broken@partner"), "subject_token_type", server.TypeJWT)).refused(t, 500, "server_error")
			w.token(gateway(), trade(by.sign("JWT", says(w), "scope", nil), "subject_token_type", server.TypeJWT)).refused(t, 400, "invalid_scope")
			config := trusting(by)
			config.User = nil
			alone := exchangeWorld(t, a, config, nil)
			alone.token(gateway(), trade(by.sign("JWT", says(alone)), "subject_token_type", server.TypeJWT)).refused(t, 400, "invalid_request")
		},
		"the actor of another issuer keeps its issuer, and those of the subject's token stay behind it": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := exchangeWorld(t, a, trusting(by), nil)
			got := w.token(gateway(), trade(w.login(web()).Access, "actor_token", by.sign("JWT", says(w)), "actor_token_type", server.TypeJWT)).tokens(t)
			if act := actorIn(t, w.alive(got.Access)); act != `{"iss":"`+partner+`","sub":"pat@partner"}` {
				t.Errorf("act = %s", act)
			}
			subject := by.sign("JWT", says(w), "act", map[string]any{"sub": "desk", "exp": 1, "role": "x"})
			got = w.token(gateway(), trade(subject, "subject_token_type", server.TypeJWT, "actor_token", w.machine(gateway()), "actor_token_type", server.TypeAccessToken)).tokens(t)
			if act := actorIn(t, w.alive(got.Access)); act != `{"sub":"gateway","client_id":"gateway","act":{"sub":"desk"}}` {
				t.Errorf("act = %s", act)
			}
			got = w.token(gateway(), trade(subject, "subject_token_type", server.TypeJWT)).tokens(t)
			if act := actorIn(t, w.alive(got.Access)); act != `{"sub":"desk"}` {
				t.Errorf("act = %s: who acted is forgotten", act)
			}
		},
		"whom may_act names may act, and nobody else": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			w := exchangeWorld(t, a, trusting(by), nil)
			asks := func(mayAct any, changes ...string) *answer {
				return w.token(gateway(), trade(by.sign("JWT", says(w), "may_act", mayAct), append([]string{"subject_token_type", server.TypeJWT}, changes...)...))
			}
			machine := []string{"actor_token", w.machine(gateway()), "actor_token_type", server.TypeAccessToken}
			sam := []string{"actor_token", by.sign("JWT", says(w), "sub", "sam@partner"), "actor_token_type", server.TypeJWT}
			type m = map[string]any
			for name, row := range map[string]struct {
				mayAct  any
				changes []string
				ok      bool
			}{
				"the client by its name here":          {m{"iss": w.issuer, "sub": "gateway"}, nil, true},
				"the client by its id":                 {m{"iss": w.issuer, "client_id": "gateway"}, nil, true},
				"the client as an actor":               {m{"iss": w.issuer, "sub": "gateway"}, machine, true},
				"a user of the same issuer":            {m{"sub": "sam@partner"}, sam, true},
				"a name of another issuer":             {m{"sub": "gateway"}, nil, false},
				"another client":                       {m{"iss": w.issuer, "sub": "web"}, nil, false},
				"the client, and somebody else acts":   {m{"iss": w.issuer, "sub": "gateway"}, sam, false},
				"somebody else, and the client acts":   {m{"sub": "sam@partner"}, machine, false},
				"an issuer alone":                      {m{"iss": w.issuer}, nil, false},
				"nobody":                               {m{}, nil, false},
				"something that nobody understands":    {m{"iss": w.issuer, "sub": "gateway", "role": "x"}, nil, false},
				"no object":                            {"gateway", nil, false},
				"a user, as a client of the same name": {m{"iss": partner, "client_id": "sam@partner"}, sam, false},
			} {
				ans := asks(row.mayAct, row.changes...)
				if want := map[bool]int{true: 200, false: 400}[row.ok]; ans.Status != want || !row.ok && ans.text(t, "error") != "invalid_request" {
					t.Errorf("%s: %d %s, want %d", name, ans.Status, ans.Body, want)
				}
			}
		},
		"a bound token becomes a bearer token where the policy says so": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			config := trusting(by)
			config.Policy = func(_ context.Context, x *server.Exchange) error { x.Bearer = true; return nil }
			w := exchangeWorld(t, a, config, nil)
			got := w.token(gateway(), trade(by.sign("JWT", says(w), "cnf", map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), "subject_token_type", server.TypeJWT)).tokens(t)
			w.alive(got.Access)
			if m := w.introspect(gateway(), got.Access); strings.Contains(m.Body, "cnf") {
				t.Errorf("introspection = %s", m.Body)
			}
		},
		"verifiers are asked in their order, and never about this server's own tokens": func(t *testing.T, a Adapter) {
			by := newPartnerKey(t)
			var seen []string
			config := trusting(by)
			config.Verifiers = []server.TokenVerifier{lookup{&seen}, lookup{new([]string)}}
			w := exchangeWorld(t, a, config, nil)
			got := w.token(gateway(), trade("other:pat@partner")).tokens(t)
			if m := w.alive(got.Access); m.text(t, "sub") != "pat" || got.ExpiresIn != time.Minute {
				t.Errorf("the API sees %s, for %v", m.Body, got.ExpiresIn)
			}
			w.token(gateway(), trade("other:sam@partner", "subject_token_type", "urn:example:badge")).tokens(t)
			w.token(gateway(), trade("other:sam@partner", "subject_token_type", server.TypeIDToken)).refused(t, 400, "invalid_request")
			w.token(gateway(), trade("other:late@partner")).refused(t, 400, "invalid_request")
			w.token(gateway(), trade("down")).refused(t, 503, "temporarily_unavailable")
			w.token(gateway(), trade("broken")).refused(t, 500, "server_error")
			w.token(gateway(), trade("nothing")).refused(t, 500, "server_error")
			w.token(gateway(), trade("own")).refused(t, 500, "server_error")
			seen = nil
			for _, p := range []party{web(), jwtWeb()} {
				over := w.login(p)
				w.revoke(p, over.Refresh).status(t, 200)
				w.token(gateway(), trade(over.Access)).refused(t, 400, "invalid_request")
				w.token(gateway(), trade(over.Refresh)).refused(t, 400, "invalid_request")
				w.token(gateway(), trade(w.code(p))).refused(t, 400, "invalid_request")
				w.token(gateway(), trade(over.Refresh, "subject_token_type", server.TypeRefreshToken)).refused(t, 400, "invalid_request")
			}
			if len(seen) > 0 {
				t.Errorf("a verifier was shown %d tokens of this server", len(seen))
			}
		},
	}
}
