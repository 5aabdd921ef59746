package adaptertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

const signedType = "application/token-introspection+jwt"

// introspectAs asks about a token with an Accept field.
func (w *world) introspectAs(p party, token, accept string) *answer {
	w.t.Helper()
	form := with(nil, "token", token)
	fields := p.sign(form)
	return w.form(w.t, w.path("introspect"), form, append(fields, "Accept", accept)...)
}

// signedIntrospection are the cases of RFC 9701, and of what an application changes in an answer.
func signedIntrospection() cases {
	signing := func(t *testing.T, a Adapter, algs ...jose.Alg) *world {
		t.Helper()
		return newWorld(t, a, func(s *setup) {
			s.SignedIntrospection = &server.SignedIntrospection{Algs: algs}
			_, api := resourceServer("api", apiName, "")
			s.Clients = append(s.Clients, api)
			for _, alg := range algs {
				p := party{"api-" + string(alg), "api-secret-0123456789", "client_secret_basic", ""}
				c := p.client("client_credentials")
				c.Metadata.IntrospectionAlg, c.Policy.Introspect = string(alg), "all"
				s.Clients = append(s.Clients, c)
			}
		})
	}
	api := func(alg jose.Alg) party {
		return party{"api-" + string(alg), "api-secret-0123456789", "client_secret_basic", ""}
	}
	return cases{
		"who asks for it gets the answer signed": func(t *testing.T, a Adapter) {
			w := signing(t, a)
			for _, p := range []party{web(), jwtWeb()} {
				got := w.login(p, "scope", "read write")
				for name, token := range map[string]string{"access": got.Access, "refresh": got.Refresh, "unknown": "x", "revoked": func() string {
					over := w.login(p).Access
					w.revoke(p, over).status(t, 200)
					return over
				}()} {
					ans := w.introspectAs(p, token, signedType).status(t, 200)
					ans.fields(t, "Content-Type", signedType, "Cache-Control", "no-store")
					head, claims := part(t, ans.Body, 0), part(t, ans.Body, 1)
					if head["typ"] != "token-introspection+jwt" || head["alg"] != "ES256" || !strings.Contains(w.get(t, "/jwks").Body, fmt.Sprintf(`"kid":%q`, head["kid"])) {
						t.Errorf("%s: header = %v", name, head)
					}
					var plain any
					if err := json.Unmarshal([]byte(w.introspect(p, token).Body), &plain); err != nil {
						t.Fatal(err)
					}
					want := map[string]any{"iss": w.issuer, "aud": p.id, "iat": float64(w.clock.Now().Unix()), "token_introspection": plain}
					if !reflect.DeepEqual(claims, want) {
						t.Errorf("%s: claims = %v, want %v", name, claims, want)
					}
				}
			}
		},
		"the signed answer is no access token": func(t *testing.T, a Adapter) {
			w := signing(t, a)
			ans := w.introspectAs(jwtWeb(), w.login(jwtWeb()).Access, signedType)
			w.get(t, "/api", "Authorization", "Bearer "+ans.Body).refused(t, 401, "invalid_token")
			if again := w.introspect(jwtWeb(), ans.Body); again.Body != notActive {
				t.Errorf("introspection = %s", again.Body)
			}
		},
		"a client has the algorithm that it registered, and the keys are published": func(t *testing.T, a Adapter) {
			w := signing(t, a, jose.EdDSA, jose.PS256, jose.ES384)
			got := w.login(web())
			for _, tc := range []struct {
				p    party
				want string
			}{{api(jose.ES384), "ES384"}, {api(jose.PS256), "PS256"}, {web(), "EdDSA"}, {api(jose.EdDSA), "EdDSA"}} {
				ans := w.introspectAs(tc.p, got.Access, signedType).status(t, 200)
				keys, err := jose.ParseKeySet([]byte(w.get(t, "/jwks").Body))
				if err != nil {
					t.Fatal(err)
				}
				if _, _, err := jose.Verify(ans.Body, keys, []jose.Alg{jose.Alg(tc.want)}); err != nil {
					t.Errorf("%s: %v", tc.p.id, err)
				}
			}
			if jwt := part(t, w.login(jwtWeb()).Access, 0); jwt["alg"] != "ES256" {
				t.Errorf("access token is signed with %v", jwt["alg"])
			}
			if m := w.get(t, "/.well-known/oauth-authorization-server").json(t); fmt.Sprint(m["introspection_signing_alg_values_supported"]) != "[EdDSA PS256 ES384]" {
				t.Errorf("metadata = %v", m["introspection_signing_alg_values_supported"])
			}
		},
		"who asks for something else gets JSON": func(t *testing.T, a Adapter) {
			w := signing(t, a)
			got := w.login(web())
			for accept, signed := range map[string]bool{
				"application/json": false, "*/*": false, "application/*": false, "application/jwt": false, signedType + ";q=0": false, "application/json, " + signedType + ";q=0.5": false, signedType + ";q=x": false,
				"application/token-introspection+jwtx": false, strings.ToUpper(signedType): true, signedType + ", application/json": true, "application/json;q=0.9," + signedType: true, "text/html, " + signedType + " ; q=0.1": true,
			} {
				kind := "application/json"
				if signed {
					kind = signedType
				}
				w.introspectAs(web(), got.Access, accept).status(t, 200).fields(t, "Content-Type", kind)
			}
		},
		"refusals stay JSON": func(t *testing.T, a Adapter) {
			w := signing(t, a)
			got := w.login(spa())
			w.introspectAs(spa(), got.Access, signedType).refused(t, 400, "invalid_client")
			w.introspectAs(party{"web", "wrong", "client_secret_basic", ""}, got.Access, signedType).refused(t, 401, "invalid_client")
			w.introspectAs(web(), "", signedType).refused(t, 400, "invalid_request")
		},
		"a client whose algorithm is not offered any more is told so": func(t *testing.T, a Adapter) {
			w := signing(t, a)
			p := party{"stored", "stored-secret-0123456789", "client_secret_basic", ""}
			c := p.client("client_credentials")
			c.Metadata.IntrospectionAlg = "RS512"
			w.keep(c)
			w.introspectAs(p, "x", signedType).refused(t, 400, "invalid_request")
			if ans := w.introspect(p, "x").status(t, 200); ans.Body != notActive {
				t.Errorf("introspection = %s", ans.Body)
			}
		},
		"off, it is JSON and not advertised": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			w.introspectAs(web(), w.login(web()).Access, signedType).status(t, 200).fields(t, "Content-Type", "application/json")
			if ans := w.get(t, "/.well-known/oauth-authorization-server"); strings.Contains(ans.Body, "introspection_signing_alg") {
				t.Errorf("metadata = %s", ans.Body)
			}
		},
		"this library's own guard takes signed answers": func(t *testing.T, a Adapter) {
			w := signing(t, a)
			p, _ := resourceServer("api", apiName, "")
			far := newSite(t, a)
			guard, err := resource.New(resource.Config{Audience: apiName, Now: w.clock.Now, Verifiers: []resource.Verifier{resource.Introspection{
				Issuer: w.issuer, ClientID: p.id, Secret: p.secret, Signed: true, NeverRemember: true, Now: w.clock.Now,
			}}})
			if err != nil {
				t.Fatal(err)
			}
			far.app.Handle(http.MethodGet, "/far", far.app.Route(func(c Ctx) error { return c.HTML(200, c.Token().Subject()) }), far.app.Auth(guard, AuthConfig{}).Require("read"))
			far.start(t)
			for _, who := range []party{web(), jwtWeb()} {
				got := w.login(who)
				if ans := far.get(t, "/far", "Authorization", "Bearer "+got.Access).status(t, 200); ans.Body != "alice" {
					t.Errorf("body = %q", ans.Body)
				}
				far.get(t, "/far", "Authorization", "Bearer "+got.Refresh).refused(t, 401, "invalid_token")
				far.get(t, "/far", "Authorization", "Bearer "+w.login(who, "scope", "write").Access).refused(t, 403, "insufficient_scope")
				w.revoke(who, got.Access).status(t, 200)
				far.get(t, "/far", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
			}
		},
		"an application adds and takes members, plain and signed": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.SignedIntrospection = &server.SignedIntrospection{}
				s.Introspect = func(_ context.Context, i *server.Introspected) error {
					if i.Members["active"] != nil || i.Client.ID != "web" || (i.Token == nil) == (i.Grant.ID == "") {
						return errors.New("told the wrong thing")
					}
					i.Members["username"] = "Alice of " + fmt.Sprint(i.Members["sub"])
					delete(i.Members, "sub")
					i.Members["active"] = false
					for _, name := range []string{"iss", "aud", "nbf", "cnf", "token_type"} {
						i.Members[name] = "forged"
					}
					delete(i.Members, "exp")
					return nil
				}
			})
			got := w.login(web())
			for _, token := range []string{got.Access, got.Refresh} {
				m := w.introspect(web(), token).json(t)
				if m["active"] != true || m["username"] != "Alice of alice" || m["sub"] != nil || m["exp"] == nil || m["iss"] != w.issuer || m["nbf"] != nil || m["cnf"] != nil || strings.Contains(fmt.Sprint(m), "forged") {
					t.Errorf("introspection = %v", m)
				}
				if signed := part(t, w.introspectAs(web(), token, signedType).Body, 1)["token_introspection"]; !reflect.DeepEqual(signed, any(m)) {
					t.Errorf("signed = %v, plain %v", signed, m)
				}
			}
		},
		"an application has the last word, and is not asked about what is nobody's": func(t *testing.T, a Adapter) {
			var asked int
			var fail error
			w := newWorld(t, a, func(s *setup) {
				s.Introspect = func(_ context.Context, i *server.Introspected) error {
					asked++
					i.Members = nil
					return fail
				}
			})
			got := w.login(web())
			for _, p := range []party{post(), web()} {
				for _, token := range []string{got.Access, got.Refresh, "x", ""} {
					if ans := w.introspect(p, token); token != "" && ans.Body != notActive {
						t.Errorf("%s: introspection = %s", p.id, ans.Body)
					}
				}
			}
			if asked != 2 {
				t.Errorf("asked %d times, want 2", asked)
			}
			fail = errors.New("directory is away")
			if ans := w.introspect(web(), got.Access); strings.Contains(ans.Body, "directory") {
				t.Errorf("body = %s", ans.Body)
			} else {
				ans.refused(t, 500, "server_error")
			}
			fail = mandate.Errorf(mandate.TemporarilyUnavailable, nil, "")
			w.introspect(web(), got.Access).refused(t, 503, "temporarily_unavailable")
		},
		"the table of who may revoke and ask holds for tokens of every kind": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Lifetimes = map[string]time.Duration{"client_credentials": server.InsecureNoEnd}
				_, all := resourceServer("auditor", "", "all")
				s.Clients = append(s.Clients, all)
			})
			auditor, _ := resourceServer("auditor", "", "all")
			for name, issue := range map[string]func() (party, string){
				"opaque": func() (party, string) { return web(), w.login(web()).Access }, "JWT": func() (party, string) { return jwtWeb(), w.login(jwtWeb()).Access },
				"refresh": func() (party, string) { return web(), w.login(web()).Refresh }, "machine": func() (party, string) { return web(), w.token(web(), machine()).text(t, "access_token") },
				"machine JWT": func() (party, string) { return jwtWeb(), w.token(jwtWeb(), machine()).text(t, "access_token") },
			} {
				owner, token := issue()
				for _, stranger := range []party{post(), service(), auditor, spa()} { // who may ask may not revoke
					w.revoke(stranger, token).refused(t, 400, "invalid_grant")
				}
				if w.introspect(post(), token).Body != notActive || w.introspect(auditor, token).json(t)["active"] != true || w.introspect(owner, token).json(t)["active"] != true {
					t.Errorf("%s: the wrong ones know of it", name)
				}
				w.revoke(owner, token).status(t, 200)
				w.revoke(post(), token) // whatever it says, nothing comes back
				for _, p := range []party{owner, auditor} {
					if ans := w.introspect(p, token); ans.Body != notActive {
						t.Errorf("%s: introspection = %s", name, ans.Body)
					}
				}
				if list, err := w.store.FindGrants(t.Context(), store.GrantQuery{ClientID: owner.id}, store.Page{}); err != nil || len(list) == 0 {
					t.Errorf("%s: grants = %v: %v", name, list, err)
				}
			}
		},
	}
}
