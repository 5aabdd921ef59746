package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// tokenClaims are the cases of what access tokens and the answers that bring them say besides the protocol's own.
func tokenClaims() cases {
	roles := func(_ context.Context, p server.TokenPlan) (map[string]any, error) { //nolint:unparam // the type of Config.Claims
		if p.Grant.Subject == "" {
			return nil, nil
		}
		return map[string]any{"roles": []string{"editor"}, "tenant": map[string]any{"id": 7, "of": p.Grant.Subject}, "text": "<ä\u2028\"\\>"}, nil
	}
	return cases{
		"an application's claims are in a JWT, at guards and in introspection": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), jwtWeb()} {
				w := newWorld(t, a, func(s *setup) { s.Claims = roles })
				first := w.login(p)
				for _, access := range []string{first.Access, w.refresh(p, first.Refresh).Access} {
					m := w.introspect(p, access).json(t)
					if p.id == "jwt" {
						for name, value := range part(t, access, 1) {
							if m[name] == nil && name != "grant" || name == "tenant" && fmt.Sprint(value) != "map[id:7 of:alice]" || name == "text" && value != "<ä\u2028\"\\>" {
								t.Errorf("claim %s = %v, introspection says %v", name, value, m[name])
							}
						}
					}
					if fmt.Sprint(m["roles"]) != "[editor]" || fmt.Sprint(m["tenant"]) != "map[id:7 of:alice]" || m["text"] != "<ä\u2028\"\\>" || m["sub"] != "alice" {
						t.Errorf("introspection = %v", m)
					}
					if claims, _ := w.alive(access).json(t)["claims"].(string); !strings.Contains(claims, `"roles":["editor"]`) {
						t.Errorf("the guard sees %s", claims)
					}
				}
				if claims, _ := w.alive(w.token(p, machine()).tokens(t).Access).json(t)["claims"].(string); claims != "" {
					t.Errorf("a client for itself has the claims %s", claims)
				}
			}
		},
		"by what means the user signed in": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) {
					return server.Approve(server.User{Subject: "alice", AuthTime: s.clock.Now(), ACR: "silver", AMR: []string{"pwd", "otp"}}), nil
				}
			})
			got := w.login(jwtWeb())
			if c := part(t, got.Access, 1); fmt.Sprint(c["amr"]) != "[pwd otp]" || c["acr"] != "silver" || c["auth_time"] != float64(w.clock.Now().Unix()) {
				t.Errorf("claims = %v", c)
			}
			for _, access := range []string{got.Access, w.login(web()).Access} {
				p := jwtWeb()
				if access != got.Access {
					p = web()
				}
				if m := w.introspect(p, access).json(t); fmt.Sprint(m["amr"]) != "[pwd otp]" || m["acr"] != "silver" {
					t.Errorf("introspection = %v", m)
				}
			}
		},
		"what the protocol says is nobody else's to say": func(t *testing.T, a Adapter) {
			for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "auth_time", "acr", "amr", "cnf", "act", "active", "token_type"} {
				var claims map[string]any
				w := newWorld(t, a, func(s *setup) {
					s.Claims = func(context.Context, server.TokenPlan) (map[string]any, error) { return claims, nil }
				})
				for _, p := range []party{web(), jwtWeb()} {
					claims = map[string]any{name: "root"}
					code := w.code(p)
					w.token(p, p.exchange(code)).refused(t, 500, "server_error")
					claims = nil
					w.token(p, p.exchange(code)).tokens(t)
				}
			}
		},
		"a function that refuses, fails or gives what no JSON is has spent nothing": func(t *testing.T, a Adapter) {
			for name, tc := range map[string]struct {
				claims map[string]any
				err    error
				status int
				code   string
			}{
				"refuses": {nil, mandate.Errorf(mandate.AccessDenied, nil, "left the company"), 400, "access_denied"},
				"fails":   {nil, errors.New("directory is away"), 500, "server_error"},
				"no JSON": {map[string]any{"f": func() {}}, nil, 500, "server_error"},
			} {
				var over bool
				w := newWorld(t, a, func(s *setup) {
					s.Claims = func(context.Context, server.TokenPlan) (map[string]any, error) {
						if over {
							return nil, nil
						}
						return tc.claims, tc.err
					}
				})
				code := w.code(web())
				ans := w.token(web(), web().exchange(code))
				if ans.refused(t, tc.status, tc.code); strings.Contains(ans.Body, "directory") {
					t.Errorf("%s: body = %s", name, ans.Body)
				}
				over = true
				w.token(web(), web().exchange(code)).tokens(t)
			}
		},
		"a token that no guard would take is not given": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Claims = func(context.Context, server.TokenPlan) (map[string]any, error) {
					return map[string]any{"groups": strings.Repeat("x", 20000)}, nil
				}
			})
			w.token(jwtWeb(), jwtWeb().exchange(w.code(jwtWeb()))).refused(t, 500, "server_error")
		},
		"more members of the answer, and none in place of the server's": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Extensions = []server.Extension{{Name: "profile", Issued: func(_ context.Context, i *server.Issue, tok *mandate.Token, r *server.TokenResponse) error {
					if r.Members == nil {
						r.Members = make(map[string]any)
					}
					r.Members["user"] = map[string]any{"id": tok.Subject(), "name": "Alice \"A\" <ä>"}
					r.Members["family"] = i.Grant.ID != ""
					for _, own := range []string{"access_token", "token_type", "expires_in", "refresh_token", "scope"} {
						r.Members[own] = "forged"
					}
					return nil
				}}}
			})
			first := w.token(web(), web().exchange(w.code(web())))
			for _, ans := range []*answer{first, w.token(web(), refreshing(first.text(t, "refresh_token")))} {
				got := ans.tokens(t)
				m := ans.json(t)
				if fmt.Sprint(m["user"]) != "map[id:alice name:Alice \"A\" <ä>]" || m["family"] != true || strings.Contains(ans.Body, "forged") {
					t.Errorf("answer = %s", ans.Body)
				}
				w.alive(got.Access)
			}
		},
		"an extension that fails has told nobody of the token": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Extensions = []server.Extension{{Name: "failing", Issued: func(context.Context, *server.Issue, *mandate.Token, *server.TokenResponse) error {
					return errors.New("profile service is away")
				}}}
			})
			if ans := w.token(web(), web().exchange(w.code(web()))); !strings.Contains(ans.Body, "server_error") || strings.Contains(ans.Body, "profile") || strings.Contains(ans.Body, "mda_") {
				t.Errorf("answer = %d %s", ans.Status, ans.Body)
			}
			if list, err := w.store.FindGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.Page{}); err != nil || len(list) != 1 {
				t.Errorf("grants = %v: %v", list, err)
			}
		},
	}
}
