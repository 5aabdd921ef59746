package redisstore_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-mandate/mandate/conformance/admintest"
	"github.com/go-mandate/mandate/core/store"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// What an operator does works in Redis, or on a stand-in where there is none.
func TestAdmin(t *testing.T) {
	t.Parallel()
	client := server(t)
	admintest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		if client == nil {
			return open(t, miniredis.RunT(t).Addr(), redisstore.Config{})
		}
		return with(t, client, empty(t, client))
	})
}
