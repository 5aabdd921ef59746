package mandateecho_test

import (
	"testing"

	"github.com/go-mandate/mandate/adapters/echo/echotest"
	"github.com/go-mandate/mandate/conformance/adaptertest"
	"github.com/go-mandate/mandate/conformance/rounds"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Adapter{
		Name: "echo", New: echotest.New, NewStore: func(*testing.T) store.Store { return memstore.New() },
		Rounds: rounds.From(t, "MANDATE_ROUNDS", 20), // few: Echo serves with net/http, whose own test has many
	})
}
