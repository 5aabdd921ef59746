package resource_test

import (
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// BenchmarkRemembered is what a busy API does most: a token that was seen before, of a remote issuer.
func BenchmarkRemembered(b *testing.B) {
	as := newIssuer(b, remoteIssuer)
	keys, err := resource.NewRemoteKeys(resource.RemoteConfig{Issuer: remoteIssuer, Fetcher: as})
	if err != nil {
		b.Fatal(err)
	}
	for name, v := range map[string]resource.Verifier{
		"by keys":   resource.JWT{Issuer: remoteIssuer, Keys: keys},
		"by asking": resource.Introspection{Endpoint: introspectURL, ClientID: "shop", Secret: "s", Fetcher: &endpoint{answer: body(activeAnswer)}},
	} {
		g := newGuard(b, func(c *resource.Config) { c.Verifiers = []resource.Verifier{v} })
		rule, creds := g.Rule(mandate.Scope(), false), resource.Credentials{Authorization: "Bearer " + as.good(b)}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, resp := g.Check(b.Context(), creds, rule); resp != nil {
						b.Fatal(show(resp))
					}
				}
			})
		})
	}
}
