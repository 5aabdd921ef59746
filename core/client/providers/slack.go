package providers

import (
	"context"

	"github.com/go-mandate/mandate/core/client"
)

// Slack is Sign in with Slack (https://docs.slack.dev/authentication/sign-in-with-slack). It signs users in and does nothing else: an app that
// works in a workspace is installed with Slack's own OAuth 2, whose scopes do not mix with these.
//
// Errors come with the status 200. The subject is the id of the user, who belongs to one workspace: its id is the claim
// "https://slack.com/team_id" in Raw, for an application that is open to the users of one alone. To ask for one set "team" in AuthParams, and check the claim.
func Slack(c client.Credentials) client.OpenID {
	c.Method = orPost(c)
	return client.OpenID{
		Name: "slack", Credentials: c, Scopes: standard(), Issuer: "https://slack.com", APIURL: "https://slack.com/api/",
		Profile: func(_ context.Context, g *client.Granted) (client.Profile, error) {
			p := client.ProfileOf(g.Claims())
			if p.Picture == "" { // user info has it
				p.Picture = text(p.Raw, "https://slack.com/user_image_512")
			}
			return p, nil
		},
	}
}
