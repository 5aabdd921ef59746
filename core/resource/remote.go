package resource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/internal/kept"
	"github.com/go-mandate/mandate/core/jose"
)

// RemoteConfig says where an issuer's public keys are, and how they are kept. Issuer or JWKS is required; all else has a default.
type RemoteConfig struct {
	// Issuer is the issuer identifier. Its metadata (RFC 8414, or OpenID Connect Discovery) says where the keys are, and must name
	// this issuer to the letter.
	Issuer string
	// JWKS is the URL of the key set itself: no metadata is read then.
	JWKS string
	// Fetcher reaches the network. Default: the guarded one of package fetch, which reaches private networks, and plain http on loopback
	// alone.
	Fetcher mandate.Fetcher

	// Outage is how long keys are used after they should have been fetched anew and could not be; the first request after a time
	// in which nobody asked is checked by them, too, while newer ones are fetched. Default: 24 hours. At most 7 days.
	Outage time.Duration
	// Interval is the time between two fetches that were caused by tokens of unknown keys, however many there are. Default: 30 seconds.
	Interval time.Duration
	// Timeout bounds a fetch, and how long requests wait for the very first one. Default: 10 seconds.
	Timeout time.Duration

	// Hooks hear of [mandate.Fault] in On when keys could not be fetched anew and the old ones are used on. Where there are none, it is
	// the request that fails, and the guard tells. JWT.Open sets them to the guard's, where it makes the keys itself.
	Hooks mandate.Hooks
	// Now tells the time. Default: time.Now.
	Now func() time.Time
}

// RemoteKeys are an issuer's public keys, fetched when they are first needed and kept. They are fetched anew, in the background, when
// they are no longer fresh: after what the answer's Cache-Control says, between 5 minutes and 24 hours, or 10 minutes. A token of an unknown key
// has them fetched at once, and waits at most 3 seconds. Nothing runs while nobody asks. It may be used by any number of goroutines,
// and shared by guards.
type RemoteKeys struct {
	name    string
	jwks    string // where the keys are; found out if find is not nil
	fetcher mandate.Fetcher
	on      func(ctx context.Context, e mandate.Event)
	keys    kept.Value[jose.KeySet]

	// What only the fetch on its way uses.
	find  *finder
	until time.Time // how long jwks is fresh
	body  []byte    // of the last set
}

var _ KeySource = (*RemoteKeys)(nil)

const (
	maxOutage = 7 * 24 * time.Hour
	patience  = 3 * time.Second
)

// NewRemoteKeys returns the keys that c describes. It does no I/O: call [RemoteKeys.KeySet] once at the start to learn there and then whether
// the issuer can be reached. Its error names the field and the way out.
func NewRemoteKeys(c RemoteConfig) (*RemoteKeys, error) {
	r, err := newRemoteKeys(c)
	if err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	return r, nil
}

func newRemoteKeys(c RemoteConfig) (*RemoteKeys, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	for name, d := range map[string]time.Duration{"Outage": c.Outage, "Interval": c.Interval, "Timeout": c.Timeout} {
		if d < 0 {
			return nil, fmt.Errorf("RemoteConfig.%s is %v: use more than 0, or 0 for the default", name, d)
		}
	}
	if c.Outage > maxOutage {
		return nil, fmt.Errorf("RemoteConfig.Outage is %v, want at most %v: keys that were withdrawn would be good all that time", c.Outage, maxOutage)
	}
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&c.Outage, 24*time.Hour)
	def(&c.Interval, 30*time.Second)
	def(&c.Timeout, 10*time.Second)
	r := &RemoteKeys{name: c.Issuer, jwks: c.JWKS, on: c.Hooks.On}
	var err error
	switch {
	case c.JWKS != "":
		if r.name == "" {
			r.name = c.JWKS
		}
		r.fetcher, err = fetcherOf(c.Fetcher, fetch.Config{Timeout: c.Timeout}, "RemoteConfig.JWKS", c.JWKS)
	case c.Issuer == "":
		return nil, errors.New("RemoteConfig.Issuer and JWKS are empty: name the issuer, or the URL of its keys")
	default:
		if r.fetcher, err = fetcherOf(c.Fetcher, fetch.Config{Timeout: c.Timeout}, "RemoteConfig.Issuer", c.Issuer); err == nil {
			r.find, err = newFinder(c.Issuer, "RemoteConfig.Issuer", r.fetcher)
		}
	}
	if err != nil {
		return nil, err
	}
	r.keys = kept.Value[jose.KeySet]{
		Fetch: r.fetch, Failed: r.failed, Now: c.Now,
		Timeout: c.Timeout, Patience: min(patience, c.Timeout), Interval: c.Interval, Outage: c.Outage,
	}
	return r, nil
}

// KeySet implements [KeySource]. The first call waits for the issuer; later ones do not.
func (r *RemoteKeys) KeySet(ctx context.Context, missing *jose.KeySet) (*jose.KeySet, error) {
	if missing == nil {
		return r.keys.Get(ctx)
	}
	return r.keys.Newer(ctx, missing)
}

// fetch returns the issuer's keys, old if they are the same to the byte.
func (r *RemoteKeys) fetch(ctx context.Context, old *jose.KeySet) (*jose.KeySet, time.Duration, error) {
	if r.find != nil && !r.keys.Now().Before(r.until) {
		if err := r.locate(ctx); err != nil && r.jwks == "" {
			return nil, 0, err
		} // else they are probably still where they were
	}
	body, fresh, err := document(ctx, r.fetcher, r.jwks, "jwks", jose.MaxKeySet)
	if err != nil {
		r.until = time.Time{} // they may have moved
		return nil, 0, err
	}
	if old != nil && bytes.Equal(body, r.body) {
		return old, fresh, nil
	}
	set, err := jose.ParseKeySet(body)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", r.jwks, err)
	}
	if set.Len() == 0 { // an issuer that has none yet, or lost them: nothing that it signs could be verified with that
		return nil, 0, fmt.Errorf("%s has no key that could verify a token", r.jwks)
	}
	r.body = body
	return set, fresh, nil
}

// locate finds out where the keys are. It leaves time to fetch them.
func (r *RemoteKeys) locate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeLeft(ctx)*2/3)
	defer cancel()
	m, fresh, err := r.find.find(ctx)
	if err == nil {
		err = r.find.checkURL(m.JWKSURI, "jwks_uri")
	}
	if err != nil {
		return err
	}
	r.jwks, r.until = m.JWKSURI, r.keys.Now().Add(fresh)
	return nil
}

// failed tells that the old keys are used on.
func (r *RemoteKeys) failed(err error, until time.Time) {
	tellKept(r.on, "keys of "+r.name, err, until)
}

// tellKept tells the hooks that something could not be fetched anew, and the old is used on.
func tellKept(on func(context.Context, mandate.Event), what string, err error, until time.Time) {
	if on != nil {
		cause := fmt.Errorf("%s could not be fetched anew, the old ones are used until %s: %w", what, until.UTC().Format(time.RFC3339), err)
		on(context.Background(), mandate.Event{Name: mandate.Fault, Err: mandate.Errorf(mandate.TemporarilyUnavailable, cause, "")})
	}
}
