package providers

import (
	"context"
	"fmt"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// Google is Google (https://developers.google.com/identity/openid-connect/openid-connect).
//
// The profile is that of the ID token, which has all that the scopes ask for. The scopes have their long names, because Google grants them by
// these. A refresh token comes where AuthParams has access_type=offline, and at a user's second login only where it has prompt=consent, too. Google
// vouches for addresses at gmail.com and for those of a Workspace (the claim "hd" in Raw); others were verified once. For the users of one
// Workspace see [GoogleWorkspace].
func Google(c client.Credentials) client.OpenID {
	c.Method = orPost(c)
	return client.OpenID{
		Name: "google", Credentials: c, Issuer: "https://accounts.google.com",
		Scopes: []string{"openid", "https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/userinfo.profile"},
		APIURL: "https://www.googleapis.com/",
	}
}

// GoogleWorkspace is [Google] for the users of the Workspace with this domain alone: all others are [client.Denied]. The parameter that Google's
// page goes by is no more than a hint, which users can change: the ID token decides.
func GoogleWorkspace(domain string, c client.Credentials) client.OpenID {
	app := Google(c)
	app.AuthParams = mandate.Params{{Name: "hd", Value: domain}}
	app.Profile = func(_ context.Context, g *client.Granted) (client.Profile, error) {
		if hd := text(g.IDToken, "hd"); hd != domain || domain == "" {
			return client.Profile{}, &client.Error{Kind: client.Denied, Cause: fmt.Errorf("the user is of the domain %.200q, want %q", hd, domain)}
		}
		return client.ProfileOf(g.Claims()), nil
	}
	return app
}
