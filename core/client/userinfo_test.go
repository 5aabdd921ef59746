package client_test

import (
	"testing"

	"github.com/go-mandate/mandate/core/client"
)

// TestClaimsOfTwoSources has what ID token and user info say of one address, or of two.
func TestClaimsOfTwoSources(t *testing.T) {
	t.Parallel()
	type claims = map[string]any
	list := []any{"alice@example.com"}
	for name, tc := range map[string]struct {
		id, info claims
		email    string
		verified bool
	}{
		"both of the same":                          {claims{"email": "a@x"}, claims{"email": "a@x", "email_verified": true}, "a@x", true},
		"each of another":                           {claims{"email": "a@x"}, claims{"email": "b@x", "email_verified": true}, "a@x", false},
		"the ID token of none, but that it is good": {claims{"email_verified": true}, claims{"email": "b@x"}, "b@x", false},
		"the ID token of none, and they differ":     {claims{"email_verified": true}, claims{"email": "b@x", "email_verified": false}, "b@x", false},
		"the ID token alone":                        {claims{"email": "a@x", "email_verified": true}, claims{"sub": "a"}, "a@x", true},
		"lists, which nothing is equal to":          {claims{"email": list}, claims{"email": list, "email_verified": true}, "", false},
		"objects":                                   {claims{"email": claims{}}, claims{"email": claims{}}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &client.Granted{IDToken: tc.id, UserInfo: tc.info}
			p := client.ProfileOf(g.Claims())
			if _, verified := p.VerifiedEmail(); p.Email != tc.email || verified != tc.verified {
				t.Errorf("%q, verified: %t, want %q, %t", p.Email, verified, tc.email, tc.verified)
			}
		})
	}
}
