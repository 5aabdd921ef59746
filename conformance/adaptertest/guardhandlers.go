package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
)

func handlerCases() cases {
	return cases{
		"With hands over the token and refuses":          testWith,
		"a handler can acquire a token and refuse":       testAcquire,
		"any error is refused with what it may tell":     testRefuse,
		"a skipped request is open, and nothing more is": testSkip,
	}
}

func testWith(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	show := func(c Ctx, tok *mandate.Token) error {
		return c.JSON(200, map[string]any{"subject": tok.Subject(), "anonymous": tok == nil})
	}
	g.app.Handle(http.MethodGet, "/me", g.auth.With(show, "profile"))
	g.app.Handle(http.MethodGet, "/any", g.auth.With(show))
	g.app.Handle(http.MethodGet, "/never", g.auth.With(show, ""))
	g.start(t)
	g.get(t, "/me", as("ann")...).passed(t, "ann")
	g.get(t, "/me", as("bob")...).same(t, lacking("profile"))
	g.get(t, "/me", as("mallory")...).same(t, invalid())
	g.get(t, "/me", as("outage")...).same(t, away())
	g.get(t, "/me").same(t, missing("profile"))
	g.get(t, "/any", as("bare")...).passed(t, "ann")
	g.get(t, "/any").same(t, missing(""))
	g.get(t, "/never", as("ann")...).same(t, lacking(""))
}

func testAcquire(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	acquire := func(scopes ...string) Route {
		return g.app.Route(func(c Ctx) error {
			if c.Token() != nil {
				t.Error("a token before anybody looked")
			}
			tok, err := g.auth.Acquire(c, scopes...)
			if err != nil {
				if tok != nil || c.Token() != nil {
					t.Error("an error, and a token all the same")
				}
				return g.auth.Refuse(c, err)
			}
			if c.Token() != tok || mandate.TokenFrom(c.Context()) != tok || mandate.TokenFrom(c.Native()) != tok {
				t.Error("the acquired token is not the current one")
			}
			if again, err := g.auth.Acquire(c, scopes...); err != nil || again != tok {
				t.Errorf("Acquire again: %v, %v, want the same token", again, err)
			}
			if _, err := g.auth.Acquire(c, "admin"); !errors.Is(err, mandate.InsufficientScope) {
				t.Errorf("Acquire of more: %v, want insufficient_scope", err)
			}
			if user, err := c.User(); err != nil || user.ID != tok.Subject() {
				t.Errorf("User = %v, %v, want %s", user, err, tok.Subject())
			}
			return who(c)
		})
	}
	g.app.Handle(http.MethodGet, "/me", acquire("profile"))
	g.app.Handle(http.MethodGet, "/two", acquire("profile email"))
	g.app.Handle(http.MethodGet, "/never", acquire(""))
	g.app.Handle(http.MethodOptions, "/me", acquire("profile"))
	g.start(t)
	g.get(t, "/me", as("ann")...).passed(t, "ann")
	g.asked(t, 1)
	g.get(t, "/me").same(t, missing("profile"))
	g.get(t, "/me", as("a,b")...).same(t, malformed())
	g.get(t, "/me", as("mallory")...).same(t, invalid())
	g.get(t, "/me", as("outage")...).same(t, away())
	g.get(t, "/two", as("bob")...).same(t, lacking("profile email"))
	g.get(t, "/never", as("ann")...).same(t, lacking(""))
	// Who asks for a token in a handler means it, also in a preflight.
	g.do(t, http.MethodOptions, "/me", "", preflight()...).same(t, missing("profile"))
}

func testRefuse(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	for path, err := range map[string]error{
		"/no-user":  mandate.ErrNoUser,
		"/wrapped":  errors.Join(errors.New("load: secret"), mandate.ErrNoUser),
		"/invalid":  mandate.InvalidToken,
		"/told":     mandate.Errorf(mandate.InvalidToken, errors.New("secret"), "sign in \"again\""),
		"/request":  mandate.Errorf(mandate.InvalidRequest, errors.New("secret"), "no id"),
		"/scope":    mandate.Errorf(mandate.InsufficientScope, nil, "not today"),
		"/busy":     mandate.TemporarilyUnavailable,
		"/fault":    errors.New("secret"),
		"/absent":   mandate.MissingAuthorization,
		"/with-uri": &mandate.Error{Code: mandate.AccessDenied, Description: "no", URI: "https://docs.example.com/no"},
	} {
		g.app.Handle(http.MethodGet, path, g.app.Route(func(c Ctx) error { return g.auth.Refuse(c, err) }))
	}
	g.start(t)
	const plain = "\nCache-Control: no-store\nContent-Type: application/json\n"
	for path, want := range map[string]string{
		"/no-user":  userless(),
		"/wrapped":  userless(),
		"/invalid":  refusedBy(401, `Bearer error="invalid_token"`, `{"error":"invalid_token"}`),
		"/told":     named(401, "invalid_token", "sign in ?again?", "", ""),
		"/request":  "400" + plain + "\n" + `{"error":"invalid_request","error_description":"no id"}`,
		"/scope":    named(403, "insufficient_scope", "not today", "", ""),
		"/busy":     "503" + plain + "Retry-After: 5\n\n" + `{"error":"temporarily_unavailable"}`,
		"/fault":    faulty(),
		"/absent":   refusedBy(401, `Bearer realm="`+guardedAPI+`"`, `{"error":"missing_authorization"}`),
		"/with-uri": "403" + plain + "\n" + `{"error":"access_denied","error_description":"no","error_uri":"https://docs.example.com/no"}`,
	} {
		g.get(t, path, as("ann")...).same(t, want)
	}
}

func testSkip(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil, AuthConfig{Skip: func(c Ctx) bool { return c.Header("X-Skip") == "yes" }})
	strict := g.app.Auth(g.guard, AuthConfig{})
	g.app.Handle(http.MethodGet, "/profile", g.whoRoute(), g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/for", g.whoRoute(), g.auth.RequireFor(func(context.Context, *mandate.Request) mandate.Requirement { return mandate.AnyScope() }))
	g.app.Handle(http.MethodGet, "/with", g.auth.With(func(c Ctx, tok *mandate.Token) error {
		return c.JSON(200, map[string]any{"subject": tok.Subject(), "anonymous": tok == nil})
	}, "profile"))
	g.app.Handle(http.MethodGet, "/stacked", g.whoRoute(), g.auth.Require("profile"), strict.Require("email"))
	g.app.Handle(http.MethodGet, "/user", g.auth.WithUser(func(c Ctx, _ *User) error { return who(c) }))
	g.start(t)
	for _, path := range []string{"/profile", "/for", "/with"} {
		for _, fields := range [][]string{nil, as("ann"), as("mallory"), as("a,b")} {
			ans := g.get(t, path, append([]string{"X-Skip", "yes"}, fields...)...)
			if ans.status(t, 200).json(t)["anonymous"] != true {
				t.Errorf("%s skipped with %q: %s, want anonymous", path, fields, ans.Body)
			}
		}
	}
	g.asked(t, 0)
	g.get(t, "/profile", "X-Skip", "no").same(t, missing("profile"))
	g.get(t, "/with").same(t, missing("profile"))
	g.get(t, "/for", as("ann")...).same(t, lacking(""))
	g.get(t, "/stacked", "X-Skip", "yes").same(t, missing("email"))
	g.get(t, "/stacked", append(as("bob"), "X-Skip", "yes")...).passed(t, "bob")
	g.get(t, "/user", append(as("ann"), "X-Skip", "yes")...).same(t, userless()) // nobody looked at the token
}
