package storetest

import (
	"maps"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// RunTickets holds a part of a store, its tickets, against the contract: for what is to be used with [store.Override]. Open
// opens a new and empty place twice, as two processes do; a and b are the same value where it cannot be
// shared. Of the features, Rounds and Now count.
func RunTickets(t *testing.T, open func(t *testing.T) (a, b store.Tickets), features Features) {
	t.Helper()
	type only struct {
		rest
		store.Tickets
	}
	k := features.kit()
	a, b := open(t)
	k.Store, k.other = only{Tickets: a}, only{Tickets: b}
	both(t, k, tickets(), ticketRaces())
}

// RunReplay is [RunTickets] for what remembers what was used.
func RunReplay(t *testing.T, open func(t *testing.T) (a, b store.Replay), features Features) {
	t.Helper()
	type only struct {
		rest
		store.Replay
	}
	k := features.kit()
	a, b := open(t)
	k.Store, k.other = only{Replay: a}, only{Replay: b}
	both(t, k, replay(), replayRaces())
}

// rest stands for the parts that the cases of another one never call.
type rest struct{ store.Store }

// both runs the cases of a part and its races.
func both(t *testing.T, k kit, part, races cases) {
	t.Helper()
	all := maps.Clone(part)
	maps.Copy(all, races)
	all.run(t, k)
}

// kit returns what the cases work with, all but the stores.
func (f Features) kit() kit {
	if f.Rounds <= 0 {
		f.Rounds = 1000
	}
	if f.Now == nil {
		f.Now = time.Now
	}
	return kit{base: f.Now().UTC().Truncate(time.Millisecond), rounds: f.Rounds}
}
