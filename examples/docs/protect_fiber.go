package docs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// FiberProblem answers refusals as RFC 9457 has it, or with a page.
func FiberProblem(guard *resource.Guard) *mandatefiber.Auth {
	// doc:start problem-fiber
	auth := mandatefiber.New(guard, mandatefiber.Config{
		ErrorHandler: func(c *fiber.Ctx, err *mandate.Error) error { // status, challenge and Cache-Control are set already
			status := c.Response().StatusCode()
			if c.Accepts("application/problem+json", "text/html") == "text/html" {
				return c.Render("refused", err) // a page of your own
			}
			return c.JSON(problem{Type: "about:blank", Title: string(err.Code), Status: status, Detail: err.Description}, "application/problem+json") // RFC 9457
		},
	})
	// doc:end
	return auth
}

// FiberResource mounts what the API says about itself.
func FiberResource(r *fiber.App, guard *resource.Guard) error {
	// doc:start mount-resource-fiber
	err := mandatefiber.MountResource(r, guard)
	// doc:end
	return err
}

// FiberRaise logs refusals where all errors are.
func FiberRaise(guard *resource.Guard, log func(error)) (*fiber.App, *mandatefiber.Auth) {
	// doc:start raise-fiber
	r := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
		log(err)
		if _, refused := errors.AsType[*resource.Refusal](err); refused {
			return nil // the answer is written already
		}
		return fiber.DefaultErrorHandler(c, err)
	}})
	auth := mandatefiber.New(guard, mandatefiber.Config{Raise: true})
	// doc:end
	return r, auth
}

// FiberEvents streams events from behind a guard.
func FiberEvents(r *fiber.App, auth *mandatefiber.Auth, events func(context.Context, *mandate.Token) iter.Seq[string]) {
	// doc:start events-fiber
	r.Get("/events", auth.Require("orders"), func(c *fiber.Ctx) error {
		tok := mandatefiber.Token(c) // may be kept; c may not
		c.Set("Content-Type", "text/event-stream")
		c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
			for event := range events(context.Background(), tok) {
				fmt.Fprintf(w, "data: %s\n\n", event)
				if w.Flush() != nil {
					return // the client is gone
				}
			}
		})
		return nil
	})
	// doc:end
}
