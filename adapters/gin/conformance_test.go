package mandategin_test

import (
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/go-mandate/mandate/adapters/gin/gintest"
	"github.com/go-mandate/mandate/conformance/adaptertest"
	"github.com/go-mandate/mandate/conformance/rounds"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	gin.SetMode(gin.ReleaseMode)
	adaptertest.Run(t, adaptertest.Adapter{
		Name: "gin", New: gintest.New, NewStore: func(*testing.T) store.Store { return memstore.New() },
		Rounds: rounds.From(t, "MANDATE_ROUNDS", 20), // few: Gin serves with net/http, whose own test has many
	})
}
