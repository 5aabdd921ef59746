//go:build !race

package resource_test

import (
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// TestJWTAllocations holds what the check of a signed token may allocate, the signature included: under the race detector pools
// throw away what they are given.
func TestJWTAllocations(t *testing.T) { //nolint:paralleltest // testing.AllocsPerRun counts what others allocate too
	for _, alg := range []jose.Alg{jose.RS256, jose.ES256, jose.EdDSA, jose.PS256} {
		key, err := jose.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		var raws [2]string
		for i, claims := range []string{goodClaims, but(t, `"j1"`, `"j2"`)} {
			if raws[i], err = jose.Sign(key, "at+jwt", []byte(claims)); err != nil {
				t.Fatal(err)
			}
			raws[i] = "Bearer " + raws[i]
		}
		for name, tc := range map[string]struct {
			remember, raws int
			most           float64
		}{"seen before": {8192, 1, 0}, "not seen before": {1, 2, 25}, "where none are remembered": {-1, 1, 25}} {
			t.Run(string(alg)+" "+name, func(t *testing.T) {
				g := newGuard(t, func(c *resource.Config) {
					c.Now = func() time.Time { return today }
					c.Verifiers = []resource.Verifier{resource.JWT{Issuer: foreignIssuer, Keys: resource.FixedKeys(jose.NewKeySet(key.Public())), Remember: tc.remember}}
				})
				rule, ctx, i := g.Rule(mandate.Scope("profile"), false), t.Context(), 0
				n := testing.AllocsPerRun(200, func() {
					i++
					if _, resp := g.Check(ctx, resource.Credentials{Authorization: raws[i%tc.raws]}, rule); resp != nil {
						t.Fatal(show(resp))
					}
				})
				if n > tc.most {
					t.Errorf("%v allocations, want at most %v", n, tc.most)
				}
			})
		}
	}
}
