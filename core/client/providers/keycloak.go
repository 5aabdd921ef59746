package providers

import (
	"net/url"
	"strings"

	"github.com/go-mandate/mandate/core/client"
)

// Keycloak is a realm of a Keycloak (https://www.keycloak.org/securing-apps/oidc-layers) at baseURL: "https://sso.example.com", or
// "https://sso.example.com/auth" for one that is old or was set up so. It has to have one address, the hostname of its own settings: that is the
// issuer, for the browser and for this application.
//
// Answers name the issuer, so that those of another realm are refused. Whoever runs the realm says whether an address is verified: by
// default nobody has looked.
func Keycloak(baseURL, realm string, c client.Credentials) client.OpenID {
	return client.OpenID{Name: "keycloak", Credentials: c, Scopes: standard(), Issuer: strings.TrimRight(baseURL, "/") + "/realms/" + url.PathEscape(realm)}
}
