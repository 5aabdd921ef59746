package jose

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Ring is the signing keys of an issuer, each on its way from published over signing to retired. A Ring does
// not change: what changes it returns a new one. The zero value has no keys. Printing or marshalling
// one shows no secret; [Ring.Marshal] does.
type Ring struct{ r *ring }

type ring struct {
	keys   []ringKey
	public *KeySet
}

// ringKey is one key and its times. It signs from Signs until Ends and is published until Gone.
type ringKey struct {
	key     *Key
	created time.Time
	signs   time.Time // zero: at once
	ends    time.Time // zero: it has no successor yet
	gone    time.Time // zero: as ends
}

// NewRing returns a ring with one new key for each of the algorithms. They sign at once.
func NewRing(now time.Time, algs ...Alg) (Ring, error) {
	return Ring{}.With(now, algs...)
}

// RingOf returns a ring of given keys, from a file or a KMS. All are published; of those with one
// algorithm the first signs. They are never due: who gave them rotates them.
func RingOf(keys ...*Key) Ring {
	list := make([]ringKey, 0, len(keys))
	for _, k := range keys {
		if k != nil {
			list = append(list, ringKey{key: k})
		}
	}
	return makeRing(list)
}

func makeRing(keys []ringKey) Ring {
	public := make([]*PublicKey, 0, len(keys))
	for _, k := range keys {
		public = append(public, k.key.public)
	}
	return Ring{&ring{keys, NewKeySet(public...)}}
}

// String shows how many keys there are.
func (r Ring) String() string { return "ring of " + strconv.Itoa(len(r.list())) + " keys" }

// GoString is String: printing with %#v leaks nothing either.
func (r Ring) GoString() string { return r.String() }

func (r Ring) list() []ringKey {
	if r.r == nil {
		return nil
	}
	return r.r.keys
}

// With returns a ring that also has a key for each of the algorithms, and r itself if it has. A key for a new algorithm
// signs at once: there is no older one that could sign in its place.
func (r Ring) With(now time.Time, algs ...Alg) (Ring, error) {
	keys := slices.Clip(r.list())
	for _, alg := range algs {
		if slices.ContainsFunc(keys, func(k ringKey) bool { return k.key.Alg() == alg && k.ends.IsZero() }) {
			continue
		}
		key, err := Generate(alg)
		if err != nil {
			return Ring{}, err
		}
		keys = append(keys, ringKey{key: key, created: now})
	}
	if len(keys) == len(r.list()) {
		return r, nil
	}
	return makeRing(keys), nil
}

// Signer returns the key that signs with alg at now, or nil if the ring has none.
func (r Ring) Signer(alg Alg, now time.Time) *Key {
	var found *ringKey
	for i, keys := 0, r.list(); i < len(keys); i++ {
		if k := &keys[i]; k.key.public.alg == alg && !now.Before(k.signs) && (found == nil || k.signs.After(found.signs)) {
			found = k
		}
	}
	if found == nil {
		return nil
	}
	return found.key
}

// Public returns the keys to publish at now: those that sign, will sign, or have signed tokens that may
// still live.
func (r Ring) Public(now time.Time) *KeySet {
	if r.r == nil {
		return nil
	}
	gone := func(k ringKey) bool { return k.goneAt(now) }
	if !slices.ContainsFunc(r.r.keys, gone) {
		return r.r.public
	}
	return makeRing(slices.DeleteFunc(slices.Clone(r.r.keys), gone)).r.public
}

func (k ringKey) goneAt(now time.Time) bool { return !k.gone.IsZero() && !now.Before(k.gone) }

// Rotate returns a ring with a new key for each algorithm. It is published now and signs after overlap, which
// is how long others may keep a copy of the key set: at least twice its cache time. Its predecessor
// stays published for retention after that: at least the life of the longest token. Keys past that are left out.
// An algorithm whose next key is not signing yet gets no other.
func (r Ring) Rotate(now time.Time, overlap, retention time.Duration) (Ring, error) {
	if overlap < 0 || retention < 0 {
		return Ring{}, fmt.Errorf("jose: overlap %v and retention %v must not be negative", overlap, retention)
	}
	keys := slices.DeleteFunc(slices.Clone(r.list()), func(k ringKey) bool { return k.goneAt(now) })
	starts := now.Add(overlap)
	for i := range keys {
		k := &keys[i]
		if !k.ends.IsZero() {
			if gone := k.ends.Add(retention); gone.After(k.gone) { // tokens may have come to live longer
				k.gone = gone
			}
			continue
		}
		if now.Before(k.signs) {
			continue
		}
		alg := k.key.Alg()
		k.ends, k.gone = starts, starts.Add(retention)
		if slices.ContainsFunc(keys, func(k ringKey) bool { return k.key.Alg() == alg && k.ends.IsZero() }) {
			continue
		}
		next, err := Generate(alg)
		if err != nil {
			return Ring{}, err
		}
		keys = append(keys, ringKey{key: next, created: now, signs: starts})
	}
	return makeRing(keys), nil
}

// Due reports whether a key that has no successor is as old as every: rotate now.
func (r Ring) Due(now time.Time, every time.Duration) bool {
	return slices.ContainsFunc(r.list(), func(k ringKey) bool {
		return k.ends.IsZero() && !k.created.IsZero() && now.Sub(k.created) >= every
	})
}

// ringJSON is how a ring is kept.
type ringJSON struct {
	Version int           `json:"v"`
	Keys    []ringKeyJSON `json:"keys"`
}

type ringKeyJSON struct {
	JWK     json.RawMessage `json:"jwk"`
	Created time.Time       `json:"created,omitzero"`
	Signs   time.Time       `json:"signs,omitzero"`
	Ends    time.Time       `json:"ends,omitzero"`
	Gone    time.Time       `json:"gone,omitzero"`
}

const ringVersion = 1

// Marshal returns the ring with its private keys as JSON: seal it. A key in a KMS is an error.
func (r Ring) Marshal() ([]byte, error) {
	out := ringJSON{Version: ringVersion}
	for _, k := range r.list() {
		jwk, err := k.key.MarshalJWK()
		if err != nil {
			return nil, err
		}
		out.Keys = append(out.Keys, ringKeyJSON{jwk, k.created.UTC(), k.signs.UTC(), k.ends.UTC(), k.gone.UTC()})
	}
	return json.Marshal(out)
}

// ParseRing reads what [Ring.Marshal] has written.
func ParseRing(data []byte) (Ring, error) {
	var in ringJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return Ring{}, fmt.Errorf("jose: ring: %w", err)
	}
	if in.Version != ringVersion {
		return Ring{}, fmt.Errorf("jose: ring has version %d, want %d", in.Version, ringVersion)
	}
	keys := make([]ringKey, 0, len(in.Keys))
	for i, k := range in.Keys {
		key, err := ParseJWK(k.JWK)
		if err != nil {
			return Ring{}, fmt.Errorf("jose: ring, key %d: %w", i, err)
		}
		keys = append(keys, ringKey{key, k.Created, k.Signs, k.Ends, k.Gone})
	}
	return makeRing(keys), nil
}
