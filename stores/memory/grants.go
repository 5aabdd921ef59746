package memstore

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// kept is how long a revoked grant without an end is remembered: longer than any token under it.
const kept = 30 * 24 * time.Hour

// grant is a stored grant in little memory. Tokens point at it, so that one write to revoked ends them all.
type grant struct {
	next       [indexes]*grant // in its chain of each index
	ofID       uint64          // its hash, and that of the subject (0: none): tables grow without a look at packed
	ofSubject  uint64
	common     unique.Handle[common]
	packed     string         // never changes
	key        mandate.Digest // nor does this
	generation int64
	advanced   int64 // milliseconds, as all below; 0: never
	created    int64
	expires    int64
	revoked    atomic.Int64 // read without a lock. Also set when the row is dropped: what is gone revives nothing
}

func (t *grants) newGrant(g *store.Grant) *grant {
	row := &grant{
		common: t.commons.of(g), packed: pack(g), key: g.Key, generation: g.Generation,
		advanced: mandate.Milli(g.Advanced), created: mandate.Milli(g.Created), expires: mandate.Milli(g.Expires),
	}
	row.revoked.Store(mandate.Milli(g.Revoked))
	row.ofID = t.hashID(g.ID)
	if g.Subject != "" {
		row.ofSubject = t.hashSubject(g.Subject)
	}
	return row
}

// record returns a row of the stripe, which is locked, as the record that it stands for.
func (sh *idStripe) record(row *grant) (g store.Grant) {
	sh.fill(row, &g)
	return g
}

// fill is record into a g that is empty.
func (sh *idStripe) fill(row *grant, g *store.Grant) {
	row.head(g)
	unpack(row.packed, g)
	if sealed, ok := sh.resealed[row]; ok {
		g.Details.Sealed = sealed
	}
}

// head fills in the part of a record that [store.Redemption] judges.
func (g *grant) head(r *store.Grant) {
	c := g.common.Value()
	r.Key, r.KeyID, r.ClientID, r.Generation, r.Reason = g.key, c.keyID, c.client, g.generation, c.reason
	r.Advanced, r.Created = mandate.FromMilli(g.advanced), mandate.FromMilli(g.created)
	r.Expires, r.Revoked = mandate.FromMilli(g.expires), mandate.FromMilli(g.revoked.Load())
	r.Details.Scopes, r.Details.Resources = mandate.Scopes(c.scopes), c.resources
}

func (g *grant) id() string      { return packedText(g.packed, 0) }
func (g *grant) subject() string { return packedText(g.packed, 1) }
func (g *grant) session() string { return packedText(g.packed, 2) }

// in reports whether q selects the grant.
func (g *grant) in(q store.GrantQuery) bool {
	return (q.Subject == "" || q.Subject == g.subject()) && (q.SessionID == "" || q.SessionID == g.session()) &&
		(q.ClientID == "" || q.ClientID == g.common.Value().client)
}

func (g *grant) alive(now int64) bool {
	return g.revoked.Load() == 0 && (g.expires == 0 || now < g.expires)
}

// ends returns the millisecond after which the row may go; 0: not yet known.
func (g *grant) ends() int64 {
	if at := g.revoked.Load(); at != 0 && g.expires == 0 {
		return at + kept.Milliseconds()
	}
	return g.expires
}

// grants is a hash table by ID in stripes, with indexes beside it.
type grants struct {
	seed    maphash.Seed
	commons commons
	ids     [stripes]idStripe
	keys    [stripes]keyStripe
	index   [indexes]index
}

type idStripe struct {
	mu   sync.Mutex // guards the rest, and all rows
	rows table[*grant]
	due  queue[uint64] // by hash

	resealed map[*grant]string // what is sealed in place of what is packed; few ever are
}

// keyStripe leads from the hash of a Key to that of an ID: it has no pointers, which the garbage collector would have to follow.
type keyStripe struct {
	mu  sync.Mutex // guards the table
	ids table[uint64]
	_   [24]byte // a cache line of its own
}

func (t *grants) init() {
	t.seed = maphash.MakeSeed()
	for i := range t.index {
		t.index[i].which = i
	}
}

func (t *grants) hashID(id string) uint64           { return maphash.String(t.seed, id) | 1<<63 } // never 0
func (t *grants) hashSubject(s string) uint64       { return maphash.String(t.seed, s) | 1<<63 }  // never 0
func (t *grants) hashKey(key mandate.Digest) uint64 { return maphash.Bytes(t.seed, key[:]) }

// lock returns the stripe of id, locked, and its hash.
func (t *grants) lock(id string) (*idStripe, uint64) {
	h := t.hashID(id)
	sh := &t.ids[h%stripes]
	sh.mu.Lock()
	return sh, h
}

// find returns the row called id, or nil.
func (t *grants) find(id string) *grant {
	sh, h := t.lock(id)
	defer sh.mu.Unlock()
	return sh.find(h, id)
}

func (sh *idStripe) find(h uint64, id string) *grant {
	for i := sh.rows.first(h); i >= 0; i = sh.rows.after(i, h) {
		if row := sh.rows.cells[i].value; row.id() == id {
			return row
		}
	}
	return nil
}

// place returns where row is in the table, or -1.
func (sh *idStripe) place(row *grant) int {
	i := sh.rows.first(row.ofID)
	for i >= 0 && sh.rows.cells[i].value != row {
		i = sh.rows.after(i, row.ofID)
	}
	return i
}

// insert puts row into its locked stripe, which has no row of that ID.
func (sh *idStripe) insert(row *grant) {
	sh.rows.insert(row.ofID, row)
	sh.remind(row)
}

// remind makes sure that the end of a row will be noticed. It is needed where that end is new or came nearer.
func (sh *idStripe) remind(row *grant) {
	at := row.ends()
	if at == 0 {
		return
	}
	sh.due.push(at, row.ofID)
	if len(sh.due.heap) > 2*sh.rows.count+64 { // an end that came nearer again and again
		sh.due.clear()
		for row := range sh.rows.all() {
			if at := row.ends(); at != 0 {
				sh.due.push(at, row.ofID)
			}
		}
	}
}

// CreateGrant implements [store.Grants]. Any number of grants may have the zero Key, which finds none.
func (s *Store) CreateGrant(_ context.Context, g store.Grant) error {
	row, end := s.grants.newGrant(&g), s.longAgo()
	old, err := s.grants.create(row, g.ID, end)
	if err == nil && old {
		s.grants.prune(int(row.ofID%stripes), end, 2, 2)
	}
	return err
}

// create inserts row, unless its ID or Key is taken, and reports whether its stripe has reminders of before end.
func (t *grants) create(row *grant, id string, end int64) (old bool, err error) {
	at := t.places(row)
	t.lockAll(at)
	defer t.unlockAll(at)
	sh := &t.ids[row.ofID%stripes]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if at[byKey].is && t.takenKey(sh, at[byKey].hash, row.key) {
		return false, store.ErrExists
	}
	if sh.find(row.ofID, id) != nil {
		return false, store.ErrExists
	}
	sh.insert(row)
	t.insertKey(at[byKey], row)
	for i := range t.index {
		if at[i].is {
			t.insertInto(&t.index[i], at[i].hash, row)
		}
	}
	return sh.due.before(end), nil
}

// Grant implements [store.Grants].
func (s *Store) Grant(_ context.Context, id string) (store.Grant, error) {
	sh, h := s.grants.lock(id)
	defer sh.mu.Unlock()
	row := sh.find(h, id)
	if row == nil {
		return store.Grant{}, store.ErrNotFound
	}
	return sh.record(row), nil
}

// GrantByKey implements [store.Grants].
func (s *Store) GrantByKey(_ context.Context, key mandate.Digest) (g store.Grant, err error) {
	h := s.grants.hashKey(key)
	keys := &s.grants.keys[h%stripes]
	keys.mu.Lock()
	sh, row := s.grants.findKey(h, key)
	keys.mu.Unlock()
	if row == nil {
		return g, store.ErrNotFound
	}
	defer sh.mu.Unlock()
	sh.fill(row, &g)
	return g, nil
}

// FindGrants implements [store.Grants]. Subjects and sessions have an index; for anything else it looks at every grant, stripe by stripe.
func (s *Store) FindGrants(_ context.Context, q store.GrantQuery, page store.Page) ([]store.Grant, error) {
	list := smallest[store.Grant]{limit: limit(page), id: func(g store.Grant) string { return g.ID }}
	s.grants.each(q, func(sh *idStripe, row *grant) {
		if row.id() > page.After {
			list.add(sh.record(row))
		}
	})
	return list.sorted(), nil
}

// each calls f with every grant that q selects, under the lock of its stripe.
func (t *grants) each(q store.GrantQuery, f func(*idStripe, *grant)) {
	var rows []*grant
	switch {
	case q.Subject != "":
		t.index[bySubject].each(t.hashSubject(q.Subject), func(row *grant) {
			if row.subject() == q.Subject {
				rows = append(rows, row)
			}
		})
	case q.SessionID != "":
		t.index[bySession].each(maphash.String(t.seed, q.SessionID), func(row *grant) {
			if row.session() == q.SessionID {
				rows = append(rows, row)
			}
		})
	default:
		t.all(q, f)
		return
	}
	for _, row := range rows {
		sh, _ := t.lock(row.id())
		if sh.place(row) >= 0 && row.in(q) { // not dropped since
			f(sh, row)
		}
		sh.mu.Unlock()
	}
}

// all is each without an index.
func (t *grants) all(q store.GrantQuery, f func(*idStripe, *grant)) {
	for i := range t.ids {
		sh := &t.ids[i]
		sh.mu.Lock()
		for row := range sh.rows.all() {
			if row.in(q) {
				f(sh, row)
			}
		}
		sh.mu.Unlock()
	}
}
