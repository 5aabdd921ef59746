package adaptertest

import (
	"context"
	"net/http"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

func stackCases() cases {
	return cases{
		"stacked guards each check their own, and verify once": testStacked,
		"groups are guarded, and groups in groups":             testGroups,
		"two guards each verify for themselves":                testTwoGuards,
		"a token from elsewhere is nobody's verdict":           testSetToken,
		"after a refusal nothing runs":                         testChainEnds,
	}
}

// asked checks how often a token went to its verifier.
func (g *guarded) asked(t *testing.T, want int64) {
	t.Helper()
	if got := g.vault.asked.Swap(0); got != want {
		t.Errorf("verified %d times, want %d", got, want)
	}
}

func testStacked(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	auth := g.auth
	twin := g.app.Auth(g.guard, AuthConfig{}) // of the same guard
	acquire := g.app.Route(func(c Ctx) error {
		tok, err := twin.Acquire(c, "email")
		if err != nil {
			return twin.Refuse(c, err)
		}
		if tok != c.Token() {
			t.Error("Acquire returns another token than the current one")
		}
		return who(c)
	})
	g.app.Handle(http.MethodGet, "/two", g.whoRoute(), auth.Require("email"), auth.RequireRole("lead", "boss"))
	g.app.Handle(http.MethodGet, "/three", g.whoRoute(), auth.Optional(), auth.Require("profile"), twin.RequireThat(mandate.Role("lead")))
	g.app.Handle(http.MethodGet, "/acquire", acquire, auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/with", twin.With(func(c Ctx, _ *mandate.Token) error { return who(c) }, "email"), auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/user", twin.WithUser(func(c Ctx, user *User) error {
		if mine, err := c.User(); err != nil || mine != user {
			t.Errorf("User = %v, %v, want %v", mine, err, user)
		}
		return who(c)
	}, "email"), auth.Require("profile"))
	g.start(t)
	for _, tc := range []struct {
		path, token string
		asked       int64
		want        string
	}{
		{"/two", "lead", 1, ""},
		{"/two", "bob", 1, lacking("")},
		{"/two", "bare", 1, lacking("email")},
		{"/two", "mallory", 1, invalid()},
		{"/three", "lead", 1, ""},
		{"/three", "ann", 1, lacking("")},
		{"/three", "bob", 1, lacking("profile")},
		{"/acquire", "ann", 1, ""},
		{"/acquire", "bob", 1, lacking("profile")},
		{"/with", "ann", 1, ""},
		{"/user", "ann", 1, ""},
	} {
		ans := g.get(t, tc.path, as(tc.token)...)
		g.asked(t, tc.asked)
		if tc.want == "" {
			ans.passed(t, "ann")
		} else {
			ans.same(t, tc.want)
		}
	}
	if got := g.loads.Load(); got != 1 {
		t.Errorf("the user was loaded %d times, want 1", got)
	}
}

func testGroups(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	api := g.app.Group("/api", g.auth.Require("profile"))
	api.Handle(http.MethodGet, "/me", g.whoRoute())
	api.Handle(http.MethodGet, "/mail", g.whoRoute(), g.auth.Require("email"))
	staff := api.Group("/staff", g.auth.RequireRole("lead"))
	staff.Handle(http.MethodGet, "/list", g.whoRoute())
	staff.Handle(http.MethodDelete, "/list", g.whoRoute(), g.auth.Require("admin"))
	g.app.Handle(http.MethodGet, "/open", g.whoRoute())
	g.start(t)
	for _, tc := range []struct{ method, path, token, want string }{
		{"GET", "/api/me", "ann", ""},
		{"GET", "/api/me", "", missing("profile")},
		{"GET", "/api/me", "bob", lacking("profile")},
		{"GET", "/api/mail", "ann", ""},
		{"GET", "/api/staff/list", "lead", ""},
		{"GET", "/api/staff/list", "ann", lacking("")},
		{"GET", "/api/staff/list", "bob", lacking("profile")},
		{"GET", "/api/staff/list", "", missing("profile")},
		{"DELETE", "/api/staff/list", "lead", lacking("admin")},
	} {
		var fields []string
		if tc.token != "" {
			fields = as(tc.token)
		}
		ans := g.do(t, tc.method, tc.path, "", fields...)
		if tc.want == "" {
			ans.passed(t, "ann")
			g.asked(t, 1)
		} else {
			ans.same(t, tc.want)
			g.vault.asked.Store(0)
		}
	}
	if ans := g.get(t, "/open", as("mallory")...); ans.Status != 200 {
		t.Errorf("the guard of a group refuses a route outside: %d", ans.Status)
	}
}

func testTwoGuards(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	other := g.app.Auth(g.another(t, func(c *resource.Config) { c.Audience = "https://other.example.com" }), AuthConfig{})
	g.app.Handle(http.MethodGet, "/both", g.whoRoute(), g.auth.Require("profile"), other.Require("email"))
	g.app.Handle(http.MethodGet, "/turns", g.whoRoute(), g.auth.Require("profile"), other.Require(), g.auth.RequireRole("lead"))
	g.app.Handle(http.MethodGet, "/open", g.whoRoute(), other.Optional(), g.auth.Require("profile"))
	g.start(t)
	g.get(t, "/both", as("ann")...).passed(t, "ann")
	g.asked(t, 2)
	g.get(t, "/both", as("here")...).same(t, invalid()) // good at the first alone
	g.asked(t, 2)
	g.get(t, "/both", as("away")...).same(t, invalid()) // good at the second alone
	g.asked(t, 1)
	g.get(t, "/open", as("here")...).same(t, invalid())
	g.get(t, "/open").same(t, missing("profile"))
	g.get(t, "/turns", as("lead")...).passed(t, "ann")
	g.get(t, "/turns", as("ann")...).same(t, lacking(""))
}

// testSetToken: what a bridge sets is the current token, and no guard believes it.
func testSetToken(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	all := mandate.NewToken(mandate.TokenInfo{Subject: "root", ClientID: "bridge", Scopes: "profile email admin", Claims: `{"roles":["lead"]}`})
	set := g.app.Middleware(func(c Ctx, next func() error) error {
		c.SetToken(all)
		if c.Token() != all || mandate.TokenFrom(c.Context()) != all || mandate.TokenFrom(c.Native()) != all {
			t.Error("the token that was set is not the current one")
		}
		if _, err := c.User(); err == nil {
			t.Error("a token from elsewhere has a user although nobody can load one")
		}
		return next()
	})
	acquire := g.app.Route(func(c Ctx) error {
		if _, err := g.auth.Acquire(c, "admin"); err != nil {
			return g.auth.Refuse(c, err)
		}
		return who(c)
	})
	g.app.Handle(http.MethodGet, "/bridged", g.whoRoute(), set)
	g.app.Handle(http.MethodGet, "/guarded", g.whoRoute(), set, g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/optional", g.whoRoute(), set, g.auth.Optional("admin"))
	g.app.Handle(http.MethodGet, "/acquire", acquire, set)
	g.app.Handle(http.MethodGet, "/after", g.whoRoute(), g.auth.Require("profile"), set, g.auth.Require("admin"))
	g.start(t)
	g.get(t, "/bridged").passed(t, "root")
	g.get(t, "/guarded").same(t, missing("profile"))
	g.get(t, "/guarded", as("ann")...).passed(t, "ann")
	g.get(t, "/optional").passed(t, "root") // it is no credential, and none is needed
	g.get(t, "/optional", as("ann")...).same(t, lacking("admin"))
	g.get(t, "/acquire").same(t, missing("admin"))
	g.get(t, "/acquire", as("ann")...).same(t, lacking("admin"))
	g.get(t, "/after", as("ann")...).same(t, lacking("admin"))
}

func testChainEnds(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	var outer, returned, inner, handled int
	count := func(before, after *int) Middleware {
		return g.app.Middleware(func(_ Ctx, next func() error) error {
			*before++
			err := next()
			if after != nil {
				*after++
			}
			return err
		})
	}
	h := g.app.Route(func(c Ctx) error {
		handled++
		return who(c)
	})
	g.app.Handle(http.MethodGet, "/profile", h, count(&outer, &returned), g.auth.Require("profile"), count(&inner, nil))
	g.app.Handle(http.MethodGet, "/for", h, count(&outer, &returned), g.auth.RequireFor(func(context.Context, *mandate.Request) mandate.Requirement { return mandate.Scope("profile") }), count(&inner, nil))
	g.start(t)
	for _, path := range []string{"/profile", "/for"} {
		for _, token := range []string{"mallory", "bob", "outage", "a,b"} {
			g.get(t, path, as(token)...)
		}
		g.get(t, path)
	}
	if outer != 10 || returned != 10 || inner != 0 || handled != 0 {
		t.Errorf("outer %d and %d times, want 10; inner %d and handler %d times, want 0", outer, returned, inner, handled)
	}
	g.get(t, "/profile", as("ann")...).passed(t, "ann")
	if inner != 1 || handled != 1 {
		t.Errorf("inner %d and handler %d times, want 1", inner, handled)
	}
}
