// Package shop is a small application on Fiber; its test shows how guarded handlers are tested.
package shop

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
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
func Routes(guard *resource.Guard) *fiber.App {
	auth := mandatefiber.New(guard)
	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true})
	r.Get("/orders", auth.Require("orders"), func(c *fiber.Ctx) error { return c.SendString("orders of " + mandatefiber.Token(c).Subject()) })
	r.Get("/me", mandatefiber.WithUser(auth, func(c *fiber.Ctx, u *User) error { return c.SendString(u.Name) }))
	return r
}
