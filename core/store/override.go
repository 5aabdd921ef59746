package store

import (
	"context"
	"reflect"
	"slices"
	"sync/atomic"
	"time"
)

// Ledger is Grants and Tokens. They come from one value: a read joins them and Redeem writes both.
type Ledger interface {
	Grants
	Tokens
}

// Parts are what [Override] puts in place of the parts of a store. Nil: that part stays.
type Parts struct {
	Clients      Clients
	Ledger       Ledger // grants and tokens, which nobody may replace one by one
	Tickets      Tickets
	Replay       Replay
	Consents     Consents
	Sessions     Sessions
	SigningKeys  SigningKeys
	RemoteTokens RemoteTokens
}

// Override returns base with other implementations in place of some of its parts: the short-lived ones in Redis, say,
// and the rest in a database.
//
//	s := store.Override(base, store.Parts{Tickets: cache, Replay: cache})
//
// Its Prune prunes base, and every part that is a [Pruner] too, each once. It is a [ClientWriter] where the
// value that answers for Clients is one. Whatever base offers beyond that (its own migration, say) is base's alone:
// keep base at hand for it.
func Override(base Store, parts Parts) Store {
	o := override{
		Clients: base, Ledger: base, Tickets: base, Replay: base, Consents: base, Sessions: base, keySets: base, RemoteTokens: base,
		pruned: &pruned{},
	}
	o.add(base)
	put(&o.Clients, parts.Clients, o.pruned)
	put(&o.Ledger, parts.Ledger, o.pruned)
	put(&o.Tickets, parts.Tickets, o.pruned)
	put(&o.Replay, parts.Replay, o.pruned)
	put(&o.Consents, parts.Consents, o.pruned)
	put(&o.Sessions, parts.Sessions, o.pruned)
	put(&o.keySets, parts.SigningKeys, o.pruned)
	put(&o.RemoteTokens, parts.RemoteTokens, o.pruned)
	if w, ok := o.Clients.(ClientWriter); ok {
		return struct {
			override
			ClientWriter
		}{o, w}
	}
	return o
}

// override is a store of parts.
type override struct {
	Clients
	Ledger
	Tickets
	Replay
	Consents
	Sessions
	keySets
	RemoteTokens
	*pruned
}

// keySets is SigningKeys by a name that its method does not have.
type keySets = SigningKeys

// put sets part to other, unless that is nil.
func put[T any](part *T, other T, p *pruned) {
	if any(other) == nil {
		return
	}
	*part = other
	if o, ok := any(other).(Pruner); ok {
		p.add(o)
	}
}

// pruned is all that is to be pruned, each value once.
type pruned struct {
	all  []Pruner
	turn atomic.Uint32 // who comes first, so that a flood in one does not keep the others waiting
}

func (p *pruned) add(o Pruner) {
	if reflect.ValueOf(o).Comparable() && slices.Contains(p.all, o) {
		return
	}
	p.all = append(p.all, o)
}

// Prune implements [Pruner]. Where one part fails the next call begins with another.
func (p *pruned) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	n, first := 0, int(p.turn.Add(1)%uint32(len(p.all))) // #nosec G115 -- a handful
	for i := range p.all {
		if n >= limit {
			break
		}
		k, err := p.all[(first+i)%len(p.all)].Prune(ctx, now, limit-n)
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
