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
	token := mandate.NewToken(mandate.TokenInfo{Subject: "u1", Scopes: "profile email openid"})
	q := mandate.AllOf(mandate.AnyScope("x", "email profile"), mandate.Scope("openid"))
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() { _ = q.Check(token, now) }); n != 0 {
		t.Errorf("Check allocates %v times, want 0", n)
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
