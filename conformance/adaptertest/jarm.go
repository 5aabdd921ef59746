package adaptertest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

func signing(s *setup) { s.ResponseModes = []string{"query", "fragment", "form_post", "jwt"} }

// unsigned returns what the one parameter response of q says, once it is proven to be the server's, for p.
func (w *world) unsigned(p party, q url.Values, alg jose.Alg) map[string]string {
	w.t.Helper()
	if len(q) != 1 || len(q["response"]) != 1 {
		w.t.Fatalf("parameters = %v, want response alone", q)
	}
	keys, err := jose.ParseKeySet([]byte(w.get(w.t, "/jwks").Body))
	if err != nil {
		w.t.Fatal(err)
	}
	_, payload, err := jose.Verify(q.Get("response"), keys, []jose.Alg{alg})
	if err != nil {
		w.t.Fatal(err)
	}
	claims, err := jose.ParseClaims(payload)
	if err != nil {
		w.t.Fatal(err)
	}
	if life := claims.Expires.Sub(w.clock.Now()); claims.Issuer != w.issuer || len(claims.Audience) != 1 || !claims.For(p.id) || life <= 0 || life > 10*time.Minute {
		w.t.Errorf("claims = %s", payload)
	}
	said := map[string]string{}
	for name := range claims.Other {
		said[name] = claims.Text(name)
	}
	return said
}

// signedAnswers are the cases of JARM.
func signedAnswers() cases {
	return cases{
		"each mode carries code and state, signed, and nothing beside it": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, signing)
			for mode, mark := range map[string]string{"jwt": "?", "query.jwt": "?", "fragment.jwt": "#", "form_post.jwt": ""} {
				ans := w.authorize(with(web().request(), "response_mode", mode))
				var q url.Values
				if mark == "" {
					_, q = ans.posted(t)
				} else if _, q = ans.params(t); !strings.HasPrefix(ans.Header.Get("Location"), callback+mark+"response=") {
					t.Errorf("%s: Location = %q", mode, ans.Header.Get("Location"))
				}
				said := w.unsigned(web(), q, jose.ES256)
				if said["state"] != "xyz" || len(said) != 2 {
					t.Errorf("%s: response says %v", mode, said)
				}
				w.token(web(), web().exchange(said["code"])).tokens(t)
			}
		},
		"errors are signed too": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, signing)
			for mode, code := range map[string]string{"jwt": "invalid_scope", "fragment.jwt": "invalid_scope", "query.jwt": "invalid_scope"} {
				_, q := w.authorize(with(web().request(), "response_mode", mode, "scope", "unknown")).params(t)
				if said := w.unsigned(web(), q, jose.ES256); said["error"] != code || said["state"] != "xyz" {
					t.Errorf("%s: response says %v", mode, said)
				}
			}
			_, q := w.authorize(with(web().request(), "response_mode", "form_post.jwt", "prompt", "none login")).posted(t)
			if said := w.unsigned(web(), q, jose.ES256); said["error"] != "invalid_request" {
				t.Errorf("response says %v", said)
			}
		},
		"iss is in it even where it is left out elsewhere": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { signing(s); s.OmitIss = true })
			_, q := w.authorize(with(web().request(), "response_mode", "jwt")).params(t)
			w.unsigned(web(), q, jose.ES256)
		},
		"a client's own algorithm": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { signing(s); s.Clients[0].Metadata.AuthorizationAlg = "EdDSA" })
			_, q := w.authorize(with(web().request(), "response_mode", "jwt")).params(t)
			w.unsigned(web(), q, jose.EdDSA)
		},
		"jwt of a token is in the fragment, and query.jwt is refused": func(t *testing.T, a Adapter) {
			p := party{"toy", "toy-secret-0123456789", "client_secret_basic", callback}
			w := newWorld(t, a, func(s *setup) {
				signing(s)
				c := p.client("authorization_code")
				c.Metadata.ResponseTypes = []string{"code toy"}
				s.Clients, s.Extensions = append(s.Clients, c), []server.Extension{toy()}
			})
			ans := w.authorize(with(p.request(), "response_type", "code toy", "response_mode", "jwt"))
			_, q := ans.params(t)
			if said := w.unsigned(p, q, jose.ES256); said["toy_token"] != "toy of alice" || !strings.Contains(ans.Header.Get("Location"), "#") {
				t.Errorf("Location %q says %v", ans.Header.Get("Location"), said)
			}
			ans = w.authorize(with(p.request(), "response_type", "code toy", "response_mode", "query.jwt"))
			if toldAs(t, w, ans, "invalid_request", true); !strings.HasPrefix(ans.Header.Get("Location"), callback+"#") {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
		},
		"a mode that nobody knows is refused unsigned": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, signing)
			for _, mode := range []string{"jwt.jwt", ".jwt", "pigeon.jwt", "JWT"} {
				toldAs(t, w, w.authorize(with(web().request(), "response_mode", mode)), "invalid_request", true)
			}
		},
		"a stranger's client is offered a signed link": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { signing(s); s.Clients[0].Origin = store.ByRegistration })
			for _, mode := range []string{"jwt", "form_post.jwt"} {
				ans := w.authorize(with(web().request(), "response_mode", mode, "scope", "unknown"), "Accept", "text/html").status(t, 400)
				if !strings.Contains(ans.Body, `href="`+callback+"?response=ey") || strings.Contains(ans.Body, callback+"?error") {
					t.Errorf("page = %.600q", ans.Body)
				}
			}
		},
		"the metadata say so": func(t *testing.T, a Adapter) {
			m := newWorld(t, a, signing).get(t, "/.well-known/oauth-authorization-server").json(t)
			if fmt.Sprint(m["response_modes_supported"]) != "[query fragment form_post jwt query.jwt fragment.jwt form_post.jwt]" || !strings.HasPrefix(fmt.Sprint(m["authorization_signing_alg_values_supported"]), "[ES256 ") {
				t.Errorf("metadata = %v", m)
			}
			if m := newWorld(t, a, nil).get(t, "/.well-known/oauth-authorization-server").json(t); m["authorization_signing_alg_values_supported"] != nil {
				t.Errorf("metadata = %v", m)
			}
		},
		"a client that wants what cannot be is refused": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, signing)
			for _, change := range []func(c *store.Client){
				func(c *store.Client) { c.Metadata.AuthorizationAlg = "none" },
				func(c *store.Client) { c.Metadata.AuthorizationAlg = "HS256" },
				func(c *store.Client) { c.Metadata.AuthorizationEncryptionAlg = "RSA-OAEP" },
			} {
				c := web().client("authorization_code")
				if change(c); w.srv.CheckClient(c) == nil {
					t.Errorf("CheckClient of %+v = nil", c.Metadata)
				}
			}
		},
	}
}
