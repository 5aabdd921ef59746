package adaptertest

import (
	"context"
	"net/http"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

func contextCases() cases {
	return cases{
		"every context of a guarded request carries the token": testContexts,
		"a handler of net/http sees the token":                 testWrapped,
		"what others put into the context stays there":         testForeignContext,
	}
}

type otherKey struct{}

func testContexts(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	check := func(c Ctx, want *mandate.Token) {
		t.Helper()
		if c.Token() != want {
			t.Errorf("Token = %v, want %v", c.Token(), want)
		}
		for i, ctx := range append([]context.Context{c.Native(), c.Context(), c.Native()}, c.Inner()...) {
			if got := mandate.TokenFrom(ctx); got != want {
				t.Errorf("context %d carries %v, want %v", i, got, want)
			}
			if ctx.Value(otherKey{}) != nil {
				t.Errorf("context %d has a value that nobody put there", i)
			}
		}
		derived := context.WithValue(c.Context(), otherKey{}, 1)
		if mandate.TokenFrom(derived) != want || derived.Value(otherKey{}) != 1 {
			t.Error("a context that was derived loses the token, or its own value")
		}
		if err := c.Context().Err(); err != nil {
			t.Errorf("the context is over within the handler: %v", err)
		}
	}
	h := g.app.Route(func(c Ctx) error {
		want := g.vault.list[c.Header("X-Want")]
		check(c, want)
		user, err := resource.UserFrom[*User](c.Context())
		switch {
		case want == nil && (err == nil || user != nil):
			t.Errorf("anonymous, and the user is %v, %v", user, err)
		case want != nil && (err != nil || user.ID != want.Subject()):
			t.Errorf("the context has user %v, %v, want %s", user, err, want.Subject())
		}
		check(c, want) // also after the user was loaded
		return who(c)
	})
	look := g.app.Middleware(func(c Ctx, next func() error) error {
		check(c, g.vault.list[c.Header("X-Want")])
		return next()
	})
	g.app.Handle(http.MethodGet, "/open", h)
	g.app.Handle(http.MethodGet, "/require", h, g.auth.Require("profile"), look)
	g.app.Handle(http.MethodGet, "/optional", h, g.auth.Optional("profile"), look)
	g.app.Handle(http.MethodGet, "/stacked", h, g.auth.Optional("profile"), look, g.auth.Require("email"), look)
	g.app.Handle(http.MethodGet, "/for", h, g.auth.RequireFor(func(ctx context.Context, _ *mandate.Request) mandate.Requirement {
		if mandate.TokenFrom(ctx) != nil {
			t.Error("the function of the request is handed a token that nobody checked")
		}
		return mandate.Requirement{}
	}), look)
	g.app.Handle(http.MethodGet, "/two", h, g.auth.Require("profile"), look, g.app.Auth(g.another(t, nil), AuthConfig{}).Require(), look)
	g.start(t)
	g.get(t, "/open", as("ann")...).status(t, 200)
	g.get(t, "/optional").status(t, 200)
	for _, path := range []string{"/require", "/optional", "/stacked", "/for", "/two"} {
		g.get(t, path, append(as("ann"), "X-Want", "ann")...).passed(t, "ann")
	}
}

func testWrapped(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	var users bool
	h, users := g.app.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok := mandate.TokenFrom(r.Context())
		if users {
			if user, err := resource.UserFrom[*User](r.Context()); err != nil || user.ID != tok.Subject() {
				t.Errorf("the handler sees user %v, %v, want %s", user, err, tok.Subject())
			}
		}
		w.Header().Set("X-Subject", tok.Subject())
		w.WriteHeader(http.StatusAccepted)
	}))
	g.app.Handle(http.MethodGet, "/wrapped", h, g.auth.Require("profile"))
	g.start(t)
	for _, token := range []string{"ann", "lead"} {
		g.get(t, "/wrapped", as(token)...).status(t, http.StatusAccepted).fields(t, "X-Subject", "ann")
	}
	g.get(t, "/wrapped", as("bob")...).same(t, lacking("profile"))
}

// testForeignContext: middleware of others, before the guard and after it, has a deadline and values in the context.
func testForeignContext(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, func(c *resource.Config) {
		user := c.User
		c.User = func(ctx context.Context, tok *mandate.Token) (any, error) {
			if ctx.Value(otherKey{}) != "before" {
				t.Errorf("whoever loads the user sees %v in the context, want what was there before", ctx.Value(otherKey{}))
			}
			return user(ctx, tok)
		}
	})
	type lateKey struct{}
	before := g.app.Middleware(func(c Ctx, next func() error) error {
		ctx, cancel := context.WithTimeout(context.WithValue(c.Native(), otherKey{}, "before"), time.Hour)
		defer cancel()
		c.SetNative(ctx)
		return next()
	})
	after := g.app.Middleware(func(c Ctx, next func() error) error {
		c.SetNative(context.WithValue(c.Native(), lateKey{}, "after"))
		return next()
	})
	asks := g.app.Middleware(func(c Ctx, next func() error) error {
		if _, err := c.User(); err != nil {
			t.Error(err)
		}
		return next()
	})
	look := func(late any) Route {
		return g.app.Route(func(c Ctx) error {
			for name, ctx := range map[string]context.Context{"Context": c.Context(), "the framework's": c.Native()} {
				_, limited := ctx.Deadline()
				if ctx.Value(otherKey{}) != "before" || ctx.Value(lateKey{}) != late || !limited || ctx.Done() == nil {
					t.Errorf("%s context lost what others put there: %v, %v, deadline %v", name, ctx.Value(otherKey{}), ctx.Value(lateKey{}), limited)
				}
				if mandate.TokenFrom(ctx) != c.Token() || c.Token() == nil {
					t.Errorf("%s context lost the token", name)
				}
			}
			user, err := c.User()
			if again, _ := resource.UserFrom[*User](c.Context()); err != nil || user != again {
				t.Errorf("users %v and %v, %v, want one", user, again, err)
			}
			return who(c)
		})
	}
	g.app.Handle(http.MethodGet, "/before", look(nil), before, g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/both", look("after"), before, g.auth.Require("profile"), after)
	g.app.Handle(http.MethodGet, "/asked", look("after"), before, g.auth.Require("profile"), asks, after, g.auth.Require("email"))
	g.app.Handle(http.MethodGet, "/late", g.app.Route(func(c Ctx) error {
		if ctx := c.Context(); ctx.Value(lateKey{}) != "after" || mandate.TokenFrom(ctx) != c.Token() {
			t.Error("a value that was put there after the guard got lost")
		}
		return who(c)
	}), g.auth.Require("profile"), after)
	g.start(t)
	for _, path := range []string{"/before", "/both", "/asked"} {
		g.get(t, path, as("ann")...).passed(t, "ann")
		if got := g.loads.Swap(0); got != 1 {
			t.Errorf("%s: loaded %d times, want 1", path, got)
		}
	}
	g.get(t, "/late", as("ann")...).passed(t, "ann")
}
