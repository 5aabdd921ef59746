// Package shop is a small application on Gin; its test shows how guarded handlers are tested.
package shop

import (
	"context"
	"strings"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
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
func Routes(guard *resource.Guard) *gin.Engine {
	auth := mandategin.New(guard)
	r := gin.New()
	r.GET("/orders", auth.Require("orders"), func(c *gin.Context) { c.String(200, "orders of %s", mandategin.Token(c).Subject()) })
	r.GET("/me", mandategin.WithUser(auth, func(c *gin.Context, u *User) { c.String(200, u.Name) }))
	return r
}
