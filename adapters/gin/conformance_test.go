package mandategin_test

import (
	"cmp"
	"os"
	"strconv"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/go-mandate/mandate/adapters/gin/gintest"
	"github.com/go-mandate/mandate/conformance/adaptertest"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	gin.SetMode(gin.ReleaseMode)
	adaptertest.Run(t, adaptertest.Adapter{
		Name: "gin", New: gintest.New, NewStore: func(*testing.T) store.Store { return memstore.New() },
		Rounds: rounds(t),
	})
}

// rounds is how often each race is run: MANDATE_ROUNDS, and few where it is not set. Gin serves with net/http, whose own test has many.
func rounds(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("MANDATE_ROUNDS"), "20"))
	if err != nil {
		t.Fatalf("MANDATE_ROUNDS: %v", err)
	}
	return n
}
