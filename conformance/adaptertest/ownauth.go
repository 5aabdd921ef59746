package adaptertest

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// badge is an authentication method of an application's own: the client's name and a number, which is right if it is the length of the
// name. A third part is good once. It uses what package server exports and nothing else.
type badge struct {
	name    string
	carrier server.Carrier
	broken  error // what Prove says instead
	clock   *Clock
}

// Name implements server.ClientAuthMethod.
func (b badge) Name() string { return b.name }

func (b badge) text(r *mandate.Request) (string, bool) {
	if b.carrier == server.InHeader {
		return strings.CutPrefix(r.Header.Get("Authorization"), "Badge ")
	}
	if b.carrier == server.InAssertion {
		form, err := r.Form()
		return form.Get("client_assertion"), err == nil && form.Get("client_assertion_type") == "urn:example:badge"
	}
	text := r.Header.Get("X-Badge")
	return text, text != ""
}

// Read implements server.ClientAuthMethod.
func (b badge) Read(r *mandate.Request) (server.ClientClaim, bool) {
	text, ok := b.text(r)
	id, _, _ := strings.Cut(text, "/")
	return server.ClientClaim{ClientID: id, Carrier: b.carrier}, ok
}

// Prove implements server.ClientAuthMethod.
func (b badge) Prove(_ context.Context, r *mandate.Request, c *store.Client) (server.ClientProof, error) {
	text, _ := b.text(r)
	parts := strings.Split(text, "/")
	switch {
	case b.broken != nil:
		return server.ClientProof{}, b.broken
	case len(parts) < 2 || len(parts[1]) != len(c.ID):
		return server.ClientProof{}, mandate.Errorf(mandate.InvalidClient, errors.New("the number is wrong"), "the badge is not yours")
	case len(parts) == 3 && parts[2] == "forever":
		return server.ClientProof{Once: "forever", Until: b.clock.Now().Add(25 * time.Hour)}, nil
	case len(parts) == 3:
		return server.ClientProof{Once: parts[2], Until: b.clock.Now().Add(time.Minute)}, nil
	}
	return server.ClientProof{}, nil
}

// badgeWorld is a world with three methods of its own, a client for each, and the built-in ones.
func badgeWorld(t *testing.T, a Adapter, change func(s *setup)) *world {
	t.Helper()
	return newWorld(t, a, func(s *setup) {
		methods := []badge{{name: "badge"}, {name: "urn:example:header", carrier: server.InHeader}, {name: "urn:example:assertion", carrier: server.InAssertion}}
		for i, id := range []string{"plain", "header", "asserting"} {
			methods[i].clock = s.clock
			s.ClientAuth = append(s.ClientAuth, methods[i])
			s.Clients = append(s.Clients, &store.Client{ID: id, Metadata: oauth2.ClientMetadata{
				AuthMethod: methods[i].name, GrantTypes: []string{"client_credentials"},
			}})
		}
		off := s.Clients[len(s.Clients)-3].Clone()
		off.ID, off.Disabled = "off", true
		s.Clients = append(s.Clients, off)
		if change != nil {
			change(s)
		}
	})
}

// ownAuth are the cases of methods of client authentication that an application adds: peers of what is built in.
func ownAuth() cases {
	ask := with(ownToken(), "token", "x")
	badged := func(assertion string) url.Values {
		return with(ask, "client_assertion", assertion, "client_assertion_type", "urn:example:badge")
	}
	all := []string{"/token", "/introspect", "/revoke"}
	return cases{
		"each endpoint takes them": func(t *testing.T, a Adapter) {
			w := badgeWorld(t, a, nil)
			for _, path := range all {
				w.form(t, path, ask, "X-Badge", "plain/12345").status(t, 200)
				w.form(t, path, with(ask, "client_id", "plain"), "X-Badge", "plain/12345").status(t, 200)
				w.form(t, path, ask, "Authorization", "Badge header/123456").status(t, 200)
				w.form(t, path, badged("asserting/123456789")).status(t, 200)
				w.form(t, path, ask, "Authorization", basic(web().id, web().secret)).status(t, 200)
			}
		},
		"a wrong one is refused in their words, with a challenge in the scheme of its header": func(t *testing.T, a Adapter) {
			w := badgeWorld(t, a, nil)
			for _, path := range all {
				ans := w.form(t, path, ask, "X-Badge", "plain/1234")
				quiet(t, ans)
				if got := ans.text(t, "error_description"); got != "the badge is not yours" {
					t.Errorf("error_description = %q", got)
				}
				quiet(t, w.form(t, path, badged("asserting/1")))
				ans = w.form(t, path, ask, "Authorization", "Badge header/1")
				ans.refused(t, 401, "invalid_client")
				ans.fields(t, "WWW-Authenticate", `Badge realm="`+w.url+`"`)
			}
		},
		"who is unknown, disabled or registered for another is refused before they are asked": func(t *testing.T, a Adapter) {
			w := badgeWorld(t, a, nil)
			for _, text := range []string{"nobody/123456", "off/123", "web/123", "header/123456", "/", strings.Repeat("x", 600) + "/1"} {
				quiet(t, w.form(t, "/token", ask, "X-Badge", text))
			}
			w.token(party{"plain", "", "none", ""}, ownToken()).refused(t, 400, "invalid_client")
			w.token(party{"plain", "x", "client_secret_basic", ""}, ownToken()).refused(t, 401, "invalid_client")
			w.form(t, "/token", ask, "Authorization", "Bearer x").refused(t, 401, "invalid_client")
		},
		"two methods in one request are refused": func(t *testing.T, a Adapter) {
			w := badgeWorld(t, a, nil)
			for _, path := range all {
				for name, ans := range map[string]*answer{
					"two of their own":         w.form(t, path, ask, "X-Badge", "plain/12345", "Authorization", "Badge header/123456"),
					"with Basic":               w.form(t, path, ask, "X-Badge", "plain/12345", "Authorization", basic(web().id, web().secret)),
					"with another header":      w.form(t, path, ask, "X-Badge", "plain/12345", "Authorization", "Bearer x"),
					"with a secret":            w.form(t, path, with(ask, "client_id", "plain", "client_secret", "x"), "X-Badge", "plain/12345"),
					"with an assertion":        w.form(t, path, asserted(ask, "a.b.c"), "X-Badge", "plain/12345"),
					"an assertion and Basic":   w.form(t, path, badged("asserting/123456789"), "Authorization", basic(web().id, web().secret)),
					"another client_id":        w.form(t, path, with(ask, "client_id", "web"), "X-Badge", "plain/12345"),
					"a header and a client_id": w.form(t, path, with(ask, "client_id", "web"), "Authorization", "Badge header/123456"),
				} {
					if t.Log(path, name); ans.Status == 200 {
						t.Fatal("it was taken")
					}
					ans.refused(t, 400, "invalid_request")
				}
			}
		},
		"what is good once is used up, and not before all else is right": func(t *testing.T, a Adapter) {
			w := badgeWorld(t, a, nil)
			w.form(t, "/token", with(ask, "scope", "unheard-of"), "X-Badge", "plain/12345/once").refused(t, 400, "invalid_scope")
			w.form(t, "/token", ask, "X-Badge", "plain/12345/once").tokens(t)
			for _, path := range all {
				quiet(t, w.form(t, path, ask, "X-Badge", "plain/12345/once"))
			}
			w.form(t, "/token", ask, "X-Badge", "plain/12345/twice").tokens(t)
		},
		"a method that cannot tell is no verdict": func(t *testing.T, a Adapter) {
			for name, row := range map[string]struct {
				err    error
				status int
				code   string
			}{
				"an error":       {errStore, 500, "server_error"},
				"unavailable":    {mandate.Errorf(mandate.TemporarilyUnavailable, errStore, ""), 503, "temporarily_unavailable"},
				"another code":   {mandate.AccessDenied, 500, "server_error"},
				"a bare verdict": {mandate.InvalidClient, 400, "invalid_client"},
			} {
				w := badgeWorld(t, a, func(s *setup) {
					b, _ := s.ClientAuth[0].(badge)
					b.broken = row.err
					s.ClientAuth[0] = b
				})
				t.Log(name)
				ans := w.form(t, "/token", ask, "X-Badge", "plain/12345")
				ans.refused(t, row.status, row.code)
				if strings.Contains(ans.Body, "pq:") {
					t.Errorf("the cause is told: %s", ans.Body)
				}
			}
			w := badgeWorld(t, a, nil)
			w.form(t, "/token", ask, "X-Badge", "plain/12345/forever").refused(t, 500, "server_error")
		},
		"metadata and hooks know them": func(t *testing.T, a Adapter) {
			rec := &recorder{}
			w := badgeWorld(t, a, func(s *setup) {
				s.Hooks = mandate.Hooks{On: func(_ context.Context, e mandate.Event) { rec.note("%s %s %v", e.Name, e.ClientID, e.Err) }}
			})
			m := w.get(t, "/.well-known/oauth-authorization-server").json(t)
			for _, endpoint := range []string{"token", "revocation", "introspection"} {
				if got := strings.Join(words(m[endpoint+"_endpoint_auth_methods_supported"]), " "); !strings.HasSuffix(got, " badge urn:example:header urn:example:assertion") {
					t.Errorf("%s: methods = %q", endpoint, got)
				}
			}
			w.form(t, "/introspect", ask, "X-Badge", "plain/12345").status(t, 200)
			quiet(t, w.form(t, "/introspect", ask, "X-Badge", "plain/1"))
			if got := rec.take(); !strings.HasPrefix(got, "client.authenticated plain <nil>, client.refused plain ") {
				t.Errorf("events = %q", got)
			}
		},
	}
}
