package storetest

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

const contenders = 64

// either returns one of the two stores: the other for every second contender.
func (k kit) either(i int) store.Store {
	if i%2 == 1 {
		return k.other
	}
	return k.Store
}

// rush lets all contenders go at once and waits for them.
func rush(f func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range contenders {
		wg.Go(func() {
			<-gate
			f(i)
		})
	}
	close(gate)
	wg.Wait()
}

// race runs a gate with all contenders, round after round. Begin prepares a round and returns what a contender
// tries, on the store that it is given: exactly one must succeed, and all others lose with one of the verdicts.
func (k kit) race(t *testing.T, begin func() func(s store.Store, i int) error, lost ...error) {
	t.Helper()
	for round := range k.rounds {
		try := begin()
		var won atomic.Int64
		var errs [contenders]error
		rush(func(i int) {
			if errs[i] = try(k.either(i), i); errs[i] == nil {
				won.Add(1)
			}
		})
		if n := won.Load(); n != 1 {
			t.Fatalf("round %d: %d of %d won, want exactly one", round, n, contenders)
		}
		for _, err := range errs {
			if err != nil {
				verdict(t, "a loser", err, lost...)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// races are the gates of a whole store.
func races() cases {
	all := cases{
		"a code is redeemed once, and only the winner's token is live": func(t *testing.T, k kit) {
			k.raceRedeem(t, k.approval)
		},
		"a generation of a refresh token is redeemed once": func(t *testing.T, k kit) {
			k.raceRedeem(t, func() store.Grant {
				g := k.approval()
				g.Generation, g.Advanced = 7, k.at(0)
				return g
			})
		},
		"within the grace all get the successor of the one that moved": func(t *testing.T, k kit) {
			for range k.rounds {
				g := k.approval()
				must(t, k.CreateGrant(t.Context(), g))
				var ids [contenders]string
				var keys [contenders]mandate.Digest
				rush(func(i int) {
					r := k.redemption(g)
					r.Grace, r.KeyID, keys[i] = time.Minute, fmt.Sprintf("k%d", i), r.Key
					id, err := k.either(i).Redeem(t.Context(), r)
					if err != nil {
						t.Errorf("Redeem: %v", err)
					}
					ids[i] = id
				})
				got, err := k.Grant(t.Context(), g.ID)
				must(t, err)
				for i := range contenders {
					if ids[i] != got.KeyID || got.Generation != 1 {
						t.Fatalf("key ids %q at generation %d, want one, and generation 1", ids, got.Generation)
					}
					k.live(t, keys[i])
				}
			}
		},
		"a grant is made once": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				g := k.approval()
				return func(s store.Store, _ int) error {
					g := g
					g.Key = digest()
					return s.CreateGrant(t.Context(), g)
				}
			}, store.ErrExists)
		},
		"a grant's Key is taken once": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				g := k.approval()
				return func(s store.Store, _ int) error {
					g := g
					g.ID = name()
					return s.CreateGrant(t.Context(), g)
				}
			}, store.ErrExists)
		},
		"a grant that is made and revoked at once is dead": func(t *testing.T, k kit) {
			for range k.rounds {
				g, keys := k.approval(), [contenders]mandate.Digest{}
				rush(func(i int) {
					var err error
					s := k.either(i / 3)
					switch keys[i] = digest(); i % 3 {
					case 0:
						err = s.CreateGrant(t.Context(), g)
					case 1:
						err = s.RevokeGrant(t.Context(), g.ID, store.ByReuse, k.at(0))
					default:
						err = s.PutToken(t.Context(), keys[i], k.token(g))
					}
					if err != nil && !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrRevoked) {
						t.Errorf("error = %v, want none, ErrExists or ErrRevoked", err)
					}
				})
				k.isRevoked(t, g.ID, store.ByReuse)
				for _, key := range keys {
					if _, err := k.Token(t.Context(), key, k.at(0)); !isVerdict(err) {
						t.Fatalf("Token: error = %v, want every token dead", err)
					}
				}
			}
		},
		"each grant is ended by one of the calls that revoke many": func(t *testing.T, k kit) {
			for range max(1, k.rounds/50) {
				q := store.GrantQuery{Subject: name()}
				for range 10 {
					g := k.approval()
					g.Subject = q.Subject
					k.approve(t, g)
				}
				var ended atomic.Int64
				rush(func(i int) {
					list, err := k.either(i).RevokeGrants(t.Context(), q, store.BySubject, k.at(0))
					if err != nil {
						t.Errorf("RevokeGrants: %v", err)
					}
					ended.Add(int64(len(list)))
				})
				if n := ended.Load(); n != 10 {
					t.Fatalf("%d grants were said to be ended, want 10", n)
				}
			}
		},
		"what one has done the other sees at once": func(t *testing.T, k kit) {
			for range max(1, k.rounds/10) {
				g, w, n := k.approve(t), k.wait(t), k.signIn(t)
				key := digest()
				must(t, k.other.PutToken(t.Context(), key, k.token(g)))
				k.live(t, key)
				must(t, k.other.RevokeGrant(t.Context(), g.ID, store.ByReuse, k.at(0)))
				_, err := k.Token(t.Context(), key, k.at(0))
				verdict(t, "Token", err, store.ErrRevoked)
				w.Used = k.at(0)
				must(t, k.UpdateTicket(t.Context(), w))
				_, err = k.other.Ticket(t.Context(), w.Kind, w.AltKey, k.at(0))
				verdict(t, "Ticket", err, store.ErrUsed)
				_, err = k.EndSession(t.Context(), n.ID, k.at(0))
				must(t, err)
				_, err = k.other.Session(t.Context(), n.Key, k.at(0))
				verdict(t, "Session", err, store.ErrUsed)
			}
		},
		"a token's key is taken once": func(t *testing.T, k kit) {
			g := k.approve(t)
			k.race(t, func() func(store.Store, int) error {
				key := digest()
				return func(s store.Store, _ int) error { return s.PutToken(t.Context(), key, k.token(g)) }
			}, store.ErrExists)
		},
		"of the consents of one revision one is kept": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				c := store.Consent{Subject: name(), ClientID: name()}
				return func(s store.Store, _ int) error { return s.PutConsent(t.Context(), c) }
			}, store.ErrConflict)
			c := store.Consent{Subject: name(), ClientID: name(), Revision: -1}
			k.race(t, func() func(store.Store, int) error {
				c.Revision++
				return func(s store.Store, _ int) error { return s.PutConsent(t.Context(), c) }
			}, store.ErrConflict)
		},
		"a session is put once": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				n := store.Session{ID: name(), Subject: name(), Expires: k.at(40 * time.Minute)}
				return func(s store.Store, _ int) error {
					n := n
					n.Key = digest()
					return s.PutSession(t.Context(), n)
				}
			}, store.ErrExists)
		},
		"a session is ended once": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				n := k.signIn(t)
				return func(s store.Store, _ int) error {
					_, err := s.EndSession(t.Context(), n.ID, k.at(0))
					return err
				}
			}, store.ErrUsed)
		},
		"no client that joins a session is lost": func(t *testing.T, k kit) {
			for range max(1, k.rounds/50) {
				n := k.signIn(t)
				rush(func(i int) {
					if err := k.either(i).JoinSession(t.Context(), n.ID, fmt.Sprint("c", i)); err != nil {
						t.Errorf("JoinSession: %v", err)
					}
				})
				got, err := k.Session(t.Context(), n.Key, k.at(0))
				must(t, err)
				if n := len(strings.Fields(got.Clients)); n != contenders {
					t.Fatalf("%d clients in the session, want %d", n, contenders)
				}
			}
		},
		"of two processes that make keys at once one succeeds": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				set := name()
				return func(s store.Store, i int) error {
					return s.PutSigningKeys(t.Context(), set, []byte(strconv.Itoa(i)), 0)
				}
			}, store.ErrConflict)
			set, revision := name(), int64(-1)
			k.race(t, func() func(store.Store, int) error {
				revision++
				return func(s store.Store, i int) error {
					return s.PutSigningKeys(t.Context(), set, []byte(strconv.Itoa(i)), revision)
				}
			}, store.ErrConflict)
		},
		"one caller refreshes": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				r := k.hold(t)
				return func(s store.Store, _ int) error {
					return s.LeaseRemoteToken(t.Context(), r.Key, 1, k.at(0), k.at(time.Minute))
				}
			}, store.ErrConflict)
		},
		"a remote token of one revision is replaced once": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				r := store.RemoteToken{Key: name()}
				return func(s store.Store, _ int) error { return s.PutRemoteToken(t.Context(), r) }
			}, store.ErrConflict)
		},
		"a client is created once, and changed once per revision": func(t *testing.T, k kit) {
			k.writer(t)
			var c store.Client
			k.race(t, func() func(store.Store, int) error {
				c = store.Client{ID: name()}
				return func(s store.Store, _ int) error { return kit{Store: s}.writer(t).PutClient(t.Context(), &c) }
			}, store.ErrExists)
			k.race(t, func() func(store.Store, int) error {
				c.Revision++
				return func(s store.Store, _ int) error { return kit{Store: s}.writer(t).PutClient(t.Context(), &c) }
			}, store.ErrConflict)
		},
	}
	maps.Copy(all, ticketRaces())
	maps.Copy(all, replayRaces())
	return all
}

// raceRedeem lets all contenders redeem one generation of the grant that begin makes.
func (k kit) raceRedeem(t *testing.T, begin func() store.Grant) {
	t.Helper()
	var mine [contenders]mandate.Digest
	var id string
	k.race(t, func() func(store.Store, int) error {
		if id != "" {
			k.oneLive(t, mine)
		}
		g := begin()
		id = g.ID
		must(t, k.CreateGrant(t.Context(), g))
		return func(s store.Store, i int) error {
			r := k.redemption(g)
			mine[i] = r.Key
			_, err := s.Redeem(t.Context(), r)
			return err
		}
	}, store.ErrUsed)
	k.oneLive(t, mine)
}

// oneLive checks that one of the keys has a live token.
func (k kit) oneLive(t *testing.T, keys [contenders]mandate.Digest) {
	t.Helper()
	live := 0
	for _, key := range keys {
		if _, err := k.Token(t.Context(), key, k.at(0)); err == nil {
			live++
		}
	}
	if live != 1 {
		t.Fatalf("%d tokens are live, want one", live)
	}
}
