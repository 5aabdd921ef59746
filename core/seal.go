package mandate

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"
)

// ErrSealed means that something sealed cannot be opened: it was made under another secret, for
// another purpose, too long ago, or was altered. Which one nobody is told.
var ErrSealed = errors.New("mandate: cannot be opened")

// Sealer encrypts and authenticates with AES-256-GCM under keys of a [Secret]. It may be used by any
// number of goroutines.
type Sealer struct {
	fixed []sealKey // long-lived keys, or
	roots []root    // short-lived ones

	derive func(r root, epoch int64) []byte
	cache  epochCache[cipher.AEAD]
}

type sealKey struct {
	id  KeyID
	gcm cipher.AEAD
}

// Seal returns plain, sealed. Only who gives the same data to Open opens it. now matters to short-lived keys alone.
func (s *Sealer) Seal(plain, data []byte, now time.Time) []byte {
	var out []byte
	var gcm cipher.AEAD
	if s.derive == nil {
		out, gcm = append(out, s.fixed[0].id[:]...), s.fixed[0].gcm
	} else {
		id := ShortKeyID{s.roots[0].id, epochOf(now)}
		out = append(make([]byte, 0, len(plain)+40), id.Root[:]...)
		out = append(out, byte(id.Epoch)) // #nosec G115 -- the last byte tells which of the few that still open
		gcm, _ = s.short(id, now)
	}
	head := len(out)
	var nonce [12]byte
	_, _ = rand.Read(nonce[:]) // never fails (crypto/rand)
	out = append(out, nonce[:]...)
	return gcm.Seal(out, nonce[:], plain, bind(data, out[:head], 0))
}

// Open returns what was sealed, or [ErrSealed].
func (s *Sealer) Open(sealed, data []byte, now time.Time) ([]byte, error) {
	gcm, head, ok := s.keyOf(sealed, now)
	if !ok || len(sealed) < head+12+16 {
		return nil, ErrSealed
	}
	ad := bind(data, sealed[:head], len(sealed)) // with room for what comes out
	plain, err := gcm.Open(ad[len(ad):], sealed[head:head+12], sealed[head+12:], ad)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Stale reports whether sealed is under a key that is not the first any more: rewrite it.
func (s *Sealer) Stale(sealed []byte) bool {
	return len(sealed) < 4 || s.derive == nil && s.fixed[0].id != KeyID(sealed[:4])
}

func (s *Sealer) keyOf(sealed []byte, now time.Time) (gcm cipher.AEAD, head int, ok bool) {
	if len(sealed) < 5 {
		return nil, 0, false
	}
	if s.derive == nil {
		for _, k := range s.fixed {
			if k.id == KeyID(sealed[:4]) {
				return k.gcm, 4, true
			}
		}
		return nil, 0, false
	}
	epoch := epochOf(now)
	epoch += int64(int8(sealed[4] - byte(epoch))) // #nosec G115 -- the nearest epoch with that last byte
	gcm, ok = s.short(ShortKeyID{KeyID(sealed[:4]), epoch}, now)
	return gcm, 5, ok
}

func (s *Sealer) short(id ShortKeyID, now time.Time) (cipher.AEAD, bool) {
	return s.cache.get(s.roots, id, now, func(r root) cipher.AEAD { return newGCM(s.derive(r, id.Epoch)) })
}

// bind makes the additional data: the caller's and the head, with the length of one before it, and room after it.
func bind(data, head []byte, room int) []byte {
	ad := binary.AppendUvarint(make([]byte, 0, len(data)+len(head)+2+room), uint64(len(data)))
	return append(append(ad, data...), head...)
}

func newGCM(key []byte) cipher.AEAD {
	block, _ := aes.NewCipher(key) // 32 bytes are always a key
	gcm, _ := cipher.NewGCM(block)
	return gcm
}
