package providers

import (
	"strings"

	"github.com/go-mandate/mandate/core/client"
)

// GitLab is GitLab (https://docs.gitlab.com/integration/openid_connect_provider/) at baseURL, the address of an instance of one's own:
// "https://git.example.com". An empty one means https://gitlab.com. The application needs the scopes openid, profile and email, and any other
// that is asked for.
//
// Each instance is an issuer, and a subject is its number of the user. The address is the primary one, which GitLab has the user confirm unless an
// administrator says otherwise. The groups of the user are in Raw.
func GitLab(baseURL string, c client.Credentials) client.OpenID {
	c.Method = orPost(c)
	if baseURL == "" {
		baseURL = "https://gitlab.com"
	}
	baseURL = strings.TrimRight(baseURL, "/")
	return client.OpenID{Name: "gitlab", Credentials: c, Scopes: standard(), Issuer: baseURL, APIURL: baseURL + "/api/v4/"}
}
