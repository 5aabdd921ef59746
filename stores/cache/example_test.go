package cachestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	cachestore "github.com/go-mandate/mandate/stores/cache"
)

// Settings by name, as they stand in a configuration file or in the environment.
func ExampleSettingsFrom() {
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	config := map[string]string{"OAUTH2_CACHE_TYPE": "filesystem", "CACHE_DIR": dir, "CACHE_THRESHOLD": "500"}

	settings, err := cachestore.SettingsFrom(func(name string) (string, bool) { v, ok := config[name]; return v, ok }, "OAUTH2")
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := cachestore.Open(settings) // store.Override(database, store.Parts{Tickets: c, Replay: c})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	ctx, now, nonce := context.Background(), time.Now(), mandate.DigestOf("a nonce")
	fmt.Println(c.UseOnce(ctx, "oauth1", nonce, now, now.Add(time.Minute)))
	fmt.Println(errors.Is(c.UseOnce(ctx, "oauth1", nonce, now, now.Add(time.Minute)), store.ErrUsed))
	// Output:
	// <nil>
	// true
}
