package cachestore

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// slack is how long after its end memcached keeps a value, for clocks that differ.
const slack = time.Hour

// memcached is a list of servers.
type memcached struct {
	client *memcache.Client
	prefix string
	now    func() time.Time
}

func newMemcached(s Settings) (*memcached, error) {
	var list memcache.ServerList
	if err := list.SetServers(s.Servers...); err != nil {
		return nil, fmt.Errorf("cachestore: servers %q: %w", s.Servers, err)
	}
	client := memcache.NewFromSelector(&list)
	client.Timeout, client.MaxIdleConns = s.Timeout, 128
	return &memcached{client: client, prefix: s.Prefix, now: s.Now}, nil
}

// expiration returns when memcached may drop a value: in seconds from now up to a month, as a Unix time beyond.
func (m *memcached) expiration(e end) int32 {
	const month = 30 * 24 * time.Hour
	if e.at.IsZero() {
		return 0
	}
	left := e.left + slack + time.Second
	if left <= month {
		return int32(left / time.Second) // #nosec G115 -- a month at most
	}
	if at := m.now().Add(left).Unix(); at < math.MaxInt32 {
		return int32(at) // #nosec G115 -- it is less
	}
	return 0
}

func (m *memcached) item(key string, value []byte, e end) *memcache.Item {
	return &memcache.Item{Key: m.prefix + key, Value: value, Expiration: m.expiration(e)}
}

func (m *memcached) get(key string) ([]byte, any, error) {
	item, err := m.client.Get(m.prefix + key)
	switch {
	case errors.Is(err, memcache.ErrCacheMiss):
		return nil, nil, errMissing
	case err != nil:
		return nil, nil, fmt.Errorf("cachestore: memcached: %w", err)
	default:
		return item.Value, item, nil
	}
}

func (m *memcached) add(key string, value []byte, e end) (bool, error) {
	return did(m.client.Add(m.item(key, value, e)))
}

func (m *memcached) swap(_ string, version any, value []byte, e end) (bool, error) {
	item, ok := version.(*memcache.Item)
	if !ok {
		return false, fmt.Errorf("cachestore: memcached: version is a %T", version)
	}
	item.Value, item.Expiration = value, m.expiration(e)
	return did(m.client.CompareAndSwap(item))
}

// did tells what memcached refused from what it could not do.
func did(err error) (bool, error) {
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, memcache.ErrNotStored), errors.Is(err, memcache.ErrCASConflict), errors.Is(err, memcache.ErrCacheMiss):
		return false, nil
	default:
		return false, fmt.Errorf("cachestore: memcached: %w", err)
	}
}

func (m *memcached) move(key string, e end) error {
	_, err := did(m.client.Touch(m.prefix+key, m.expiration(e)))
	return err
}

func (m *memcached) remove(key string) error {
	_, err := did(m.client.Delete(m.prefix + key))
	return err
}

func (m *memcached) prune(time.Time, int) (int, error) { return 0, nil }

func (m *memcached) check() error {
	if err := m.client.Ping(); err != nil {
		return fmt.Errorf("cachestore: memcached: %w", err)
	}
	return nil
}

func (m *memcached) close() error { return m.client.Close() }
