package cachestore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The types of cache.
const (
	Memcached  = "memcached"
	Filesystem = "filesystem"
	Null       = "null" // keeps nothing, and refuses what would have to be kept
)

const types = `"memcached", "filesystem" or "null"`

// Settings say which cache, and where.
type Settings struct {
	// Type is [Memcached] ("memcache" is the same), [Filesystem] or [Null]. It is required.
	Type string

	// Prefix tells this cache's keys from those of others at the same place. Default: "mandate:".
	Prefix string

	// DefaultTimeout is how long a ticket without an end is kept. What was used once is always kept until its own. Default: for ever.
	DefaultTimeout time.Duration

	// Servers are the addresses of memcached: "127.0.0.1:11211", or the path of a socket. Required there.
	Servers []string

	// Timeout is how long one call to memcached may take, whatever the deadline of the request. Default: 500 milliseconds.
	Timeout time.Duration

	// Directory is where the files lie. It is made if it is not there, for this user alone, and must hold nothing else. Required for files.
	Directory string

	// Threshold is about how many files there may be. At it, those that are over are removed; where none is, more
	// are refused: what counts is never dropped. Default: 10000.
	Threshold int

	// Now is asked how far off an end is where no caller tells the time: for how long memcached keeps a value. Default: time.Now.
	Now func() time.Time
}

func (s Settings) withDefaults() (Settings, error) {
	if s.Prefix == "" {
		s.Prefix = "mandate:"
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Timeout == 0 {
		s.Timeout = 500 * time.Millisecond
	}
	if s.Threshold == 0 {
		s.Threshold = 10_000
	}
	switch {
	case s.DefaultTimeout < 0:
		return s, fmt.Errorf("cachestore: default timeout is %v; want 0 for ever, or how long", s.DefaultTimeout)
	case s.Timeout < 0:
		return s, fmt.Errorf("cachestore: timeout is %v; want 0 for the default, or how long", s.Timeout)
	case s.Threshold < 0:
		return s, fmt.Errorf("cachestore: threshold is %d; want 0 for the default, or how many files", s.Threshold)
	}
	switch s.Type {
	case Memcached, "memcache":
		s.Type = Memcached
		if len(s.Servers) == 0 {
			return s, errors.New(`cachestore: servers are missing; type "memcached" needs one at least, "127.0.0.1:11211", say`)
		}
		if len(s.Prefix) > 150 || strings.ContainsFunc(s.Prefix, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return s, fmt.Errorf("cachestore: prefix %q is not one for memcached; want up to 150 printable ASCII characters without spaces", s.Prefix)
		}
	case Filesystem:
		if s.Directory == "" {
			return s, errors.New(`cachestore: directory is missing; type "filesystem" needs one of its own`)
		}
	case Null:
	case "":
		return s, errors.New("cachestore: type is missing; want " + types)
	case "simple", "memory":
		return s, fmt.Errorf("cachestore: type %q is not a type; what is in memory is package memstore, or want %s", s.Type, types)
	case "redis":
		return s, fmt.Errorf("cachestore: type %q is not a type; Redis is package redisstore, or want %s", s.Type, types)
	default:
		return s, fmt.Errorf("cachestore: type %q is not a type; want %s", s.Type, types)
	}
	return s, nil
}

// SettingsFrom reads settings by name: lookup is asked for APP_CACHE_TYPE, where prefix is "APP", and then for CACHE_TYPE; and so on with
// CACHE_KEY_PREFIX, CACHE_DEFAULT_TIMEOUT and CACHE_TIMEOUT (in seconds, or as Go writes durations), CACHE_MEMCACHED_SERVERS (parted by
// commas or spaces), CACHE_DIR and CACHE_THRESHOLD. What it does not find is the default. os.LookupEnv is a lookup, and so is
// a map's.
func SettingsFrom(lookup func(name string) (string, bool), prefix string) (Settings, error) {
	var s Settings
	var wrong error
	get := func(name string) (full, value string) {
		full = prefix + "_" + name
		value, ok := lookup(full)
		if !ok || prefix == "" {
			full = name
			value, _ = lookup(full)
		}
		return full, strings.TrimSpace(value)
	}
	text := func(name string) string { _, v := get(name); return v }
	duration := func(name string) time.Duration {
		name, v := get(name)
		if v == "" {
			return 0
		}
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			return time.Duration(n * float64(time.Second))
		}
		d, err := time.ParseDuration(v)
		if err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("cachestore: %s is %q; want seconds, or a duration such as 5m", name, v))
		}
		return d
	}
	s.Type, s.Prefix, s.Directory = text("CACHE_TYPE"), text("CACHE_KEY_PREFIX"), text("CACHE_DIR")
	s.DefaultTimeout, s.Timeout = duration("CACHE_DEFAULT_TIMEOUT"), duration("CACHE_TIMEOUT")
	s.Servers = strings.FieldsFunc(text("CACHE_MEMCACHED_SERVERS"), func(r rune) bool { return r == ',' || r == ' ' })
	if name, v := get("CACHE_THRESHOLD"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("cachestore: %s is %q; want a number of files", name, v))
		}
		s.Threshold = n
	}
	return s, wrong
}
