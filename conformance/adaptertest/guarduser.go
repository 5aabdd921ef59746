package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

func userCases() cases {
	return cases{
		"the user is loaded once for a request, on first use": testUserOnce,
		"goroutines of one request share one user":            testUserShared,
		"a token without a user has none":                     testNoUser,
		"a user that cannot be loaded":                        testUserFails,
	}
}

func testUserOnce(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	first := g.app.Middleware(func(c Ctx, next func() error) error {
		if _, err := c.User(); err != nil {
			t.Error(err)
		}
		return next()
	})
	thrice := g.app.Route(func(c Ctx) error {
		one, err1 := c.User()
		two, err2 := resource.UserFrom[*User](c.Context())
		three, err3 := c.User()
		if one == nil || one != two || two != three || err1 != nil || err2 != nil || err3 != nil {
			t.Errorf("users %p, %p, %p: %v, %v, %v; want one", one, two, three, err1, err2, err3)
		}
		return c.JSON(200, map[string]any{"subject": one.ID, "anonymous": false})
	})
	show := func(c Ctx, user *User) error {
		return c.JSON(200, map[string]any{"subject": user.ID, "anonymous": false, "name": user.Name})
	}
	g.app.Handle(http.MethodGet, "/never", g.whoRoute(), g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/thrice", thrice, g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/early", thrice, g.auth.Require("profile"), first, g.auth.Require("email"))
	g.app.Handle(http.MethodGet, "/with", g.auth.WithUser(show, "profile"))
	g.app.Handle(http.MethodGet, "/behind", g.auth.WithUser(show, "email"), g.auth.Require("profile"), first)
	g.start(t)
	for _, tc := range []struct {
		path  string
		loads int64
	}{{"/never", 0}, {"/thrice", 1}, {"/early", 1}, {"/with", 1}, {"/behind", 1}} {
		for range 2 { // once for each request, and nothing of the one before
			g.get(t, tc.path, as("ann")...).passed(t, "ann")
			if got := g.loads.Swap(0); got != tc.loads {
				t.Errorf("%s: loaded %d times, want %d", tc.path, got, tc.loads)
			}
		}
		g.get(t, tc.path, as("mallory")...).same(t, invalid())
		if got := g.loads.Swap(0); got != 0 {
			t.Errorf("%s: loaded %d times for a token that was refused", tc.path, got)
		}
	}
	if ans := g.get(t, "/with", as("ann")...); ans.text(t, "name") != "user ann" {
		t.Errorf("body %s, want the name of ann", ans.Body)
	}
	g.get(t, "/with").same(t, missing("profile"))
	g.get(t, "/with", as("bob")...).same(t, lacking("profile"))
}

func testUserShared(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	g.app.Handle(http.MethodGet, "/many", g.app.Route(func(c Ctx) error {
		ctx := c.Context()
		users := make([]*User, 32)
		var wg sync.WaitGroup
		for i := range users {
			wg.Go(func() {
				user, err := resource.UserFrom[*User](ctx)
				if err != nil {
					t.Error(err)
				}
				users[i] = user
			})
		}
		wg.Wait()
		for _, user := range users {
			if user == nil || user != users[0] || user.ID != c.Token().Subject() {
				t.Errorf("users %p and %p of %s, want one", user, users[0], c.Token().Subject())
			}
		}
		return who(c)
	}), g.auth.Require("email"))
	g.start(t)
	for i := range 8 {
		token := []string{"ann", "bob"}[i%2]
		g.get(t, "/many", as(token)...).passed(t, token)
		if got := g.loads.Swap(0); got != 1 {
			t.Errorf("loaded %d times, want 1", got)
		}
	}
}

func testNoUser(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	h := g.app.Route(func(c Ctx) error {
		user, err := c.User()
		if user != nil || !errors.Is(err, mandate.ErrNoUser) {
			t.Errorf("User = %v, %v, want ErrNoUser", user, err)
		}
		if _, err := c.OtherUser(); !errors.Is(err, mandate.ErrNoUser) {
			t.Errorf("OtherUser: %v, want ErrNoUser", err)
		}
		return g.auth.Refuse(c, err)
	})
	g.app.Handle(http.MethodGet, "/open", h)
	g.app.Handle(http.MethodGet, "/optional", h, g.auth.Optional())
	g.app.Handle(http.MethodGet, "/require", h, g.auth.Require())
	g.app.Handle(http.MethodGet, "/with", g.auth.WithUser(func(c Ctx, _ *User) error { return who(c) }))
	g.start(t)
	g.get(t, "/open").same(t, userless())
	g.get(t, "/open", as("ann")...).same(t, userless())
	g.get(t, "/optional").same(t, userless())
	g.get(t, "/require", as("robot")...).same(t, userless())
	g.get(t, "/with", as("robot")...).same(t, userless())
	if got := g.loads.Load(); got != 0 {
		t.Errorf("loaded %d times, want 0", got)
	}
}

func testUserFails(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	refuse := func(load func(c Ctx) error) Route {
		return g.app.Route(func(c Ctx) error {
			if err := load(c); err != nil {
				return g.auth.Refuse(c, err)
			}
			return who(c)
		})
	}
	mine := refuse(func(c Ctx) error {
		_, err := c.User()
		if _, again := c.User(); !errors.Is(again, err) {
			t.Errorf("User: %v, and then %v", err, again)
		}
		return err
	})
	recovered := refuse(func(c Ctx) error {
		func() {
			defer func() { _ = recover() }()
			_, _ = c.User()
		}()
		_, err := c.User() // neither a user nor an error would be taken for a user
		return err
	})
	none := g.app.Auth(g.another(t, func(c *resource.Config) { c.User = nil }), AuthConfig{})
	nothing := g.app.Auth(g.another(t, func(c *resource.Config) {
		c.User = func(context.Context, *mandate.Token) (any, error) { return nil, nil }
	}), AuthConfig{})
	g.app.Handle(http.MethodGet, "/mine", mine, g.auth.Require())
	g.app.Handle(http.MethodGet, "/recovered", recovered, g.auth.Require())
	g.app.Handle(http.MethodGet, "/with", g.auth.WithUser(func(c Ctx, _ *User) error { return who(c) }))
	g.app.Handle(http.MethodGet, "/other", refuse(func(c Ctx) error {
		_, err := c.OtherUser()
		return err
	}), g.auth.Require())
	g.app.Handle(http.MethodGet, "/none", mine, none.Require())
	g.app.Handle(http.MethodGet, "/none-with", none.WithUser(func(c Ctx, _ *User) error { return who(c) }))
	g.app.Handle(http.MethodGet, "/nothing", nothing.WithUser(func(c Ctx, _ *User) error { return who(c) }))
	g.start(t)
	gone := refusedBy(401, `Bearer error="invalid_token"`, `{"error":"invalid_token"}`)
	for _, path := range []string{"/mine", "/with"} {
		g.get(t, path, as("gone")...).same(t, gone)
		g.get(t, path, as("faulty")...).same(t, faulty())
		if got := g.loads.Swap(0); got != 2 {
			t.Errorf("%s: loaded %d times, want once for each request", path, got)
		}
	}
	g.get(t, "/recovered", as("boom")...).same(t, faulty())
	for _, path := range []string{"/other", "/none", "/none-with", "/nothing"} {
		g.get(t, path, as("ann")...).same(t, faulty())
	}
}
