package providers

import (
	"context"
	"strings"

	"github.com/go-mandate/mandate/core/client"
)

// Cognito is a user pool of Amazon Cognito (https://docs.aws.amazon.com/cognito/latest/developerguide/) with managed login. Its id begins with the
// region: "eu-west-1_AbCdEf123". The domain of the pool is found by itself.
//
// The profile is that of the ID token. The username is the claim "cognito:username"; it need not be one that people know. An address is
// verified where the pool had the user confirm it, or an administrator or another provider behind the pool said so: as far as these are
// trusted. Of other clouds (China, GovCloud) set Issuer.
func Cognito(userPoolID string, c client.Credentials) client.OpenID {
	issuer := userPoolID // which is no URL, as the registry will say
	if region, _, ok := strings.Cut(userPoolID, "_"); ok && region != "" {
		issuer = "https://cognito-idp." + region + ".amazonaws.com/" + userPoolID
	}
	return client.OpenID{
		Name: "cognito", Credentials: c, Scopes: standard(), Issuer: issuer,
		Profile: func(_ context.Context, g *client.Granted) (client.Profile, error) {
			p := client.ProfileOf(g.Claims())
			if p.Username == "" {
				p.Username = text(g.IDToken, "cognito:username")
			}
			return p, nil
		},
	}
}
