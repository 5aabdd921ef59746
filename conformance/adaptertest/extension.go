package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

const grantAPIKey = "urn:example:grant-type:api-key"

// apiKeys is a grant type of an application's own: an API key becomes tokens of its owner. It uses what package server exports
// and nothing else.
type apiKeys map[string]string // key to subject

// Name implements server.GrantType.
func (apiKeys) Name() string { return grantAPIKey }

// Token implements server.GrantType.
func (k apiKeys) Token(_ context.Context, r *server.TokenRequest) (*server.Issue, error) {
	key, err := r.Require("api_key")
	if err != nil {
		return nil, err
	}
	subject, ok := k[key]
	if !ok {
		return nil, mandate.Errorf(mandate.InvalidGrant, nil, "the API key is unknown")
	}
	scopes, err := r.Scopes()
	if err != nil {
		return nil, err
	}
	audience, err := r.Audience("")
	if err != nil {
		return nil, err
	}
	return &server.Issue{
		Grant: r.NewGrant(subject, scopes), New: true, Scopes: scopes, Audience: audience, Refresh: true,
		Claims: map[string]any{"roles": []string{"bot"}}, Members: map[string]any{"key_name": "ci", "access_token": "forged"},
	}, nil
}

// toy is an extension that uses every door: an endpoint, a member of the token answer and of the metadata, checks of the
// request and of the approval, and a response type.
func toy() server.Extension {
	return server.Extension{
		Name:       "toy",
		GrantTypes: []server.GrantType{apiKeys{"key-of-alice": "alice", "key-of-the-client": "toy"}},
		Endpoints: func(s *server.Server) []mandate.Endpoint {
			return []mandate.Endpoint{{Name: "whoami", Path: "/whoami", Methods: []string{"POST"}, CORS: true, Handle: func(ctx context.Context, r *mandate.Request) *mandate.Response {
				c, err := s.AuthenticateClient(ctx, r)
				if err != nil {
					return s.Refuse(err)
				}
				return server.JSON(200, map[string]string{"client": c.ID, "method": c.Method(), "url": r.URL()})
			}}, {Name: "thing", Path: "/things/{id}", Methods: []string{"GET"}, Handle: func(_ context.Context, r *mandate.Request) *mandate.Response {
				return server.JSON(200, map[string]string{"id": r.PathID})
			}}}
		},
		Responses: []server.ResponseType{{Name: "toy", Front: true, Respond: func(_ context.Context, _ *server.Ask, g store.Grant, add func(name, value string)) error {
			add("toy_token", "toy of "+g.Subject)
			return nil
		}}},
		Begin: func(_ context.Context, a *server.Ask, params mandate.Params) error {
			switch color := params.Get("color"); color {
			case "", "red", "blue":
				a.Request.Details.Extra = color
				return nil
			default:
				return mandate.Errorf(mandate.InvalidRequest, nil, "color is neither red nor blue")
			}
		},
		Approve: func(_ context.Context, _ *server.Ask, user server.User, g *store.Grant) error {
			if user.Subject == "banned" {
				return mandate.Errorf(mandate.AccessDenied, nil, "banned")
			}
			g.Details.AMR = "toy"
			return nil
		},
		Issued: func(_ context.Context, i *server.Issue, t *mandate.Token, r *server.TokenResponse) error {
			if i.Grant.Details.Extra != "" {
				if r.Members == nil {
					r.Members = map[string]any{}
				}
				r.Members["color"] = i.Grant.Details.Extra
				r.Members["color_of"] = t.Subject()
			}
			return nil
		},
		Metadata: func(members map[string]json.RawMessage) error {
			members["colors_supported"] = json.RawMessage(`["red","blue"]`)
			return nil
		},
	}
}

// extensions are the cases of what an application adds to its server: peers of what is built in.
func extensions() cases {
	p := party{"toy", "toy-secret-0123456789", "client_secret_basic", callback}
	toyWorld := func(t *testing.T, a Adapter) *world {
		t.Helper()
		return newWorld(t, a, func(s *setup) {
			c := p.client("authorization_code", "refresh_token", grantAPIKey)
			c.Metadata.ResponseTypes = []string{"code", "toy", "code toy"}
			s.Clients = append(s.Clients, c)
			s.Extensions = []server.Extension{toy()}
		})
	}
	key := func(key string) url.Values {
		return url.Values{"grant_type": {grantAPIKey}, "api_key": {key}, "scope": {"read"}}
	}
	return cases{
		"a grant type of its own gives tokens that live and die like any other": func(t *testing.T, a Adapter) {
			w := toyWorld(t, a)
			ans := w.token(p, key("key-of-alice"))
			first := ans.tokens(t)
			if ans.text(t, "key_name") != "ci" || first.Access == "forged" || strings.Count(ans.Body, "access_token") != 1 {
				t.Errorf("answer = %s", ans.Body)
			}
			m := w.alive(first.Access).json(t)
			if claims, _ := m["claims"].(string); m["sub"] != "alice" || !strings.Contains(claims, `"roles":["bot"]`) {
				t.Errorf("the guard sees %v", m)
			}
			second := w.refresh(p, first.Refresh)
			if again := w.refresh(p, first.Refresh); again.Refresh != second.Refresh {
				t.Error("the successor is another")
			}
			third := w.refresh(p, second.Refresh)
			w.token(p, refreshing(first.Refresh)).refused(t, 400, "invalid_grant")
			w.dead(p, first.Access, first.Refresh)
			w.dead(p, third.Access, third.Refresh)
		},
		"it refuses as it likes, and the server what it must": func(t *testing.T, a Adapter) {
			w := toyWorld(t, a)
			w.token(p, key("unknown")).refused(t, 400, "invalid_grant")
			w.token(p, key("")).refused(t, 400, "invalid_request")
			w.token(p, with(key("key-of-alice"), "scope", "unknown")).refused(t, 400, "invalid_scope")
			w.token(p, with(key("key-of-alice"), "resource", "https://unknown.example.com")).refused(t, 400, "invalid_target")
			w.token(web(), key("key-of-alice")).refused(t, 400, "unauthorized_client")
			w.token(party{p.id, "wrong", p.method, ""}, key("key-of-alice")).refused(t, 401, "invalid_client")
			twice := key("key-of-alice")
			twice.Add("api_key", "key-of-alice")
			w.token(p, twice).refused(t, 400, "invalid_request")
			w.token(p, key("key-of-the-client")).refused(t, 500, "server_error")
		},
		"an endpoint of its own has its place, its path parameter and the rules of all": func(t *testing.T, a Adapter) {
			w := toyWorld(t, a)
			form := url.Values{}
			fields := p.sign(form)
			if m := w.form(t, "/whoami?x=1", url.Values{"y": {"2"}}, fields...).json(t); m["client"] != "toy" || m["method"] != "client_secret_basic" || m["url"] != w.url+"/whoami?x=1" {
				t.Errorf("answer = %v", m)
			}
			w.form(t, "/whoami", url.Values{"y": {"2"}}).refused(t, 401, "invalid_client")
			w.get(t, "/whoami").status(t, 405).fields(t, "Allow", "POST, OPTIONS")
			for path, id := range map[string]string{"/things/abc": "abc", "/things/a%2Fb": "a/b", "/things/a%20b": "a b", "/things/%C3%A4": "ä", "/things/a+b": "a+b", "/things/a%252Fb": "a%2Fb"} {
				if got := w.get(t, path).text(t, "id"); got != id {
					t.Errorf("%s: id = %q, want %q", path, got, id)
				}
			}
			w.get(t, "/things/a/b").status(t, 404)
			m := w.get(t, "/.well-known/oauth-authorization-server").json(t)
			if m["whoami_endpoint"] != w.url+"/whoami" || fmt.Sprint(m["colors_supported"]) != "[red blue]" || fmt.Sprint(m["response_types_supported"]) != "[code toy]" ||
				!strings.Contains(fmt.Sprint(m["grant_types_supported"]), grantAPIKey) {
				t.Errorf("metadata = %v", m)
			}
		},
		"what it checks at the beginning is in the grant at the end": func(t *testing.T, a Adapter) {
			w := toyWorld(t, a)
			ans := w.token(p, p.exchange(w.code(p, "color", "red")))
			got := ans.tokens(t)
			if ans.text(t, "color") != "red" || ans.text(t, "color_of") != "alice" {
				t.Errorf("answer = %s", ans.Body)
			}
			if again := w.token(p, refreshing(got.Refresh)); again.text(t, "color") != "red" {
				t.Errorf("answer = %s", again.Body)
			}
			toldAs(t, w, w.authorize(with(p.request(), "color", "mauve")), "invalid_request", true)
			toldAs(t, w, w.authorize(p.request(), "X-User", "banned"), "access_denied", true)
			if list, _ := w.store.FindGrants(t.Context(), store.GrantQuery{Subject: "banned"}, store.Page{}); len(list) > 0 {
				t.Errorf("grants = %v, want none", list)
			}
		},
		"a response type of its own goes into the fragment, and never into a query": func(t *testing.T, a Adapter) {
			w := toyWorld(t, a)
			for _, types := range []string{"toy", "code toy", "toy code"} {
				ans := w.authorize(with(p.request(), "response_type", types))
				_, q := ans.params(t)
				if !strings.HasPrefix(ans.Header.Get("Location"), callback+"#") || q.Get("toy_token") != "toy of alice" || q.Has("code") != strings.Contains(types, "code") || q.Get("state") != "xyz" {
					t.Errorf("%s: Location = %q", types, ans.Header.Get("Location"))
				}
				ans = w.authorize(with(p.request(), "response_type", types, "response_mode", "query"))
				if toldAs(t, w, ans, "invalid_request", true); !strings.HasPrefix(ans.Header.Get("Location"), callback+"#") {
					t.Errorf("%s: Location = %q", types, ans.Header.Get("Location"))
				}
			}
			toldAs(t, w, w.authorize(with(web().request(), "response_type", "toy")), "unauthorized_client", true)
		},
	}
}
