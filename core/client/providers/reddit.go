package providers

import (
	"context"
	"html"
	"net/http"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// Reddit is Reddit (https://github.com/reddit-archive/reddit/wiki/OAuth2), for an application of the type "web app". userAgent names this one in each
// request, as Reddit demands: "web:com.example.shop:v1.2 (by /u/someone)"; what is not told apart by it is limited or refused.
//
// A login asks for duration=permanent, and so for a refresh token: take the parameter out of AuthParams where an hour is enough. Refused
// codes come with the status 200. There are no e-mail addresses.
func Reddit(userAgent string, c client.Credentials) client.OAuth2 {
	return client.OAuth2{
		Name: "reddit", Credentials: c,
		AuthURL: "https://www.reddit.com/api/v1/authorize", TokenURL: "https://www.reddit.com/api/v1/access_token",
		RevocationURL: "https://www.reddit.com/api/v1/revoke_token",
		TokenHeader:   mandate.Fields{{Name: "User-Agent", Value: userAgent}},
		APIURL:        "https://oauth.reddit.com/",
		Scopes:        []string{"identity"},
		AuthParams:    mandate.Params{{Name: "duration", Value: "permanent"}},
		BeforeCall: func(r *http.Request) error {
			r.Header.Set("User-Agent", userAgent)
			return nil
		},
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			var raw map[string]any
			if err := g.JSON(ctx, "api/v1/me", &raw); err != nil {
				return client.Profile{}, err
			}
			return client.Profile{
				Subject: text(raw, "id"), Name: text(raw, "name"), Username: text(raw, "name"),
				Picture: html.UnescapeString(text(raw, "icon_img")), Raw: raw, // Reddit escapes it
			}, nil
		},
	}
}
