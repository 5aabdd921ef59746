package providers

import (
	"context"

	"github.com/go-mandate/mandate/core/client"
)

// Douban is Douban (https://developers.douban.com/wiki/?title=oauth2). The API key is the client id.
//
// Scopes are separated by commas, and so they are granted. Errors are a number and a word in members of Douban's own. There are no e-mail
// addresses, and no revocation. Before an application is approved it signs in the users it names for tests alone.
func Douban(c client.Credentials) client.OAuth2 {
	c.Method = orPost(c)
	return client.OAuth2{
		Name: "douban", Credentials: c,
		AuthURL: "https://www.douban.com/service/auth2/auth", TokenURL: "https://www.douban.com/service/auth2/token",
		APIURL: "https://api.douban.com/v2/",
		Scopes: []string{"douban_basic_common"}, ScopeSeparator: ",",
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			var raw map[string]any
			if err := g.JSON(ctx, "user/~me", &raw); err != nil {
				return client.Profile{}, err
			}
			picture := text(raw, "large_avatar")
			if picture == "" {
				picture = text(raw, "avatar")
			}
			return client.Profile{Subject: text(raw, "id"), Name: text(raw, "name"), Username: text(raw, "uid"), Picture: picture, Raw: raw}, nil
		},
	}
}
