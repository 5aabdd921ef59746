package docs

import (
	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// FiberGuard guards an API on Fiber.
func FiberGuard(r *fiber.App, guard *resource.Guard, listOrders func(c *fiber.Ctx) error, me func(c *fiber.Ctx, tok *mandate.Token) error) {
	// doc:start guard-fiber
	auth := mandatefiber.New(guard)
	r.Get("/orders", auth.Require("orders"), listOrders)
	r.Get("/me", auth.With(me, "profile")) // func me(c *fiber.Ctx, tok *mandate.Token) error
	// doc:end
}

// FiberMount is an authorization server on Fiber.
func FiberMount(srv *server.Server) (*fiber.App, error) {
	// doc:start server-fiber
	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true}) // Mount demands the first: Fiber's own 4 KiB are too few
	err := mandatefiber.Mount(r, srv)
	// doc:end
	return r, err
}

// FiberAcquire checks a token inside a handler.
func FiberAcquire(r *fiber.App, auth *mandatefiber.Auth) {
	// doc:start acquire-fiber
	r.Get("/report", func(c *fiber.Ctx) error {
		tok, err := auth.Acquire(c, "reports")
		if err != nil {
			return auth.Refuse(c, err)
		}
		return c.JSON(work(mandatefiber.Context(c), tok)) // the context carries the token: mandate.TokenFrom(ctx)
	})
	// doc:end
}

// FiberErrors writes refusals in the application's own form.
func FiberErrors(guard *resource.Guard) *mandatefiber.Auth {
	// doc:start errors-fiber
	auth := mandatefiber.New(guard, mandatefiber.Config{
		ErrorHandler: func(c *fiber.Ctx, err *mandate.Error) error { // status and header fields are set already
			return c.JSON(map[string]any{"problem": err.Code, "detail": err.Description})
		},
	})
	// doc:end
	return auth
}

// FiberMiddleware puts the application's middleware around the endpoints, and keeps other people's off them.
func FiberMiddleware(r *fiber.App, srv *server.Server, decide mandatefiber.Decide, csrf, limit fiber.Handler) error {
	// doc:start middleware-fiber
	skip := mandatefiber.Skipper(srv) // also what Config.Next of Fiber's own middleware takes
	r.Use(func(c *fiber.Ctx) error {
		if skip(c) {
			return c.Next()
		}
		return csrf(c)
	})
	err := mandatefiber.Mount(r, srv, mandatefiber.MountConfig{
		Decide: decide,
		Use:    []fiber.Handler{limit},
		Error: func(c *fiber.Ctx, err *mandate.Error) error { // what may not go back to the client
			return c.SendString("Sorry: " + err.Description)
		},
	})
	// doc:end
	return err
}
