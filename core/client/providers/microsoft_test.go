package providers_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/client/providers"
)

const (
	contoso  = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	personal = "9188040d-6c67-4c5b-b112-36a304b66dad"
)

// Whose users may come is what the tenant says.
func TestTenantsOfMicrosoft(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tenant, at string   // at: the part of the URLs
		takes      []string // tenants of users
	}{
		"all by default":        {"", "common", []string{contoso, personal}},
		"all":                   {"common", "common", []string{contoso, personal}},
		"organizations":         {"organizations", "organizations", []string{contoso}},
		"personal accounts":     {"consumers", "consumers", []string{personal}},
		"one tenant":            {contoso, contoso, []string{contoso}},
		"one in capitals":       {strings.ToUpper(contoso), contoso, []string{contoso}},
		"one that is nobody's":  {"11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555", nil},
		"a domain takes nobody": {"contoso.com", "contoso.com", nil},
	} {
		for _, of := range []string{contoso, personal} {
			t.Run(name+" for one of "+of, func(t *testing.T) {
				t.Parallel()
				s := readScenario(t, filepath.Join("testdata", "microsoft", "login.txt"))
				w := newWorld(t, s.all("answer"), signed("", forge{claims: func(c map[string]any) {
					c["tid"], c["iss"] = of, "https://login.microsoftonline.com/"+of+"/v2.0"
				}}))
				authorize, in, err := run(t, w, providers.Microsoft(tc.tenant, creds), s.one("callback"))
				base := "https://login.microsoftonline.com/" + tc.at
				if !strings.HasPrefix(authorize, base+"/oauth2/v2.0/authorize\n") || !strings.HasPrefix(w.requests[0], "POST "+base+"/oauth2/v2.0/token\n") ||
					!strings.HasPrefix(w.requests[1], "GET "+base+"/discovery/v2.0/keys\n") {
					t.Errorf("it went to %s\n%s", authorize, w.requests)
				}
				taken := false
				for _, tenant := range tc.takes {
					taken = taken || tenant == of
				}
				if e, _ := errors.AsType[*client.Error](err); taken != (err == nil) || !taken && (in != nil && in.Profile.Subject != "" || e.Kind != client.Mismatch) {
					t.Errorf("sign-in %+v, error = %v", in, err)
				}
			})
		}
	}
}
