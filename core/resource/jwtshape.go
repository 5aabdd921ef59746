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

// unverifiedIssuer returns what a JWT claims to come from: good for choosing who verifies it, and for nothing else.
func unverifiedIssuer(raw string) string {
	_, rest, _ := strings.Cut(raw, ".")
	payload, _, _ := strings.Cut(rest, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return ""
	}
	var buffer [24]jose.Member
	members, err := jose.ParseMembers(decoded, buffer[:0])
	if err != nil {
		return ""
	}
	iss, _ := members.Find("iss")
	issuer, _ := jose.Text(iss)
	return issuer
}
