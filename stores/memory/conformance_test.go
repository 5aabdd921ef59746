package memstore_test

import (
	"testing"

	"github.com/go-mandate/mandate/conformance/storetest"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store { return memstore.New() }, storetest.Features{})
}

// The parts for stores that are shared, or outlive the process, pass where one store plays both.
func TestSharedAndReopened(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store { return memstore.New() }, storetest.Features{
		Shared: func(*testing.T) (a, b store.Store) { a = memstore.New(); return a, a },
		Reopen: func(_ *testing.T, s store.Store) store.Store { return s },
		Rounds: 50,
	})
}
