package providers

import (
	"context"
	"slices"

	"golang.org/x/oauth2/endpoints"

	"github.com/go-mandate/mandate/core/client"
)

// X is X, once Twitter, with OAuth 2 (https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code). Credentials are the OAuth 2 client
// id and secret, which are others than the API key; without a secret the app must be registered as a public one.
//
// A token lives for two hours; with the scope offline.access there is a refresh token. Calls answer {"data": ...}. The e-mail address takes the scope
// users.email, and that the application is set to ask for it; it is one that X has confirmed.
func X(c client.Credentials) client.OAuth2 {
	return client.OAuth2{
		Name: "x", Credentials: c,
		AuthURL: endpoints.X.AuthURL, TokenURL: endpoints.X.TokenURL, RevocationURL: "https://api.x.com/2/oauth2/revoke",
		APIURL: "https://api.x.com/2/",
		Scopes: []string{"users.read", "tweet.read"}, // users/me takes both
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			fields := "profile_image_url"
			if slices.Contains(client.Scopes(g.Token), "users.email") {
				fields += ",confirmed_email"
			}
			var answer struct {
				Data map[string]any `json:"data"`
			}
			if err := g.JSON(ctx, "users/me?user.fields="+fields, &answer); err != nil {
				return client.Profile{}, err
			}
			raw := answer.Data
			email := text(raw, "confirmed_email")
			return client.Profile{
				Subject: text(raw, "id"), Name: text(raw, "name"), Username: text(raw, "username"), Email: email, EmailVerified: email != "",
				Picture: text(raw, "profile_image_url"), Raw: raw,
			}, nil
		},
	}
}
