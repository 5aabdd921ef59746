package admintest_test

import (
	"testing"

	"github.com/go-mandate/mandate/conformance/admintest"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	admintest.Run(t, func(*testing.T) store.Store { return memstore.New() })
}
