package providers

import (
	"context"

	"golang.org/x/oauth2/endpoints"

	"github.com/go-mandate/mandate/core/client"
)

// Zoom is Zoom (https://developers.zoom.us/docs/integrations/oauth/), for a general app that users manage. Its scopes are set where it is registered;
// the profile takes user:read:user.
//
// A token lives for an hour, and is renewed; each refresh token is good once. The profile says with a number whether the e-mail address is
// verified.
func Zoom(c client.Credentials) client.OAuth2 {
	return client.OAuth2{
		Name: "zoom", Credentials: c,
		AuthURL: endpoints.Zoom.AuthURL, TokenURL: endpoints.Zoom.TokenURL, RevocationURL: "https://zoom.us/oauth/revoke",
		APIURL: "https://api.zoom.us/v2/",
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			var raw map[string]any
			if err := g.JSON(ctx, "users/me", &raw); err != nil {
				return client.Profile{}, err
			}
			p := client.Profile{
				Subject: text(raw, "id"), Name: text(raw, "display_name"), Email: text(raw, "email"), EmailVerified: text(raw, "verified") == "1",
				Picture: text(raw, "pic_url"), Locale: text(raw, "language"), Raw: raw,
			}
			if p.Name == "" {
				p.Name = join(text(raw, "first_name"), text(raw, "last_name"))
			}
			return p, nil
		},
	}
}
