package adaptertest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// said is what a client says of itself.
type said map[string]any

// with returns a copy of m with one member set; nil takes it away.
func (m said) with(name string, value any) said {
	c := maps.Clone(m)
	if value == nil {
		delete(c, name)
	} else {
		c[name] = value
	}
	return c
}

// registrant is what an ordinary client registers.
func registrant() said {
	return said{"client_name": "An app", "redirect_uris": []string{callback}, "grant_types": []string{"authorization_code", "refresh_token"}, "scope": "open"}
}

// registering is a world whose clients may register themselves.
func registering(t *testing.T, a Adapter, change func(r *server.Registration, s *setup)) *world {
	t.Helper()
	return newWorld(t, a, func(s *setup) {
		s.Registration = &server.Registration{Open: true, Management: true}
		if change != nil {
			change(s.Registration, s)
		}
	})
}

// jsonOf returns v as JSON.
func jsonOf(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// register registers a client.
func (w *world) register(t *testing.T, m said, fields ...string) *answer {
	t.Helper()
	return w.do(t, http.MethodPost, "/register", jsonOf(t, m), append([]string{"Content-Type", "application/json"}, fields...)...)
}

// registered is the client that the answer a is about, and what it manages itself with.
func (a *answer) registered(t *testing.T, status int) (p party, uri, token string) {
	t.Helper()
	a.status(t, status)
	a.fields(t, "Content-Type", "application/json", "Cache-Control", "no-store", "Pragma", "no-cache")
	m := a.json(t)
	p = party{id: a.text(t, "client_id"), secret: a.text(t, "client_secret"), method: a.text(t, "token_endpoint_auth_method")}
	if uris, _ := m["redirect_uris"].([]any); len(uris) > 0 {
		p.redirect, _ = uris[0].(string)
	}
	return p, a.text(t, "registration_client_uri"), a.text(t, "registration_access_token")
}

// clientOwn is the request of a client that acts for itself.
func clientOwn(scope string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
}

// unproven checks that the answer is a refusal of a Bearer token: 401 with a challenge.
func (a *answer) unproven(t *testing.T, w *world, code string) {
	t.Helper()
	a.refused(t, 401, code)
	challenge := `Bearer realm="` + w.issuer + `"`
	if code == "invalid_token" {
		challenge += `, error="invalid_token"`
	}
	a.fields(t, "WWW-Authenticate", challenge)
}

// nobody checks that nothing was registered.
func (w *world) nobody(t *testing.T) {
	t.Helper()
	writer, _ := w.store.(store.ClientWriter)
	if list, err := writer.FindClients(t.Context(), store.Page{}); err != nil || len(list) > 0 {
		t.Errorf("registered: %v, %v", list, err)
	}
}

// registrations are the cases of RFC 7591.
func registrations() cases {
	list := cases{
		"a client that registers itself works like any other": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			ans := w.register(t, registrant())
			p, uri, token := ans.registered(t, 201)
			m := ans.json(t)
			issued, _ := m["client_id_issued_at"].(float64)
			if p.method != "client_secret_basic" || len(p.secret) < 40 || m["client_secret_expires_at"] != 0.0 || uri != w.url+"/register/"+p.id || len(token) < 40 ||
				int64(issued) != w.clock.Now().Unix() || jsonOf(t, m["response_types"]) != `["code"]` || m["scope"] != "open" || m["client_name"] != "An app" {
				t.Errorf("answer = %s", ans.Body)
			}
			got := w.token(p, p.exchange(w.code(p, "scope", "open"))).tokens(t)
			w.alive(got.Access)
			w.refresh(p, got.Refresh)
			c, err := w.store.Client(t.Context(), p.id)
			if err != nil || c.Origin != store.ByRegistration || strings.Contains(jsonOf(t, c), p.secret) || strings.Contains(jsonOf(t, c), token) {
				t.Errorf("stored = %s, %v", jsonOf(t, c), err)
			}
		},
		"who says nothing gets the defaults of the RFC, in the answer too": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			m := w.register(t, said{"redirect_uris": []string{callback}}).status(t, 201).json(t)
			for name, want := range map[string]string{"grant_types": `["authorization_code"]`, "response_types": `["code"]`, "token_endpoint_auth_method": `"client_secret_basic"`, "scope": `"open"`} {
				if got := jsonOf(t, m[name]); got != want {
					t.Errorf("%s = %s, want %s", name, got, want)
				}
			}
		},
		"a public client gets no secret": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			ans := w.register(t, registrant().with("token_endpoint_auth_method", "none"))
			p, _, _ := ans.registered(t, 201)
			if m := ans.json(t); m["client_secret"] != nil || m["client_secret_expires_at"] != nil {
				t.Errorf("answer = %s", ans.Body)
			}
			w.login(p, "scope", "open")
		},
		"a secret in the body where that was registered": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			p, _, _ := w.register(t, registrant().with("token_endpoint_auth_method", "client_secret_post")).registered(t, 201)
			w.login(p, "scope", "open")
			w.token(party{p.id, p.secret, "client_secret_basic", callback}, refreshing("x")).refused(t, 401, "invalid_client")
		},
		"native programs have a scheme of their own or any port, web applications do not": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			own := []string{"com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]:8080/cb", "https://app.example.com/claimed"}
			for _, kind := range []any{nil, "native"} {
				p, _, _ := w.register(t, registrant().with("redirect_uris", own).with("token_endpoint_auth_method", "none").with("application_type", kind)).registered(t, 201)
				for _, to := range []string{own[0], "http://127.0.0.1:4711/cb", own[3]} {
					w.code(p, "scope", "open", "redirect_uri", to)
				}
			}
			for _, m := range []said{
				registrant().with("redirect_uris", own[:1]), registrant().with("redirect_uris", own[:1]).with("application_type", "web").with("token_endpoint_auth_method", "none"),
			} {
				w.register(t, m).refused(t, 400, "invalid_redirect_uri")
			}
		},
		"members in other languages are kept, unknown ones are not": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			ans := w.register(t, registrant().with("client_name#ja-Jpan-JP", "アプリ").with("tos_uri#de", "https://app.example.com/agb").with("color", "red").with("scope#de", "x").with("client_name#", "x"))
			m := ans.status(t, 201).json(t)
			if m["client_name#ja-Jpan-JP"] != "アプリ" || m["tos_uri#de"] != "https://app.example.com/agb" || m["color"] != nil || m["scope#de"] != nil || m["client_name#"] != nil {
				t.Errorf("answer = %s", ans.Body)
			}
			_, uri, token := ans.registered(t, 201)
			if again := w.get(t, uri, "Authorization", "Bearer "+token).json(t); again["client_name#ja-Jpan-JP"] != "アプリ" || again["color"] != nil {
				t.Errorf("stored = %v", again)
			}
			w.register(t, registrant().with("logo_uri#de", "http://app.example.com/logo")).refused(t, 400, "invalid_client_metadata")
			w.register(t, registrant().with("client_name#de", 7)).refused(t, 400, "invalid_client_metadata")
		},
		"null is absent": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			ans := w.do(t, http.MethodPost, "/register", `{"redirect_uris":["`+callback+`"],"scope":null,"jwks":null,"client_name":null}`, "Content-Type", "application/json; charset=utf-8")
			if m := ans.status(t, 201).json(t); m["scope"] != "open" {
				t.Errorf("answer = %s", ans.Body)
			}
		},
		"what is no registration is refused, and writes nothing": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			body := jsonOf(t, registrant())
			post := func(kind, body string) *answer {
				return w.do(t, http.MethodPost, "/register", body, "Content-Type", kind)
			}
			post("application/x-www-form-urlencoded", "client_name=x").refused(t, 400, "invalid_request")
			post("text/plain", body).refused(t, 400, "invalid_request")
			post("application/json", "").refused(t, 400, "invalid_request")
			for _, broken := range []string{
				"[]", "null", `"x"`, body[:len(body)-1], body + body, "{\"client_name\":\"\xff\"}", strings.Repeat(`{"a":`, 5000),
				strings.Replace(body, `"scope"`, `"client_name":"x","scope"`, 1), strings.Replace(body, `"scope"`, `"client\u005fname":"x","scope"`, 1),
			} {
				post("application/json", broken).refused(t, 400, "invalid_client_metadata")
			}
			post("application/json", `{"client_name":"`+strings.Repeat("x", 33<<10)+`"}`).refused(t, 413, "invalid_request")
			w.get(t, "/register").status(t, 405).fields(t, "Allow", "POST, OPTIONS")
			w.nobody(t)
		},
		"scripts of any site may register, without cookies": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			pre := w.do(t, http.MethodOptions, "/register", "", "Origin", "https://spa.example.com", "Access-Control-Request-Method", "POST").status(t, 204)
			pre.fields(t, "Access-Control-Allow-Origin", "*", "Access-Control-Allow-Credentials", "")
			ans := w.register(t, registrant(), "Origin", "https://spa.example.com")
			ans.fields(t, "Access-Control-Allow-Origin", "*", "Access-Control-Allow-Credentials", "")
			_, uri, _ := ans.registered(t, 201)
			pre = w.do(t, http.MethodOptions, uri, "", "Origin", "https://spa.example.com", "Access-Control-Request-Method", "PUT").status(t, 204)
			pre.fields(t, "Access-Control-Allow-Origin", "*", "Access-Control-Allow-Methods", "GET, HEAD, PUT, DELETE, OPTIONS")
		},
		"it is advertised where it is on, and not there where it is off": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			if m := w.get(t, "/.well-known/oauth-authorization-server").json(t); m["registration_endpoint"] != w.url+"/register" || m["registration_management_endpoint"] != nil {
				t.Errorf("metadata = %v", m)
			}
			if !w.srv.Serves("/register") || !w.srv.Serves("/register/abc") || w.srv.Serves("/register/a/b") || w.srv.Serves("/register/") {
				t.Error("Serves is wrong about the endpoints")
			}
			w = newWorld(t, a, nil)
			w.register(t, registrant()).status(t, 404)
			w.get(t, "/register/web").status(t, 404)
			if m := w.get(t, "/.well-known/oauth-authorization-server").json(t); m["registration_endpoint"] != nil {
				t.Errorf("metadata = %v", m)
			}
		},
		"without management there is none": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(r *server.Registration, _ *setup) { r.Management = false })
			ans := w.register(t, registrant())
			p, uri, token := ans.registered(t, 201)
			if uri != "" || token != "" {
				t.Errorf("answer = %s", ans.Body)
			}
			w.get(t, "/register/"+p.id, "Authorization", "Bearer x").status(t, 404)
		},
		"a closed server wants a token": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(r *server.Registration, _ *setup) { r.Open = false })
			w.register(t, registrant()).unproven(t, w, "missing_authorization")
			for _, wrong := range []string{"Bearer wrong", "Bearer mdi_" + strings.Repeat("A", 43), "Basic eDp5", "Bearer", "Bearer a b"} {
				w.register(t, registrant(), "Authorization", wrong).unproven(t, w, "invalid_token")
			}
			w.nobody(t)
		},
		"an open server does not take a wrong token for none": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			w.register(t, registrant(), "Authorization", "Bearer wrong").unproven(t, w, "invalid_token")
			w.register(t, registrant(), "Authorization", "Bearer x", "Authorization", "Bearer y").unproven(t, w, "invalid_token")
			w.nobody(t)
		},
		"who registers openly gets no grants of machines and no scope that is not public": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(_ *server.Registration, s *setup) { s.Extensions = []server.Extension{toy()} })
			for _, m := range []said{
				registrant().with("grant_types", []string{"client_credentials"}).with("scope", nil),
				registrant().with("grant_types", []string{"authorization_code", "client_credentials"}),
				registrant().with("grant_types", []string{grantAPIKey}),
				registrant().with("response_types", []string{"code toy"}), registrant().with("response_types", []string{"toy"}),
				registrant().with("scope", "read"), registrant().with("scope", "open admin"),
			} {
				w.register(t, m).refused(t, 400, "invalid_client_metadata")
			}
			w.nobody(t)
			p, _, _ := w.register(t, registrant().with("scope", nil)).registered(t, 201)
			toldAs(t, w, w.authorize(with(p.request(), "scope", "read", "prompt", "none")), "invalid_scope", true)
		},
		"an initial access token is good once, and for what its maker says": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(r *server.Registration, _ *setup) { r.Open = false })
			token, err := w.srv.NewRegistrationToken(t.Context(), server.RegistrationToken{Limits: server.RegistrationLimits{Scopes: "read write", GrantTypes: []string{"client_credentials"}}})
			if err != nil {
				t.Fatal(err)
			}
			bearer := []string{"Authorization", "bearer " + token}
			machine := said{"grant_types": []string{"client_credentials"}, "scope": "read"}
			w.register(t, machine.with("scope", "read admin"), bearer...).refused(t, 400, "invalid_client_metadata")
			w.register(t, registrant().with("scope", "read"), bearer...).refused(t, 400, "invalid_client_metadata")
			ans := w.register(t, machine, bearer...) // what was refused has spent nothing
			p, uri, manage := ans.registered(t, 201)
			if ans.json(t)["response_types"] != nil {
				t.Errorf("answer = %s", ans.Body)
			}
			w.alive(w.token(p, clientOwn("read")).tokens(t).Access)
			w.token(p, clientOwn("write")).refused(t, 400, "invalid_scope")
			w.register(t, machine, bearer...).unproven(t, w, "invalid_token")
			// A change is bounded as the registration was.
			w.do(t, http.MethodPut, uri, jsonOf(t, machine.with("client_id", p.id).with("scope", "admin")), "Content-Type", "application/json", "Authorization", "Bearer "+manage).refused(t, 400, "invalid_client_metadata")
			w.do(t, http.MethodPut, uri, jsonOf(t, machine.with("client_id", p.id).with("scope", "write")), "Content-Type", "application/json", "Authorization", "Bearer "+manage).status(t, 200)
		},
		"an initial access token is over after its uses, its time, or when it is revoked": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(r *server.Registration, _ *setup) { r.Open = false })
			issue := func(uses int) []string {
				token, err := w.srv.NewRegistrationToken(t.Context(), server.RegistrationToken{Uses: uses, TTL: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				return []string{"Authorization", "Bearer " + token}
			}
			three := issue(3)
			for range 3 {
				w.register(t, registrant(), three...).registered(t, 201)
			}
			w.register(t, registrant(), three...).unproven(t, w, "invalid_token")
			gone := issue(5)
			w.register(t, registrant(), gone...).registered(t, 201)
			raw := strings.TrimPrefix(gone[1], "Bearer ")
			if was, err := w.srv.RevokeRegistrationToken(t.Context(), raw); !was || err != nil {
				t.Errorf("revoked = %v, %v", was, err)
			}
			if was, err := w.srv.RevokeRegistrationToken(t.Context(), raw); was || err != nil {
				t.Errorf("revoked again = %v, %v", was, err)
			}
			if _, err := w.srv.RevokeRegistrationToken(t.Context(), "unknown"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("unknown: %v", err)
			}
			w.register(t, registrant(), gone...).unproven(t, w, "invalid_token")
			old := issue(1)
			w.clock.Pass(time.Hour)
			w.register(t, registrant(), old...).unproven(t, w, "invalid_token")
		},
		"of 64 that use an initial access token for three clients three register": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(r *server.Registration, _ *setup) { r.Open = false })
			token, err := w.srv.NewRegistrationToken(t.Context(), server.RegistrationToken{Uses: 3})
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			statuses := make(chan int, 64)
			body := jsonOf(t, registrant())
			for range cap(statuses) {
				wg.Go(func() {
					ans, err := w.try(t, http.MethodPost, "/register", body, "Content-Type", "application/json", "Authorization", "Bearer "+token)
					if err != nil {
						statuses <- 0
						return
					}
					statuses <- ans.Status
				})
			}
			wg.Wait()
			close(statuses)
			count := map[int]int{}
			for s := range statuses {
				count[s]++
			}
			if count[201] != 3 || count[401] != 61 {
				t.Errorf("statuses = %v, want 3 of 201 and 61 of 401", count)
			}
		},
		"an initial access token that somebody else spends in between": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(r *server.Registration, s *setup) {
				r.Open = false
				s.Store = &spendingStore{stubbornStore: stubbornStore{Store: s.Store}}
			})
			for uses, want := range map[int]int{1: 401, 2: 201} {
				token, err := w.srv.NewRegistrationToken(t.Context(), server.RegistrationToken{Uses: uses})
				if err != nil {
					t.Fatal(err)
				}
				w.register(t, registrant(), "Authorization", "Bearer "+token).status(t, want)
			}
		},
		"an initial access token of the application's own": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(r *server.Registration, _ *setup) {
				r.Open = false
				r.Token = func(_ context.Context, token string) (server.RegistrationLimits, error) {
					switch token {
					case "ours":
						return server.RegistrationLimits{Trusted: true}, nil
					case "broken":
						return server.RegistrationLimits{}, errors.New("the secret cause")
					}
					return server.RegistrationLimits{}, mandate.InvalidToken
				}
			})
			m := registrant().with("scope", nil).with("grant_types", []string{"authorization_code", "client_credentials"})
			for range 2 {
				p, _, _ := w.register(t, m, "Authorization", "Bearer ours").registered(t, 201)
				if c, err := w.store.Client(t.Context(), p.id); err != nil || c.Origin != store.ByOperator || c.Metadata.Scope != "read write admin open" {
					t.Errorf("stored = %v, %v", c, err)
				}
				w.token(p, clientOwn("admin")).tokens(t)
			}
			w.register(t, m, "Authorization", "Bearer other").unproven(t, w, "invalid_token")
			if ans := w.register(t, m, "Authorization", "Bearer broken"); strings.Contains(ans.Body, "secret cause") {
				t.Errorf("body = %s", ans.Body)
			} else {
				ans.refused(t, 500, "server_error")
			}
		},
		"trusted clients are the operator's": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(r *server.Registration, _ *setup) { r.Trusted = true })
			p, _, _ := w.register(t, registrant().with("scope", "read admin").with("grant_types", []string{"authorization_code", "client_credentials"})).registered(t, 201)
			toldAs(t, w, w.authorize(with(p.request(), "scope", "unknown")), "invalid_scope", true)
			w.token(p, clientOwn("admin")).tokens(t)
		},
		"a stranger's client hears of nothing before somebody signs in": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(_ *server.Registration, s *setup) { builtInPages(s) })
			p, _, _ := w.register(t, registrant()).registered(t, 201)
			if ans := newBrowser(w).authorize(p, "scope", "unknown").answer; ans.Status != 400 || ans.Header.Get("Location") != "" {
				t.Errorf("answer = %d, Location %q", ans.Status, ans.Header.Get("Location"))
			}
		},
		"the scope may be a default instead of a limit": func(t *testing.T, a Adapter) {
			w := registering(t, a, func(r *server.Registration, _ *setup) { r.ScopeIsDefault, r.Scopes = true, "open read" })
			p, _, _ := w.register(t, registrant().with("scope", "read")).registered(t, 201)
			if got := w.login(p, "scope", ""); got.Scope != "read" {
				t.Errorf("scope = %q, want read", got.Scope)
			}
			if got := w.login(p, "scope", "open read"); got.Scope != "open read" {
				t.Errorf("scope = %q, want open read", got.Scope)
			}
			toldAs(t, w, w.authorize(with(p.request(), "scope", "admin", "prompt", "none")), "invalid_scope", true)
		},
		"where the scope is a default, who names none is shown one and gets it": func(t *testing.T, a Adapter) {
			for own, want := range map[mandate.Scopes]string{"": "open read", "read write": "read"} {
				w := registering(t, a, func(r *server.Registration, s *setup) {
					r.ScopeIsDefault, r.Scopes, s.DefaultScopes = true, "open read", own
				})
				body := registrant()
				delete(body, "scope")
				ans := w.register(t, body)
				p, _, _ := ans.registered(t, 201)
				if got := w.login(p, "scope", ""); got.Scope != want || ans.text(t, "scope") != want {
					t.Errorf("DefaultScopes %q: shown %q, got %q, want %q", own, ans.text(t, "scope"), got.Scope, want)
				}
				if got := w.login(p, "scope", "open read"); got.Scope != "open read" {
					t.Errorf("DefaultScopes %q: scope = %q, want open read", own, got.Scope)
				}
			}
		},
		"the policy changes what is stored, or refuses": func(t *testing.T, a Adapter) {
			var seen server.Registering
			w := registering(t, a, func(r *server.Registration, _ *setup) {
				r.Policy = func(_ context.Context, r *server.Registering) error {
					seen = *r
					switch r.Client.Metadata.Name {
					case "refused":
						return mandate.Errorf(mandate.InvalidClientMetadata, nil, "not that name")
					case "broken":
						return errors.New("the secret cause")
					case "impossible":
						r.Client.Metadata.Scope = "unknown"
					}
					r.Client.ID = "stolen"
					r.Client.Metadata.Name += "!"
					r.Client.Policy.TokenTTL = time.Minute
					return nil
				}
			})
			ans := w.register(t, registrant().with("color", "red"))
			p, _, _ := ans.registered(t, 201)
			if p.id == "stolen" || ans.text(t, "client_name") != "An app!" || seen.Via != "open" || seen.Old != nil || string(seen.Members["color"]) != `"red"` {
				t.Errorf("answer = %s, seen %+v", ans.Body, seen)
			}
			if got := w.login(p, "scope", "open"); got.ExpiresIn != time.Minute {
				t.Errorf("expires_in = %v", got.ExpiresIn)
			}
			w.register(t, registrant().with("client_name", "refused")).refused(t, 400, "invalid_client_metadata")
			w.register(t, registrant().with("client_name", "impossible")).refused(t, 400, "invalid_client_metadata")
			if ans := w.register(t, registrant().with("client_name", "broken")); strings.Contains(ans.Body, "secret cause") {
				t.Errorf("body = %s", ans.Body)
			} else {
				ans.refused(t, 500, "server_error")
			}
		},
	}
	maps.Copy(list, wrongMetadata())
	maps.Copy(list, statements())
	return list
}
