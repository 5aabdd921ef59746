package resource_test

import (
	"context"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// TestUserAfterPanic: who asks again after loading panicked gets an error, and not nobody without one.
func TestUserAfterPanic(t *testing.T) {
	t.Parallel()
	g := newGuard(t, func(c *resource.Config) {
		c.User = func(context.Context, *mandate.Token) (any, error) { panic("boom") }
	})
	a := resource.Carry(t.Context(), g, mandate.NewToken(mandate.TokenInfo{Subject: "ann"})).Access()
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic does not come through as it was")
			}
		}()
		_, _ = a.User(t.Context())
	}()
	if user, err := a.User(t.Context()); user != nil || err == nil {
		t.Errorf("User = %v, %v, want an error", user, err)
	}
}
