//go:build !race

package conformance_test

import (
	"testing"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
)

// TestTokenAllocations holds what a token request may allocate, from the making of the request to the reading of the
// answer: six allocations are this test's own.
func TestTokenAllocations(t *testing.T) { //nolint:paralleltest // AllocsPerRun refuses it
	for name, tc := range map[string]struct {
		run  func(c *caller) func()
		most float64
	}{
		"client credentials":                {clientCredentials, 22},
		"a code with PKCE, issued and used": {issueAndRedeem, 55},
		"a refresh that rotates":            {refresh, 30},
	} {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(2000, tc.run(newCaller(t))); n > tc.most {
				t.Errorf("%v allocations, want at most %v", n, tc.most)
			}
		})
	}
}

// TestSignedTokenAllocations holds the same of an access token that is signed, with an algorithm that itself allocates next to nothing.
func TestSignedTokenAllocations(t *testing.T) { //nolint:paralleltest // AllocsPerRun refuses it
	c := newCaller(t, func(c *server.Config) {
		c.TokenFormat, c.SigningAlg, c.DefaultAudience = server.JWT, jose.EdDSA, []string{"https://api.example.com"}
	})
	if n := testing.AllocsPerRun(2000, clientCredentials(c)); n > 26 {
		t.Errorf("%v allocations, want at most 26", n)
	}
}

func clientCredentials(c *caller) func() {
	return func() {
		c.post("grant_type=client_credentials&scope=read", "Basic bWFjaGluZTowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==")
	}
}

func issueAndRedeem(c *caller) func() {
	target, tail := authorization(), redemption()
	return func() { c.post("code="+c.code(target)+tail, "") }
}

func refresh(c *caller) func() {
	next := member(c.post("code="+c.code(authorization())+redemption(), ""), "refresh_token")
	return func() {
		next = member(c.post("grant_type=refresh_token&client_id=app&refresh_token="+next, ""), "refresh_token")
	}
}
