package mandategin_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// do sends a request to a route and returns the answer.
func do(t *testing.T, method, body string, header map[string]string, handlers ...gin.HandlerFunc) *httptest.ResponseRecorder {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Any("/x", handlers...)
	req := httptest.NewRequestWithContext(t.Context(), method, "/x?a=b", strings.NewReader(body))
	for name, value := range header {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
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

func TestRefusalToTheByte(t *testing.T) {
	t.Parallel()
	auth := mandategin.New(newGuard(t, nil))
	w := do(t, "GET", "", bearer(opaque), func(c *gin.Context) { c.Header("Cache-Control", "private") }, auth.Require("admin"), func(*gin.Context) { t.Error("the handler ran") })
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
	auth := mandategin.New(newGuard(t, nil), mandategin.Config{ErrorHandler: func(c *gin.Context, err *mandate.Error) {
		c.JSON(c.Writer.Status(), gin.H{"mine": err.Code})
	}})
	w := do(t, "GET", "", nil, auth.Require(), func(*gin.Context) { t.Error("the handler ran") })
	wantAnswer(t, w, 401, `{"mine":"missing_authorization"}`)
	if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="api"` {
		t.Errorf("challenge %q, want the bare one", got)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type %q, want the handler's own", got)
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	auth := mandategin.New(newGuard(t, nil), mandategin.Config{Skip: func(c *gin.Context) bool { return c.Query("a") == "b" }})
	ok := func(c *gin.Context) { c.String(200, "ran") }
	wantAnswer(t, do(t, "GET", "", nil, auth.Require(), ok), 200, "ran")
	wantAnswer(t, do(t, "GET", "", nil, auth.With(func(c *gin.Context, tok *mandate.Token) { c.String(200, "ran"+tok.Subject()) })), 200, "ran")
}

func TestStacked(t *testing.T) {
	t.Parallel()
	inner, outer := mandategin.New(newGuard(t, nil)), mandategin.New(newGuard(t, nil))
	ok := func(c *gin.Context) { c.String(200, mandategin.Token(c).Subject()) }
	for name, tc := range map[string]struct {
		handlers []gin.HandlerFunc
		status   int
	}{
		"both are met":                 {[]gin.HandlerFunc{outer.Require("profile"), outer.Require("email"), ok}, 200},
		"the second is checked":        {[]gin.HandlerFunc{outer.Require("profile"), outer.Require("admin"), ok}, 403},
		"of another guard too":         {[]gin.HandlerFunc{outer.Require("profile"), inner.Require("admin"), ok}, 403},
		"an optional one first":        {[]gin.HandlerFunc{outer.Optional(), outer.RequireRole("manager"), ok}, 403},
		"and a client":                 {[]gin.HandlerFunc{outer.Require(), outer.RequireClient(), ok}, 403},
		"and With":                     {[]gin.HandlerFunc{outer.Require(), outer.With(func(c *gin.Context, _ *mandate.Token) { ok(c) }, "admin")}, 403},
		"any of nothing admits nobody": {[]gin.HandlerFunc{outer.RequireAny(), ok}, 403},
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
	auth := mandategin.New(newGuard(t, nil))
	header := map[string]string{"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
	cors := func(c *gin.Context) { c.String(200, "cors") }
	wantAnswer(t, do(t, "OPTIONS", "", header, auth.Require("profile"), cors), 204, "")
	wantAnswer(t, do(t, "OPTIONS", "", nil, auth.Require("profile"), cors), 401, `{"error":"missing_authorization"`)
	w := do(t, "OPTIONS", "", header, auth.With(func(*gin.Context, *mandate.Token) { t.Error("the handler ran") }))
	wantAnswer(t, w, 204, "")
	w = do(t, "OPTIONS", "", header, func(c *gin.Context) {
		_, err := auth.Acquire(c)
		auth.Refuse(c, err)
	})
	wantAnswer(t, w, 401, `{"error":"missing_authorization"`)
}

func TestRequireFor(t *testing.T) {
	t.Parallel()
	auth := mandategin.New(newGuard(t, nil))
	guard := auth.RequireFor(func(_ context.Context, r *mandate.Request) mandate.Requirement {
		if r.Body == "write" {
			return mandate.Scope("admin")
		}
		return mandate.Scope("profile")
	})
	echo := func(c *gin.Context) {
		body, _ := io.ReadAll(c.Request.Body)
		c.String(200, string(body)+" by "+mandategin.Token(c).Subject())
	}
	wantAnswer(t, do(t, "POST", "read", bearer(opaque), guard, echo), 200, "read by ann")
	wantAnswer(t, do(t, "POST", "write", bearer(opaque), guard, echo), 403, `{"error":"insufficient_scope"`)
	wantAnswer(t, do(t, "POST", "write", nil, guard, echo), 401, `{"error":"missing_authorization"`)
	long := strings.Repeat("x", resource.BodyLimit+7)
	wantAnswer(t, do(t, "POST", long, bearer(opaque), guard, echo), 200, long+" by ann")
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	auth := mandategin.New(newGuard(t, map[string]mandate.TokenInfo{"machine": {ClientID: "m"}}))
	show := func(c *gin.Context) {
		user, err := mandategin.User[string](c)
		_, again := mandategin.User[int](c)
		if tok := mandategin.Token(c); tok != mandate.TokenFrom(mandategin.Context(c)) || tok != mandate.TokenFrom(c.Request.Context()) {
			t.Errorf("the contexts carry another token than %v", tok)
		}
		c.String(200, "%s %v %t", user, err, again != nil)
	}
	acquire := func(c *gin.Context) { _, _ = auth.Acquire(c, "profile") }
	set := func(c *gin.Context) { mandategin.SetToken(c, mandate.NewToken(mandate.TokenInfo{Subject: "eve"})) }
	wantAnswer(t, do(t, "GET", "", bearer(opaque), auth.Require(), show), 200, "user ann <nil> true")
	wantAnswer(t, do(t, "GET", "", bearer(opaque), acquire, show), 200, "user ann <nil> true")
	wantAnswer(t, do(t, "GET", "", bearer("machine"), auth.Require(), show), 200, " "+mandate.ErrNoUser.Error()+" true")
	wantAnswer(t, do(t, "GET", "", nil, show), 200, " "+mandate.ErrNoUser.Error()+" true")
	wantAnswer(t, do(t, "GET", "", nil, set, auth.Require(), show), 401, `{"error":"missing_authorization"`)
	wantAnswer(t, do(t, "GET", "", nil, set, func(c *gin.Context) { c.String(200, mandategin.Token(c).Subject()) }), 200, "eve")
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	auth := mandategin.New(newGuard(t, nil))
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
			w := do(t, "GET", "", nil, func(c *gin.Context) { auth.Refuse(c, tc.err) }, func(*gin.Context) { t.Error("the chain went on") })
			wantAnswer(t, w, tc.status, tc.body)
		})
	}
}

func TestPanicPassesThrough(t *testing.T) {
	t.Parallel()
	auth := mandategin.New(newGuard(t, nil))
	defer func() {
		if p := recover(); p != "mine" {
			t.Errorf("recovered %v, want the handler's own", p)
		}
	}()
	do(t, "GET", "", bearer(opaque), auth.Require(), func(*gin.Context) { panic("mine") })
}
