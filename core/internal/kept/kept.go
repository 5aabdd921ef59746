// Package kept holds values from the network: fetched when somebody needs them first, used on while they are fetched anew.
package kept

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// The paces of kept values.
const (
	coldPause = 2 * time.Second  // after a failure with nothing to fall back on
	warmPause = 15 * time.Second // after a failure with an older value in use
)

// Value is a value from the network. Who needs it first waits for it, one fetch for all; later ones never wait: what is no longer
// fresh is fetched anew in the background while it is used on. Nothing runs unless somebody asks, and no fetch outlives its timeout.
type Value[T any] struct {
	// Fetch returns the value and how long it is fresh. It is never called twice at once. old may be nil; where nothing has changed it
	// is returned as it is.
	Fetch func(ctx context.Context, old *T) (*T, time.Duration, error)
	// Failed hears of failures while an older value is used on, which nobody else would hear of. until is when that ends.
	Failed func(err error, until time.Time)

	Now      func() time.Time
	Timeout  time.Duration // of a fetch, and of who waits for the first
	Patience time.Duration // of who waits for a newer value
	Interval time.Duration // between fetches for a newer value
	Outage   time.Duration // how long a value is used after it was fresh
	Behind   time.Duration // how long of that without a look at what came of the fetch: nobody asked for so long. Zero: all of it

	have atomic.Pointer[version[T]]
	next atomic.Int64 // when a fetch may begin after one that failed, in Unix milliseconds

	mu     sync.Mutex // guards flight, asked and err
	flight *flight
	asked  time.Time // when the last fetch for a newer value began
	err    error     // of the last fetch
}

// version is a value that was fetched.
type version[T any] struct {
	value       *T
	fresh, good time.Time // until when
}

// flight is a fetch on its way. err may be read once it is done.
type flight struct {
	done chan struct{}
	err  error
}

var errSlow = errors.New("no answer yet")

// Get returns the value. Once there was one, it does not wait for the network, unless the outage has outlasted the value.
func (k *Value[T]) Get(ctx context.Context) (*T, error) {
	now := k.Now()
	have := k.have.Load()
	switch {
	case have != nil && now.Before(have.fresh):
		return have.value, nil
	case have != nil && now.Before(have.good):
		var f *flight
		if !k.paused(now) {
			k.mu.Lock()
			if f = k.flight; f == nil && k.have.Load() == have {
				f = k.begin()
			}
			k.mu.Unlock()
		}
		tried := time.UnixMilli(k.next.Load()) // in an outage every minute, as long as somebody asks
		if f != nil && k.Behind > 0 && now.Sub(have.fresh) >= k.Behind && now.Sub(tried) >= k.Behind {
			_, _ = k.wait(ctx, f, k.Patience) // with an outage the older one does
		}
		return k.have.Load().value, nil
	}
	k.mu.Lock()
	f := k.flight
	switch again := k.have.Load(); {
	case again != have: // it came in between
		k.mu.Unlock()
		return again.value, nil
	case f == nil && k.paused(now):
		defer k.mu.Unlock()
		return nil, k.err
	case f == nil:
		f = k.begin()
	}
	k.mu.Unlock()
	if _, err := k.wait(ctx, f, k.Timeout); err != nil {
		return nil, err
	}
	return k.have.Load().value, nil
}

// paused reports whether it is too early after a fetch that failed. No pause is longer than the longest, whatever the clock did since.
func (k *Value[T]) paused(now time.Time) bool {
	left := k.next.Load() - now.UnixMilli()
	return left > 0 && left <= warmPause.Milliseconds()
}

// Newer returns a newer value than missing if there is one, and missing if there is none. Whatever the load, it begins one fetch in
// an interval. An error means that nobody can tell.
func (k *Value[T]) Newer(ctx context.Context, missing *T) (*T, error) {
	for joined := false; ; joined = true {
		k.mu.Lock()
		have, f := k.have.Load(), k.flight
		mine := f == nil
		switch {
		case have == nil || have.value != missing:
			k.mu.Unlock()
			return k.Get(ctx)
		case mine && !k.asked.IsZero() && k.Now().Sub(k.asked).Abs() < k.Interval: // a clock that was put back lasts no longer
			defer k.mu.Unlock()
			if k.err != nil {
				return nil, k.err
			}
			return missing, nil
		case mine:
			k.asked = k.Now()
			f = k.begin()
		}
		k.mu.Unlock()
		// A fetch that was on its way already may have begun too early for what is missing: then one of its own.
		last := mine || joined
		switch ended, err := k.wait(ctx, f, k.Patience); {
		case err != nil && (last || !ended):
			return nil, err
		case err == nil && (last || k.have.Load().value != missing):
			return k.have.Load().value, nil
		}
	}
}

// wait waits for f, and returns whether it ended, and with what.
func (k *Value[T]) wait(ctx context.Context, f *flight, most time.Duration) (ended bool, err error) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-f.done:
		return true, f.err
	case <-ctx.Done():
		return false, fmt.Errorf("wait for a fetch: %w", ctx.Err())
	case <-timer.C:
		return false, fmt.Errorf("%w after %v", errSlow, most)
	}
}

// begin sends a flight off. The caller holds mu, and there is none on its way.
func (k *Value[T]) begin() *flight {
	f := &flight{done: make(chan struct{})}
	k.flight = f
	go k.fly(f)
	return f
}

// fly is a flight: on its own, so that nobody who gives up takes it from those who wait on, and with nothing of a request, whose context
// may be used again by the framework.
func (k *Value[T]) fly(f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), k.Timeout)
	defer cancel()
	have := k.have.Load()
	value, fresh, err := k.try(ctx, have)
	now := k.Now()
	k.mu.Lock()
	k.flight, k.err, f.err = nil, err, err
	usable := have != nil && now.Before(have.good)
	switch {
	case err == nil:
		k.have.Store(&version[T]{value, now.Add(fresh), now.Add(fresh + k.Outage)})
		k.next.Store(0)
	case usable:
		k.next.Store(now.Add(warmPause).UnixMilli())
	default:
		k.next.Store(now.Add(coldPause).UnixMilli())
	}
	k.mu.Unlock()
	close(f.done)
	if err != nil && usable && k.Failed != nil {
		defer func() { _ = recover() }() // a hook of the application: there is no handler above that would catch it
		k.Failed(err, have.good)
	}
}

// try is Fetch, with a panic of a Fetcher as an error: there is no handler above that would catch it.
func (k *Value[T]) try(ctx context.Context, have *version[T]) (value *T, fresh time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	var old *T
	if have != nil {
		old = have.value
	}
	return k.Fetch(ctx, old)
}
