package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// managing is a client that manages its registration.
type managing struct {
	w *world
	party
	uri, token string
}

// manage registers a client that does.
func (w *world) manage(t *testing.T, m said) managing {
	t.Helper()
	p, uri, token := w.register(t, m).registered(t, 201)
	return managing{w, p, uri, token}
}

func (c managing) get(t *testing.T) *answer {
	t.Helper()
	return c.w.get(t, c.uri, "Authorization", "Bearer "+c.token)
}

func (c managing) put(t *testing.T, m said) *answer {
	t.Helper()
	return c.w.do(t, http.MethodPut, c.uri, jsonOf(t, m), "Content-Type", "application/json", "Authorization", "Bearer "+c.token)
}

func (c managing) delete(t *testing.T) *answer {
	t.Helper()
	return c.w.do(t, http.MethodDelete, c.uri, "", "Authorization", "Bearer "+c.token)
}

// managements are the cases of RFC 7592.
func managements() cases {
	own := func(c managing) said { return registrant().with("client_id", c.id) }
	return cases{
		"a client reads what is stored": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			c := w.manage(t, registrant())
			ans := c.get(t)
			p, uri, token := ans.registered(t, 200)
			if p.id != c.id || p.secret != "" || uri != c.uri || token != c.token || p.redirect != callback {
				t.Errorf("answer = %s", ans.Body)
			}
			w.do(t, http.MethodHead, c.uri, "", "Authorization", "Bearer "+c.token).status(t, 200)
		},
		"a client replaces all of it, and what it leaves out is gone": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			c := w.manage(t, registrant().with("client_uri", "https://app.example.com"))
			const moved = "https://app.example.com/moved"
			ans := c.put(t, said{"client_id": c.id, "client_secret": c.secret, "redirect_uris": []string{moved}})
			p, _, token := ans.registered(t, 200)
			m := ans.json(t)
			if p.redirect != moved || p.secret != "" || token != c.token || m["client_uri"] != nil || m["client_name"] != nil || jsonOf(t, m["grant_types"]) != `["authorization_code"]` {
				t.Errorf("answer = %s", ans.Body)
			}
			w.authorize(with(c.request(), "scope", "open")).refused(t, 400, "invalid_request")
			p.secret = c.secret
			if got := w.login(p, "scope", "open"); got.Refresh != "" {
				t.Error("a refresh token, which is not registered any more")
			}
		},
		"a change says whose it is and leaves the server's members alone": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			c, other := w.manage(t, registrant()), w.manage(t, registrant())
			for _, wrong := range []said{
				registrant(), own(c).with("client_id", other.id), own(c).with("client_id", 7), own(c).with("client_secret", "wrong"), own(c).with("client_secret", other.secret), own(c).with("client_secret", 7),
				own(c).with("registration_access_token", c.token), own(c).with("registration_client_uri", c.uri), own(c).with("client_secret_expires_at", 0), own(c).with("client_id_issued_at", 1),
				own(c).with("scope", "admin"), own(c).with("grant_types", []string{"client_credentials"}), own(c).with("jwks_uri", "http://app.example.com"),
			} {
				c.put(t, wrong).refused(t, 400, "invalid_client_metadata")
			}
			c.put(t, own(c).with("redirect_uris", []string{"http://app.example.com"})).refused(t, 400, "invalid_redirect_uri")
			w.do(t, http.MethodPut, c.uri, "", "Authorization", "Bearer "+c.token).refused(t, 400, "invalid_request")
			w.do(t, http.MethodPut, c.uri, "x=1", "Authorization", "Bearer "+c.token, "Content-Type", "application/x-www-form-urlencoded").refused(t, 400, "invalid_request")
			w.do(t, http.MethodPut, c.uri, "[]", "Authorization", "Bearer "+c.token, "Content-Type", "application/json").refused(t, 400, "invalid_client_metadata")
			w.login(c.party, "scope", "open")
		},
		"a secret comes and goes with the method": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			c := w.manage(t, registrant())
			open := c.put(t, own(c).with("token_endpoint_auth_method", "none")).status(t, 200)
			p, _, _ := open.registered(t, 200)
			if p.secret != "" || open.json(t)["client_secret_expires_at"] != nil {
				t.Errorf("answer = %s", open.Body)
			}
			w.token(c.party, refreshing("x")).refused(t, 401, "invalid_client")
			w.login(p, "scope", "open")
			again, _, _ := c.put(t, own(c)).registered(t, 200)
			if again.secret == "" || again.secret == c.secret {
				t.Errorf("secret = %q", again.secret)
			}
			w.login(again, "scope", "open")
			w.token(c.party, refreshing("x")).refused(t, 401, "invalid_client")
		},
		"who does not prove to be the client learns nothing": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			c, other := w.manage(t, registrant()), w.manage(t, registrant())
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
				send := func(path string, fields ...string) *answer {
					return w.do(t, method, path, jsonOf(t, own(c)), append([]string{"Content-Type", "application/json"}, fields...)...)
				}
				send(c.uri).unproven(t, w, "missing_authorization")
				var bodies []string
				for _, path := range []string{c.uri, "/register/unknown", "/register/web", "/register/a%00b", "/register/" + strings.Repeat("x", 600)} {
					ans := send(path, "Authorization", "Bearer "+other.token)
					ans.unproven(t, w, "invalid_token")
					bodies = append(bodies, ans.Body)
				}
				for _, body := range bodies {
					if body != bodies[0] {
						t.Errorf("%s: %q and %q tell clients apart", method, bodies[0], body)
					}
				}
				send(c.uri, "Authorization", basic(c.id, c.secret)).unproven(t, w, "invalid_token")
				send(c.uri, "Authorization", "Bearer "+c.secret).unproven(t, w, "invalid_token")
				send(c.uri, "Authorization", "Bearer "+c.token, "Authorization", "Bearer "+c.token).unproven(t, w, "invalid_token")
			}
			w.do(t, http.MethodPost, c.uri, "{}", "Authorization", "Bearer "+c.token).status(t, 405).fields(t, "Allow", "GET, HEAD, PUT, DELETE, OPTIONS")
			c.get(t).status(t, 200)
		},
		"a client of the operator's cannot be managed": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			w.keep(party{"theirs", "theirs-secret-0123456789", "client_secret_basic", callback}.client("authorization_code"))
			for _, token := range []string{"x", "", "theirs-secret-0123456789"} {
				if ans := w.get(t, "/register/theirs", "Authorization", "Bearer "+token); ans.Status != 401 {
					t.Errorf("status = %d", ans.Status)
				}
			}
		},
		"a registration access token is no access token": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			c := w.manage(t, registrant())
			w.get(t, "/api", "Authorization", "Bearer "+c.token).refused(t, 401, "invalid_token")
			if ans := w.introspect(web(), c.token); ans.Body != notActive {
				t.Errorf("introspection = %s", ans.Body)
			}
			got := w.login(c.party, "scope", "open")
			w.get(t, c.uri, "Authorization", "Bearer "+got.Access).unproven(t, w, "invalid_token")
		},
		"a deleted client and all its tokens are dead": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			c := w.manage(t, registrant())
			got := w.login(c.party, "scope", "open")
			unspent := w.code(c.party, "scope", "open")
			ans := c.delete(t).status(t, 204)
			if ans.fields(t, "Cache-Control", "no-store"); ans.Body != "" {
				t.Errorf("body = %q", ans.Body)
			}
			w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
			w.token(c.party, refreshing(got.Refresh)).refused(t, 401, "invalid_client")
			w.token(c.party, c.exchange(unspent)).refused(t, 401, "invalid_client")
			w.authorize(with(c.request(), "scope", "open")).refused(t, 400, "invalid_client")
			c.get(t).unproven(t, w, "invalid_token")
			c.delete(t).unproven(t, w, "invalid_token")
			w.nobody(t)
		},
		"a client that was disabled may delete itself and no more": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			c := w.manage(t, registrant())
			off, err := w.store.Client(t.Context(), c.id)
			if err != nil {
				t.Fatal(err)
			}
			off = off.Clone()
			off.Disabled = true
			w.keep(off)
			c.get(t).refused(t, 403, "access_denied")
			c.put(t, own(c)).refused(t, 403, "access_denied")
			c.delete(t).status(t, 204)
		},
		"a delete that stopped half way goes on": func(t *testing.T, a Adapter) {
			var faulty *stubbornStore
			w := registering(t, a, func(_ *server.Registration, s *setup) {
				faulty = &stubbornStore{Store: s.Store}
				s.Store = faulty
			})
			c := w.manage(t, registrant())
			got := w.login(c.party, "scope", "open")
			faulty.fails.Store(true)
			c.delete(t).refused(t, 500, "server_error")
			w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
			w.token(c.party, refreshing(got.Refresh)).refused(t, 401, "invalid_client")
			faulty.fails.Store(false)
			c.delete(t).status(t, 204)
			w.nobody(t)
		},
		"what the operator writes at the same time is not lost": func(t *testing.T, a Adapter) {
			var once sync.Once
			var w *world
			var c managing
			w = registering(t, a, func(r *server.Registration, _ *setup) {
				r.Policy = func(ctx context.Context, r *server.Registering) error {
					if r.Old == nil {
						return nil
					}
					once.Do(func() { // between the read and the write
						old, err := w.store.Client(ctx, c.id)
						if err != nil {
							t.Error(err)
							return
						}
						n := old.Clone()
						n.Policy.Consent = "always"
						w.keep(n) //nolint:contextcheck // the test's own
					})
					return nil
				}
			})
			c = w.manage(t, registrant())
			c.put(t, own(c).with("client_name", "New name")).status(t, 200)
			now, err := w.store.Client(t.Context(), c.id)
			if err != nil || now.Policy.Consent != "always" || now.Metadata.Name != "New name" {
				t.Errorf("stored = %s, %v", jsonOf(t, now), err)
			}
		},
		"of 64 that delete a client all are told the same story": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			c := w.manage(t, registrant())
			w.login(c.party, "scope", "open")
			var wg sync.WaitGroup
			var gone, refused atomic.Int64
			for range 64 {
				wg.Go(func() {
					ans, err := w.try(t, http.MethodDelete, c.uri, "", "Authorization", "Bearer "+c.token)
					switch {
					case err == nil && ans.Status == 204:
						gone.Add(1)
					case err == nil && ans.Status == 401:
						refused.Add(1)
					case err == nil:
						t.Errorf("status = %d %s", ans.Status, ans.Body)
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if gone.Load() == 0 || gone.Load()+refused.Load() != 64 {
				t.Errorf("%d of 204 and %d of 401", gone.Load(), refused.Load())
			}
			w.nobody(t)
		},
		"the hooks hear of it, and of no secret": func(t *testing.T, a Adapter) {
			var mu sync.Mutex
			var events []string
			w := registering(t, a, func(_ *server.Registration, s *setup) {
				s.Hooks.On = func(_ context.Context, e mandate.Event) {
					mu.Lock()
					defer mu.Unlock()
					events = append(events, string(e.Name)+" "+e.ClientID)
				}
			})
			c := w.manage(t, registrant())
			c.put(t, own(c)).status(t, 200)
			c.delete(t).status(t, 204)
			mu.Lock()
			defer mu.Unlock()
			if got, want := strings.Join(events, ", "), "client.registered "+c.id+", client.changed "+c.id+", client.deleted "+c.id; got != want {
				t.Errorf("events = %s, want %s", got, want)
			}
		},
	}
}

// stubbornStore does not delete clients as long as fails is set.
type stubbornStore struct {
	store.Store
	fails atomic.Bool
}

var _ store.ClientWriter = (*stubbornStore)(nil)

// writer is the part of the store below that keeps clients.
func (s *stubbornStore) writer() store.ClientWriter {
	w, _ := s.Store.(store.ClientWriter)
	return w
}

// PutClient implements store.ClientWriter.
func (s *stubbornStore) PutClient(ctx context.Context, c *store.Client) error {
	return s.writer().PutClient(ctx, c)
}

// DeleteClient implements store.ClientWriter.
func (s *stubbornStore) DeleteClient(ctx context.Context, id string) error {
	if s.fails.Load() {
		return errors.New("the disk is full")
	}
	return s.writer().DeleteClient(ctx, id)
}

// FindClients implements store.ClientWriter.
func (s *stubbornStore) FindClients(ctx context.Context, page store.Page) ([]*store.Client, error) {
	return s.writer().FindClients(ctx, page)
}

// spendingStore spends each ticket once, as another process would, right before somebody else does.
type spendingStore struct {
	stubbornStore
	done sync.Map // key of a ticket
}

// UpdateTicket implements store.Tickets.
func (s *spendingStore) UpdateTicket(ctx context.Context, t store.Ticket) error {
	if _, again := s.done.LoadOrStore(t.Key, true); !again {
		if err := s.Store.UpdateTicket(ctx, t); err != nil {
			return err
		}
	}
	return s.Store.UpdateTicket(ctx, t)
}
