package providers

import (
	"context"
	"net/http"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/endpoints"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// Dropbox is Dropbox (https://developers.dropbox.com/oauth-guide). Its API is called with POST, and takes no body for none.
//
// Tokens live for four hours. For a refresh token add the parameter token_access_type=offline to AuthParams. The profile says whether the
// e-mail address is verified. Revoking takes a token that has not run out.
func Dropbox(c client.Credentials) client.OAuth2 {
	return client.OAuth2{
		Name: "dropbox", Credentials: c,
		AuthURL: endpoints.Dropbox.AuthURL, TokenURL: endpoints.Dropbox.TokenURL,
		APIURL: "https://api.dropboxapi.com/2/", APIAllowed: []string{"https://content.dropboxapi.com"},
		Scopes: []string{"account_info.read"},
		RevocationRequest: func(_ client.Credentials, tok *oauth2.Token) (*mandate.FetchRequest, error) {
			return &mandate.FetchRequest{Method: http.MethodPost, URL: "auth/token/revoke", Header: bearer(tok)}, nil
		},
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			raw, err := object(ctx, g, client.Call{Method: http.MethodPost, URL: "users/get_current_account"})
			return client.Profile{
				Subject: text(raw, "account_id"), Name: text(raw, "name", "display_name"), Email: text(raw, "email"), EmailVerified: raw["email_verified"] == true,
				Picture: text(raw, "profile_photo_url"), Locale: text(raw, "locale"), Raw: raw,
			}, err
		},
	}
}
