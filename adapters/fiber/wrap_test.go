package mandatefiber_test

import (
	"testing"

	"github.com/gofiber/fiber/v2"
	recovery "github.com/gofiber/fiber/v2/middleware/recover"

	"github.com/go-mandate/mandate/adapters/fiber/fibertest"
	"github.com/go-mandate/mandate/conformance/adaptertest"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// TestGuardsImmutable holds the guards against the contract where Fiber copies all that it hands out.
func TestGuardsImmutable(t *testing.T) {
	t.Parallel()
	adaptertest.RunGuards(t, adaptertest.Adapter{
		Name: "fiber, immutable",
		New: func(*testing.T) adaptertest.App {
			a := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, Immutable: true, DisableStartupMessage: true})
			a.Use(recovery.New())
			return fibertest.App(a)
		},
		NewStore: func(*testing.T) store.Store { return memstore.New() },
	})
}
