package resource

import (
	"errors"
	"fmt"
	"strings"
)

// Cognito takes access tokens of a user pool of Amazon Cognito. They name no audience unless the client asked for a resource; what says for
// whom they are is the client, so that Clients is required. One that does name an audience must name Config.Audience.
//
// The claim token_use tells an access token from an ID token. Refresh tokens are encrypted and no JWTs that anybody could verify. Groups of the pool
// (cognito:groups) are both groups and roles. A token of a client that acts for itself (sub is client_id) has no subject.
type Cognito struct {
	// UserPool is the pool's id, which begins with its region: eu-central-1_AbCdEfGhI. Required.
	UserPool string
	// Clients are the app clients whose tokens this API takes. Required.
	Clients []string
	// JWT has what else may be set, such as Keys, Leeway and Remember. What is zero is as Cognito needs it.
	JWT JWT
}

// Open implements [Verifier].
func (p Cognito) Open(s Settings) (Opened, error) {
	issuer := p.JWT.Issuer
	if issuer == "" {
		region, _, ok := strings.Cut(p.UserPool, "_")
		if pool, err := segmentOf("Cognito.UserPool", p.UserPool, "eu-central-1_AbCdEfGhI"); err != nil {
			return Opened{}, err
		} else if !ok || region == "" || strings.ContainsAny(region, ".:@") {
			return Opened{}, fmt.Errorf("Cognito.UserPool is %q: use the pool's id with its region, for example eu-central-1_AbCdEfGhI", pool)
		}
		issuer = "https://cognito-idp." + region + ".amazonaws.com/" + p.UserPool
	}
	if len(p.Clients) == 0 {
		return Opened{}, errors.New("Cognito.Clients is empty: name the app clients of this API, because access tokens of a pool name no audience")
	}
	groups := []string{"cognito:groups"}
	return p.JWT.fill(JWT{Issuer: issuer, RolesClaims: groups, GroupsClaims: groups, Algs: rs256()}).open(s, dialect{
		lacksAudience: true,
		kind: func(c *claims) error {
			if use := c.text("token_use"); use != "access" {
				return fmt.Errorf("token_use is %.20q, want access: have the client send the access token", use)
			}
			if id := c.text("client_id"); !oneOf(p.Clients, id) {
				return fmt.Errorf("client_id is %.80q, which is not among Cognito.Clients", id)
			}
			return idToken(c)
		},
	})
}

var _ Verifier = Cognito{}
