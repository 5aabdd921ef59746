package main

import (
	"testing"

	"github.com/go-mandate/mandate/adapters/gin/gintest"
	"github.com/go-mandate/mandate/conformance/adaptertest"
	"github.com/go-mandate/mandate/core/store"
)

func TestZZ(t *testing.T) {
	for _, name := range []string{"postgres", "mysql", "redis", "sqlite"} {
		newStore := storesOf(t, name)
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Adapter{Name: "gin", New: gintest.New, NewStore: func(t *testing.T) store.Store { t.Helper(); return newStore(t, nil) }, Rounds: 60})
		})
	}
}
