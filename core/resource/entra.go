package resource

import (
	"errors"
	"fmt"
	"strings"
)

// Entra takes access tokens of a tenant of Microsoft Entra ID (Azure AD). Config.Audience is what the tokens of this API say: its client
// id (a GUID) in version 2, usually its application ID URI (api://...) in version 1.
//
// An access token names the client (azp, appid in version 1) and what it allows (scp or roles), and has none of nonce, at_hash and c_hash,
// which mark an ID token. One with neither scp nor roles is refused: any application of the tenant gets such a token for any API. A
// token of an application that acts for itself (idtyp app, or oid as sub without scp) has no subject. Where a user has too many
// groups the token has none (_claim_names): ask Microsoft Graph, or use roles.
type Entra struct {
	// Tenant is the tenant's id, a GUID. Required: "common", "organizations" and names are no issuers. For several tenants use several.
	Tenant string
	// V1 takes tokens of version 1, which an API gets whose registration does not ask for version 2 (requestedAccessTokenVersion).
	V1 bool
	// JWT has what else may be set, such as Keys, Leeway and Remember; Issuer is for national clouds. What is zero is as Entra needs it.
	JWT JWT
}

// Open implements [Verifier].
func (e Entra) Open(s Settings) (Opened, error) {
	if !guid(e.Tenant) {
		return Opened{}, fmt.Errorf("Entra.Tenant is %q: use the tenant's id, for example 72f988bf-86f1-41af-91ab-2d7cd011db47", e.Tenant)
	}
	issuer, version, client := "https://login.microsoftonline.com/"+e.Tenant+"/v2.0", "2.0", "azp"
	if e.V1 {
		issuer, version, client = "https://sts.windows.net/"+e.Tenant+"/", "1.0", "appid"
	}
	return e.JWT.fill(JWT{
		Issuer: issuer, MayLack: []string{"jti"}, ScopeClaims: []string{"scp"}, ClientClaims: []string{client}, Algs: rs256(),
	}).open(s, dialect{
		kind: func(c *claims) error {
			switch {
			case !strings.EqualFold(c.text("tid"), e.Tenant):
				return fmt.Errorf("tid is %.80q, want %q", c.text("tid"), e.Tenant)
			case c.text("ver") != version:
				return fmt.Errorf("ver is %.20q, want %s: set Entra.V1 as the registration of the API has it", c.text("ver"), version)
			case !c.has("scp", "roles"):
				return errors.New("it has neither scp nor roles, as an ID token, or a token that every application gets: give the client a permission of this API")
			}
			return idToken(c)
		},
		machine: func(c *claims, _ string) bool {
			return c.text("idtyp") == "app" || !c.has("scp") && c.text("oid") == c.Subject
		},
	})
}

// guid reports whether s has the form of a GUID.
func guid(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && strings.IndexByte("0123456789abcdefABCDEF", s[i]) < 0 {
			return false
		}
	}
	return true
}

var _ Verifier = Entra{}
