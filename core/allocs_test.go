//go:build !race

package mandate_test

import (
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

//nolint:paralleltest // counts allocations
func TestCheckAllocatesNothing(t *testing.T) {
	now := time.Now()
	token := mandate.NewToken(mandate.TokenInfo{
		Subject: "u1", Scopes: "profile email openid", Audience: []string{"https://api.example.com/"}, ACR: "gold", AuthTime: now,
		Claims: `{"roles":["editor","lead"],"groups":"staff","entitlements":["x"]}`,
	})
	for name, q := range map[string]mandate.Requirement{
		"scopes":       mandate.AllOf(mandate.AnyScope("x", "email profile"), mandate.Scope("openid")),
		"roles":        mandate.AllOf(mandate.Role("lead"), mandate.Group("staff"), mandate.Entitlement("y", "x")),
		"audience":     mandate.Audience("https://other.example.com", "https://API.example.com"),
		"sign-in":      mandate.AllOf(mandate.ACR("silver", "gold"), mandate.MaxAge(time.Hour)),
		"nested":       mandate.AnyOf(mandate.Scope("x"), mandate.AllOf(mandate.Not(mandate.ClientOnly()), mandate.Not(mandate.Role("guest")))),
		"a function":   mandate.Func("is u1", func(t *mandate.Token) bool { return t.Subject() == "u1" }),
		"not met":      mandate.AllOf(mandate.Scope("email"), mandate.Role("boss")),
		"what cannot":  mandate.Scope(""),
		"of no demand": {},
	} {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(100, func() { _ = q.Check(token, now) }); n != 0 {
				t.Errorf("Check allocates %v times, want 0", n)
			}
		})
	}
}

//nolint:paralleltest // counts allocations
func TestMACAllocatesNothing(t *testing.T) {
	m := secretOf(t, "a").MAC("p", "i")
	message := []byte("a message")
	if n := testing.AllocsPerRun(100, func() { m.Sum(m.Current(), message) }); n != 0 {
		t.Errorf("Sum allocates %v times, want 0", n)
	}
}

//nolint:paralleltest // counts allocations
func TestDigestOfAllocatesNothing(t *testing.T) {
	secret := strings.Repeat("a", 300)
	if n := testing.AllocsPerRun(100, func() { mandate.DigestOf(secret) }); n != 0 {
		t.Errorf("DigestOf allocates %v times, want 0", n)
	}
}
