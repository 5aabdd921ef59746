package resource

import (
	"fmt"
)

// Auth0 takes access tokens of a tenant of Auth0, of both profiles ("auth0" and "rfc9068"). Config.Audience is the identifier of the API
// there. The permissions of role-based access control are what mandate.Entitlement asks.
//
// An access token names the client in azp or client_id, and has none of nonce, at_hash and c_hash, which mark an ID token. Refresh
// tokens, and access tokens that were asked for without an audience, are not JWTs that anybody could verify. A token of a machine
// (sub is the client with "@clients") has no subject.
type Auth0 struct {
	// Domain is the tenant's domain, or its custom one: shop.eu.auth0.com. Required.
	Domain string
	// Organization, where it is set, is the one organization (org_id) whose tokens are taken.
	Organization string
	// JWT has what else may be set, such as Keys, Leeway and Remember. What is zero is as Auth0 needs it.
	JWT JWT
}

// Open implements [Verifier].
func (a Auth0) Open(s Settings) (Opened, error) {
	issuer := a.JWT.Issuer
	if issuer == "" {
		host, err := hostOf("Auth0.Domain", a.Domain, "shop.eu.auth0.com")
		if err != nil {
			return Opened{}, err
		}
		issuer = "https://" + host + "/"
	}
	return a.JWT.fill(JWT{
		Issuer: issuer, MayLack: []string{"jti"}, ClientClaims: []string{"azp", "client_id"}, EntitlementsClaims: []string{"permissions"}, Algs: rs256(),
	}).open(s, dialect{
		kind: func(c *claims) error {
			if org := c.text("org_id"); a.Organization != "" && org != a.Organization {
				return fmt.Errorf("org_id is %.80q, want %q", org, a.Organization)
			}
			return idToken(c)
		},
		machine: func(c *claims, client string) bool {
			return c.Subject == client+"@clients" // no user's: those begin with a connection and "|"
		},
	})
}

var _ Verifier = Auth0{}
