// Package backend redeems codes in servers and files: through the project's stores, and as others would write it.
package backend

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

const (
	// goroutines is how many use a way side by side at the most, and each how many grants it redeems in turn.
	goroutines = 64
	each       = 16

	connections = 32
	lifetime    = time.Hour
)

// A Way moves a grant from one generation to the next and puts a token under it, as redeeming a code does. It has grants of
// its own: a grant that was redeemed is redeemed again, like a refresh token that rotates, so that nothing has to
// be prepared while the clock runs.
type Way struct {
	redeem func(context.Context, store.Redemption) error
	ids    []string
	next   []int64 // by grant; each belongs to one goroutine
}

// creator makes grants.
type creator interface {
	CreateGrant(ctx context.Context, g store.Grant) error
}

// newWay creates the grants of a way.
func newWay(ctx context.Context, s creator, redeem func(context.Context, store.Redemption) error) (*Way, error) {
	w := &Way{redeem: redeem, next: make([]int64, goroutines*each)}
	now := time.Now()
	for range goroutines * each {
		g := store.Grant{
			ID: rand.Text(), Key: mandate.DigestOf(rand.Text()), KeyID: "k1", ClientID: "web", Subject: rand.Text(), SessionID: rand.Text(),
			Created: now, Expires: now.Add(time.Minute),
			Details: store.Details{Scopes: "openid profile", RedirectURI: "https://app.example.com/cb", Challenge: rand.Text() + rand.Text()[:17]},
		}
		if err := s.CreateGrant(ctx, g); err != nil {
			return nil, err
		}
		w.ids = append(w.ids, g.ID)
	}
	return w, nil
}

// Worker returns what the ith goroutine calls: one redemption.
func (w *Way) Worker(i int) func() error {
	n := 0
	return func() error {
		at := i*each + n%each
		n++
		now := time.Now()
		from := w.next[at]
		w.next[at]++
		return w.redeem(context.Background(), store.Redemption{
			GrantID: w.ids[at], From: from, Now: now, Expires: now.Add(24 * time.Hour), KeyID: "k1", Key: mandate.DigestOf(rand.Text()),
			Token: mandate.NewToken(mandate.TokenInfo{
				GrantID: w.ids[at], Subject: "alice", ClientID: "web", Scopes: "openid profile", IssuedAt: now, Expires: now.Add(lifetime),
			}),
		})
	}
}

// of returns the way of a store.
func of(ctx context.Context, s store.Store) (*Way, error) {
	return newWay(ctx, s, func(ctx context.Context, r store.Redemption) error {
		_, err := s.Redeem(ctx, r)
		return err
	})
}

// body is the token as everybody keeps it.
func body(t *mandate.Token) (string, error) {
	b, err := json.Marshal(t.Info())
	return string(b), err
}

var errLost = errors.New("the grant was not moved")

// Close undoes what a backend has made.
type Close []func() error

// Close implements io.Closer.
func (c Close) Close() error {
	var errs []error
	for _, undo := range slices.Backward(c) {
		errs = append(errs, undo())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("backend: %w", err)
	}
	return nil
}
