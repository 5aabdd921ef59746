package oauth2

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"unsafe"
)

// The code challenge methods (RFC 7636, section 4.2). Plain is known in order to be refused.
const (
	S256  = "S256"
	Plain = "plain"
)

// NewVerifier returns a fresh code verifier of 256 bits (RFC 7636, section 4.1).
func NewVerifier() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Challenge returns the S256 code challenge of verifier.
func Challenge(verifier string) string {
	c := challenge(verifier)
	return string(c[:])
}

// ValidChallenge reports whether challenge can be the S256 challenge of anything.
func ValidChallenge(challenge string) bool {
	if len(challenge) != 43 {
		return false
	}
	for i := range len(challenge) {
		if c := challenge[i]; !alphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// VerifyChallenge reports whether verifier is well-formed (43 to 128 unreserved characters) and the one
// that challenge was made of, in constant time. It does not allocate.
func VerifyChallenge(want, verifier string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	for i := range len(verifier) {
		if c := verifier[i]; !alphanumeric(c) && c != '-' && c != '_' && c != '.' && c != '~' {
			return false
		}
	}
	have := challenge(verifier)
	return subtle.ConstantTimeCompare(have[:], unsafe.Slice(unsafe.StringData(want), len(want))) == 1 // #nosec G103 -- read only
}

func challenge(verifier string) (c [43]byte) {
	sum := sha256.Sum256(unsafe.Slice(unsafe.StringData(verifier), len(verifier))) // #nosec G103 -- read only
	base64.RawURLEncoding.Encode(c[:], sum[:])
	return c
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
