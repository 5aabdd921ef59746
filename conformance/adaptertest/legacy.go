package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// ticketStore counts the tickets that are looked for.
type ticketStore struct {
	store.Store
	looks atomic.Int64
	then  atomic.Pointer[func()] // what happens right after the next ticket was read
}

// Ticket implements store.Tickets.
func (s *ticketStore) Ticket(ctx context.Context, kind store.Kind, key mandate.Digest, now time.Time) (store.Ticket, error) {
	s.looks.Add(1)
	t, err := s.Store.Ticket(ctx, kind, key, now)
	if then := s.then.Swap(nil); then != nil {
		(*then)()
	}
	return t, err
}

// hastyStore has an administrator who ends all grants of a subject at the very moment at which a ticket of it is spent.
type hastyStore struct {
	store.Store
	subject string
}

// UpdateTicket implements store.Tickets.
func (s *hastyStore) UpdateTicket(ctx context.Context, t store.Ticket) error {
	if _, err := s.RevokeGrants(ctx, store.GrantQuery{Subject: s.subject}, store.ByAdmin, t.Used); err != nil {
		return err
	}
	return s.Store.UpdateTicket(ctx, t)
}

// voucher is a grant type of an application's own, for tickets that it has put.
type voucher struct{}

// Name implements server.GrantType.
func (voucher) Name() string { return "urn:example:grant-type:voucher" }

// Token implements server.GrantType.
func (voucher) Token(ctx context.Context, r *server.TokenRequest) (*server.Issue, error) {
	text, err := r.Require("voucher")
	if err != nil {
		return nil, err
	}
	t, err := r.Tickets.Ticket(ctx, "voucher", mandate.DigestOf(text), r.Now)
	if err != nil && !errors.Is(err, store.ErrUsed) { // that it is used a second time is for the server to find
		return nil, mandate.Errorf(mandate.InvalidGrant, err, "the voucher is unknown")
	}
	how, err := r.Param("how")
	return &server.Issue{Grant: r.NewGrant(t.Subject, "read"), New: how == "", Ticket: &t, Scopes: "read"}, err
}

// imports lets a world take imported refresh tokens.
func imports(s *setup) { s.ImportedRefreshTokens = true }

// legacyToken is a refresh token as another system made it.
const legacyToken = "KpH2nWq7vTz5LxR8mYc4JdF6bGs9AeN3uVt1QwXy"

// imported is what is known of legacyToken, of p.
func imported(w *world, p party) server.ImportedRefreshToken {
	return server.ImportedRefreshToken{Token: legacyToken, ClientID: p.id, Subject: "alice", Scopes: "read write", Expires: w.clock.Now().Add(24 * time.Hour)}
}

// takeIn imports t.
func (w *world) takeIn(t server.ImportedRefreshToken) {
	w.t.Helper()
	if err := w.srv.ImportRefreshToken(w.t.Context(), t); err != nil {
		w.t.Fatal(err)
	}
}

// legacy are the cases of refresh tokens of another system.
func legacy() cases {
	list := legacyImports()
	maps.Copy(list, cases{
		"a token goes on as one of this server's, for each kind of client": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), post(), spa(), jwtWeb()} {
				w := newWorld(t, a, imports)
				w.takeIn(imported(w, p))
				first := w.refresh(p, legacyToken)
				if !strings.HasPrefix(first.Refresh, "mdr_") || first.Scope != "read write" {
					t.Errorf("%s: answer = %+v", p.id, first)
				}
				if body := w.alive(first.Access).json(t); body["sub"] != "alice" || body["client"] != p.id {
					t.Errorf("%s: the API sees %v", p.id, body)
				}
				second := w.refresh(p, first.Refresh)
				w.alive(second.Access)
				w.alive(first.Access)
			}
		},
		"one of which the digest alone was known": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			one := imported(w, web())
			one.Token, one.Digest = "", mandate.DigestOf(legacyToken)
			w.takeIn(one)
			w.alive(w.refresh(web(), legacyToken).Access)
		},
		"a second use by its client ends everything that came of the first": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), spa(), jwtWeb()} {
				var r recorder
				w := newWorld(t, a, func(s *setup) { imports(s); s.Hooks = r.hooks() })
				w.takeIn(imported(w, p))
				first := w.refresh(p, legacyToken)
				second := w.refresh(p, first.Refresh)
				r.take()
				w.token(p, refreshing(legacyToken)).refused(t, 400, "invalid_grant")
				if got := r.take(); !strings.Contains(got, "grant.reused") {
					t.Errorf("hooks = %q, want grant.reused", got)
				}
				w.dead(p, first.Access, first.Refresh)
				w.dead(p, second.Access, second.Refresh)
			}
		},
		"a second use that began before the first is noticed, too": func(t *testing.T, a Adapter) {
			var tickets *ticketStore
			w := newWorld(t, a, func(s *setup) {
				imports(s)
				tickets = &ticketStore{Store: s.Store}
				s.Store = tickets
			})
			w.takeIn(imported(w, web()))
			var first tokens
			quicker := func() { first = w.refresh(web(), legacyToken) }
			tickets.then.Store(&quicker)
			w.token(web(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
			w.dead(web(), first.Access, first.Refresh)
		},
		"a second use long after the token was over is noticed, too": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			w.takeIn(imported(w, web()))
			first := w.refresh(web(), legacyToken)
			w.clock.Pass(72 * time.Hour)
			if _, err := w.store.Prune(t.Context(), w.clock.Now(), 1000); err != nil {
				t.Fatal(err)
			}
			second := w.refresh(web(), first.Refresh)
			w.token(web(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
			w.dead(web(), second.Access, second.Refresh)
		},
		"whoever ends a user's grants while it is used ends what comes of it": func(t *testing.T, a Adapter) {
			var hasty *hastyStore
			w := newWorld(t, a, func(s *setup) {
				imports(s)
				hasty = &hastyStore{Store: s.Store, subject: "alice"}
				s.Store = hasty
			})
			w.takeIn(imported(w, web()))
			w.token(web(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
			all, err := w.store.FindGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.Page{})
			if err != nil || len(all) != 2 {
				t.Fatalf("%d grants, %v, want the old one and the new one", len(all), err)
			}
			for _, g := range all {
				if g.AliveAt(w.clock.Now()) {
					t.Errorf("grant %s is alive", g.ID)
				}
			}
		},
		"who is not its client changes nothing, before its use and after": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			w.takeIn(imported(w, web()))
			strangers := func() {
				t.Helper()
				w.token(post(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
				w.token(spa(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
				w.token(party{"web", "guessed", web().method, ""}, refreshing(legacyToken)).refused(t, 401, "invalid_client")
				w.token(party{"web", "", "none", ""}, refreshing(legacyToken)).refused(t, 400, "invalid_client")
				w.revoke(post(), legacyToken).refused(t, 400, "invalid_grant")
				if ans := w.introspect(post(), legacyToken); ans.Body != notActive {
					t.Errorf("introspection by another = %s", ans.Body)
				}
			}
			strangers()
			first := w.refresh(web(), legacyToken)
			strangers()
			w.alive(first.Access)
			w.refresh(web(), first.Refresh)
		},
		"a narrower scope does not stick, a wider one spends nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			w.takeIn(imported(w, web()))
			w.token(web(), with(refreshing(legacyToken), "scope", "read admin")).refused(t, 400, "invalid_scope")
			w.token(web(), with(refreshing(legacyToken), "resource", "https://unknown.example.com")).refused(t, 400, "invalid_target")
			first := w.token(web(), with(refreshing(legacyToken), "scope", "read")).tokens(t)
			if second := w.refresh(web(), first.Refresh); first.Scope != "read" || second.Scope != "read write" {
				t.Errorf("scopes = %q, then %q", first.Scope, second.Scope)
			}
		},
		"what the client may not have any more is not given": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { imports(s); s.Clients[0].Policy.Scopes = "read" })
			w.takeIn(imported(w, web()))
			if got := w.refresh(web(), legacyToken); got.Scope != "read" {
				t.Errorf("scope = %q, want read", got.Scope)
			}
		},
		"it is over when it says": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			w.takeIn(imported(w, web()))
			w.clock.Pass(24 * time.Hour)
			w.token(web(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
			if ans := w.introspect(web(), legacyToken); ans.Body != notActive {
				t.Errorf("introspection = %s", ans.Body)
			}
		},
		"what comes of it outlives it, but not the absolute end": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			one := imported(w, web())
			one.Ends = w.clock.Now().Add(48*time.Hour + 30*time.Minute)
			w.takeIn(one)
			w.clock.Pass(24*time.Hour - time.Minute)
			first := w.refresh(web(), legacyToken)
			w.clock.Pass(24*time.Hour + time.Minute)
			second := w.refresh(web(), first.Refresh)
			if second.ExpiresIn != 30*time.Minute {
				t.Errorf("expires_in = %v, want half an hour", second.ExpiresIn)
			}
			w.clock.Pass(30 * time.Minute)
			w.token(web(), refreshing(second.Refresh)).refused(t, 400, "invalid_grant")
			w.get(t, "/api", "Authorization", "Bearer "+second.Access).refused(t, 401, "invalid_token")
		},
		"one without an end waits for its client, in a namespace as well": func(t *testing.T, a Adapter) {
			for _, inside := range []func(store.Store) store.Store{
				func(s store.Store) store.Store { return s },
				func(s store.Store) store.Store { return store.Namespace(s, "tenant") },
			} {
				w := newWorld(t, a, func(s *setup) { imports(s); s.Store = inside(s.Store) })
				one := imported(w, web())
				one.Expires = time.Time{}
				w.takeIn(one)
				w.clock.Pass(3 * 365 * 24 * time.Hour)
				if _, err := w.store.Prune(t.Context(), w.clock.Now(), 1000); err != nil {
					t.Fatal(err)
				}
				w.takeIn(one)
				first := w.refresh(web(), legacyToken)
				w.alive(first.Access)
				w.token(web(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
				w.dead(web(), first.Access, first.Refresh)
			}
		},
		"revocation ends it, unused and used": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), spa()} {
				w := newWorld(t, a, imports)
				w.takeIn(imported(w, p))
				w.revoke(p, legacyToken).status(t, 200)
				w.token(p, refreshing(legacyToken)).refused(t, 400, "invalid_grant")
				w.takeIn(imported(w, p)) // once more, as an import that is repeated does: it stays revoked
				w.token(p, refreshing(legacyToken)).refused(t, 400, "invalid_grant")

				w = newWorld(t, a, imports)
				w.takeIn(imported(w, p))
				first := w.refresh(p, legacyToken)
				w.revoke(p, legacyToken).status(t, 200)
				w.dead(p, first.Access, first.Refresh)
			}
		},
		"introspection knows it until it is used": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			w.takeIn(imported(w, web()))
			ans := w.introspect(web(), legacyToken)
			if body := ans.json(t); body["active"] != true || body["sub"] != "alice" || body["client_id"] != "web" || body["scope"] != "read write" {
				t.Errorf("introspection = %s", ans.Body)
			}
			w.refresh(web(), legacyToken)
			if ans := w.introspect(web(), legacyToken); ans.Body != notActive {
				t.Errorf("introspection after its use = %s", ans.Body)
			}
		},
		"whoever ends all grants of a user ends it": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			w.takeIn(imported(w, web()))
			ended, err := w.store.RevokeGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.ByAdmin, w.clock.Now())
			if err != nil || len(ended) != 1 {
				t.Errorf("RevokeGrants = %d grants, %v", len(ended), err)
			}
			w.token(web(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
		},
		"a user has one grant of it, before its use and after": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, imports)
			w.takeIn(imported(w, web()))
			alive := func() (n int) {
				t.Helper()
				all, err := w.store.FindGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.Page{})
				if err != nil {
					t.Fatal(err)
				}
				for _, g := range all {
					if g.AliveAt(w.clock.Now()) {
						n++
					}
				}
				return n
			}
			if n := alive(); n != 1 {
				t.Errorf("%d grants before", n)
			}
			w.refresh(web(), legacyToken)
			if n := alive(); n != 1 {
				t.Errorf("%d grants after", n)
			}
		},
		"a store that fails after it was spent gives nothing, and forks nothing": func(t *testing.T, a Adapter) {
			for _, method := range []string{"CreateGrant", "PutToken"} {
				var faulty *faultyStore
				w := newWorld(t, a, func(s *setup) {
					imports(s)
					faulty = &faultyStore{Store: s.Store, err: errStore}
					s.Store = faulty
				})
				w.takeIn(imported(w, web()))
				faulty.method.Store(&method)
				w.token(web(), refreshing(legacyToken)).refused(t, 500, "server_error")
				faulty.method.Store(nil)
				w.token(web(), refreshing(legacyToken)).refused(t, 400, "invalid_grant")
			}
		},
		"a grant type of an application's own spends a ticket once, too": func(t *testing.T, a Adapter) {
			p := party{"shop", "shop-secret-0123456789", "client_secret_basic", ""}
			w := newWorld(t, a, func(s *setup) {
				s.GrantTypes = []server.GrantType{voucher{}}
				s.Clients = []*store.Client{p.client(voucher{}.Name())}
			})
			key := mandate.DigestOf("a-voucher")
			if err := w.store.PutTicket(t.Context(), store.Ticket{Kind: "voucher", Key: key, ClientID: p.id, Subject: "alice", Created: w.clock.Now(), Expires: w.clock.Now().Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
			bring := func(how string) *answer {
				t.Helper()
				return w.token(p, url.Values{"grant_type": {voucher{}.Name()}, "voucher": {"a-voucher"}, "how": {how}})
			}
			bring("without a new grant").refused(t, 500, "server_error")
			got := bring("").json(t)
			access, _ := got["access_token"].(string)
			w.alive(access)
			bring("").refused(t, 400, "invalid_grant")
			w.dead(p, access, "")
		},
		"of 64 that use it one at most gets tokens, and they die with it": func(t *testing.T, a Adapter) {
			race(t, a, imports, func(w *world, l *lines, round int) error {
				p := racer(round)
				one := imported(w, p)
				one.Token = fmt.Sprint(legacyToken, round)
				if err := w.srv.ImportRefreshToken(t.Context(), one); err != nil {
					return err
				}
				return w.atMostOnce(l, p, one.Token)
			})
		},
	})
	return list
}

// atMostOnce lets the crowd use a refresh token, of which one may get tokens: those are dead when all are answered.
func (w *world) atMostOnce(l *lines, p party, token string) error {
	w.t.Helper()
	answers, err := w.crowd(l, p, refreshing(token))
	if err != nil {
		return err
	}
	var won *answer
	for _, ans := range answers {
		switch {
		case ans.Status == 200 && won == nil:
			won = ans
		case ans.Status == 200:
			return fmt.Errorf("two won: %s, %s", won.Body, ans.Body)
		case ans.Status != 400 || ans.text(w.t, "error") != "invalid_grant":
			return fmt.Errorf("a loser is told %d %s", ans.Status, ans.Body)
		}
	}
	if won == nil {
		return nil // whoever came second was quicker than the first
	}
	if err := w.tryAlive(won.text(w.t, "access_token"), false); err != nil {
		return err
	}
	ans, err := w.tryToken(p, refreshing(won.text(w.t, "refresh_token")))
	if err != nil || ans.Status != 400 {
		return fmt.Errorf("the winner's refresh token: %v %w", ans, err)
	}
	return nil
}
