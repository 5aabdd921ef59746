package issuer

import (
	"bytes"
	"context"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/internal/kept"
	"github.com/go-mandate/mandate/core/jose"
)

// patience is how long a token of an unknown key waits for newer keys.
const patience = 3 * time.Second

// KeysConfig says where an issuer's public keys are, and how they are kept. All but Failed is required.
type KeysConfig struct {
	// Locate returns the URL of the key set. It is asked before each fetch, and never twice at once. again says that the last fetch failed:
	// the set may have moved.
	Locate  func(ctx context.Context, again bool) (string, error)
	Fetcher mandate.Fetcher
	Now     func() time.Time

	Timeout  time.Duration // of a fetch, and of who waits for the first
	Interval time.Duration // between fetches for tokens of unknown keys, however many there are
	Outage   time.Duration // how long keys are used after they should have been fetched anew
	// Failed hears that keys could not be fetched anew, and the old ones are used until then.
	Failed func(err error, until time.Time)
}

// Keys are an issuer's public keys, fetched when they are first needed and kept: see [kept.Value].
type Keys struct {
	c    KeysConfig
	keys kept.Value[jose.KeySet]

	// What only the fetch on its way uses.
	failed bool
	body   []byte // of the last set
}

// NewKeys returns the keys that c describes.
func NewKeys(c KeysConfig) *Keys {
	k := &Keys{c: c}
	k.keys = kept.Value[jose.KeySet]{
		Fetch: k.fetch, Failed: c.Failed, Now: c.Now,
		Timeout: c.Timeout, Patience: min(patience, c.Timeout), Interval: c.Interval, Outage: c.Outage,
	}
	return k
}

// KeySet implements [jose.KeySource]. The first call waits for the issuer; later ones do not.
func (k *Keys) KeySet(ctx context.Context, missing *jose.KeySet) (*jose.KeySet, error) {
	if missing == nil {
		return k.keys.Get(ctx)
	}
	return k.keys.Newer(ctx, missing)
}

// fetch returns the issuer's keys, old if they are the same to the byte.
func (k *Keys) fetch(ctx context.Context, old *jose.KeySet) (*jose.KeySet, time.Duration, error) {
	url, err := k.c.Locate(ctx, k.failed)
	if err != nil {
		return nil, 0, err
	}
	body, fresh, err := Document(ctx, k.c.Fetcher, url, "jwks", jose.MaxKeySet)
	if k.failed = err != nil; err != nil {
		return nil, 0, err
	}
	if old != nil && bytes.Equal(body, k.body) {
		return old, fresh, nil
	}
	set, err := jose.ParseKeySet(body)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", url, err)
	}
	if set.Len() == 0 { // an issuer that has none yet, or lost them: nothing that it signs could be verified with that
		return nil, 0, fmt.Errorf("%s has no key that could verify a token", url)
	}
	k.body = body
	return set, fresh, nil
}
