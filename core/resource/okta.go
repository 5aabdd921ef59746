package resource

import (
	"errors"
	"strings"
)

// Okta takes access tokens of an authorization server of Okta. Those of the organization's own server are for Okta itself and cannot
// be verified by others: an API needs a custom one, of which every organization has "default" from the beginning.
//
// An access token names the client in cid, which no ID token does; the jti of an ID token begins with "ID.". Refresh tokens are not
// JWTs. A token of a client that acts for itself (sub is cid) has no subject.
type Okta struct {
	// Domain is the organization's domain, or its custom one: shop.okta.com. Required.
	Domain string
	// Server is the authorization server's id. Default: default.
	Server string
	// JWT has what else may be set, such as Keys, Leeway and Remember. What is zero is as Okta needs it.
	JWT JWT
}

// Open implements [Verifier].
func (o Okta) Open(s Settings) (Opened, error) {
	issuer := o.JWT.Issuer
	if issuer == "" {
		host, err := hostOf("Okta.Domain", o.Domain, "shop.okta.com")
		if err != nil {
			return Opened{}, err
		}
		if o.Server == "" {
			o.Server = "default"
		}
		server, err := segmentOf("Okta.Server", o.Server, "default")
		if err != nil {
			return Opened{}, err
		}
		issuer = "https://" + host + "/oauth2/" + server
	}
	return o.JWT.fill(JWT{Issuer: issuer, ScopeClaims: []string{"scp"}, ClientClaims: []string{"cid"}, Algs: rs256()}).open(s, dialect{
		kind: func(c *claims) error {
			if strings.HasPrefix(c.ID, "ID.") {
				return errors.New("its jti begins with ID., so that it is an ID token: have the client send the access token")
			}
			return idToken(c)
		},
	})
}

var _ Verifier = Okta{}
