package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/internal/kept"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

const (
	clientKeysFresh    = 10 * time.Minute
	clientKeysInterval = time.Minute    // between two fetches for tokens of unknown keys
	clientKeysOutage   = 24 * time.Hour // an outage of the client's site locks nobody out; a key that it took back counts no longer for that
	clientKeysTimeout  = 5 * time.Second
	clientKeysPatience = 3 * time.Second

	maxClientKeys   = 64 << 10 // of a document, in bytes
	maxClientKeySet = 512      // clients whose keys are remembered at once
)

// clientKeys are the public keys of clients: parsed once where they are part of the client, fetched and kept where it names a jwks_uri.
// What is remembered is bounded: the one that was not used for longest is forgotten first. It may be used by any number of goroutines.
type clientKeys struct {
	fetcher mandate.Fetcher
	now     func() time.Time
	failed  func(uri string, err error, until time.Time)

	mu  sync.RWMutex // guards set
	set map[keysName]*keysOf
}

// keysName names keys: by their URL and who wrote it down, so that those who share one cause one fetch, or by the client that has them inline.
type keysName struct {
	uri, client string
	trust       mandate.Trust
}

// keysOf are keys that are remembered.
type keysOf struct {
	used    atomic.Int64             // in Unix milliseconds
	fetched *kept.Value[jose.KeySet] // of a URL, or
	inline  *jose.KeySet             // of source
	source  []byte                   // a client's jwks, as its record has it
}

func newClientKeys(fetcher mandate.Fetcher, now func() time.Time, failed func(uri string, err error, until time.Time)) *clientKeys {
	return &clientKeys{fetcher: fetcher, now: now, failed: failed, set: make(map[keysName]*keysOf)}
}

// verifyByClient returns header and payload of token, a JWS, provided that c has signed it with one of algs, which must be algorithms of public
// keys: with a key of its jwks or of what its jwks_uri leads to. An error that is [jose.ErrInvalid] is a verdict on the token; one that is
// [mandate.TemporarilyUnavailable] means that nobody could tell, because the client's site does not answer and never did. A header's own
// keys (jwk, jku, x5u) count for nothing. Warm keys cost no I/O; a key that they do not have is fetched for, once a minute.
func (s *Server) verifyByClient(ctx context.Context, c *store.Client, token string, algs []jose.Alg) (jose.Header, []byte, error) {
	return s.clientKeys.verify(ctx, c, token, algs)
}

func (k *clientKeys) verify(ctx context.Context, c *store.Client, token string, algs []jose.Alg) (jose.Header, []byte, error) {
	if len(c.Metadata.JWKS) > 0 {
		set, err := k.inline(c)
		if err != nil {
			return jose.Header{}, nil, fmt.Errorf("%w: jwks of client: %w", jose.ErrInvalid, err)
		}
		return jose.Verify(token, set, algs)
	}
	uri := c.Metadata.JWKSURI
	if uri == "" {
		return jose.Header{}, nil, fmt.Errorf("%w: client has neither jwks nor jwks_uri", jose.ErrInvalid)
	}
	return k.verifyAt(ctx, uri, mandate.Untrusted, token, algs)
}

// verifyAt is verify for the keys at uri.
func (k *clientKeys) verifyAt(ctx context.Context, uri string, trust mandate.Trust, token string, algs []jose.Alg) (jose.Header, []byte, error) {
	of := k.at(uri, trust)
	set, err := of.fetched.Get(ctx)
	switch {
	case errors.Is(err, errNoClientKeys):
		return jose.Header{}, nil, fmt.Errorf("%w: %w", jose.ErrInvalid, err)
	case err != nil:
		return jose.Header{}, nil, unavailable(err)
	}
	h, payload, err := jose.Verify(token, set, algs)
	if err == nil || !mayBeNewer(token, algs, err) {
		return h, payload, err
	}
	newer, failed := of.fetched.Newer(ctx, set)
	switch {
	case failed != nil:
		return h, nil, fmt.Errorf("%w; jwks_uri: %w", err, failed)
	case newer == set:
		return h, nil, err
	}
	return jose.Verify(token, newer, algs)
}

// mayBeNewer reports whether token, which a set could not verify, may be signed with a key that was published since: it names one that the
// set does not have, or it names none at all.
func mayBeNewer(token string, algs []jose.Alg, err error) bool {
	if errors.Is(err, jose.ErrNoKey) {
		return true
	}
	h, _, failed := jose.Unverified(token)
	return failed == nil && h.KeyID == "" && slices.Contains(algs, h.Alg)
}

// inline returns the keys that are part of c.
func (k *clientKeys) inline(c *store.Client) (*jose.KeySet, error) {
	name := keysName{client: c.ID}
	if of := k.find(name); of != nil && bytes.Equal(of.source, c.Metadata.JWKS) {
		return of.inline, nil
	}
	if len(c.Metadata.JWKS) > maxClientKeys {
		return nil, fmt.Errorf("%d bytes, want at most %d", len(c.Metadata.JWKS), maxClientKeys)
	}
	set, err := jose.ParseKeySet(c.Metadata.JWKS)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.remember(name, &keysOf{inline: set, source: c.Metadata.JWKS})
	return set, nil
}

// at returns the keys at uri.
func (k *clientKeys) at(uri string, trust mandate.Trust) *keysOf {
	name := keysName{uri: uri, trust: trust}
	if of := k.find(name); of != nil {
		return of
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if of := k.set[name]; of != nil { // in between
		return of
	}
	f := &keysAt{fetcher: k.fetcher, uri: uri, trust: trust}
	of := &keysOf{fetched: &kept.Value[jose.KeySet]{
		Fetch: f.fetch, Failed: func(err error, until time.Time) { k.failed(uri, err, until) }, Now: k.now,
		Timeout: clientKeysTimeout, Patience: clientKeysPatience, Interval: clientKeysInterval, Outage: clientKeysOutage, Behind: clientKeysFresh,
	}}
	k.remember(name, of)
	return of
}

func (k *clientKeys) find(name keysName) *keysOf {
	k.mu.RLock()
	of := k.set[name]
	k.mu.RUnlock()
	if of != nil {
		of.used.Store(k.now().UnixMilli())
	}
	return of
}

// remember keeps of, and forgets what was not used for longest where there is too much. The caller holds mu.
func (k *clientKeys) remember(name keysName, of *keysOf) {
	of.used.Store(k.now().UnixMilli())
	if len(k.set) >= maxClientKeySet && k.set[name] == nil {
		var oldest keysName
		var least *keysOf
		for n, o := range k.set {
			if least == nil || o.used.Load() < least.used.Load() {
				oldest, least = n, o
			}
		}
		delete(k.set, oldest)
	}
	k.set[name] = of
}

// errNoClientKeys means that a jwks_uri leads to no keys, and that asking again at once is of no use.
var errNoClientKeys = errors.New("jwks_uri leads to no keys")

// keysAt fetches a client's keys.
type keysAt struct {
	fetcher mandate.Fetcher
	uri     string
	trust   mandate.Trust
	seen    [sha256.Size]byte // digest of the last set
}

// fetch returns the keys, old if they are the same to the byte. It is never called twice at once.
func (f *keysAt) fetch(ctx context.Context, old *jose.KeySet) (*jose.KeySet, time.Duration, error) {
	res, err := f.fetcher.Fetch(ctx, &mandate.FetchRequest{
		URL: f.uri, Header: mandate.Fields{{Name: "Accept", Value: "application/jwk-set+json, application/json"}},
		Purpose: "jwks", Trust: f.trust, MaxBytes: maxClientKeys,
	})
	switch {
	case errors.Is(err, fetch.ErrRefused), errors.Is(err, fetch.ErrTooLarge):
		return nil, 0, fmt.Errorf("%w: %w", errNoClientKeys, err)
	case err != nil:
		return nil, 0, err
	case res == nil:
		return nil, 0, errors.New("the Fetcher returned neither an answer nor an error")
	case res.Status >= 500 || res.Status == 429:
		return nil, 0, fmt.Errorf("%.200q answered %d", f.uri, res.Status)
	case res.Status != 200:
		return nil, 0, fmt.Errorf("%w: %.200q answered %d", errNoClientKeys, f.uri, res.Status)
	case len(res.Body) > maxClientKeys:
		return nil, 0, fmt.Errorf("%w: %.200q: %w: more than %d bytes", errNoClientKeys, f.uri, fetch.ErrTooLarge, maxClientKeys)
	}
	sum := sha256.Sum256(res.Body)
	if old != nil && sum == f.seen {
		return old, clientKeysFresh, nil
	}
	set, err := jose.ParseKeySet(res.Body)
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("%w: %.200q: %w", errNoClientKeys, f.uri, err)
	case set.Len() == 0: // a client that has none yet, or lost them
		return nil, 0, fmt.Errorf("%w: %.200q has no key that could verify a signature", errNoClientKeys, f.uri)
	}
	f.seen = sum
	return set, clientKeysFresh, nil
}

// keysFailed tells the hooks that a client's keys could not be fetched anew, and the old ones are used on.
func (s *Server) keysFailed(uri string, err error, until time.Time) {
	cause := fmt.Errorf("keys at %.200q could not be fetched anew, the old ones are used until %s: %w", uri, until.UTC().Format(time.RFC3339), err)
	s.hooks.Tell(context.Background(), mandate.Event{Name: mandate.Fault, Err: unavailable(cause)})
}
