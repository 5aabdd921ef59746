package mandateecho_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// do sends a request to a route and returns the answer.
func do(t *testing.T, method, body string, header map[string]string, h echo.HandlerFunc, use ...echo.MiddlewareFunc) *httptest.ResponseRecorder {
	t.Helper()
	r := echo.New()
	r.Any("/x", h, use...)
	req := httptest.NewRequestWithContext(t.Context(), method, "/x?a=b", strings.NewReader(body))
	for name, value := range header {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

// before is a middleware that runs f.
func before(f func(c echo.Context)) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			f(c)
			return next(c)
		}
	}
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

func wantAnswer(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || !strings.HasPrefix(w.Body.String(), body) {
		t.Errorf("answer %d %s, want %d %s", w.Code, w.Body, status, body)
	}
}

// never is a handler that must not run.
func never(t *testing.T) echo.HandlerFunc {
	t.Helper()
	return func(echo.Context) error {
		t.Error("the handler ran")
		return nil
	}
}

func TestRefusalToTheByte(t *testing.T) {
	t.Parallel()
	auth := mandateecho.New(newGuard(t, nil))
	w := do(t, "GET", "", bearer(opaque), never(t), before(func(c echo.Context) { c.Response().Header().Set("Cache-Control", "private") }), auth.Require("admin"))
	wantAnswer(t, w, 403, `{"error":"insufficient_scope","error_description":"the access token does not allow this","scope":"admin"}`)
	for name, want := range map[string]string{
		"Content-Type":     "application/json",
		"Cache-Control":    "no-store",
		"Www-Authenticate": `Bearer error="insufficient_scope", error_description="the access token does not allow this", scope="admin"`,
	} {
		if got := strings.Join(w.Header()[name], " | "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestErrorHandler(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler func(c echo.Context, err *mandate.Error) error
		status  int
		body    string
	}{
		"writes": {func(c echo.Context, err *mandate.Error) error {
			return c.JSON(c.Response().Status, echo.Map{"mine": err.Code})
		}, 401, `{"mine":"missing_authorization"}`},
		"returns an error": {func(echo.Context, *mandate.Error) error { return echo.NewHTTPError(418, "mine") }, 418, `{"message":"mine"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			auth := mandateecho.New(newGuard(t, nil), mandateecho.Config{ErrorHandler: tc.handler})
			w := do(t, "GET", "", nil, never(t), auth.Require())
			wantAnswer(t, w, tc.status, tc.body)
			if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="api"` {
				t.Errorf("challenge %q, want the bare one", got)
			}
			if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
				t.Errorf("Content-Type %q, want the handler's own", got)
			}
		})
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	auth := mandateecho.New(newGuard(t, nil), mandateecho.Config{Skip: func(c echo.Context) bool { return c.QueryParam("a") == "b" }})
	wantAnswer(t, do(t, "GET", "", nil, func(c echo.Context) error { return c.String(200, "ran") }, auth.Require()), 200, "ran")
	with := auth.With(func(c echo.Context, tok *mandate.Token) error { return c.String(200, "ran"+tok.Subject()) })
	wantAnswer(t, do(t, "GET", "", nil, with), 200, "ran")
}

func TestStacked(t *testing.T) {
	t.Parallel()
	inner, outer := mandateecho.New(newGuard(t, nil)), mandateecho.New(newGuard(t, nil))
	ok := func(c echo.Context) error { return c.String(200, mandateecho.Token(c).Subject()) }
	with := outer.With(func(c echo.Context, _ *mandate.Token) error { return ok(c) }, "admin")
	for name, tc := range map[string]struct {
		handler echo.HandlerFunc
		use     []echo.MiddlewareFunc
		status  int
	}{
		"both are met":                 {ok, []echo.MiddlewareFunc{outer.Require("profile"), outer.Require("email")}, 200},
		"the second is checked":        {ok, []echo.MiddlewareFunc{outer.Require("profile"), outer.Require("admin")}, 403},
		"of another guard too":         {ok, []echo.MiddlewareFunc{outer.Require("profile"), inner.Require("admin")}, 403},
		"an optional one first":        {ok, []echo.MiddlewareFunc{outer.Optional(), outer.RequireRole("manager")}, 403},
		"and a client":                 {ok, []echo.MiddlewareFunc{outer.Require(), outer.RequireClient()}, 403},
		"and With":                     {with, []echo.MiddlewareFunc{outer.Require()}, 403},
		"any of nothing admits nobody": {ok, []echo.MiddlewareFunc{outer.RequireAny()}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if w := do(t, "GET", "", bearer(opaque), tc.handler, tc.use...); w.Code != tc.status {
				t.Errorf("status %d, want %d", w.Code, tc.status)
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	auth := mandateecho.New(newGuard(t, nil))
	header := map[string]string{"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
	cors := func(c echo.Context) error { return c.String(200, "cors") }
	wantAnswer(t, do(t, "OPTIONS", "", header, cors, auth.Require("profile")), 204, "")
	wantAnswer(t, do(t, "OPTIONS", "", nil, cors, auth.Require("profile")), 401, `{"error":"missing_authorization"`)
	wantAnswer(t, do(t, "OPTIONS", "", header, auth.With(func(c echo.Context, _ *mandate.Token) error { return never(t)(c) })), 204, "")
	acquire := func(c echo.Context) error {
		_, err := auth.Acquire(c)
		return auth.Refuse(c, err)
	}
	wantAnswer(t, do(t, "OPTIONS", "", header, acquire), 401, `{"error":"missing_authorization"`)
}

func TestRequireFor(t *testing.T) {
	t.Parallel()
	auth := mandateecho.New(newGuard(t, nil))
	guard := auth.RequireFor(func(_ context.Context, r *mandate.Request) mandate.Requirement {
		if r.Body == "write" {
			return mandate.Scope("admin")
		}
		return mandate.Scope("profile")
	})
	repeat := func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		return c.String(200, string(body)+" by "+mandateecho.Token(c).Subject())
	}
	wantAnswer(t, do(t, "POST", "read", bearer(opaque), repeat, guard), 200, "read by ann")
	wantAnswer(t, do(t, "POST", "write", bearer(opaque), repeat, guard), 403, `{"error":"insufficient_scope"`)
	wantAnswer(t, do(t, "POST", "write", nil, repeat, guard), 401, `{"error":"missing_authorization"`)
	long := strings.Repeat("x", resource.BodyLimit+7)
	wantAnswer(t, do(t, "POST", long, bearer(opaque), repeat, guard), 200, long+" by ann")
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	auth := mandateecho.New(newGuard(t, map[string]mandate.TokenInfo{"machine": {ClientID: "m"}}))
	show := func(c echo.Context) error {
		user, err := mandateecho.User[string](c)
		_, again := mandateecho.User[int](c)
		if tok := mandateecho.Token(c); tok != mandate.TokenFrom(mandateecho.Context(c)) || tok != mandate.TokenFrom(c.Request().Context()) {
			t.Errorf("the contexts carry another token than %v", tok)
		}
		return c.String(200, fmt.Sprintf("%s %v %t", user, err, again != nil))
	}
	acquire := before(func(c echo.Context) { _, _ = auth.Acquire(c, "profile") })
	set := before(func(c echo.Context) { mandateecho.SetToken(c, mandate.NewToken(mandate.TokenInfo{Subject: "eve"})) })
	wantAnswer(t, do(t, "GET", "", bearer(opaque), show, auth.Require()), 200, "user ann <nil> true")
	wantAnswer(t, do(t, "GET", "", bearer(opaque), show, acquire), 200, "user ann <nil> true")
	wantAnswer(t, do(t, "GET", "", bearer("machine"), show, auth.Require()), 200, " "+mandate.ErrNoUser.Error()+" true")
	wantAnswer(t, do(t, "GET", "", nil, show), 200, " "+mandate.ErrNoUser.Error()+" true")
	wantAnswer(t, do(t, "GET", "", nil, show, set, auth.Require()), 401, `{"error":"missing_authorization"`)
	wantAnswer(t, do(t, "GET", "", nil, func(c echo.Context) error { return c.String(200, mandateecho.Token(c).Subject()) }, set), 200, "eve")
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	auth := mandateecho.New(newGuard(t, nil))
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
			wantAnswer(t, do(t, "GET", "", nil, func(c echo.Context) error { return auth.Refuse(c, tc.err) }), tc.status, tc.body)
		})
	}
}

func TestPanicPassesThrough(t *testing.T) {
	t.Parallel()
	auth := mandateecho.New(newGuard(t, nil))
	defer func() {
		if p := recover(); p != "mine" {
			t.Errorf("recovered %v, want the handler's own", p)
		}
	}()
	do(t, "GET", "", bearer(opaque), func(echo.Context) error { panic("mine") }, auth.Require())
}
