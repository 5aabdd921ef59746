package nethttptest_test

import (
	"testing"

	"github.com/go-mandate/mandate/conformance/adaptertest"
	"github.com/go-mandate/mandate/conformance/nethttptest"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Adapter{
		Name: "nethttp", New: nethttptest.New, NewStore: func(*testing.T) store.Store { return memstore.New() },
	})
}
