package providers

import (
	"context"
	"net/http"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// Twitch is Twitch (https://dev.twitch.tv/docs/authentication/getting-tokens-oidc/).
//
// The ID token has what the parameter claims asks for, which is all there is; e-mail takes the scope user:read:email besides. The name is the one that
// is shown, and may change. Scopes are granted as a list, errors of the token endpoint have a message and no code. Calls of the API carry the client
// id. Access tokens are revoked with a POST of client_id and token to https://id.twitch.tv/oauth2/revoke, which is not RFC 7009.
func Twitch(c client.Credentials) client.OpenID {
	c.Method = orPost(c)
	return client.OpenID{
		Name: "twitch", Credentials: c, Issuer: "https://id.twitch.tv/oauth2",
		Scopes:     []string{"openid", "user:read:email"},
		AuthParams: mandate.Params{{Name: "claims", Value: `{"id_token":{"email":null,"email_verified":null,"picture":null,"preferred_username":null}}`}},
		APIURL:     "https://api.twitch.tv/helix/",
		BeforeCall: func(r *http.Request) error {
			if r.Header.Get("Client-Id") == "" {
				r.Header.Set("Client-Id", c.ID)
			}
			return nil
		},
		Profile: func(_ context.Context, g *client.Granted) (client.Profile, error) {
			p := client.ProfileOf(g.IDToken)
			p.Name = p.Username
			return p, nil
		},
	}
}
