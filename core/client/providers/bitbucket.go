package providers

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/oauth2/endpoints"

	"github.com/go-mandate/mandate/core/client"
)

// Bitbucket is Bitbucket Cloud (https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/). What the consumer may do is set in
// the workspace that has it; the scopes that are asked for must be among that.
//
// Subject is the uuid with its braces. E-mail addresses are at user/emails, where Bitbucket says which one is the primary and whether it
// is confirmed; without the scope email there is none. A token lives for two hours, and is renewed. There is no revocation.
func Bitbucket(c client.Credentials) client.OAuth2 {
	return client.OAuth2{
		Name: "bitbucket", Credentials: c,
		AuthURL: endpoints.Bitbucket.AuthURL, TokenURL: endpoints.Bitbucket.TokenURL,
		APIURL: "https://api.bitbucket.org/2.0/",
		Scopes: []string{"account", "email"},
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			var raw map[string]any
			if err := g.JSON(ctx, "user", &raw); err != nil {
				return client.Profile{}, err
			}
			p := client.Profile{
				Subject: text(raw, "uuid"), Name: text(raw, "display_name"), Username: text(raw, "nickname"), Picture: text(raw, "links", "avatar", "href"), Raw: raw,
			}
			var emails struct {
				Values []struct {
					Email     string `json:"email"`
					Primary   bool   `json:"is_primary"`
					Confirmed bool   `json:"is_confirmed"`
				} `json:"values"`
			}
			err := g.JSON(ctx, "user/emails", &emails)
			if e, ok := errors.AsType[*client.Error](err); ok && e.Status == http.StatusForbidden {
				return p, nil // the scope is missing
			}
			for _, e := range emails.Values {
				if e.Primary {
					p.Email, p.EmailVerified = e.Email, e.Confirmed
				}
			}
			return p, err
		},
	}
}
