package oidc

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"

	"github.com/go-mandate/mandate/core/jose"
)

// Hash returns the at_hash or c_hash of a token or code: the left half of its digest, by the hash of the ID token's algorithm, in base64url (OpenID
// Connect Core, section 3.1.3.6). That of EdDSA is SHA-512, as Ed25519 has it. "" means that the algorithm is not known.
func Hash(alg jose.Alg, value string) string {
	switch alg {
	case jose.RS256, jose.PS256, jose.ES256, jose.HS256:
		sum := sha256.Sum256([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	case jose.RS384, jose.PS384, jose.ES384, jose.HS384:
		sum := sha512.Sum384([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	case jose.RS512, jose.PS512, jose.ES512, jose.HS512, jose.EdDSA:
		sum := sha512.Sum512([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	return ""
}
