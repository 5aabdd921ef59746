package resource

import (
	"fmt"
	"strings"
)

// Keycloak takes access tokens of a realm of Keycloak. Config.Audience is the client that stands for this API: a token of Keycloak
// names just "account" until a client scope with an audience mapper says more.
//
// What tells an access token from the others that a realm signs is the claim typ: Bearer (DPoP where it is bound to a key), not ID, Refresh,
// Offline or Logout. Roles are those of the realm and, beside them, those of Clients. A token of a service account has no subject.
type Keycloak struct {
	// URL is the server's base URL as clients see it, with "/auth" where the server has that: https://sso.example.com. Required.
	URL string
	// Realm is the realm's name. Required.
	Realm string
	// Clients are those whose roles (resource_access) count. Default: Config.Audience.
	Clients []string
	// JWT has what else may be set, such as Keys, Leeway and Remember. What is zero is as Keycloak needs it.
	JWT JWT
}

// Open implements [Verifier].
func (k Keycloak) Open(s Settings) (Opened, error) {
	issuer := k.JWT.Issuer
	if issuer == "" {
		if !strings.HasPrefix(k.URL, "https://") && !strings.HasPrefix(k.URL, "http://") {
			return Opened{}, fmt.Errorf("Keycloak.URL is %q: use the server's base URL, for example https://sso.example.com", k.URL)
		}
		realm, err := segmentOf("Keycloak.Realm", k.Realm, "shop")
		if err != nil {
			return Opened{}, err
		}
		issuer = strings.TrimRight(k.URL, "/") + "/realms/" + realm
	}
	clients := k.Clients
	if len(clients) == 0 && s.Audience != "" {
		clients = []string{s.Audience}
	}
	roles := []string{"/realm_access/roles"}
	for _, c := range clients {
		roles = append(roles, "/resource_access/"+strings.ReplaceAll(strings.ReplaceAll(c, "~", "~0"), "/", "~1")+"/roles")
	}
	return k.JWT.fill(JWT{Issuer: issuer, RolesClaims: roles, ClientClaims: []string{"azp", "client_id"}}).open(s, dialect{
		kind: func(c *claims) error {
			if typ := c.text("typ"); typ != "Bearer" && typ != "DPoP" {
				return fmt.Errorf("the claim typ is %.40q, want Bearer: have the client send the access token", typ)
			}
			return nil
		},
		machine: func(c *claims, client string) bool {
			// Two signs: the claim client_id comes with a service account's session, but anybody may map it otherwise.
			return c.text("client_id") == client && c.text("preferred_username") == "service-account-"+strings.ToLower(client)
		},
	})
}

var _ Verifier = Keycloak{}
