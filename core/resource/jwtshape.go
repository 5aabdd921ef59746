package resource

import (
	"encoding/base64"
	"strings"

	"github.com/go-mandate/mandate/core/jose"
)

// jwtShaped reports whether raw looks like a signed JWT: three parts, the first of which begins a JSON object. It does not
// allocate.
func jwtShaped(raw string) bool {
	return strings.HasPrefix(raw, "eyJ") && strings.Count(raw, ".") == 2
}

// issuerOf returns what raw claims to come from, if it is a JWT, and otherwise "".
func issuerOf(raw string) string {
	if !jwtShaped(raw) {
		return ""
	}
	return unverifiedIssuer(raw)
}

// unverifiedIssuer returns what a JWT claims to come from: good for choosing who verifies it, and for nothing else.
func unverifiedIssuer(raw string) string {
	_, rest, _ := strings.Cut(raw, ".")
	payload, _, _ := strings.Cut(rest, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return ""
	}
	iss, _ := jose.Peek(decoded, "iss")
	issuer, _ := jose.Text(iss)
	return issuer
}
