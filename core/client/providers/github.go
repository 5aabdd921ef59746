package providers

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/endpoints"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// GitHub is GitHub (https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps), for OAuth apps and for
// GitHub Apps, whose scopes are ignored there. An OAuth app has one callback URL; a callback below it will do. For a GitHub Enterprise
// Server change the URLs.
//
// Errors of the token endpoint come with the status 200. Scopes are granted as a list with commas. The e-mail address of the public profile may be
// empty, so that the profile has the primary one of user/emails, which GitHub may have verified; without the scope user:email it has the
// public one. Tokens of OAuth apps do not expire.
func GitHub(c client.Credentials) client.OAuth2 {
	c.Method = orPost(c)
	return client.OAuth2{
		Name: "github", Credentials: c,
		AuthURL: endpoints.GitHub.AuthURL, TokenURL: endpoints.GitHub.TokenURL, DeviceURL: endpoints.GitHub.DeviceAuthURL,
		APIURL: "https://api.github.com/",
		Scopes: []string{"read:user", "user:email"},
		BeforeCall: func(r *http.Request) error {
			if r.Header.Get("X-GitHub-Api-Version") == "" {
				r.Header.Set("X-GitHub-Api-Version", "2022-11-28")
			}
			return nil
		},
		RevocationRequest: func(c client.Credentials, tok *oauth2.Token) (*mandate.FetchRequest, error) {
			body, err := json.Marshal(map[string]string{"access_token": tok.AccessToken})
			return &mandate.FetchRequest{
				Method: http.MethodDelete, URL: "applications/" + url.PathEscape(c.ID) + "/token", Body: string(body),
				Header: mandate.Fields{
					{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(c.ID+":"+c.Secret))},
					{Name: "Content-Type", Value: "application/json"},
				},
			}, err
		},
		Profile: gitHubProfile,
	}
}

func gitHubProfile(ctx context.Context, g *client.Granted) (client.Profile, error) {
	var raw map[string]any
	if err := g.JSON(ctx, "user", &raw); err != nil {
		return client.Profile{}, err
	}
	p := client.Profile{
		Subject: text(raw, "id"), Name: text(raw, "name"), Username: text(raw, "login"), Email: text(raw, "email"), Picture: text(raw, "avatar_url"), Raw: raw,
	}
	var emails []struct {
		Email             string `json:"email"`
		Primary, Verified bool
	}
	err := g.JSON(ctx, "user/emails", &emails)
	if e, ok := errors.AsType[*client.Error](err); ok && (e.Status == http.StatusNotFound || e.Status == http.StatusForbidden && !limited(e)) {
		return p, nil // the scope is missing
	}
	for _, e := range emails {
		if e.Primary {
			p.Email, p.EmailVerified = e.Email, e.Verified
		}
	}
	return p, err
}

// limited reports whether GitHub refuses for the number of calls, which it also does with 403.
func limited(e *client.Error) bool {
	return contains(e.Description, "rate limit")
}
