package mandatefiber_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	recovery "github.com/gofiber/fiber/v2/middleware/recover"

	"github.com/go-mandate/mandate/conformance/adaptertest"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// Wrap is Fiber's own way to handlers of net/http, which hands on what is in Locals: the token alone.
func (a app) Wrap(h http.Handler) (adaptertest.Route, bool) { return adaptor.HTTPHandler(h), false }

func (c ctx) SetNative(ctx context.Context) { c.c.SetUserContext(ctx) }

func (c ctx) Inner() []context.Context { return []context.Context{c.c.Context()} }

// TestGuardsImmutable holds the guards against the contract where Fiber copies all that it hands out.
func TestGuardsImmutable(t *testing.T) {
	t.Parallel()
	adaptertest.RunGuards(t, adaptertest.Adapter{
		Name: "fiber, immutable",
		New: func(*testing.T) adaptertest.App {
			a := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, Immutable: true, DisableStartupMessage: true})
			a.Use(recovery.New())
			return app{routes{a}, a}
		},
		NewStore: func(*testing.T) store.Store { return memstore.New() },
	})
}
