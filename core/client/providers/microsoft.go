package providers

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/oauth2/endpoints"

	"github.com/go-mandate/mandate/core/client"
)

// msa is the tenant of all personal accounts.
const msa = "9188040d-6c67-4c5b-b112-36a304b66dad"

// Microsoft is the Microsoft identity platform (https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc), which was Azure AD. The tenant
// says whose users may come: "common" for all, "organizations" for those of any company or school, "consumers" for personal accounts, or the
// GUID of one tenant, which an application for one company should have. Its domain will not do: the issuer has the GUID.
//
// Whoever runs a tenant writes what he likes into the e-mail addresses of his users: signed in by an address, he is anybody ("nOAuth"). So none is
// verified, unless the ID token has the optional claim xms_edov, which says that the tenant owns the domain: add it to the app registration
// together with email. The subject is the user's for this application alone; several applications of one company know him by the claims "tid" and "oid" in
// Raw. Username is preferred_username: it changes, too. There is no picture without another call (me/photo/$value), and a refresh token comes with
// the scope offline_access.
func Microsoft(tenant string, c client.Credentials) client.OpenID {
	c.Method = orPost(c)
	tenant = strings.ToLower(tenant)
	e := endpoints.AzureAD(tenant)
	issuer := tenant
	switch tenant {
	case "", "common", "organizations":
		issuer = "{tenantid}"
	case "consumers":
		issuer = msa
	}
	return client.OpenID{
		Name: "microsoft", Credentials: c, Scopes: standard(), Issuer: "https://login.microsoftonline.com/" + issuer + "/v2.0",
		AuthURL: e.AuthURL, TokenURL: e.TokenURL, DeviceURL: e.DeviceAuthURL,
		JWKSURL:       strings.Replace(e.TokenURL, "/oauth2/v2.0/token", "/discovery/v2.0/keys", 1),
		EndSessionURL: strings.Replace(e.TokenURL, "/token", "/logout", 1),
		APIURL:        "https://graph.microsoft.com/v1.0/",
		Profile: func(_ context.Context, g *client.Granted) (client.Profile, error) {
			if tenant == "organizations" && text(g.IDToken, "tid") == msa {
				return client.Profile{}, &client.Error{Kind: client.Mismatch, Cause: errors.New("the account is a personal one, want one of an organization")}
			}
			p := client.ProfileOf(g.IDToken)
			p.EmailVerified = p.Email != "" && owned(g.IDToken["xms_edov"])
			return p, nil
		},
	}
}

// owned reports whether xms_edov says that the tenant owns the domain of the address. It comes as true, 1 or a text of either.
func owned(claim any) bool {
	yes, _ := claim.(bool)
	switch text(map[string]any{"": claim}, "") {
	case "1", "true", "True":
		return true
	}
	return yes
}
