package providers

import (
	"context"

	"golang.org/x/oauth2/endpoints"

	"github.com/go-mandate/mandate/core/client"
)

// Amazon is Login with Amazon (https://developer.amazon.com/docs/login-with-amazon/authorization-code-grant.html) for North America: elsewhere change
// TokenURL and APIURL, to api.amazon.co.uk or api.amazon.co.jp. The callback must be among the allowed return URLs.
//
// Subject is the user's id for this developer's account alone. Nothing says that the e-mail address is verified. There is no revocation.
func Amazon(c client.Credentials) client.OAuth2 {
	c.Method = orPost(c)
	return client.OAuth2{
		Name: "amazon", Credentials: c,
		AuthURL: endpoints.Amazon.AuthURL, TokenURL: endpoints.Amazon.TokenURL,
		APIURL: "https://api.amazon.com/",
		Scopes: []string{"profile"},
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			var raw map[string]any
			if err := g.JSON(ctx, "user/profile", &raw); err != nil {
				return client.Profile{}, err
			}
			return client.Profile{Subject: text(raw, "user_id"), Name: text(raw, "name"), Email: text(raw, "email"), Raw: raw}, nil
		},
	}
}
