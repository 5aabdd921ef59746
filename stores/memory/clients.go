package memstore

import (
	"cmp"
	"context"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-mandate/mandate/core/store"
)

// clients is read at every request and written rarely: a shard's map is replaced and never changed.
type clients struct {
	seed  maphash.Seed
	shard [shards]struct {
		mu  sync.Mutex // guards the replacing of all
		all atomic.Pointer[map[string]*store.Client]
	}
}

func (c *clients) init() {
	c.seed = maphash.MakeSeed()
	for i := range c.shard {
		c.shard[i].all.Store(new(map[string]*store.Client))
	}
}

func (c *clients) index(id string) uint64 { return maphash.String(c.seed, id) % shards }

// Client implements [store.Clients].
func (s *Store) Client(_ context.Context, id string) (*store.Client, error) {
	c, ok := (*s.clients.shard[s.clients.index(id)].all.Load())[id]
	if !ok {
		return nil, store.ErrNotFound
	}
	return c, nil
}

// PutClient implements [store.ClientWriter].
func (s *Store) PutClient(_ context.Context, c *store.Client) error {
	n := c.Clone()
	n.Revision++
	n.Created = whole(n.Created)
	n.Policy.Extra = slices.Clone(n.Policy.Extra)
	for i := range n.Secrets {
		n.Secrets[i].NotBefore = whole(n.Secrets[i].NotBefore)
		n.Secrets[i].Expires = whole(n.Secrets[i].Expires)
	}

	sh := &s.clients.shard[s.clients.index(n.ID)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	all := *sh.all.Load()
	switch old, ok := all[n.ID]; {
	case ok && c.Revision == 0:
		return store.ErrExists
	case c.Revision != 0 && (!ok || old.Revision != c.Revision):
		return store.ErrConflict
	}
	next := make(map[string]*store.Client, len(all)+1)
	maps.Copy(next, all)
	next[n.ID] = n
	sh.all.Store(&next)
	return nil
}

// DeleteClient implements [store.ClientWriter].
func (s *Store) DeleteClient(_ context.Context, id string) error {
	sh := &s.clients.shard[s.clients.index(id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	next := maps.Clone(*sh.all.Load())
	delete(next, id)
	sh.all.Store(&next)
	return nil
}

// FindClients implements [store.ClientWriter].
func (s *Store) FindClients(_ context.Context, page store.Page) ([]*store.Client, error) {
	list := smallest[*store.Client]{limit: limit(page), id: func(c *store.Client) string { return c.ID }}
	for i := range s.clients.shard {
		for id, c := range *s.clients.shard[i].all.Load() {
			if id > page.After {
				list.add(c)
			}
		}
	}
	return list.sorted(), nil
}

// smallest gathers the records with the smallest IDs, without holding many more than asked for.
type smallest[T any] struct {
	limit int
	id    func(T) string
	rows  []T
}

func (l *smallest[T]) add(row T) {
	l.rows = append(l.rows, row)
	if len(l.rows)/4 >= l.limit && len(l.rows) >= 256 {
		l.sorted()
	}
}

func (l *smallest[T]) sorted() []T {
	slices.SortFunc(l.rows, func(a, b T) int { return cmp.Compare(l.id(a), l.id(b)) })
	l.rows = l.rows[:min(len(l.rows), l.limit)]
	return l.rows
}
