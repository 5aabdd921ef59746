package cachestore

import (
	"errors"
	"time"
)

// null keeps nothing. It does not pretend: what is lost would be a login that never ends, or a replay that nobody sees.
type null struct{}

func (null) get(string) ([]byte, any, error) { return nil, nil, errMissing }

func (null) add(string, []byte, end) (bool, error) {
	return false, errors.New(`cachestore: type "null" keeps nothing; set it to "filesystem" or "memcached", or leave Tickets and Replay to the store`)
}

func (null) swap(string, any, []byte, end) (bool, error) { return false, errMissing }

func (null) move(string, end) error { return nil }

func (null) remove(string) error { return nil }

func (null) prune(time.Time, int) (int, error) { return 0, nil }

func (null) check() error { return nil }

func (null) close() error { return nil }
