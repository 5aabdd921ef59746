package mandate

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"iter"
	"sync"
	"sync/atomic"
	"time"
)

// MAC authenticates with HMAC-SHA-256 under keys of a [Secret]. It may be used by any number of goroutines.
type MAC struct{ keys []*macKey }

type macKey struct {
	id   KeyID
	pool sync.Pool // of *macState: making an HMAC anew costs six times its use
}

type macState struct {
	h       hash.Hash
	message []byte // a copy: what is handed to an interface would be allocated
	sum     Digest
}

func newMACKey(id KeyID, key []byte) *macKey {
	return &macKey{id: id, pool: sync.Pool{New: func() any { return &macState{h: hmac.New(sha256.New, key)} }}}
}

func (k *macKey) sum(message []byte) Digest {
	s, _ := k.pool.Get().(*macState)
	s.h.Reset()
	s.message = append(s.message[:0], message...)
	s.h.Write(s.message)
	s.h.Sum(s.sum[:0])
	sum := s.sum
	k.pool.Put(s)
	return sum
}

// Current returns the id of the key that signs now.
func (m *MAC) Current() KeyID { return m.keys[0].id }

// Sum returns the MAC of message under the key called id, and whether there still is such a key.
func (m *MAC) Sum(id KeyID, message []byte) (Digest, bool) {
	for _, k := range m.keys {
		if k.id == id {
			return k.sum(message), true
		}
	}
	return Digest{}, false
}

// All returns the MACs of message under all keys, the current one's first: what was made before a rotation is found, too.
func (m *MAC) All(message []byte) iter.Seq[Digest] {
	return func(yield func(Digest) bool) {
		for _, k := range m.keys {
			if !yield(k.sum(message)) {
				return
			}
		}
	}
}

// ShortMAC is a MAC whose keys change every 24 hours. It may be used by any number of goroutines.
type ShortMAC struct {
	derive func(r root, epoch int64) []byte
	roots  []root
	cache  epochCache[*macKey]
}

// Current returns the name of the key that signs at now.
func (m *ShortMAC) Current(now time.Time) ShortKeyID { return ShortKeyID{m.roots[0].id, epochOf(now)} }

// Sum returns the MAC of message under the key called id, if that key is in use at now or was the
// one before.
func (m *ShortMAC) Sum(id ShortKeyID, now time.Time, message []byte) (Digest, bool) {
	k, ok := m.cache.get(m.roots, id, now, func(r root) *macKey { return newMACKey(r.id, m.derive(r, id.Epoch)) })
	if !ok {
		return Digest{}, false
	}
	return k.sum(message), true
}

// ShortKeyID names a key of a [ShortMAC].
type ShortKeyID struct {
	Root  KeyID
	Epoch int64
}

// epochCache keeps the derived keys of the current and the previous epoch.
type epochCache[K any] struct {
	mu   sync.Mutex // held while a key is added
	keys atomic.Pointer[[]epochKey[K]]
}

type epochKey[K any] struct {
	id  ShortKeyID
	key K
}

func (c *epochCache[K]) get(roots []root, id ShortKeyID, now time.Time, derive func(root) K) (key K, ok bool) {
	if age := epochOf(now) - id.Epoch; age < -1 || age > 1 { // -1: another process's clock is ahead
		return key, false
	}
	if keys := c.keys.Load(); keys != nil {
		for i := range *keys { // a few at most
			if k := &(*keys)[i]; k.id == id {
				return k.key, true
			}
		}
	}
	for _, r := range roots {
		if r.id == id.Root {
			return c.add(id, derive(r)), true
		}
	}
	return key, false
}

func (c *epochCache[K]) add(id ShortKeyID, key K) K {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := []epochKey[K]{{id, key}}
	if old := c.keys.Load(); old != nil {
		for _, k := range *old {
			if k.id.Epoch >= id.Epoch-1 && k.id != id {
				keys = append(keys, k)
			}
		}
	}
	c.keys.Store(&keys)
	return key
}
