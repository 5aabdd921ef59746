package providers

import (
	"context"

	"github.com/go-mandate/mandate/core/client"
)

// Twitter is X with OAuth 1.0a (https://docs.x.com/fundamentals/authentication/oauth-1-0a/obtaining-user-access-tokens). Credentials are the API key and its
// secret. The callback must be on the application's list to the byte.
//
// Who has allowed the application before is not asked again: with AuthURL ending in /oauth/authorize he always is. The credentials have no end. The
// e-mail address is there if the application is set to ask for it and X has confirmed it. The answer's user_id and screen_name are among
// [client.OAuth1Token.Extra]. For OAuth 2 see [X].
func Twitter(c client.Credentials) client.OAuth1 {
	return client.OAuth1{
		Name: "twitter", Credentials: c,
		RequestTokenURL: "https://api.x.com/oauth/request_token", AuthURL: "https://api.x.com/oauth/authenticate", TokenURL: "https://api.x.com/oauth/access_token",
		APIURL: "https://api.x.com/1.1/",
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			var raw map[string]any
			if err := g.JSON(ctx, "account/verify_credentials.json?include_email=true&include_entities=false&skip_status=true", &raw); err != nil {
				return client.Profile{}, err
			}
			email := text(raw, "email") // null unless it is confirmed
			return client.Profile{
				Subject: text(raw, "id_str"), Name: text(raw, "name"), Username: text(raw, "screen_name"), Email: email, EmailVerified: email != "",
				Picture: text(raw, "profile_image_url_https"), Locale: text(raw, "lang"), Raw: raw,
			}, nil
		},
	}
}
