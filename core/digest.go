package mandate

import (
	"crypto/sha256"
	"unsafe"
)

// Digest is the SHA-256 of a secret. Stores see digests, never secrets: a dump of a database gives
// an attacker nothing that works. The zero value is the digest of nothing and means "none".
type Digest [sha256.Size]byte

// DigestOf returns the digest of secret. It does not allocate.
func DigestOf(secret string) Digest {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(secret), len(secret))) // #nosec G103 -- read only, and not kept
}

// IsZero reports whether d is the zero value.
func (d Digest) IsZero() bool { return d == Digest{} }
