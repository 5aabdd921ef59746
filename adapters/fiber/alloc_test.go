//go:build !race

package mandatefiber_test

import (
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
)

func allocations(t *testing.T, handlers ...fiber.Handler) float64 {
	t.Helper()
	app := fiber.New()
	app.Get("/me", handlers...)
	serve := app.Handler()
	c := &fasthttp.RequestCtx{}
	c.Request.Header.SetMethod("GET")
	c.Request.SetRequestURI("/me")
	c.Request.Header.Set("Authorization", "Bearer "+opaque)
	n := testing.AllocsPerRun(200, func() {
		c.Response.Reset()
		c.ResetUserValues() // as the server does before the next request
		serve(c)
	})
	if got := c.Response.StatusCode(); got != 200 {
		t.Fatalf("status %d, want 200", got)
	}
	return n
}

//nolint:paralleltest // testing.AllocsPerRun counts what others allocate too
func TestAllocations(t *testing.T) {
	auth := mandatefiber.New(newGuard(t, nil))
	ok := func(c *fiber.Ctx) error { return c.SendString("ok") }
	bare := allocations(t, ok)
	for name, tc := range map[string]struct {
		handlers []fiber.Handler
		most     float64
	}{
		"Require":          {[]fiber.Handler{auth.Require("profile"), ok}, 0},
		"Optional":         {[]fiber.Handler{auth.Optional("profile"), ok}, 0},
		"Require, stacked": {[]fiber.Handler{auth.Require("profile"), auth.RequireAny("email", "admin"), ok}, 0},
		"With":             {[]fiber.Handler{auth.With(func(c *fiber.Ctx, _ *mandate.Token) error { return ok(c) }, "profile")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := allocations(t, tc.handlers...) - bare; got > tc.most {
				t.Errorf("%v allocations more than the bare route, want at most %v", got, tc.most)
			}
		})
	}
}
