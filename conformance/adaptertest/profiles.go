package adaptertest

import (
	"slices"
	"testing"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// profiles are the cases of ready-made servers.
func profiles() cases {
	return cases{
		"a token of the MCP profile that was asked for without a resource is for the MCP servers alone": func(t *testing.T, a Adapter) {
			const mcp = "https://mcp.example.com/mcp"
			w := newWorld(t, a, func(s *setup) {
				s.Profile, s.Resources, s.DefaultAudience = server.ProfileMCP, []string{mcp}, nil
				s.Clients = []*store.Client{web().client("authorization_code", "refresh_token")}
			})
			for name, got := range map[string]tokens{"without": w.login(web()), "with": w.login(web(), "resource", mcp)} {
				if audience := words(w.introspect(web(), got.Access).json(t)["aud"]); !slices.Equal(audience, []string{mcp}) {
					t.Errorf("%s a resource: audience = %v, want %s", name, audience, mcp)
				}
				w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
			}
			if _, q := w.authorize(with(web().request(), "resource", "https://other.example.com")).params(t); q.Get("error") != "invalid_target" {
				t.Errorf("answer = %v, want invalid_target", q)
			}
		},
		"a client of OAuth 2.1 goes without a challenge nowhere": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Profile = server.ProfileOAuth21 })
			w.login(web())
			if _, q := w.authorize(with(web().request(), "code_challenge", "", "code_challenge_method", "")).params(t); q.Get("error") != "invalid_request" {
				t.Errorf("answer = %v, want invalid_request", q)
			}
		},
	}
}
