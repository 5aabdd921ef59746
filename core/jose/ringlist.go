package jose

import "time"

// KeyState is how far a key of a [Ring] is on its way.
type KeyState string

// The states, in their order.
const (
	Published KeyState = "published" // others can fetch it; it does not sign yet, or another of its algorithm does
	Signing   KeyState = "signing"
	Retired   KeyState = "retired" // it signs no more, and verifies what it signed
)

// RingKey is what a [Ring] tells of one of its keys. Zero times: at once for Signs, never for the others.
type RingKey struct {
	ID      string // the kid
	Alg     Alg
	State   KeyState
	Created time.Time // zero: it was given, not made here
	Signs   time.Time // from when it signs
	Ends    time.Time // from when its successor signs; zero: it has none yet
	Gone    time.Time // from when it is published no more
}

// List returns the keys that are published at now, in the order in which they came.
func (r Ring) List(now time.Time) []RingKey {
	list := make([]RingKey, 0, len(r.list()))
	for _, k := range r.list() {
		if k.goneAt(now) {
			continue
		}
		state := Published
		switch {
		case r.Signer(k.key.Alg(), now) == k.key:
			state = Signing
		case !k.ends.IsZero() && !now.Before(k.ends):
			state = Retired
		}
		list = append(list, RingKey{k.key.ID(), k.key.Alg(), state, k.created, k.signs, k.ends, k.gone})
	}
	return list
}
