package providers

import "github.com/go-mandate/mandate/core/client"

// Yahoo is Yahoo (https://developer.yahoo.com/oauth2/guide/openid_connect/). The application needs the permission "OpenID Connect", with e-mail and
// profile ticked where they are wanted.
//
// The ID token has the subject alone, the profile is that of the user info. Codes of errors are in capital letters. A refresh token comes with each
// login. Its metadata names the revocation endpoint in a way of its own.
func Yahoo(c client.Credentials) client.OpenID {
	c.Method = orPost(c)
	return client.OpenID{
		Name: "yahoo", Credentials: c, Scopes: standard(), Issuer: "https://api.login.yahoo.com", RevocationURL: "https://api.login.yahoo.com/oauth2/revoke",
	}
}
