package mandateecho_test

import (
	"cmp"
	"os"
	"strconv"
	"testing"

	"github.com/go-mandate/mandate/adapters/echo/echotest"
	"github.com/go-mandate/mandate/conformance/adaptertest"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Adapter{
		Name: "echo", New: echotest.New, NewStore: func(*testing.T) store.Store { return memstore.New() },
		Rounds: rounds(t),
	})
}

// rounds is how often each race is run: MANDATE_ROUNDS, and few where it is not set. Echo serves with net/http, whose own test has many.
func rounds(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("MANDATE_ROUNDS"), "20"))
	if err != nil {
		t.Fatalf("MANDATE_ROUNDS: %v", err)
	}
	return n
}
