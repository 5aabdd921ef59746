package oauth2

import (
	"fmt"
	"net/url"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// SameResource is [mandate.SameResource].
func SameResource(a, b string) bool { return mandate.SameResource(a, b) }

// GrantClaim is the private claim in which this library's JWT access tokens name the grant that they stand under, by its
// public id: what lets a guard that shares the server's store see that the grant was revoked.
const GrantClaim = "grant"

// CheckResource returns why uri is no resource indicator, or nil: it must be absolute and without
// fragment (RFC 8707, section 2).
func CheckResource(uri string) error {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || strings.Contains(uri, "#") || strings.ContainsAny(uri, " \"\\") || len(uri) > maxURI {
		return fmt.Errorf("resource %q is not an absolute URI without fragment", uri)
	}
	return nil
}
