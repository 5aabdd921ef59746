package mandate

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// minSecret is the least length of a root secret in bytes.
const minSecret = 32

// keyLife is how long a short-lived key seals; it opens for the same time again.
const keyLife = 24 * time.Hour

// Secret is the application's root secret. Server, client and OAuth 1 derive a key from it for every
// purpose and issuer (HKDF, RFC 5869), so that no two things share one. Keep it out of the
// repository and the database: whoever has both it and a dump can read what was sealed.
//
// A Secret may hold several roots: the first seals and signs, all of them open and verify. To rotate while several
// processes run, add the new root behind the old one everywhere, then put it in front, and drop the old one
// after the longest refresh token is over. The zero value holds none, and keys made of it panic when they are used.
type Secret struct{ roots []root }

type root struct {
	id  KeyID
	key []byte
}

// KeyID names a derived key in what it sealed or signed. It gives nothing away.
type KeyID [4]byte

// NewSecret returns the secret with the given roots, of at least 32 random bytes each.
func NewSecret(roots ...[]byte) (Secret, error) {
	if len(roots) == 0 {
		return Secret{}, errors.New("mandate: secret has no root: hand over 32 random bytes (openssl rand -base64 32), or is what should hold them empty?")
	}
	var s Secret
	for i, key := range roots {
		if len(key) < minSecret {
			return Secret{}, fmt.Errorf("mandate: root %d of the secret has %d bytes, want at least %d random ones (openssl rand -base64 32)", i, len(key), minSecret)
		}
		key = append([]byte(nil), key...)
		id, err := hkdf.Key(sha256.New, key, nil, "mandate root id", len(KeyID{}))
		if err != nil {
			return Secret{}, fmt.Errorf("mandate: root %d of the secret: %w", i, err)
		}
		s.roots = append(s.roots, root{KeyID(id), key})
	}
	return s, nil
}

// ParseSecret returns the secret whose roots are written in base64, with or without padding, standard or
// URL alphabet: what "openssl rand -base64 32" prints.
func ParseSecret(encoded ...string) (Secret, error) {
	roots := make([][]byte, len(encoded))
	for i, e := range encoded {
		key, err := decodeBase64(e)
		if err != nil {
			return Secret{}, fmt.Errorf("mandate: root %d of the secret is not base64: want what openssl rand -base64 32 prints", i) // the error itself would show a part of it
		}
		roots[i] = key
	}
	return NewSecret(roots...)
}

// NewRandomSecret returns a secret that nobody else has and that is lost at the end of the process: for
// tests and for a server on loopback.
func NewRandomSecret() Secret {
	key := make([]byte, minSecret)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	s, _ := NewSecret(key)
	return s
}

// IsZero reports whether s holds no root.
func (s Secret) IsZero() bool { return len(s.roots) == 0 }

// String hides the secret.
func (s Secret) String() string { return "mandate.Secret(hidden)" }

// GoString hides the secret.
func (s Secret) GoString() string { return s.String() }

// MAC returns the keys that authenticate what lives long: refresh tokens, user codes. One for each root.
// purpose and issuer tell them apart from all others.
func (s Secret) MAC(purpose, issuer string) *MAC {
	m := &MAC{}
	for _, r := range s.roots {
		m.keys = append(m.keys, newMACKey(r.id, r.derive("mac", purpose, issuer, 0)))
	}
	return m
}

// Sealer returns the keys that seal what lies in a database: one for each root, so that
// whatever was sealed stays readable until it has been rewritten.
func (s Secret) Sealer(purpose, issuer string) *Sealer {
	x := &Sealer{}
	for _, r := range s.roots {
		x.fixed = append(x.fixed, sealKey{r.id, newGCM(r.derive("seal", purpose, issuer, 0))})
	}
	return x
}

// ShortSealer returns keys for what lives for minutes: pending requests, cookies. They change by
// themselves every 24 hours and open for 24 hours more, so that no key seals too often.
func (s Secret) ShortSealer(purpose, issuer string) *Sealer {
	return &Sealer{derive: func(r root, epoch int64) []byte { return r.derive("short seal", purpose, issuer, epoch) }, roots: s.roots}
}

// ShortMAC is [Secret.ShortSealer] for authentication alone.
func (s Secret) ShortMAC(purpose, issuer string) *ShortMAC {
	return &ShortMAC{derive: func(r root, epoch int64) []byte { return r.derive("short mac", purpose, issuer, epoch) }, roots: s.roots}
}

// derive returns the 32-byte key for one use. Parts are length-prefixed, so that no two uses share a label.
func (r root) derive(class, purpose, issuer string, epoch int64) []byte {
	label := []byte("mandate key")
	for _, part := range []string{class, purpose, issuer} {
		label = binary.AppendUvarint(label, uint64(len(part)))
		label = append(label, part...)
	}
	label = binary.BigEndian.AppendUint64(label, uint64(epoch)) // #nosec G115 -- a label, not a number
	key, _ := hkdf.Key(sha256.New, r.key, nil, string(label), 32)
	return key // the length is always allowed, so there is no error
}

// epochOf returns which short-lived key is in use at now.
func epochOf(now time.Time) int64 { return now.UnixMilli() / keyLife.Milliseconds() }

func decodeBase64(s string) ([]byte, error) {
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
		if key, err := enc.DecodeString(s); err == nil {
			return key, nil
		}
	}
	return base64.RawURLEncoding.DecodeString(s)
}
