package memstore

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// Store is a [store.Store] and a [store.ClientWriter] in memory. Make one with [New]. All methods may be
// called from any number of goroutines; none of them waits for anything but another's short write, and so none looks at its context.
type Store struct {
	clock atomic.Int64 // the time that callers tell, in milliseconds
	turn  atomic.Int64 // where the next Prune goes on
	_     [48]byte     // a cache line of its own

	clients  clients
	grants   grants
	tokens   tokens
	tickets  sharded[ticketKey, *store.Ticket]
	alts     sharded[ticketKey, mandate.Digest] // locked after tickets
	once     sharded[mandate.Digest, int64]
	consents sharded[consentKey, store.Consent]
	sessions sharded[mandate.Digest, *store.Session]
	sids     sharded[string, mandate.Digest] // locked after sessions
	remote   sharded[string, *remote]
	keys     keys
}

var (
	_ store.Store        = (*Store)(nil)
	_ store.ClientWriter = (*Store)(nil)
)

// New returns an empty store.
func New() *Store {
	s := new(Store)
	s.clients.init()
	s.grants.init()
	s.tokens.init()
	s.initTickets()
	s.once.init(func(end int64) int64 { return end }, nil)
	s.initConsents()
	s.initSessions()
	s.remote.init(func(r *remote) int64 { return mandate.Milli(r.token.Expires) }, nil)
	s.keys.sets = make(map[string]keySet)
	return s
}

// Prune implements [store.Pruner]. It holds no lock for longer than some hundred rows take, and costs what it removes.
func (s *Store) Prune(_ context.Context, now time.Time, limit int) (int, error) {
	end := now.UnixMilli()
	parts := [...]struct {
		shards int
		prune  func(i int, end int64, limit int) int
	}{
		{stripes, s.tokens.prune},
		{stripes, func(i int, end int64, limit int) int { return s.grants.prune(i, end, limit, math.MaxInt) }},
		{shards, s.tickets.prune},
		{shards, s.once.prune},
		{shards, s.consents.prune},
		{shards, s.sessions.prune},
		{shards, s.remote.prune},
	}
	total := 2*stripes + 5*shards
	n, at := 0, int(s.turn.Load()) // where the last call stopped, so that a flood in one part does not keep the others waiting
	for range total {
		if n >= limit {
			break
		}
		i := at
		for _, p := range parts {
			if i < p.shards {
				n += p.prune(i, end, limit-n)
				break
			}
			i -= p.shards
		}
		if n < limit {
			at = (at + 1) % total
		}
	}
	s.turn.Store(int64(at))
	return n, nil
}

// patience is how long a record stays after its end where nobody calls Prune.
const patience = time.Hour

// longAgo returns the millisecond before which an end is so far back that a write may drop the record
// on its way, by the time that callers tell. It is negative until one did.
func (s *Store) longAgo() int64 { return s.clock.Load() - patience.Milliseconds() }

// lag is how many milliseconds callers may be apart. Who tells an earlier time shows that the clock had jumped ahead: by the time that it
// jumped to, what lives now would be long over.
const lag = 60_000

// note remembers the time that a caller told. The store has no clock of its own.
func (s *Store) note(now time.Time) {
	for ms := now.UnixMilli(); ; {
		old := s.clock.Load()
		if ms <= old && ms >= old-lag || s.clock.CompareAndSwap(old, ms) {
			return
		}
	}
}

// whole cuts t to the milliseconds that a store keeps.
func whole(t time.Time) time.Time { return mandate.FromMilli(mandate.Milli(t)) }

// later returns the later of two ends, where 0 means never.
func later(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

// limit returns how many records page asks for.
func limit(page store.Page) int {
	if page.Limit <= 0 {
		return 100
	}
	return page.Limit
}
