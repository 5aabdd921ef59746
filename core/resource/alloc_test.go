package resource_test

import (
	"context"
	"crypto/sha256"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// What the tests of allocation present: as long as this library's own tokens.
const (
	opaque  = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"
	unknown = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJB"
)

func withOpaque(audience ...string) *tokens {
	s := stored()
	s.put(opaque, mandate.TokenInfo{Subject: "ann", ClientID: "web", Scopes: "profile email", GrantID: "g1", Audience: audience})
	return s
}

//nolint:paralleltest // testing.AllocsPerRun counts what others allocate too
func TestCheckAllocations(t *testing.T) {
	for name, tc := range map[string]struct {
		header   string
		audience []string
		need     mandate.Requirement
		status   int
	}{
		"a stored token":              {"Bearer " + opaque, nil, mandate.Scope("profile"), 0},
		"a stored token for this API": {"Bearer " + opaque, []string{api}, mandate.Scope("profile"), 0},
		"no credentials":              {"", nil, mandate.Scope("profile"), 401},
		"malformed":                   {"Bearer a b", nil, mandate.Scope("profile"), 400},
		"another scheme":              {"Basic YTpi", nil, mandate.Scope("profile"), 401},
		"unknown":                     {"Bearer " + unknown, nil, mandate.Scope("profile"), 401},
		"a scope lacks":               {"Bearer " + opaque, nil, mandate.Scope("admin"), 403},
		"a sign-in too old":           {"Bearer " + opaque, nil, mandate.MaxAge(1), 401},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuard(t, func(c *resource.Config) { c.Verifiers = []resource.Verifier{resource.Of(withOpaque(tc.audience...))} })
			rule := g.Rule(tc.need, false)
			ctx := t.Context()
			var resp *mandate.Response
			n := testing.AllocsPerRun(200, func() { _, resp = g.Check(ctx, resource.Credentials{Authorization: tc.header}, rule) })
			if n != 0 {
				t.Errorf("Check allocates %v times, want 0", n)
			}
			if got := statusOf(resp); got != tc.status {
				t.Errorf("status %d, want %d", got, tc.status)
			}
		})
	}
}

//nolint:paralleltest // testing.AllocsPerRun counts what others allocate too
func TestCheckAllocationsOfApplicationsChecks(t *testing.T) {
	g := newGuard(t, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{resource.Of(withOpaque()), resource.Scheme("ApiKey", resource.Of(withOpaque()))}
		c.Revoked = func(context.Context, *mandate.Token) (bool, error) { return false, nil }
		c.CheckToken = func(context.Context, *mandate.Token) error { return nil }
		c.QueryTokenInLogsAndReferers = true
	})
	rule := g.Rule(mandate.Scope("profile"), false)
	ctx := t.Context()
	for name, c := range map[string]resource.Credentials{
		"in the header": {Authorization: "Bearer " + opaque}, "in another scheme": {Authorization: "ApiKey " + opaque}, "in the query": {Query: opaque},
	} {
		var resp *mandate.Response
		if n := testing.AllocsPerRun(200, func() { _, resp = g.Check(ctx, c, rule) }); n != 0 || resp != nil {
			t.Errorf("%s: Check allocates %v times and answers %v, want 0 and no refusal", name, n, resp)
		}
	}
}

//nolint:paralleltest // testing.AllocsPerRun counts what others allocate too
func TestCheckAllocationsOfSeveralVerifiers(t *testing.T) {
	g := newGuard(t, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{resource.JWT{Issuer: "https://other.example.com", Keys: resource.FixedKeys(nil)}, resource.Of(withOpaque())}
	})
	rule := g.Rule(mandate.Scope("profile"), false)
	ctx := t.Context()
	n := testing.AllocsPerRun(200, func() {
		if _, resp := g.Check(ctx, resource.Credentials{Authorization: "Bearer " + opaque}, rule); resp != nil {
			t.Fatal(show(resp))
		}
	})
	if n != 0 {
		t.Errorf("Check allocates %v times, want 0", n)
	}
}

func statusOf(r *mandate.Response) int {
	if r == nil {
		return 0
	}
	return r.Status
}

func BenchmarkSHA256(b *testing.B) {
	token := []byte(opaque)
	for b.Loop() {
		sha256.Sum256(token)
	}
}

func BenchmarkCheck(b *testing.B) {
	g := newGuard(b, func(c *resource.Config) { c.Verifiers = []resource.Verifier{resource.Of(withOpaque())} })
	rule := g.Rule(mandate.Scope("profile"), false)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, resp := g.Check(ctx, resource.Credentials{Authorization: "Bearer " + opaque}, rule); resp != nil {
			b.Fatal(show(resp))
		}
	}
}
