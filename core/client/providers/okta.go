package providers

import "github.com/go-mandate/mandate/core/client"

// Okta is the organization of Okta (https://developer.okta.com/docs/reference/api/oidc/) at domain: "acme.okta.com". With the path of a custom
// authorization server it is that one: "acme.okta.com/oauth2/default".
//
// The ID token has little but the subject, the profile is that of the user info. The administrators of the organization say whether an address is
// verified. A refresh token comes with the scope offline_access.
func Okta(domain string, c client.Credentials) client.OpenID {
	return client.OpenID{Name: "okta", Credentials: c, Scopes: standard(), Issuer: site(domain)}
}
