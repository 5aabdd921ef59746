package examples_test

import (
	"slices"
	"testing"
)

// TestRemote has APIs trust authorization servers in other processes and on other frameworks, by their URL.
func TestRemote(t *testing.T) {
	t.Parallel()
	for api, issuer := range map[string]string{"gin": "echo", "echo": "fiber", "fiber": "gin"} {
		t.Run(api+" from "+issuer, func(t *testing.T) {
			t.Parallel()
			as := start(t, "remote-issuer-"+issuer)
			p := start(t, "remote-api-"+api, "-issuer", as.base)
			if got := paste(t, p.said); !slices.Equal(got, []string{"200", "200", "401", "401"}) {
				t.Errorf("the pasted lines = %v, want 200 200 401 401", got)
			}
		})
	}
}
