// Package shop is a small application on Echo; its test shows how guarded handlers are tested.
package shop

import (
	"context"
	"strings"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// User is an account of the application.
type User struct{ Name string }

// GuardConfig is the guard as production has it: its audience, and how users are loaded.
func GuardConfig(verifiers ...resource.Verifier) resource.Config {
	return resource.Config{Audience: "https://shop.example.com", Verifiers: verifiers, User: loadUser}
}

func loadUser(_ context.Context, tok *mandate.Token) (any, error) {
	return &User{Name: strings.ToUpper(tok.Subject())}, nil
}

// Routes returns the application. It is handed the guard, so that a test can hand it another.
func Routes(guard *resource.Guard) *echo.Echo {
	auth := mandateecho.New(guard)
	r := echo.New()
	r.GET("/orders", func(c echo.Context) error { return c.String(200, "orders of "+mandateecho.Token(c).Subject()) }, auth.Require("orders"))
	r.GET("/me", mandateecho.WithUser(auth, func(c echo.Context, u *User) error { return c.String(200, u.Name) }))
	return r
}
