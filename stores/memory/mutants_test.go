package memstore_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-mandate/mandate/conformance/storetest"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// mutants are the mistakes that stores make, each with the part of the suite that must notice.
func mutants() map[string]struct {
	part string
	make func(*mutant)
} {
	ctx := context.Background()
	type m = struct {
		part string
		make func(*mutant)
	}
	return map[string]m{
		"redeem reads and then writes": {"races", func(m *mutant) {
			m.redeem = func(r store.Redemption) (string, error) {
				g, err := m.Grant(ctx, r.GrantID)
				if err != nil || !r.Moves(g) {
					return m.Store.Redeem(ctx, r)
				}
				for runtime.Gosched(); ; r.From++ {
					if id, err := m.Store.Redeem(ctx, r); !errors.Is(err, store.ErrUsed) {
						return id, err
					}
				}
			}
		}},
		"redeem discards the verdict": {"redeem", func(m *mutant) {
			m.redeem = func(r store.Redemption) (string, error) { _, _ = m.Store.Redeem(ctx, r); return r.KeyID, nil }
		}},
		"redeem has no grace": {"repeat", func(m *mutant) {
			m.redeem = func(r store.Redemption) (string, error) { r.Grace = 0; return m.Store.Redeem(ctx, r) }
		}},
		"redeem answers a repeat with a key id of its own": {"repeat", func(m *mutant) {
			m.redeem = func(r store.Redemption) (string, error) {
				if _, err := m.Store.Redeem(ctx, r); err != nil {
					return "", err
				}
				return r.KeyID, nil
			}
		}},
		"the grace slides": {"repeat", func(m *mutant) {
			var seen sync.Map
			m.redeem = func(r store.Redemption) (string, error) {
				id, err := m.Store.Redeem(ctx, r)
				if last, ok := seen.Load(r.GrantID); ok && errors.Is(err, store.ErrUsed) && r.Now.Sub(last.(time.Time)) <= r.Grace {
					g, _ := m.Grant(ctx, r.GrantID)
					id, err = g.KeyID, m.Store.PutToken(ctx, r.Key, r.Token)
				}
				if err == nil {
					seen.Store(r.GrantID, r.Now)
				}
				return id, err
			}
		}},
		"the grace forks": {"repeat", func(m *mutant) {
			m.redeem = func(r store.Redemption) (string, error) {
				id, err := m.Store.Redeem(ctx, r)
				g, _ := m.Grant(ctx, r.GrantID)
				if errors.Is(err, store.ErrUsed) && r.Grace > 0 && g.Generation == r.From+2 {
					return g.KeyID, m.Store.PutToken(ctx, r.Key, r.Token)
				}
				return id, err
			}
		}},
		"Keep is ignored": {"redeem", func(m *mutant) {
			m.redeem = func(r store.Redemption) (string, error) { r.Keep = false; return m.Store.Redeem(ctx, r) }
		}},
		"a replay revokes by itself": {"redeem", func(m *mutant) {
			m.redeem = func(r store.Redemption) (string, error) {
				id, err := m.Store.Redeem(ctx, r)
				if errors.Is(err, store.ErrUsed) {
					_ = m.Store.RevokeGrant(ctx, r.GrantID, store.ByReuse, r.Now)
				}
				return id, err
			}
		}},
		"a revocation of an unknown grant is forgotten": {"grants", func(m *mutant) {
			m.revokeGrant = func(ctx context.Context, id string, why store.Reason, now time.Time) error {
				if _, err := m.Grant(ctx, id); errors.Is(err, store.ErrNotFound) {
					return nil
				}
				return m.Store.RevokeGrant(ctx, id, why, now)
			}
		}},
		"a cancelled alarm looks like a verdict": {"grants", func(m *mutant) {
			m.revokeGrant = func(ctx context.Context, id string, why store.Reason, now time.Time) error {
				if ctx.Err() != nil {
					return store.ErrNotFound
				}
				return m.Store.RevokeGrant(ctx, id, why, now)
			}
		}},
		"revoking many stops at a page": {"grants", func(m *mutant) {
			m.revokeGrants = func(q store.GrantQuery, why store.Reason, now time.Time) ([]store.Grant, error) {
				page, err := m.Store.FindGrants(ctx, q, store.Page{})
				page = slices.DeleteFunc(page, func(g store.Grant) bool { return !g.AliveAt(now) })
				for _, g := range page {
					_ = m.Store.RevokeGrant(ctx, g.ID, why, now)
				}
				return page, err
			}
		}},
		"an empty query revokes everything": {"grants", func(m *mutant) {
			m.revokeGrants = func(q store.GrantQuery, why store.Reason, now time.Time) ([]store.Grant, error) {
				if q != (store.GrantQuery{}) {
					return m.Store.RevokeGrants(ctx, q, why, now)
				}
				all, err := m.Store.FindGrants(ctx, q, store.Page{Limit: math.MaxInt32})
				for _, g := range all {
					_ = m.Store.RevokeGrant(ctx, g.ID, why, now)
				}
				return all, err
			}
		}},
		"pages have no limit": {"grants", func(m *mutant) {
			m.findGrants = func(q store.GrantQuery, page store.Page) ([]store.Grant, error) {
				page.Limit = math.MaxInt32
				return m.Store.FindGrants(ctx, q, page)
			}
		}},
		"IDs are padded": {"grants", func(m *mutant) {
			m.createGrant = func(g store.Grant) error { g.ID = strings.TrimRight(g.ID, " "); return m.Store.CreateGrant(ctx, g) }
		}},
		"IDs are normalised": {"grants", func(m *mutant) {
			m.createGrant = func(g store.Grant) error {
				g.Subject = strings.ReplaceAll(g.Subject, "a\u0308", "\u00e4")
				return m.Store.CreateGrant(ctx, g)
			}
		}},
		"times are kept in seconds": {"grants", func(m *mutant) {
			m.createGrant = func(g store.Grant) error {
				g.Expires = g.Expires.Truncate(time.Second)
				return m.Store.CreateGrant(ctx, g)
			}
		}},
		"a member of the details is lost": {"grants", func(m *mutant) {
			m.createGrant = func(g store.Grant) error { g.Details.Sealed = ""; return m.Store.CreateGrant(ctx, g) }
		}},
		"tokens outlive their grant": {"tokens", func(m *mutant) {
			m.putToken = func(key mandate.Digest, t *mandate.Token) error {
				err := m.Store.PutToken(ctx, key, t)
				if errors.Is(err, store.ErrRevoked) {
					info := t.Info()
					info.GrantID = ""
					_ = m.Store.PutToken(ctx, key, mandate.NewToken(info))
				}
				return err
			}
		}},
		"tokens do not expire": {"tokens", func(m *mutant) {
			m.token = func(key mandate.Digest, _ time.Time) (*mandate.Token, error) {
				return m.Store.Token(ctx, key, time.UnixMilli(1))
			}
		}},
		"no tombstones": {"tokens", func(m *mutant) {
			m.revokeToken = func(_ context.Context, key mandate.Digest, expires time.Time) error {
				if _, err := m.Store.Token(ctx, key, time.UnixMilli(1)); errors.Is(err, store.ErrNotFound) {
					return nil
				}
				return m.Store.RevokeToken(ctx, key, expires)
			}
		}},
		"no second key is a key": {"tickets", func(m *mutant) {
			m.putTicket = func(t store.Ticket) error {
				if t.AltKey.IsZero() {
					t.AltKey = mandate.DigestOf("NULL")
				}
				return m.Store.PutTicket(ctx, t)
			}
		}},
		"looking at an expired ticket spends it": {"tickets", func(m *mutant) {
			m.ticket = func(kind store.Kind, key mandate.Digest, now time.Time) (store.Ticket, error) {
				t, err := m.Store.Ticket(ctx, kind, key, now)
				if used := t; errors.Is(err, store.ErrExpired) {
					used.Used = now
					_ = m.Store.UpdateTicket(ctx, used)
				}
				return t, err
			}
		}},
		"the last write to a ticket wins": {"tickets", func(m *mutant) {
			m.updateTicket = func(_ context.Context, t store.Ticket) error {
				for {
					now, err := m.Store.Ticket(ctx, t.Kind, t.Key, t.Created)
					if err != nil {
						return err
					}
					t.Revision = now.Revision
					if err = m.Store.UpdateTicket(ctx, t); !errors.Is(err, store.ErrConflict) {
						return err
					}
				}
			}
		}},
		"use once looks and then puts": {"races", func(m *mutant) {
			var seen sync.Map
			m.useOnce = func(_ string, key mandate.Digest, _, _ time.Time) error {
				if _, ok := seen.Load(key); ok {
					return store.ErrUsed
				}
				runtime.Gosched()
				seen.Store(key, true)
				return nil
			}
		}},
		"use once knows no spaces": {"replay", func(m *mutant) {
			m.useOnce = func(_ string, key mandate.Digest, now, expires time.Time) error {
				return m.Store.UseOnce(ctx, "", key, now, expires)
			}
		}},
		"the last consent wins": {"consents", func(m *mutant) {
			m.putConsent = func(c store.Consent) error {
				now, _ := m.Consent(ctx, c.Subject, c.ClientID)
				c.Revision = now.Revision
				return m.Store.PutConsent(ctx, c)
			}
		}},
		"a session ends twice": {"sessions", func(m *mutant) {
			m.endSession = func(id string, now time.Time) (store.Session, error) {
				n, err := m.Store.EndSession(ctx, id, now)
				if errors.Is(err, store.ErrUsed) {
					err = nil
				}
				return n, err
			}
		}},
		"keys are handed out and not copied": {"keys", func(m *mutant) {
			var mu sync.Mutex
			shared := make(map[string][]byte)
			m.signingKeys = func(name string) ([]byte, int64, error) {
				sealed, revision, err := m.Store.SigningKeys(ctx, name)
				mu.Lock()
				defer mu.Unlock()
				if len(shared[name]) != len(sealed) {
					shared[name] = sealed
				}
				return shared[name], revision, err
			}
		}},
		"the last key set wins": {"keys", func(m *mutant) {
			m.putKeys = func(name string, sealed []byte, _ int64) error {
				_, revision, _ := m.Store.SigningKeys(ctx, name)
				return m.Store.PutSigningKeys(ctx, name, sealed, revision)
			}
		}},
		"a lease holds nobody off": {"remote", func(m *mutant) {
			m.lease = func(key string, revision int64, now, _ time.Time) error {
				return m.Store.LeaseRemoteToken(ctx, key, revision, now, now)
			}
		}},
		"prune is early": {"prune", func(m *mutant) {
			m.prune = func(now time.Time, limit int) (int, error) {
				return m.Store.Prune(ctx, now.Add(time.Millisecond), limit)
			}
		}},
		"prune has no limit": {"prune", func(m *mutant) {
			m.prune = func(now time.Time, _ int) (int, error) { return m.Store.Prune(ctx, now, math.MaxInt32) }
		}},
		"a loser is told what stood there before the winner": {"races", func(m *mutant) {
			m.redeem = func(r store.Redemption) (string, error) {
				id, err := m.Store.Redeem(ctx, r)
				if errors.Is(err, store.ErrUsed) && r.From == 0 {
					err = store.ErrConflict
				}
				return id, err
			}
		}},
		"a repeat outlives the end of its grant": {"repeat", func(m *mutant) {
			m.redeem = func(r store.Redemption) (string, error) {
				id, err := m.Store.Redeem(ctx, r)
				if g, _ := m.Grant(ctx, r.GrantID); errors.Is(err, store.ErrExpired) && g.Generation == r.From+1 {
					return g.KeyID, nil
				}
				return id, err
			}
		}},
		"expired comes before used": {"redeem", func(m *mutant) {
			m.redeem = func(r store.Redemption) (string, error) {
				id, err := m.Store.Redeem(ctx, r)
				if g, _ := m.Grant(ctx, r.GrantID); err != nil && !g.Expires.IsZero() && !r.Now.Before(g.Expires) {
					err = store.ErrExpired
				}
				return id, err
			}
		}},
		"the last reason stays": {"grants", func(m *mutant) {
			var reasons sync.Map // by grant
			m.revokeGrant = func(ctx context.Context, id string, why store.Reason, now time.Time) error {
				reasons.Store(id, why)
				return m.Store.RevokeGrant(ctx, id, why, now)
			}
			m.grant = func(id string) (store.Grant, error) {
				g, err := m.Store.Grant(ctx, id)
				if why, ok := reasons.Load(id); ok && err == nil {
					g.Reason = why.(store.Reason)
				}
				return g, err
			}
		}},
		"revoking many tells of those that were over": {"grants", func(m *mutant) {
			m.revokeGrants = func(q store.GrantQuery, why store.Reason, now time.Time) ([]store.Grant, error) {
				_, err := m.Store.RevokeGrants(ctx, q, why, now)
				all, _ := m.Store.FindGrants(ctx, q, store.Page{Limit: math.MaxInt32})
				return all, err
			}
		}},
		"a token is taken under a dead grant": {"tokens", func(m *mutant) {
			m.putToken = func(key mandate.Digest, t *mandate.Token) error {
				if err := m.Store.PutToken(ctx, key, t); !errors.Is(err, store.ErrRevoked) {
					return err
				}
				return nil
			}
		}},
		"a revoked token is deleted": {"tokens", func(m *mutant) {
			m.token = func(key mandate.Digest, now time.Time) (*mandate.Token, error) {
				t, err := m.Store.Token(ctx, key, now)
				if errors.Is(err, store.ErrRevoked) {
					err = store.ErrNotFound
				}
				return t, err
			}
		}},
		"a revocation that was cancelled looks done": {"tokens", func(m *mutant) {
			m.revokeToken = func(c context.Context, key mandate.Digest, expires time.Time) error {
				if c.Err() == nil {
					return m.Store.RevokeToken(ctx, key, expires)
				}
				return nil
			}
		}},
		"an update that was cancelled looks like a conflict": {"tickets", func(m *mutant) {
			m.updateTicket = func(c context.Context, t store.Ticket) error {
				if c.Err() != nil {
					return store.ErrConflict
				}
				return m.Store.UpdateTicket(ctx, t)
			}
		}},
		"a ticket that is used and over is over": {"tickets", func(m *mutant) {
			m.ticket = func(kind store.Kind, key mandate.Digest, now time.Time) (store.Ticket, error) {
				t, err := m.Store.Ticket(ctx, kind, key, now)
				if errors.Is(err, store.ErrUsed) && !now.Before(t.Expires) {
					err = store.ErrExpired
				}
				return t, err
			}
		}},
		"what was used is used for ever": {"replay", func(m *mutant) {
			m.useOnce = func(space string, key mandate.Digest, now, _ time.Time) error {
				return m.Store.UseOnce(ctx, space, key, now, time.Time{})
			}
		}},
		"the revision of a client is not compared": {"clients", func(m *mutant) {
			m.putClient = func(c *store.Client) error {
				c = c.Clone()
				if old, err := m.Client(ctx, c.ID); err == nil && c.Revision > 0 {
					c.Revision = old.Revision
				}
				return m.Store.PutClient(ctx, c)
			}
		}},
		"deleting nothing is an error": {"consents", func(m *mutant) {
			m.deleteConsent = func(subject, client string) error {
				if _, err := m.Consent(ctx, subject, client); err != nil {
					return err
				}
				return m.Store.DeleteConsent(ctx, subject, client)
			}
		}},
		"a touch moves the absolute end": {"sessions", func(m *mutant) {
			var touched sync.Map // by key
			m.touchSession = func(key mandate.Digest, expires time.Time) error {
				touched.Store(key, true)
				return m.Store.TouchSession(ctx, key, expires)
			}
			m.session = func(key mandate.Digest, now time.Time) (store.Session, error) {
				s, err := m.Store.Session(ctx, key, now)
				if _, ok := touched.Load(key); ok {
					s.Ends = s.Expires
				}
				return s, err
			}
		}},
		"two stores that share nothing": {"shared", func(*mutant) {}},
		"a store that is lost":          {"reopened", func(*mutant) {}},
		"prune does nothing": {"prune", func(m *mutant) {
			m.prune = func(time.Time, int) (int, error) { return 0, nil }
		}},
	}
}

// TestMutants runs the suite against each mistake, in a process of its own, and wants it to notice.
func TestMutants(t *testing.T) {
	t.Parallel()
	const mistake = "MEMSTORE_TEST_MISTAKE"
	if name := os.Getenv(mistake); name != "" {
		storetest.Run(t, func(*testing.T) store.Store {
			m := &mutant{Store: memstore.New()}
			mutants()[name].make(m)
			return m
		}, storetest.Features{
			Rounds: 200,
			Shared: func(*testing.T) (a, b store.Store) { return memstore.New(), memstore.New() },
			Reopen: func(*testing.T, store.Store) store.Store { return memstore.New() },
		})
		return
	}
	slots := make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))
	for _, name := range slices.Sorted(maps.Keys(mutants())) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			part := mutants()[name].part
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMutants$/^"+part+"$") // #nosec G204 -- this very test
			cmd.Env = append(os.Environ(), mistake+"="+name)
			out, err := cmd.CombinedOutput()
			if _, failed := errors.AsType[*exec.ExitError](err); !failed || !strings.Contains(string(out), "--- FAIL: TestMutants/"+part) ||
				strings.Contains(string(out), "panic:") {
				t.Errorf("part %q of the suite does not notice (%v):\n%s", part, err, out)
			}
		})
	}
}
