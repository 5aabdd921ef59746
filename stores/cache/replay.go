package cachestore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// key returns a name of hexadecimal digits that no two uses share.
func (c *Cache) key(use, space string, key mandate.Digest) string {
	h := sha256.New()
	for _, part := range []string{c.settings.Prefix, use, space} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	h.Write(key[:])
	return hex.EncodeToString(h.Sum(nil))
}

// UseOnce implements [store.Replay]. The value is its end in milliseconds.
func (c *Cache) UseOnce(ctx context.Context, space string, key mandate.Digest, now, expires time.Time) error {
	c.note(now)
	k, e := c.key("once", space, key), c.end(expires, now)
	value := []byte("0")
	if !expires.IsZero() {
		value = strconv.AppendInt(nil, expires.UnixMilli(), 10)
	}
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("cachestore: use once: %w", err)
		}
		if ok, err := c.medium.add(k, value, e); ok || err != nil {
			return err
		}
		was, version, err := c.medium.get(k)
		if errors.Is(err, errMissing) { // it went meanwhile
			continue
		}
		if err != nil {
			return err
		}
		over, err := strconv.ParseInt(string(was), 10, 64)
		if err != nil {
			return fmt.Errorf("cachestore: use once: %w", err)
		}
		if over == 0 || now.UnixMilli() < over {
			return store.ErrUsed
		}
		if ok, err := c.medium.swap(k, version, value, e); ok || err != nil {
			return err
		}
	}
}
