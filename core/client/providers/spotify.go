package providers

import (
	"context"

	"golang.org/x/oauth2/endpoints"

	"github.com/go-mandate/mandate/core/client"
)

// Spotify is Spotify (https://developer.spotify.com/documentation/web-api/tutorials/code-flow). Callbacks are https, or http on 127.0.0.1 or [::1]:
// localhost is refused.
//
// An application in development mode signs in the users on its list; others are refused at the profile with 403. The e-mail address is one that
// Spotify has not verified, as its documentation says. A token lives for an hour, and is renewed. There is no revocation.
func Spotify(c client.Credentials) client.OAuth2 {
	return client.OAuth2{
		Name: "spotify", Credentials: c,
		AuthURL: endpoints.Spotify.AuthURL, TokenURL: endpoints.Spotify.TokenURL,
		APIURL: "https://api.spotify.com/v1/",
		Scopes: []string{"user-read-email", "user-read-private"},
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			var raw map[string]any
			if err := g.JSON(ctx, "me", &raw); err != nil {
				return client.Profile{}, err
			}
			p := client.Profile{Subject: text(raw, "id"), Name: text(raw, "display_name"), Email: text(raw, "email"), Raw: raw}
			if images, ok := raw["images"].([]any); ok && len(images) > 0 {
				first, _ := images[0].(map[string]any)
				p.Picture = text(first, "url")
			}
			return p, nil
		},
	}
}
