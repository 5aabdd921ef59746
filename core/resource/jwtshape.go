package resource

import (
	"encoding/base64"
	"encoding/json"
	"strings"
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
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(decoded, &claims) != nil {
		return ""
	}
	return claims.Issuer
}
