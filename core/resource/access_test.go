package resource_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

type person struct{ name string }

func TestUserIsLoadedOnce(t *testing.T) {
	t.Parallel()
	var loads atomic.Int32
	g := newGuard(t, func(c *resource.Config) {
		c.User = func(_ context.Context, tok *mandate.Token) (any, error) {
			loads.Add(1)
			return &person{tok.Subject()}, nil
		}
	})
	ctx := resource.Carry(t.Context(), g, mandate.NewToken(mandate.TokenInfo{Subject: "ann"}))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if p, err := resource.UserFrom[*person](ctx); err != nil || p.name != "ann" {
				t.Errorf("user %v, %v; want ann", p, err)
			}
		})
	}
	wg.Wait()
	if n := loads.Load(); n != 1 {
		t.Errorf("%d loads, want 1", n)
	}
}

func TestUserErrors(t *testing.T) {
	t.Parallel()
	outage := errors.New("connection refused")
	ann := mandate.TokenInfo{Subject: "ann"}
	for name, tc := range map[string]struct {
		load func(context.Context, *mandate.Token) (any, error)
		info mandate.TokenInfo
		want error // nil: any
	}{
		"a client that acts for itself": {func(context.Context, *mandate.Token) (any, error) { panic("asked") }, mandate.TokenInfo{ClientID: "m"}, mandate.ErrNoUser},
		"the application's own error":   {func(context.Context, *mandate.Token) (any, error) { return nil, outage }, ann, outage},
		"another type":                  {func(context.Context, *mandate.Token) (any, error) { return person{}, nil }, ann, nil},
		"nobody loads":                  {nil, ann, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, func(c *resource.Config) { c.User = tc.load })
			ctx := resource.Carry(t.Context(), g, mandate.NewToken(tc.info))
			for range 2 {
				if p, err := resource.UserFrom[*person](ctx); p != nil || err == nil || tc.want != nil && !errors.Is(err, tc.want) {
					t.Errorf("user %v, %v; want %v", p, err, tc.want)
				}
			}
		})
	}
	if _, err := resource.UserFrom[*person](t.Context()); !errors.Is(err, mandate.ErrNoUser) {
		t.Errorf("without a token: %v, want %v", err, mandate.ErrNoUser)
	}
	elsewhere := resource.Carry(t.Context(), nil, mandate.NewToken(ann))
	if p, err := resource.UserFrom[*person](elsewhere); p != nil || err == nil {
		t.Errorf("token from elsewhere: %v, %v; want an error", p, err)
	}
}

func TestUserThatPanics(t *testing.T) {
	t.Parallel()
	g := newGuard(t, func(c *resource.Config) {
		c.User = func(context.Context, *mandate.Token) (any, error) { panic("mine") }
	})
	a := resource.Carry(t.Context(), g, mandate.NewToken(mandate.TokenInfo{Subject: "ann"})).Access()
	func() {
		defer func() {
			if p := recover(); p != "mine" {
				t.Errorf("recovered %v, want the application's own", p)
			}
		}()
		_, _ = a.User(t.Context())
	}()
	if user, err := a.User(t.Context()); user != nil || err == nil {
		t.Errorf("after the panic: %v, %v; want an error", user, err)
	}
}

func TestCarrier(t *testing.T) {
	t.Parallel()
	type key struct{}
	g := newGuard(t, nil)
	tok := mandate.NewToken(mandate.TokenInfo{Subject: "ann"})
	base := context.WithValue(t.Context(), key{}, "below")
	carrier := resource.Carry(base, g, tok)
	for name, ctx := range map[string]context.Context{"Carry": carrier, "In": carrier.Access().In(base), "In, once more": carrier.Access().In(carrier)} {
		if mandate.TokenFrom(ctx) != tok || ctx.Value(key{}) != "below" {
			t.Errorf("%s: token %v, value %v", name, mandate.TokenFrom(ctx), ctx.Value(key{}))
		}
		if a := resource.AccessFrom(ctx); a != carrier.Access() || a.Guard() != g || a.Token() != tok {
			t.Errorf("%s: another access", name)
		}
	}
	if resource.AccessFrom(base) != nil {
		t.Error("an access where none was carried")
	}
}
