package docs_test

import (
	"testing"

	"github.com/go-mandate/mandate/conformance/storetest"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// rounds keeps this copy of the suite short: the store's own test runs all of it.
const rounds = 5

// doc:start storetest

func TestConformance(t *testing.T) {
	t.Parallel()
	open := func(*testing.T) store.Store { return memstore.New() } // yours: a new, empty one each time
	storetest.Run(t, open, storetest.Features{Rounds: rounds})     // leave Rounds out: 1000
}

// doc:end
