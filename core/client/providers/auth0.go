package providers

import "github.com/go-mandate/mandate/core/client"

// Auth0 is the tenant of Auth0 (https://auth0.com/docs/api/authentication) at domain, its own or a custom one: "acme.eu.auth0.com". The
// issuer ends in a slash.
//
// The profile is that of the ID token: user info has no more, and Auth0 counts who asks for it. A refresh token comes with the scope
// offline_access. An access token for an API takes the parameter audience, in AuthParams. Applications authenticate with post unless they are set up
// otherwise: then say so in Credentials.Method.
func Auth0(domain string, c client.Credentials) client.OpenID {
	c.Method = orPost(c)
	return client.OpenID{Name: "auth0", Credentials: c, Scopes: standard(), Issuer: site(domain) + "/"}
}
