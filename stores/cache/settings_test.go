package cachestore_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	cachestore "github.com/go-mandate/mandate/stores/cache"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	one := []string{"127.0.0.1:11211"}
	for name, tc := range map[string]struct {
		settings cachestore.Settings
		want     string
	}{
		"no type":                 {cachestore.Settings{}, `type is missing; want "memcached", "filesystem" or "null"`},
		"an unknown type":         {cachestore.Settings{Type: "_foo"}, `type "_foo" is not a type`},
		"memory":                  {cachestore.Settings{Type: "simple"}, "package memstore"},
		"redis":                   {cachestore.Settings{Type: "redis"}, "package redisstore"},
		"no servers":              {cachestore.Settings{Type: "memcached"}, "servers are missing"},
		"a server without a port": {cachestore.Settings{Type: "memcached", Servers: []string{"localhost"}}, "localhost"},
		"a space in the prefix":   {cachestore.Settings{Type: "memcached", Servers: one, Prefix: "a b"}, `prefix "a b"`},
		"a long prefix":           {cachestore.Settings{Type: "memcached", Servers: one, Prefix: strings.Repeat("x", 151)}, "prefix"},
		"no directory":            {cachestore.Settings{Type: "filesystem"}, "directory is missing"},
		"a file for a directory":  {cachestore.Settings{Type: "filesystem", Directory: file}, file},
		"a negative threshold":    {cachestore.Settings{Type: "null", Threshold: -1}, "threshold is -1"},
		"a negative default":      {cachestore.Settings{Type: "null", DefaultTimeout: -1}, "default timeout is -1ns"},
		"a negative timeout":      {cachestore.Settings{Type: "null", Timeout: -1}, "timeout is -1ns"},
	} {
		if _, err := cachestore.Open(tc.settings); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error = %v, want %q in it", name, err, tc.want)
		}
	}
}

// What keeps nothing says so instead of losing what it was given.
func TestNull(t *testing.T) {
	t.Parallel()
	c, ctx, key := open(t, cachestore.Settings{Type: cachestore.Null}), t.Context(), mandate.DigestOf("x")
	w := store.Ticket{Kind: store.Device, Key: key, Revision: 1}
	for call, err := range map[string]error{"PutTicket": c.PutTicket(ctx, w), "UseOnce": c.UseOnce(ctx, "jti", key, start, start.Add(time.Hour))} {
		if err == nil || isVerdict(err) || !strings.Contains(err.Error(), `type "null" keeps nothing; set it to "filesystem"`) {
			t.Errorf("%s: error = %v, want one that names the way out", call, err)
		}
	}
	if _, err := c.Ticket(ctx, store.Device, key, start); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Ticket: error = %v, want ErrNotFound", err)
	}
	if err := c.UpdateTicket(ctx, w); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("UpdateTicket: error = %v, want ErrNotFound", err)
	}
	if n, err := c.Prune(ctx, start, 10); n != 0 || err != nil {
		t.Errorf("Prune = %d, %v, want nothing", n, err)
	}
}

func TestSettingsFrom(t *testing.T) {
	t.Parallel()
	all := map[string]string{
		"CACHE_TYPE": "memcached", "APP_CACHE_TYPE": "filesystem", "CACHE_KEY_PREFIX": "p:", "CACHE_DIR": "/var/cache/app",
		"APP_CACHE_DEFAULT_TIMEOUT": "100", "CACHE_TIMEOUT": "1.5s", "CACHE_MEMCACHED_SERVERS": "a:1, b:2", "CACHE_THRESHOLD": "500",
	}
	lookup := func(m map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
	}
	want := cachestore.Settings{
		Type: "filesystem", Prefix: "p:", DefaultTimeout: 100 * time.Second, Servers: []string{"a:1", "b:2"}, Timeout: 1500 * time.Millisecond,
		Directory: "/var/cache/app", Threshold: 500,
	}
	if got, err := cachestore.SettingsFrom(lookup(all), "APP"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("SettingsFrom = %+v, %v, want %+v", got, err, want)
	}
	want.Type, want.DefaultTimeout = "memcached", 0
	if got, err := cachestore.SettingsFrom(lookup(all), ""); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("SettingsFrom without a prefix = %+v, %v, want %+v", got, err, want)
	}
	for name, value := range map[string]string{"CACHE_THRESHOLD": "many", "APP_CACHE_DEFAULT_TIMEOUT": "soon"} {
		wrong := maps.Clone(all)
		wrong[name] = value
		if _, err := cachestore.SettingsFrom(lookup(wrong), "APP"); err == nil || !strings.Contains(err.Error(), name+" is \""+value+"\"") {
			t.Errorf("SettingsFrom with %s=%s: error = %v, want one that names both", name, value, err)
		}
	}
	if s, err := cachestore.SettingsFrom(lookup(nil), "APP"); err != nil {
		t.Error(err)
	} else if _, err := cachestore.Open(s); err == nil || !strings.Contains(err.Error(), "type is missing") {
		t.Errorf("Open of nothing: error = %v", err)
	}
}
