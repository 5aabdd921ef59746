package adaptertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// gateway is an API that asks others on behalf of its callers.
func gateway() party {
	return party{"gateway", "gateway-secret-0123456789", "client_secret_basic", ""}
}

// exchangeWorld is a world in which the gateway, and others like it, may exchange what allow lets them.
func exchangeWorld(t *testing.T, a Adapter, config server.TokenExchangeConfig, change func(s *setup)) *world {
	t.Helper()
	return newWorld(t, a, func(s *setup) {
		s.GrantTypes = []server.GrantType{server.AuthorizationCode(), server.RefreshToken(), server.ClientCredentials(), server.TokenExchange(config)}
		c := gateway().client("client_credentials", oauth2.GrantTokenExchange)
		c.Policy.Scopes, c.Policy.Serves = "read write", apiName
		jwt := party{"gateway-jwt", gateway().secret, "client_secret_basic", ""}.client("client_credentials", oauth2.GrantTokenExchange)
		jwt.Policy.TokenFormat = "jwt"
		both := party{"both", gateway().secret, "client_secret_basic", callback}.client("authorization_code", "refresh_token", oauth2.GrantTokenExchange)
		s.Clients = append(s.Clients, c, jwt, both)
		if change != nil {
			change(s)
		}
	})
}

// freely allows every exchange.
func freely() server.TokenExchangeConfig {
	return server.TokenExchangeConfig{Policy: func(context.Context, *server.Exchange) error { return nil }, Audiences: []string{"billing"}}
}

// trade is the ordinary request for an exchange of an access token.
func trade(token string, changes ...string) url.Values {
	return with(url.Values{"grant_type": {oauth2.GrantTokenExchange}, "subject_token": {token}, "subject_token_type": {server.TypeAccessToken}}, changes...)
}

// machine returns an access token of p's own.
func (w *world) machine(p party) string {
	w.t.Helper()
	return w.token(p, url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}).tokens(w.t).Access
}

// actorIn returns the claim "act" that the API sees.
func actorIn(t *testing.T, a *answer) string {
	t.Helper()
	var claims struct {
		Act json.RawMessage `json:"act"`
	}
	if text := a.text(t, "claims"); text != "" {
		if err := json.Unmarshal([]byte(text), &claims); err != nil {
			t.Fatal(err)
		}
	}
	return string(claims.Act)
}

// exchanges are the cases of RFC 8693.
func exchanges() cases {
	gatewayJWT := party{"gateway-jwt", gateway().secret, "client_secret_basic", ""}
	list := cases{
		"a client that acts as the user gets a token of its own": func(t *testing.T, a Adapter) {
			for name, from := range map[string]party{"opaque": web(), "jwt": jwtWeb()} {
				for _, by := range []party{gateway(), gatewayJWT} {
					w := exchangeWorld(t, a, freely(), nil)
					ans := w.token(by, trade(w.login(from, "scope", "read write").Access))
					got := ans.tokens(t)
					if ans.text(t, "issued_token_type") != server.TypeAccessToken || got.Type != "Bearer" || got.Refresh != "" || got.Scope != "read write" || got.ExpiresIn <= 0 {
						t.Errorf("%s to %s: answer = %s", name, by.id, ans.Body)
					}
					m := w.alive(got.Access)
					if m.text(t, "sub") != "alice" || m.text(t, "client") != by.id || actorIn(t, m) != "" {
						t.Errorf("%s to %s: the API sees %s", name, by.id, m.Body)
					}
				}
			}
		},
		"an actor is in the token, for APIs and for who introspects": func(t *testing.T, a Adapter) {
			w := exchangeWorld(t, a, freely(), nil)
			const want = `{"sub":"gateway","client_id":"gateway"}`
			for _, from := range []party{web(), jwtWeb()} {
				got := w.token(gateway(), trade(w.login(from).Access, "actor_token", w.machine(gateway()), "actor_token_type", server.TypeAccessToken)).tokens(t)
				if act := actorIn(t, w.alive(got.Access)); act != want {
					t.Errorf("act = %s, want %s", act, want)
				}
				if m := w.introspect(gateway(), got.Access); !strings.Contains(m.Body, `"act":`+want) || m.text(t, "client_id") != "gateway" || m.text(t, "sub") != "alice" {
					t.Errorf("introspection = %s", m.Body)
				}
			}
		},
		"a user can be the actor": func(t *testing.T, a Adapter) {
			w := exchangeWorld(t, a, freely(), nil)
			bob := w.token(web(), web().exchange(codeFor(w, "bob"))).tokens(t)
			got := w.token(gateway(), trade(w.login(web()).Access, "actor_token", bob.Access, "actor_token_type", server.TypeAccessToken)).tokens(t)
			if m := w.alive(got.Access); actorIn(t, m) != `{"sub":"bob"}` || m.text(t, "sub") != "alice" {
				t.Errorf("the API sees %s", m.Body)
			}
		},
		"at most four actors stand behind one another": func(t *testing.T, a Adapter) {
			config := freely()
			config.Policy = func(_ context.Context, x *server.Exchange) error { x.Delegate = true; return nil }
			w := exchangeWorld(t, a, config, nil)
			token := w.login(web()).Access
			for n := range 4 {
				token = w.token([]party{gateway(), gatewayJWT}[n%2], trade(token)).tokens(t).Access
				if act := actorIn(t, w.alive(token)); strings.Count(act, `"sub"`) != n+1 {
					t.Errorf("act = %s, want %d actors", act, n+1)
				}
			}
			w.token(gateway(), trade(token)).refused(t, 400, "invalid_request")
		},
		"it dies with the grant of the subject's token, and revokes itself alone": func(t *testing.T, a Adapter) {
			for _, by := range []party{gateway(), gatewayJWT} {
				w := exchangeWorld(t, a, freely(), nil)
				from := w.login(web())
				first := w.token(by, trade(from.Access)).tokens(t)
				second := w.token(by, trade(first.Access)).tokens(t)
				w.revoke(by, second.Access).status(t, 200)
				w.dead(by, second.Access, "")
				w.alive(first.Access)
				w.revoke(by, from.Access).refused(t, 400, "invalid_grant")
				w.revoke(web(), from.Refresh).status(t, 200)
				w.dead(by, first.Access, "")
				w.token(by, trade(from.Access)).refused(t, 400, "invalid_request")
				w.token(by, trade(first.Access)).refused(t, 400, "invalid_request")
			}
		},
		"it never outlives the subject's token": func(t *testing.T, a Adapter) {
			config := freely()
			config.Policy = func(_ context.Context, x *server.Exchange) error {
				if x.Scopes == "write" {
					x.TTL = 90 * time.Second
				}
				return nil
			}
			for _, by := range []party{gateway(), gatewayJWT} {
				w := exchangeWorld(t, a, config, nil)
				w.clock.Pass(300 * time.Millisecond) // a JWT's end is a whole second, and no later for it
				from := w.login(web(), "scope", "read write")
				w.clock.Pass(time.Hour - 5*time.Minute)
				got := w.token(by, trade(from.Access)).tokens(t)
				if got.ExpiresIn > 5*time.Minute || got.ExpiresIn < 5*time.Minute-time.Second {
					t.Errorf("%s: expires_in = %v, want 5m", by.id, got.ExpiresIn)
				}
				if short := w.token(by, trade(from.Access, "scope", "write")).tokens(t); short.ExpiresIn != 90*time.Second {
					t.Errorf("%s: expires_in = %v, want 90s", by.id, short.ExpiresIn)
				}
				w.clock.Pass(5*time.Minute - time.Millisecond)
				w.get(t, "/api", "Authorization", "Bearer "+from.Access).status(t, 200)
				w.clock.Pass(time.Millisecond)
				w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
				w.token(by, trade(from.Access)).refused(t, 400, "invalid_request")
			}
		},
		"it never allows more, than the subject's token or the client": func(t *testing.T, a Adapter) {
			w := exchangeWorld(t, a, freely(), nil)
			from := w.login(web(), "scope", "read admin").Access
			for scope, want := range map[string]string{"": "read", "read": "read"} {
				if got := w.token(gateway(), trade(from, "scope", scope)).tokens(t); got.Scope != want {
					t.Errorf("scope %q: got %q, want %q", scope, got.Scope, want)
				}
			}
			for _, scope := range []string{"write", "read write", "admin", "unknown", "read \"x\""} {
				w.token(gateway(), trade(from, "scope", scope)).refused(t, 400, "invalid_scope")
			}
			w.token(gateway(), trade(w.login(web(), "scope", "admin").Access)).refused(t, 400, "invalid_scope")
		},
		"resource and audience say whom it is for, and may repeat": func(t *testing.T, a Adapter) {
			w := exchangeWorld(t, a, freely(), nil)
			from := w.login(web()).Access
			form := trade(from)
			form["resource"] = []string{"https://one.example.com/", "https://one.example.com"}
			form["audience"] = []string{"billing", "", "https://two.example.com/v1", "billing"}
			got := w.token(gateway(), form).tokens(t)
			if aud := fmt.Sprint(words(w.introspect(gateway(), got.Access).json(t)["aud"])); aud != "[https://one.example.com billing https://two.example.com/v1]" {
				t.Errorf("aud = %s", aud)
			}
			w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
			for _, change := range []string{"resource", "audience"} {
				for _, value := range []string{"https://unknown.example.com", "nobody", "https://one.example.com/#x"} {
					w.token(gateway(), trade(from, change, value)).refused(t, 400, "invalid_target")
				}
			}
		},
		"a JWT can be asked for": func(t *testing.T, a Adapter) {
			w := exchangeWorld(t, a, freely(), nil)
			from := w.login(web()).Access
			ans := w.token(gateway(), trade(from, "requested_token_type", server.TypeJWT))
			got := ans.tokens(t)
			if ans.text(t, "issued_token_type") != server.TypeJWT || part(t, got.Access, 0)["typ"] != "at+jwt" || got.ExpiresIn != 10*time.Minute {
				t.Errorf("answer = %s", ans.Body)
			}
			w.alive(got.Access)
			again := w.token(gateway(), trade(got.Access, "subject_token_type", server.TypeJWT, "requested_token_type", server.TypeAccessToken)).tokens(t)
			w.alive(again.Access)
			for _, kind := range []string{server.TypeRefreshToken, server.TypeIDToken, "urn:ietf:params:oauth:token-type:saml2", "x"} {
				w.token(gateway(), trade(from, "requested_token_type", kind)).refused(t, 400, "invalid_request")
			}
			bare := exchangeWorld(t, a, freely(), func(s *setup) {
				s.DefaultAudience, s.Clients = nil, []*store.Client{web().client("authorization_code"), gateway().client(oauth2.GrantTokenExchange)}
			})
			bare.token(gateway(), trade(bare.login(web()).Access, "requested_token_type", server.TypeJWT)).refused(t, 400, "invalid_target")
		},
		"it is refused where the policy says no, and there is none without one": func(t *testing.T, a Adapter) {
			broken := errors.New("the policy is out")
			for name, row := range map[string]struct {
				policy func(context.Context, *server.Exchange) error
				status int
				code   string
			}{
				"no":           {func(context.Context, *server.Exchange) error { return mandate.AccessDenied }, 400, "invalid_request"},
				"not there":    {func(context.Context, *server.Exchange) error { return mandate.Errorf(mandate.InvalidTarget, nil, "") }, 400, "invalid_target"},
				"not you":      {func(context.Context, *server.Exchange) error { return mandate.UnauthorizedClient }, 400, "unauthorized_client"},
				"nobody knows": {func(context.Context, *server.Exchange) error { return broken }, 500, "server_error"},
				"wider":        {func(_ context.Context, x *server.Exchange) error { x.Scopes = "read admin"; return nil }, 500, "server_error"},
				"bad audience": {func(_ context.Context, x *server.Exchange) error { x.Audience = []string{"nobody"}; return nil }, 500, "server_error"},
				"reserved claims": {func(_ context.Context, x *server.Exchange) error {
					x.Claims = map[string]any{"sub": "root"}
					return nil
				}, 500, "server_error"},
			} {
				t.Run(name, func(t *testing.T) {
					w := exchangeWorld(t, a, server.TokenExchangeConfig{Policy: row.policy}, nil)
					w.token(gateway(), trade(w.login(web()).Access)).refused(t, row.status, row.code)
				})
			}
			_, err := server.New(server.Config{Issuer: "http://127.0.0.1", Store: a.NewStore(t), GrantTypes: []server.GrantType{server.TokenExchange(server.TokenExchangeConfig{})}})
			if err == nil || !strings.Contains(err.Error(), "TokenExchangeConfig.Policy is nil") {
				t.Errorf("without a policy: %v", err)
			}
		},
		"a refusal of who is no holder names the way out, in the log alone": func(t *testing.T, a Adapter) {
			var mu sync.Mutex // guards told
			var told string
			policy := func(_ context.Context, x *server.Exchange) error {
				if !x.Holder() {
					return mandate.AccessDenied
				}
				return nil
			}
			w := exchangeWorld(t, a, server.TokenExchangeConfig{Policy: policy}, func(s *setup) {
				s.Hooks.On = func(_ context.Context, e mandate.Event) {
					if e.Name == mandate.RequestRefused {
						mu.Lock()
						told = slogged(e.Err)
						mu.Unlock()
					}
				}
				s.Clients = append(s.Clients, party{"nosy", "nosy-secret-0123456789", "client_secret_basic", ""}.client(oauth2.GrantTokenExchange))
			})
			ans := w.token(party{"nosy", "nosy-secret-0123456789", "client_secret_basic", ""}, trade(w.login(web()).Access))
			ans.refused(t, 400, "invalid_request")
			mu.Lock()
			defer mu.Unlock()
			for _, way := range []string{"Policy.Serves", "Exchange.Holder"} {
				if !strings.Contains(told, way) || strings.Contains(ans.Body, way) {
					t.Errorf("%s: the log has %s, the client %s", way, told, ans.Body)
				}
			}
		},
		"only clients that are registered for it, on servers that offer it": func(t *testing.T, a Adapter) {
			w := exchangeWorld(t, a, freely(), nil)
			from := w.login(web()).Access
			w.token(web(), trade(from)).refused(t, 400, "unauthorized_client")
			w.token(party{"gateway", "wrong", "client_secret_basic", ""}, trade(from)).refused(t, 401, "invalid_client")
			if m := w.get(t, "/.well-known/oauth-authorization-server").Body; !strings.Contains(m, oauth2.GrantTokenExchange) {
				t.Errorf("metadata = %s", m)
			}
			off := newWorld(t, a, nil)
			off.token(web(), trade(off.login(web()).Access)).refused(t, 400, "unsupported_grant_type")
		},
		"the policy sees what there is to see": func(t *testing.T, a Adapter) {
			var seen []string
			config := freely()
			config.Policy = func(_ context.Context, x *server.Exchange) error {
				seen = append(seen, fmt.Sprintf("%s for %s of %s, held %v, actor %s, %s to %v", x.Client.ID, x.User.Subject, x.Subject.Token.ClientID(), x.Holder(), x.Actor.Token.ClientID(), x.Scopes, x.Audience))
				x.Claims, x.Audience = map[string]any{"tier": "gold"}, []string{apiName}
				return nil
			}
			w := exchangeWorld(t, a, config, nil)
			got := w.token(gateway(), trade(w.login(web()).Access, "audience", "billing")).tokens(t)
			if m := w.alive(got.Access); !strings.Contains(m.text(t, "claims"), `"tier":"gold"`) {
				t.Errorf("the API sees %s", m.Body)
			}
			w.token(gatewayJWT, trade(w.login(web()).Access, "actor_token", w.machine(gateway()), "actor_token_type", server.TypeAccessToken)).tokens(t)
			if want := "[gateway for alice of web, held true, actor , read to [billing] gateway-jwt for alice of web, held false, actor gateway, read to []]"; fmt.Sprint(seen) != want {
				t.Errorf("seen %v, want %s", seen, want)
			}
		},
		"a refresh token is taken where the server says so, from its own client, and is not spent": func(t *testing.T, a Adapter) {
			both := party{"both", gateway().secret, "client_secret_basic", callback}
			refresh := func(token string) url.Values {
				return trade(token, "subject_token_type", server.TypeRefreshToken)
			}
			off := exchangeWorld(t, a, freely(), nil)
			off.token(both, refresh(off.login(both).Refresh)).refused(t, 400, "invalid_request")
			config := freely()
			config.RefreshTokens = true
			w := exchangeWorld(t, a, config, nil)
			first := w.login(both)
			got := w.token(both, refresh(first.Refresh)).tokens(t)
			w.alive(got.Access)
			w.token(gateway(), refresh(first.Refresh)).refused(t, 400, "invalid_request")
			w.token(both, refresh(w.code(both))).refused(t, 400, "invalid_request")
			w.token(both, refresh(first.Access)).refused(t, 400, "invalid_request")
			second := w.refresh(both, first.Refresh)
			w.clock.Pass(time.Minute)
			w.token(both, refresh(first.Refresh)).refused(t, 400, "invalid_request") // and no alarm
			w.alive(got.Access)
			w.refresh(both, second.Refresh)
			w.revoke(both, second.Refresh).status(t, 200)
			w.dead(both, got.Access, "")
			w.token(both, refresh(second.Refresh)).refused(t, 400, "invalid_request")
		},
		"exchanges that race a revocation leave nothing alive": func(t *testing.T, a Adapter) {
			race(t, fewer(a), func(s *setup) {
				s.GrantTypes = []server.GrantType{server.AuthorizationCode(), server.RefreshToken(), server.ClientCredentials(), server.TokenExchange(freely())}
				s.Clients = append(s.Clients, gateway().client(oauth2.GrantTokenExchange))
			}, func(w *world, l *lines, _ int) error {
				from, err := w.tryLogin(web())
				if err != nil {
					return err
				}
				done := make(chan error, 1)
				go func() {
					form := url.Values{"token": {from.Refresh}}
					_, err := w.try(w.t, "POST", "/revoke", form.Encode(), "Authorization", basic(web().id, web().secret), "Content-Type", "application/x-www-form-urlencoded")
					done <- err
				}()
				answers, err := w.crowd(l, gateway(), trade(from.Access))
				if err = errors.Join(err, <-done); err != nil {
					return err
				}
				for _, ans := range answers {
					switch {
					case ans.Status == 200:
						if err := w.tryAlive(ans.text(w.t, "access_token"), false); err != nil {
							return err
						}
					case ans.Status != 400:
						return fmt.Errorf("a loser is told %d %s", ans.Status, ans.Body)
					}
				}
				return nil
			})
		},
	}
	for name, row := range badExchanges() {
		list["refused: "+name] = func(t *testing.T, a Adapter) {
			w := exchangeWorld(t, a, freely(), nil)
			from := w.login(web())
			w.token(gateway(), row(w, from)).refused(t, 400, "invalid_request")
			w.token(gateway(), trade(from.Access)).tokens(t) // nothing was spent
		}
	}
	return list
}

// badExchanges are requests that RFC 8693, section 2.2.2 calls invalid.
func badExchanges() map[string]func(w *world, from tokens) url.Values {
	repeated := func(name string) func(*world, tokens) url.Values {
		return func(_ *world, from tokens) url.Values {
			form := trade(from.Access, "actor_token", from.Access, "actor_token_type", server.TypeAccessToken)
			form.Add(name, server.TypeAccessToken)
			form.Add(name, server.TypeAccessToken)
			return form
		}
	}
	change := func(changes ...string) func(*world, tokens) url.Values {
		return func(_ *world, from tokens) url.Values { return trade(from.Access, changes...) }
	}
	return map[string]func(w *world, from tokens) url.Values{
		"no subject token":         change("subject_token", ""),
		"no type of it":            change("subject_token_type", ""),
		"a type that nobody knows": change("subject_token_type", "urn:example:nothing"),
		"garbage":                  change("subject_token", "garbage"),
		"NUL in it":                change("subject_token", "mda_\x00"),
		"no text":                  change("subject_token", "\xff\xfe"),
		"too long":                 change("subject_token", strings.Repeat("x", 17<<10)),
		"an ID token":              change("subject_token_type", server.TypeIDToken),
		"an opaque token as a JWT": change("subject_token_type", server.TypeJWT),
		"an actor's type alone":    change("actor_token_type", server.TypeAccessToken),
		"an actor's token alone":   func(_ *world, from tokens) url.Values { return trade(from.Access, "actor_token", from.Access) },
		"an actor that is garbage": change("actor_token", "garbage", "actor_token_type", server.TypeAccessToken),
		"a refresh token as an actor": func(_ *world, from tokens) url.Values {
			return trade(from.Access, "actor_token", from.Refresh, "actor_token_type", server.TypeRefreshToken)
		},
		"a refresh token as an access": func(_ *world, from tokens) url.Values { return trade(from.Refresh) },
		"a code":                       func(w *world, _ tokens) url.Values { return trade(w.code(web())) },
		"a client's own token":         func(w *world, _ tokens) url.Values { return trade(w.machine(web())) },
		"a token that was revoked": func(w *world, _ tokens) url.Values {
			other := w.login(web())
			w.revoke(web(), other.Access).status(w.t, 200)
			return trade(other.Access)
		},
		"a JWT that was revoked": func(w *world, _ tokens) url.Values {
			other := w.login(jwtWeb())
			w.revoke(jwtWeb(), other.Access).status(w.t, 200)
			return trade(other.Access, "subject_token_type", server.TypeJWT)
		},
		"a JWT without its signature": func(w *world, _ tokens) url.Values {
			token := w.login(jwtWeb()).Access
			return trade(token[:strings.LastIndex(token, ".")+1])
		},
		"two subject tokens":  repeated("subject_token"),
		"two subject types":   repeated("subject_token_type"),
		"two actor tokens":    repeated("actor_token"),
		"two actor types":     repeated("actor_token_type"),
		"two requested types": repeated("requested_token_type"),
		"two scopes":          repeated("scope"),
	}
}

// codeFor returns a code of web for user.
func codeFor(w *world, user string) string {
	w.t.Helper()
	_, q := w.authorize(web().request(), "X-User", user).params(w.t)
	return q.Get("code")
}
