// Package storetest is the definition of a correct store: a suite that holds one against every sentence of
// package store. A store's own test opens it and no more:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return mystore.New(t.TempDir()) }, storetest.Features{})
//	}
//
// What it proves, by the names of its parts:
//
//   - clients, consents, keys, remote: every field comes back, IDs are compared byte by byte, pages come in the order of
//     IDs, and of two writers who read one revision the second is told.
//   - grants: the Key is a secret's and the ID is not, whoever revokes a grant ends it for good, also one that is not
//     made yet, and revoking many returns exactly those that the call ended.
//   - redeem, repeat: one gate for codes and refresh tokens, its verdicts in their order, and a grace that neither slides nor forks.
//   - tokens: a token is as alive as its grant, and what was revoked stays so, stored or not.
//   - tickets, sessions, replay: reading has no side effect, spending happens once, and used comes before expired.
//   - prune: nothing goes that can still matter, everything else goes, and nothing that went revives anything.
//   - races: of 64 contenders at a gate exactly one passes, round after round.
//   - shared, reopened: the races between two processes, and what outlives one; see [Features].
//
// [RunTickets] and [RunReplay] prove a part alone.
//
// Every field of every record is filled by reflection, so that a field that a later version adds is tested before anybody
// thinks of it. Run the suite with the race detector, too. What it cannot see, and a store owes all the same: that an alarm is not
// undone by a transaction of the caller's, and that reading a token is one round trip.
package storetest

import (
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// Features says what a store can do beyond the contract, and how hard to try. Only durability and sharing
// between processes are anyone's to lack: atomicity and expiry are not.
type Features struct {
	// Shared opens two stores on one new and empty database, as two processes do. Nil: the store cannot be shared.
	Shared func(t *testing.T) (a, b store.Store)

	// Reopen closes s, which open returned, and opens a store on what it left. Nil: nothing outlives the process.
	Reopen func(t *testing.T, s store.Store) store.Store

	// Rounds is how often each race is run, with 64 contenders. Default: 1000. Fewer are for a store to which a call is a
	// millisecond away; the verdict is the worth of the rounds.
	Rounds int

	// Now says near which time the suite plays. Default: time.Now, so that a database may expire records by itself.
	Now func() time.Time
}

// Run holds the stores that open returns against the contract. Each must be new and empty, and live until the t that
// it is opened for has ended; they are used side by side. Where a store is a [store.ClientWriter], that
// is tested as well.
func Run(t *testing.T, open func(t *testing.T) store.Store, features Features) {
	t.Helper()
	k := features.kit()
	for name, cases := range map[string]cases{
		"clients": clients(), "grants": grants(), "redeem": redeem(), "repeat": repeat(), "tokens": tokens(), "tickets": tickets(),
		"replay": replay(), "consents": consents(), "sessions": sessions(), "keys": keys(), "remote": remote(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := k
			k.Store = open(t)
			cases.run(t, k)
		})
	}
	t.Run("prune", func(t *testing.T) {
		t.Parallel()
		for sentence, test := range prune() {
			t.Run(sentence, func(t *testing.T) {
				t.Parallel()
				k := k
				k.Store = open(t) // of its own: time passes differently in each
				test(t, k)
			})
		}
	})
	t.Run("races", func(t *testing.T) {
		t.Parallel()
		k := k
		k.Store = open(t)
		k.other = k.Store
		races().run(t, k)
	})
	if features.Shared == nil {
		t.Log("left out: shared, because the store is not shared between processes")
	} else {
		t.Run("shared", func(t *testing.T) {
			t.Parallel()
			k := k
			k.Store, k.other = features.Shared(t)
			races().run(t, k)
		})
	}
	if features.Reopen == nil {
		t.Log("left out: reopened, because the store does not outlive the process")
	} else {
		t.Run("reopened", func(t *testing.T) {
			t.Parallel()
			k := k
			k.Store = open(t)
			durable(t, k, features.Reopen)
		})
	}
}

// cases are tests by the sentence that each proves.
type cases map[string]func(t *testing.T, k kit)

// run runs the cases side by side on one store: what one does must not show in another.
func (c cases) run(t *testing.T, k kit) {
	t.Helper()
	for sentence, test := range c {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

// kit is what a case works with.
type kit struct {
	store.Store
	other  store.Store // in races: the same, or one that shares its database
	base   time.Time
	rounds int
}

// at returns the time d after the suite began. Cases on one store stay within the first fifty minutes.
func (k kit) at(d time.Duration) time.Time { return k.base.Add(d) }
