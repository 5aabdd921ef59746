package examples_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestProfiles starts each profile on each framework, and uses a grant that is on and one that is not.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		for profile, row := range map[string]struct{ grants, on, off string }{
			"web":      {`"authorization_code","refresh_token"`, "", "client_credentials"},
			"mobile":   {`"authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"`, "", "client_credentials"},
			"backend":  {`"client_credentials"`, "client_credentials", "password"},
			"oauth2.1": {`"authorization_code","client_credentials","refresh_token"`, "client_credentials", "password"},
			"mcp":      {`"authorization_code","refresh_token"`, "", "client_credentials"},
			"legacy":   {`"password","refresh_token"`, "password", "client_credentials"},
			"all":      {`"authorization_code","client_credentials","implicit","password","refresh_token","urn:ietf:params:oauth:grant-type:device_code"`, "password", "urn:example:unknown"},
		} {
			t.Run(framework+" "+profile, func(t *testing.T) {
				t.Parallel()
				p := start(t, "profiles-"+framework, "-profile", profile)
				b := newBrowser(t)
				b.open(p.base+"/.well-known/oauth-authorization-server").want(t, 200, `"grant_types_supported":[`+row.grants+`]`)
				client := []string{"web", "web-secret"}
				if row.on != "" {
					client = []string{"robot", "robot-secret"}
				}
				ask := func(grant string) page {
					form := url.Values{"grant_type": {grant}, "username": {"demo"}, "password": {"demo"}}
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+"/oauth/token", strings.NewReader(form.Encode()))
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					req.SetBasicAuth(client[0], client[1])
					return b.do(req)
				}
				if row.on != "" {
					ask(row.on).want(t, 200, `"access_token":"mda_`)
				}
				ask(row.off).want(t, 400, `"error":"unsupported_grant_type"`)
			})
		}
	}
}
