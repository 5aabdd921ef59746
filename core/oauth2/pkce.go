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

// What a challenge and a verifier may have. A look-up has one outcome as long as they are good, which a processor learns to foresee: comparisons of
// random characters have many.
//
//nolint:gochecknoglobals // constants by nature
var (
	challengeSet = setOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
	verifierSet  = setOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
)

func setOf(chars string) (set [256]bool) {
	for i := range len(chars) {
		set[chars[i]] = true
	}
	return set
}

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
		if !challengeSet[challenge[i]] {
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
		if !verifierSet[verifier[i]] {
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
