package jose

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	josejson "github.com/go-jose/go-jose/v4/json"
)

// The bounds of a key set from outside.
const (
	// MaxKeySet is the largest key set that is read, in bytes.
	MaxKeySet = 256 << 10
	maxKeys   = 100
)

// KeySet is a set of public keys (JWKS, RFC 7517, section 5). It does not change. A nil one is empty
// and verifies nothing.
type KeySet struct {
	keys  []*PublicKey
	heads heads
}

// NewKeySet returns the set of keys. What is nil or there twice is left out; two different keys may share an ID.
func NewKeySet(keys ...*PublicKey) *KeySet {
	s := &KeySet{keys: make([]*PublicKey, 0, len(keys))}
	for _, k := range keys {
		if k != nil && !slices.ContainsFunc(s.keys, k.equal) {
			s.keys = append(s.keys, k)
		}
	}
	return s
}

// ParseKeySet reads a JWKS. Keys that this package does not know, that are too weak, for encryption, broken,
// symmetric or private are left out, so that the set of a sender who is ahead of this package still
// works. A key without an ID gets its thumbprint. An error means that data is no JWKS, larger than
// [MaxKeySet], or has more than 100 keys.
func ParseKeySet(data []byte) (*KeySet, error) {
	if len(data) > MaxKeySet {
		return nil, fmt.Errorf("jose: key set has %d bytes, want at most %d", len(data), MaxKeySet)
	}
	var set struct {
		Keys *[]josejson.RawMessage `json:"keys"`
	}
	if err := josejson.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("jose: key set: %w", err)
	}
	if set.Keys == nil {
		return nil, errors.New(`jose: key set has no member "keys"`)
	}
	if n := len(*set.Keys); n > maxKeys {
		return nil, fmt.Errorf("jose: key set has %d keys, want at most %d", n, maxKeys)
	}
	keys := make([]*PublicKey, 0, len(*set.Keys))
	for _, raw := range *set.Keys {
		if k, err := ParsePublicJWK(raw); err == nil {
			keys = append(keys, k)
		}
	}
	return NewKeySet(keys...), nil
}

// MarshalJSON returns the JWKS, with "kid", "use" and, where it is fixed, "alg" of each key, and nothing private.
func (s *KeySet) MarshalJSON() ([]byte, error) {
	keys := []*PublicKey{} // a set without keys is [], not null
	if s != nil {
		keys = s.keys
	}
	return json.Marshal(struct {
		Keys []*PublicKey `json:"keys"`
	}{keys})
}

// Len returns how many keys there are.
func (s *KeySet) Len() int {
	if s == nil {
		return 0
	}
	return len(s.keys)
}

// All returns the keys in their order.
func (s *KeySet) All() iter.Seq[*PublicKey] {
	if s == nil {
		return func(func(*PublicKey) bool) {}
	}
	return slices.Values(s.keys)
}

// Key returns the first key called kid that fits alg, or nil. An empty kid matches every key. It does
// not allocate.
func (s *KeySet) Key(alg Alg, kid string) *PublicKey {
	if s == nil {
		return nil
	}
	for _, k := range s.keys {
		if (kid == "" || k.id == kid) && k.Fits(alg) {
			return k
		}
	}
	return nil
}

// Has reports whether k is in the set, with the same ID and algorithm. It does not allocate.
func (s *KeySet) Has(k *PublicKey) bool {
	if s == nil || k == nil {
		return false
	}
	for _, x := range s.keys {
		if x == k || x.equal(k) {
			return true
		}
	}
	return false
}
