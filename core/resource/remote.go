package resource

import (
	"context"
	"errors"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/internal/issuer"
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
	keys *issuer.Keys

	// What only the fetch on its way uses.
	find  *finder
	jwks  string    // where the keys are; found out if find is not nil
	until time.Time // how long jwks is fresh
}

var _ KeySource = (*RemoteKeys)(nil)

const maxOutage = 7 * 24 * time.Hour

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
	r := &RemoteKeys{jwks: c.JWKS}
	name := c.Issuer
	var fetcher mandate.Fetcher
	var err error
	switch {
	case c.JWKS != "":
		if name == "" {
			name = c.JWKS
		}
		fetcher, err = fetcherOf(c.Fetcher, fetch.Config{Timeout: c.Timeout}, "RemoteConfig.JWKS", c.JWKS)
	case c.Issuer == "":
		return nil, errors.New("RemoteConfig.Issuer and JWKS are empty: name the issuer, or the URL of its keys")
	default:
		if fetcher, err = fetcherOf(c.Fetcher, fetch.Config{Timeout: c.Timeout}, "RemoteConfig.Issuer", c.Issuer); err == nil {
			r.find, err = newFinder(c.Issuer, "RemoteConfig.Issuer", fetcher)
		}
	}
	if err != nil {
		return nil, err
	}
	r.keys = issuer.NewKeys(issuer.KeysConfig{
		Locate: func(ctx context.Context, again bool) (string, error) { return r.locate(ctx, c.Now(), again) }, Fetcher: fetcher, Now: c.Now,
		Timeout: c.Timeout, Interval: c.Interval, Outage: c.Outage,
		Failed: func(err error, until time.Time) { tellKept(c.Hooks.On, "keys of "+name, err, until) },
	})
	return r, nil
}

// KeySet implements [KeySource]. The first call waits for the issuer; later ones do not.
func (r *RemoteKeys) KeySet(ctx context.Context, missing *jose.KeySet) (*jose.KeySet, error) {
	return r.keys.KeySet(ctx, missing)
}

// locate returns where the keys are. It leaves time to fetch them.
func (r *RemoteKeys) locate(ctx context.Context, now time.Time, again bool) (string, error) {
	if r.find == nil || now.Before(r.until) && !again {
		return r.jwks, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeLeft(ctx)*2/3)
	defer cancel()
	m, fresh, err := r.find.find(ctx)
	if err == nil {
		err = r.find.checkURL(m.JWKSURI, "jwks_uri")
	}
	switch {
	case err == nil:
		r.jwks, r.until = m.JWKSURI, now.Add(fresh)
	case r.jwks == "":
		return "", err
	} // else they are probably still where they were
	return r.jwks, nil
}

// tellKept tells the hooks that something could not be fetched anew, and the old is used on.
func tellKept(on func(context.Context, mandate.Event), what string, err error, until time.Time) {
	if on != nil {
		cause := fmt.Errorf("%s could not be fetched anew, the old ones are used until %s: %w", what, until.UTC().Format(time.RFC3339), err)
		on(context.Background(), mandate.Event{Name: mandate.Fault, Err: mandate.Errorf(mandate.TemporarilyUnavailable, cause, "")})
	}
}
