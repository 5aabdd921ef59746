package mandatefiber_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// answer is what came back.
type answer struct {
	Code   int
	Header http.Header
	Body   string
}

// do sends a request to a route and returns the answer.
func do(t *testing.T, method, body string, header map[string]string, handlers ...fiber.Handler) answer {
	t.Helper()
	r := fiber.New()
	r.All("/x", handlers...)
	return send(t, r, method, "/x?a=b", body, header)
}

func send(t *testing.T, r *fiber.App, method, target, body string, header map[string]string) answer {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := r.Test(req, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

// before is a middleware that runs f.
func before(f func(c *fiber.Ctx)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		f(c)
		return c.Next()
	}
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

func wantAnswer(t *testing.T, w answer, status int, body string) {
	t.Helper()
	if w.Code != status || !strings.HasPrefix(w.Body, body) {
		t.Errorf("answer %d %s, want %d %s", w.Code, w.Body, status, body)
	}
}

// never is a handler that must not run.
func never(t *testing.T) fiber.Handler {
	t.Helper()
	return func(*fiber.Ctx) error {
		t.Error("the handler ran")
		return nil
	}
}

func TestRefusalToTheByte(t *testing.T) {
	t.Parallel()
	auth := mandatefiber.New(newGuard(t, nil))
	w := do(t, "GET", "", bearer(opaque), before(func(c *fiber.Ctx) { c.Set("Cache-Control", "private") }), auth.Require("admin"), never(t))
	wantAnswer(t, w, 403, `{"error":"insufficient_scope","error_description":"the access token does not allow this","scope":"admin"}`)
	for name, want := range map[string]string{
		"Content-Type":     "application/json",
		"Cache-Control":    "no-store",
		"Www-Authenticate": `Bearer error="insufficient_scope", error_description="the access token does not allow this", scope="admin"`,
	} {
		if got := strings.Join(w.Header[name], " | "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestErrorHandler(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler func(c *fiber.Ctx, err *mandate.Error) error
		status  int
		body    string
	}{
		"writes": {func(c *fiber.Ctx, err *mandate.Error) error {
			return c.JSON(fiber.Map{"mine": err.Code})
		}, 401, `{"mine":"missing_authorization"}`},
		"returns an error": {func(*fiber.Ctx, *mandate.Error) error { return fiber.NewError(418, "mine") }, 418, "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			auth := mandatefiber.New(newGuard(t, nil), mandatefiber.Config{ErrorHandler: tc.handler})
			w := do(t, "GET", "", nil, auth.Require(), never(t))
			wantAnswer(t, w, tc.status, tc.body)
			if got := w.Header.Get("WWW-Authenticate"); got != `Bearer realm="api"` {
				t.Errorf("challenge %q, want the bare one", got)
			}
		})
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	auth := mandatefiber.New(newGuard(t, nil), mandatefiber.Config{Skip: func(c *fiber.Ctx) bool { return c.Query("a") == "b" }})
	wantAnswer(t, do(t, "GET", "", nil, auth.Require(), func(c *fiber.Ctx) error { return c.SendString("ran") }), 200, "ran")
	with := auth.With(func(c *fiber.Ctx, tok *mandate.Token) error { return c.SendString("ran" + tok.Subject()) })
	wantAnswer(t, do(t, "GET", "", nil, with), 200, "ran")
}

func TestStacked(t *testing.T) {
	t.Parallel()
	inner, outer := mandatefiber.New(newGuard(t, nil)), mandatefiber.New(newGuard(t, nil))
	ok := func(c *fiber.Ctx) error { return c.SendString(mandatefiber.Token(c).Subject()) }
	with := outer.With(func(c *fiber.Ctx, _ *mandate.Token) error { return ok(c) }, "admin")
	for name, tc := range map[string]struct {
		handlers []fiber.Handler
		status   int
	}{
		"both are met":                 {[]fiber.Handler{outer.Require("profile"), outer.Require("email"), ok}, 200},
		"the second is checked":        {[]fiber.Handler{outer.Require("profile"), outer.Require("admin"), ok}, 403},
		"of another guard too":         {[]fiber.Handler{outer.Require("profile"), inner.Require("admin"), ok}, 403},
		"an optional one first":        {[]fiber.Handler{outer.Optional(), outer.RequireRole("manager"), ok}, 403},
		"and a client":                 {[]fiber.Handler{outer.Require(), outer.RequireClient(), ok}, 403},
		"and With":                     {[]fiber.Handler{outer.Require(), with}, 403},
		"any of nothing admits nobody": {[]fiber.Handler{outer.RequireAny(), ok}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if w := do(t, "GET", "", bearer(opaque), tc.handlers...); w.Code != tc.status {
				t.Errorf("status %d, want %d", w.Code, tc.status)
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	auth := mandatefiber.New(newGuard(t, nil))
	header := map[string]string{"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
	cors := func(c *fiber.Ctx) error { return c.SendString("cors") }
	wantAnswer(t, do(t, "OPTIONS", "", header, auth.Require("profile"), cors), 204, "")
	wantAnswer(t, do(t, "OPTIONS", "", nil, auth.Require("profile"), cors), 401, `{"error":"missing_authorization"`)
	wantAnswer(t, do(t, "OPTIONS", "", header, auth.With(func(c *fiber.Ctx, _ *mandate.Token) error { return never(t)(c) })), 204, "")
	acquire := func(c *fiber.Ctx) error {
		_, err := auth.Acquire(c)
		return auth.Refuse(c, err)
	}
	wantAnswer(t, do(t, "OPTIONS", "", header, acquire), 401, `{"error":"missing_authorization"`)
}

func TestRequireFor(t *testing.T) {
	t.Parallel()
	auth := mandatefiber.New(newGuard(t, nil))
	guard := auth.RequireFor(func(_ context.Context, r *mandate.Request) mandate.Requirement {
		if r.Body == "write" {
			return mandate.Scope("admin")
		}
		return mandate.Scope("profile")
	})
	repeat := func(c *fiber.Ctx) error {
		return c.SendString(string(c.Body()) + " by " + mandatefiber.Token(c).Subject())
	}
	wantAnswer(t, do(t, "POST", "read", bearer(opaque), guard, repeat), 200, "read by ann")
	wantAnswer(t, do(t, "POST", "write", bearer(opaque), guard, repeat), 403, `{"error":"insufficient_scope"`)
	wantAnswer(t, do(t, "POST", "write", nil, guard, repeat), 401, `{"error":"missing_authorization"`)
	long := strings.Repeat("x", resource.BodyLimit+7)
	wantAnswer(t, do(t, "POST", long, bearer(opaque), guard, repeat), 200, long+" by ann")
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	auth := mandatefiber.New(newGuard(t, map[string]mandate.TokenInfo{"machine": {ClientID: "m"}}))
	show := func(c *fiber.Ctx) error {
		user, err := mandatefiber.User[string](c)
		_, again := mandatefiber.User[int](c)
		if tok := mandatefiber.Token(c); tok != mandate.TokenFrom(mandatefiber.Context(c)) || tok != mandate.TokenFrom(c.UserContext()) || tok != mandate.TokenFrom(c.Context()) {
			t.Errorf("the contexts carry another token than %v", tok)
		}
		return c.SendString(fmt.Sprintf("%s %v %t", user, err, again != nil))
	}
	acquire := before(func(c *fiber.Ctx) { _, _ = auth.Acquire(c, "profile") })
	set := before(func(c *fiber.Ctx) { mandatefiber.SetToken(c, mandate.NewToken(mandate.TokenInfo{Subject: "eve"})) })
	wantAnswer(t, do(t, "GET", "", bearer(opaque), auth.Require(), show), 200, "user ann <nil> true")
	wantAnswer(t, do(t, "GET", "", bearer(opaque), acquire, show), 200, "user ann <nil> true")
	wantAnswer(t, do(t, "GET", "", bearer("machine"), auth.Require(), show), 200, " "+mandate.ErrNoUser.Error()+" true")
	wantAnswer(t, do(t, "GET", "", nil, show), 200, " "+mandate.ErrNoUser.Error()+" true")
	wantAnswer(t, do(t, "GET", "", nil, set, auth.Require(), show), 401, `{"error":"missing_authorization"`)
	wantAnswer(t, do(t, "GET", "", nil, set, func(c *fiber.Ctx) error { return c.SendString(mandatefiber.Token(c).Subject()) }), 200, "eve")
}

func TestUserContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	mine := context.WithValue(t.Context(), key{}, "mine")
	auth := mandatefiber.New(newGuard(t, nil))
	for name, tc := range map[string]struct {
		set    func(c *fiber.Ctx)
		values int // behind With, which adds none
		want   any
	}{
		"none":                           {set: func(*fiber.Ctx) {}},
		"Fiber's own empty one":          {set: func(c *fiber.Ctx) { c.UserContext() }, values: 1},
		"a middleware's":                 {set: func(c *fiber.Ctx) { c.SetUserContext(mine) }, values: 1, want: "mine"},
		"a middleware's, behind a value": {set: func(c *fiber.Ctx) { c.Locals("id", 1); c.SetUserContext(mine) }, values: 2, want: "mine"},
		"a value that is a context":      {set: func(c *fiber.Ctx) { c.Locals("span", mine); c.UserContext() }, values: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, do(t, "GET", "", bearer(opaque), before(tc.set), auth.With(func(c *fiber.Ctx, _ *mandate.Token) error {
				values := 0
				c.Context().VisitUserValuesAll(func(any, any) { values++ })
				if values != tc.values {
					t.Errorf("%d user values behind With, want %d", values, tc.values)
				}
				return c.SendString("ok")
			})), 200, "ok")
			wantAnswer(t, do(t, "GET", "", bearer(opaque), before(tc.set), auth.Require(), func(c *fiber.Ctx) error {
				if got := c.UserContext().Value(key{}); got != tc.want {
					t.Errorf("the user context behind Require has %v, want %v", got, tc.want)
				}
				if tok := mandatefiber.Token(c); tok == nil || tok != mandate.TokenFrom(c.UserContext()) || tok != mandate.TokenFrom(c.Context()) || tok != mandate.TokenFrom(mandatefiber.Context(c)) {
					t.Error("not one token everywhere")
				}
				return c.SendString("ok")
			}), 200, "ok")
		})
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	auth := mandatefiber.New(newGuard(t, nil))
	for name, tc := range map[string]struct {
		err    error
		status int
		body   string
	}{
		"no user":       {mandate.ErrNoUser, 403, `{"error":"insufficient_scope"`},
		"anything else": {errors.New("secret"), 500, `{"error":"server_error"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, do(t, "GET", "", nil, func(c *fiber.Ctx) error { return auth.Refuse(c, tc.err) }), tc.status, tc.body)
		})
	}
}

// TestNoGuard: what was not made admits nobody, not even a preflight.
func TestNoGuard(t *testing.T) {
	t.Parallel()
	auth := mandatefiber.New(nil)
	for name, guard := range map[string]fiber.Handler{
		"Require": auth.Require(), "Optional": auth.Optional(),
		"RequireFor": auth.RequireFor(func(context.Context, *mandate.Request) mandate.Requirement { return mandate.Requirement{} }),
	} {
		app := fiber.New()
		app.All("/", guard, func(c *fiber.Ctx) error { return c.SendString("ran") })
		for _, method := range []string{fiber.MethodGet, fiber.MethodOptions} {
			r := httptest.NewRequestWithContext(t.Context(), method, "/", http.NoBody)
			r.Header.Set("Origin", "https://app.example.com")
			r.Header.Set("Access-Control-Request-Method", "GET")
			res, err := app.Test(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || res.Body.Close() != nil || res.StatusCode != 500 || !strings.Contains(string(body), `"server_error"`) {
				t.Errorf("%s, %s: %d %s, want 500 server_error", name, method, res.StatusCode, body)
			}
		}
	}
}
