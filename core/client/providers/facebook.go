package providers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// graphVersion is the version of the Graph API. Each lives for two years at least.
const graphVersion = "v25.0"

// Facebook is Facebook Login (https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow) with version 25.0 of the
// Graph API: for another one change AuthURL, TokenURL and APIURL.
//
// Scopes are separated by commas. Errors are objects with a type, a message and a number. Subject is the user's id for this application
// alone. Users without an e-mail address have none, and nothing says that one is verified. There is no refresh token, but a token lives for about two
// months. With a secret each call has appsecret_proof, so that the application can be set to require it. With a token all is revoked that
// the user has granted.
func Facebook(c client.Credentials) client.OAuth2 {
	c.Method = orPost(c)
	return client.OAuth2{
		Name: "facebook", Credentials: c,
		AuthURL: "https://www.facebook.com/" + graphVersion + "/dialog/oauth", TokenURL: "https://graph.facebook.com/" + graphVersion + "/oauth/access_token",
		APIURL: "https://graph.facebook.com/" + graphVersion + "/",
		Scopes: []string{"public_profile", "email"}, ScopeSeparator: ",",
		BeforeCall: secretProof(c.Secret),
		RevocationRequest: func(c client.Credentials, tok *oauth2.Token) (*mandate.FetchRequest, error) {
			r := &mandate.FetchRequest{Method: http.MethodDelete, URL: "me/permissions", Header: bearer(tok)}
			if c.Secret != "" {
				r.URL += "?appsecret_proof=" + proof(c.Secret, tok.AccessToken)
			}
			return r, nil
		},
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			var raw map[string]any
			if err := g.JSON(ctx, "me?fields=id,name,email,picture.type(large)", &raw); err != nil {
				return client.Profile{}, err
			}
			return client.Profile{
				Subject: text(raw, "id"), Name: text(raw, "name"), Email: text(raw, "email"), Picture: text(raw, "picture", "data", "url"), Raw: raw,
			}, nil
		},
	}
}

// secretProof proves with each call that who has the token has the secret, too: a token that was stolen alone is of no use then.
func secretProof(secret string) func(r *http.Request) error {
	if secret == "" {
		return nil
	}
	return func(r *http.Request) error {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return nil
		}
		query := r.URL.Query()
		query.Set("appsecret_proof", proof(secret, token))
		r.URL.RawQuery = query.Encode()
		return nil
	}
}

func proof(secret, token string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}
