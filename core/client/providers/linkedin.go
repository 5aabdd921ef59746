package providers

import (
	"context"
	"strings"

	"github.com/go-mandate/mandate/core/client"
)

// LinkedIn is Sign In with LinkedIn using OpenID Connect (https://learn.microsoft.com/en-us/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2):
// the application needs that product.
//
// LinkedIn knows neither of the two things that keep a stolen code from being brought into another login: its ID tokens have no nonce, and
// its token endpoint refuses requests with PKCE as if the secret were wrong. So this app does without both, by name; state and the cookie of the
// login stay. A nonce that is there has to be right. Refresh tokens are for partners. Access tokens are revoked with a POST of client_id, client_secret and
// token to https://www.linkedin.com/oauth/v2/revoke, which is not RFC 7009. The locale of user info is an object.
func LinkedIn(c client.Credentials) client.OpenID {
	c.Method = orPost(c)
	return client.OpenID{
		Name: "linkedin", Credentials: c, Scopes: standard(), Issuer: "https://www.linkedin.com/oauth",
		InsecureNoPKCE: true, InsecureNonceOptional: true, APIURL: "https://api.linkedin.com/v2/",
		Profile: func(_ context.Context, g *client.Granted) (client.Profile, error) {
			claims := g.Claims()
			p := client.ProfileOf(claims)
			if locale, ok := claims["locale"].(map[string]any); ok {
				p.Locale = text(locale, "language")
				if country := text(locale, "country"); country != "" {
					p.Locale += "-" + country
				}
			}
			p.Locale = strings.ReplaceAll(p.Locale, "_", "-")
			return p, nil
		},
	}
}
