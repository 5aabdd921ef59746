package providers

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// Weibo is Sina Weibo (https://open.weibo.com/wiki/Connect/login). The App Key is the client id. The callback is set among the application's advanced
// settings, and compared as it stands.
//
// The token goes into the Authorization header as "OAuth2 <token>". Its answer names no type, and has the user's uid, with which the profile
// is asked for. There are no refresh tokens for websites; a token lives for a day or more, as the application is trusted. An e-mail
// address takes the scope email, a permission of its own and another call.
func Weibo(c client.Credentials) client.OAuth2 {
	c.Method = orPost(c)
	return client.OAuth2{
		Name: "weibo", Credentials: c,
		AuthURL: "https://api.weibo.com/oauth2/authorize", TokenURL: "https://api.weibo.com/oauth2/access_token",
		APIURL: "https://api.weibo.com/2/", APIContentType: "application/json",
		ScopeSeparator: ",",
		BeforeCall: func(r *http.Request) error {
			if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
				r.Header.Set("Authorization", "OAuth2 "+token)
			}
			return nil
		},
		RevocationRequest: func(_ client.Credentials, tok *oauth2.Token) (*mandate.FetchRequest, error) {
			return &mandate.FetchRequest{
				Method: http.MethodPost, URL: "https://api.weibo.com/oauth2/revokeoauth2", Body: url.Values{"access_token": {tok.AccessToken}}.Encode(),
				Header: mandate.Fields{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}},
			}, nil
		},
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			var raw map[string]any
			if err := g.JSON(ctx, "users/show.json?uid="+url.QueryEscape(extra(g, "uid")), &raw); err != nil {
				return client.Profile{}, err
			}
			return client.Profile{
				Subject: text(raw, "id"), Name: text(raw, "name"), Username: text(raw, "screen_name"), Picture: text(raw, "avatar_large"),
				Locale: text(raw, "lang"), Raw: raw,
			}, nil
		},
	}
}
