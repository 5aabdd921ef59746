package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/go-mandate/mandate/core/oauth1"
)

// How tokens are renewed where nothing else is said.
const (
	defaultLeeway  = time.Minute
	defaultTimeout = 10 * time.Second
	pause          = time.Second // after a failure, in which everybody gets the same error
)

// Source is a token that renews itself: an oauth2.TokenSource for everything that takes one. Whoever asks while a new token is on its way
// waits for that one: however many ask, one request is sent. Who stops waiting takes it from nobody else. After a failure nothing is tried
// for a second. Nothing runs while nobody asks. It may be used by any number of goroutines.
//
// The tokens that it gives out have no refresh token: only the Source refreshes, so that no two do.
type Source struct {
	renew   func(ctx context.Context) (*held, error)
	timeout time.Duration // of renew
	now     func() time.Time

	have atomic.Pointer[held]

	mu     sync.Mutex // guards what follows
	flight *flight
	reset  int // how often what was held was thrown away
	err    error
	until  time.Time // how long err is the answer
}

// held is a token ready for use.
type held struct {
	tok    *oauth2.Token
	header []string  // the Authorization of requests
	good   time.Time // until when it is used; zero: always
	check  time.Time // when to renew it while it is used on; zero: never

	signer *oauth1.Signer // of token credentials of OAuth 1.0a, in place of tok
}

// flight is a renewal on its way. held and err may be read once it is done.
type flight struct {
	done chan struct{}
	held *held
	err  error
}

var _ oauth2.TokenSource = (*Source)(nil)

// SourceConfig says how a [Source] renews. The zero value is right for most.
type SourceConfig struct {
	// Leeway is how long before its end a token is renewed, but never more than a quarter of its life. Default: a minute.
	Leeway time.Duration
	// Timeout bounds a renewal. Default: 10 seconds.
	Timeout time.Duration
	// Now tells the time. Default: time.Now.
	Now func() time.Time
}

func (c SourceConfig) withDefaults() SourceConfig {
	if c.Leeway <= 0 {
		c.Leeway = defaultLeeway
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// NewSource returns a source that calls get when it has no token, or none that is good for long. get is never called twice at once, and with
// a context of its own. Client credentials, for example:
//
//	client.NewSource(func(ctx context.Context) (*oauth2.Token, error) {
//		return requester.ClientCredentials(ctx, client.Want{Scopes: []string{"orders"}})
//	}, client.SourceConfig{})
func NewSource(get func(ctx context.Context) (*oauth2.Token, error), c SourceConfig) *Source {
	c = c.withDefaults()
	return &Source{timeout: c.Timeout, now: c.Now, renew: func(ctx context.Context) (*held, error) {
		tok, err := get(ctx)
		if err == nil && tok == nil {
			err = &Error{Kind: NoToken, Cause: errors.New("there is neither a token nor an error")}
		}
		if err != nil {
			return nil, err
		}
		return hold(tok, tok.Expiry.Sub(c.Now()), c.Leeway)
	}}
}

// NewRefreshing returns a source that begins with tok and refreshes it, in the memory of this process: for a program with one user, such as a
// command line. save, which may be nil, is called with every new token, with its refresh token, before anybody uses it, and again
// with the same one if it fails. For many users, or several processes, use [Tokens].
func NewRefreshing(r *TokenRequester, tok *oauth2.Token, save func(ctx context.Context, tok *oauth2.Token) error, c SourceConfig) *Source {
	c = c.withDefaults()
	if tok == nil {
		tok = &oauth2.Token{}
	}
	first, unsaved := true, (*oauth2.Token)(nil)
	return &Source{timeout: c.Timeout, now: c.Now, renew: func(ctx context.Context) (*held, error) { // never twice at once
		if first {
			first = false
			if h, err := hold(tok, lifeOfToken(tok, c.Leeway), c.Leeway); err == nil && h.usable(c.Now()) {
				return h, nil
			}
		}
		if unsaved == nil {
			next, err := r.Refresh(ctx, tok.RefreshToken, Want{})
			if err == nil && r.renewed != nil {
				before, _ := tok.Extra("id_token").(string)
				next, err = r.renewed(ctx, before, next)
			}
			if err != nil {
				return nil, err
			}
			tok, unsaved = next, next
		}
		if save != nil {
			if err := save(ctx, unsaved); err != nil {
				return nil, r.fail(Fault, fmt.Errorf("save the token: %w", err))
			}
		}
		unsaved = nil
		return hold(tok, lifeOfToken(tok, c.Leeway), c.Leeway)
	}}
}

// lifeOfToken returns how long tok was to live when it came, or what makes the leeway whole where it does not say.
func lifeOfToken(tok *oauth2.Token, leeway time.Duration) time.Duration {
	if tok.ExpiresIn <= 0 {
		return 4 * leeway
	}
	return time.Duration(min(tok.ExpiresIn, int64(maxLife/time.Second))) * time.Second
}

// hold makes tok, which has or had a life of that length, ready for use.
func hold(tok *oauth2.Token, life, leeway time.Duration) (*held, error) {
	if tok == nil || tok.AccessToken == "" {
		return nil, &Error{Kind: NoToken}
	}
	out := *tok
	out.RefreshToken = ""
	h := &held{tok: &out, header: []string{out.Type() + " " + out.AccessToken}}
	if !tok.Expiry.IsZero() {
		h.good = tok.Expiry.Add(-min(leeway, max(life/4, 0)))
	}
	return h, nil
}

// alive reports whether the token itself has not run out at now.
func (h *held) alive(now time.Time) bool {
	return h != nil && (h.tok.Expiry.IsZero() || now.Before(h.tok.Expiry))
}

// usable reports whether h may be used at now.
func (h *held) usable(now time.Time) bool { return h != nil && (h.good.IsZero() || now.Before(h.good)) }

// Token returns a token that is good, and waits for a new one if need be. Nobody may change it.
func (s *Source) Token() (*oauth2.Token, error) {
	return s.TokenContext(context.Background())
}

// TokenContext is Token for who waits no longer than ctx.
func (s *Source) TokenContext(ctx context.Context) (*oauth2.Token, error) {
	h, err := s.get(ctx)
	if err != nil {
		return nil, err
	}
	return h.tok, nil
}

// get returns what to use. It does not allocate where that is there.
func (s *Source) get(ctx context.Context) (*held, error) {
	if s.now == nil {
		return nil, &Error{Kind: NoToken, Cause: errors.New("the Source is the zero value: make one with NewSource, or take that of an app")}
	}
	now := s.now()
	h := s.have.Load()
	if h.usable(now) {
		if !h.check.IsZero() && !now.Before(h.check) {
			s.mu.Lock()
			if s.flight == nil && s.have.Load() == h && !now.Before(s.until) {
				s.begin() //nolint:contextcheck // a flight is on its own: see fly
			}
			s.mu.Unlock()
		}
		return h, nil
	}
	s.mu.Lock()
	f := s.flight
	switch again := s.have.Load(); {
	case again != h && again.usable(now): // it came in between
		s.mu.Unlock()
		return again, nil
	case f == nil && s.err != nil && now.Before(s.until):
		defer s.mu.Unlock()
		return nil, s.err
	case f == nil:
		f = s.begin() //nolint:contextcheck // a flight is on its own: see fly
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.held, f.err
	case <-ctx.Done():
		return nil, &Error{Kind: Unreachable, Cause: fmt.Errorf("wait for a new token: %w", ctx.Err())}
	}
}

// begin begins a flight. mu is held.
func (s *Source) begin() *flight {
	s.flight = &flight{done: make(chan struct{})}
	go s.fly(s.flight, s.reset)
	return s.flight
}

// fly is a flight: on its own, with nothing of the request that was first.
func (s *Source) fly(f *flight, reset int) {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	for {
		h, err := s.try(ctx)
		now := s.now()
		s.mu.Lock()
		if s.reset != reset && ctx.Err() == nil { // what was read may be what was thrown away
			reset = s.reset
			s.mu.Unlock()
			continue
		}
		if old := s.have.Load(); err != nil && old.alive(now) && !errors.Is(err, GrantLost) && !errors.Is(err, NoToken) { // better than none
			kept := *old
			kept.good, kept.check = old.tok.Expiry, now.Add(pause)
			h, err = &kept, nil
		}
		s.have.Store(h) // nil with an error
		s.err, s.until = err, now.Add(pause)
		s.flight, f.held, f.err = nil, h, err
		s.mu.Unlock()
		close(f.done)
		return
	}
}

// try is renew, with a panic of the application's code as an error: there is no handler above that would catch it.
func (s *Source) try(ctx context.Context) (h *held, err error) {
	defer func() {
		if p := recover(); p != nil {
			h, err = nil, &Error{Kind: Fault, Cause: fmt.Errorf("panic: %v", p)}
		}
	}()
	return s.renew(ctx)
}

// forget throws away what is held, and what a flight on its way has read.
func (s *Source) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reset++
	s.have.Store(nil)
	s.err = nil
}
