package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

// do sends a request to a handler and returns the answer.
func do(t *testing.T, method, body string, header map[string]string, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/x", h)
	req := httptest.NewRequestWithContext(t.Context(), method, "/x?a=b", strings.NewReader(body))
	for name, value := range header {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req)
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

// never is a handler that must not run.
func never(t *testing.T) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler ran") })
}

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func TestRefusalToTheByte(t *testing.T) {
	t.Parallel()
	guarded := nethttp.New(newGuard(t, nil, nil)).Require("admin")(never(t))
	w := do(t, "GET", "", bearer(opaque), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private")
		guarded.ServeHTTP(w, r)
	}))
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
		handler func(w http.ResponseWriter, r *http.Request, err *mandate.Error)
		status  int
		body    string
	}{
		"writes": {func(w http.ResponseWriter, _ *http.Request, err *mandate.Error) {
			_, _ = fmt.Fprint(w, "mine: ", err.Code)
		}, 401, "mine: missing_authorization"},
		"writes nothing":   {func(http.ResponseWriter, *http.Request, *mandate.Error) {}, 401, ""},
		"has its own mind": {func(w http.ResponseWriter, _ *http.Request, _ *mandate.Error) { w.WriteHeader(http.StatusTeapot) }, 418, ""},
		"flushes": {func(w http.ResponseWriter, _ *http.Request, _ *mandate.Error) {
			_ = http.NewResponseController(w).Flush()
		}, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			auth := nethttp.New(newGuard(t, nil, nil), nethttp.Config{ErrorHandler: tc.handler})
			w := do(t, "GET", "", nil, auth.Require()(never(t)))
			wantAnswer(t, w, tc.status, tc.body)
			if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="api"` {
				t.Errorf("challenge %q, want the bare one", got)
			}
			if got := w.Header().Get("Content-Type"); got == "application/json" {
				t.Errorf("Content-Type %q, want the handler's own", got)
			}
		})
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	auth := nethttp.New(newGuard(t, nil, nil), nethttp.Config{Skip: func(r *http.Request) bool { return r.URL.RawQuery == "a=b" }})
	wantAnswer(t, do(t, "GET", "", nil, auth.Require()(says("ran"))), 200, "ran")
	with := auth.With(func(w http.ResponseWriter, _ *http.Request, tok *mandate.Token) {
		_, _ = io.WriteString(w, "ran"+tok.Subject())
	})
	wantAnswer(t, do(t, "GET", "", nil, with), 200, "ran")
}

func TestStacked(t *testing.T) {
	t.Parallel()
	inner, outer := nethttp.New(newGuard(t, nil, nil)), nethttp.New(newGuard(t, nil, nil))
	ok := says("ok")
	with := outer.With(func(w http.ResponseWriter, r *http.Request, _ *mandate.Token) { ok.ServeHTTP(w, r) }, "admin")
	for name, tc := range map[string]struct {
		handler http.Handler
		status  int
	}{
		"both are met":                 {outer.Require("profile")(outer.Require("email")(ok)), 200},
		"the second is checked":        {outer.Require("profile")(outer.Require("admin")(ok)), 403},
		"of another guard too":         {outer.Require("profile")(inner.Require("admin")(ok)), 403},
		"an optional one first":        {outer.Optional()(outer.RequireRole("manager")(ok)), 403},
		"and a client":                 {outer.Require()(outer.RequireClient()(ok)), 403},
		"and With":                     {outer.Require()(with), 403},
		"any of nothing admits nobody": {outer.RequireAny()(ok), 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if w := do(t, "GET", "", bearer(opaque), tc.handler); w.Code != tc.status {
				t.Errorf("status %d, want %d", w.Code, tc.status)
			}
		})
	}
}

func TestRepeatedAuthorization(t *testing.T) {
	t.Parallel()
	auth := nethttp.New(newGuard(t, nil, nil))
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", http.NoBody)
	r.Header["Authorization"] = []string{"Bearer " + opaque, "Bearer " + opaque}
	w := httptest.NewRecorder()
	auth.Require()(never(t)).ServeHTTP(w, r)
	wantAnswer(t, w, 400, `{"error":"invalid_request"`)
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	auth := nethttp.New(newGuard(t, nil, nil))
	header := map[string]string{"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
	wantAnswer(t, do(t, "OPTIONS", "", header, auth.Require("profile")(never(t))), 204, "")
	wantAnswer(t, do(t, "OPTIONS", "", nil, auth.Require("profile")(says("cors"))), 401, `{"error":"missing_authorization"`)
	wantAnswer(t, do(t, "OPTIONS", "", header, auth.With(func(w http.ResponseWriter, r *http.Request, _ *mandate.Token) { never(t).ServeHTTP(w, r) })), 204, "")
	acquire := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := auth.Acquire(r)
		auth.Refuse(w, r, err)
	})
	wantAnswer(t, do(t, "OPTIONS", "", header, acquire), 401, `{"error":"missing_authorization"`)
}

func TestRequireFor(t *testing.T) {
	t.Parallel()
	auth := nethttp.New(newGuard(t, nil, nil))
	guard := auth.RequireFor(func(_ context.Context, r *mandate.Request) mandate.Requirement {
		if r.Body == "write" {
			return mandate.Scope("admin")
		}
		return mandate.Scope("profile")
	})
	repeat := guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		_, _ = fmt.Fprint(w, string(body), " by ", nethttp.Token(r).Subject(), err)
	}))
	wantAnswer(t, do(t, "POST", "read", bearer(opaque), repeat), 200, "read by ann")
	wantAnswer(t, do(t, "POST", "write", bearer(opaque), repeat), 403, `{"error":"insufficient_scope"`)
	wantAnswer(t, do(t, "POST", "write", nil, repeat), 401, `{"error":"missing_authorization"`)
	long := strings.Repeat("x", resource.BodyLimit+7)
	wantAnswer(t, do(t, "POST", long, bearer(opaque), repeat), 200, long+" by ann")
}

// broken is a body that ends in an error.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	auth := nethttp.New(newGuard(t, nil, nil))
	guard := auth.RequireFor(func(context.Context, *mandate.Request) mandate.Requirement { return mandate.Requirement{} })
	endpoint := nethttp.Handle(mandate.Endpoint{Name: "token", Path: "/x", Methods: []string{"POST"}, Handle: func(context.Context, *mandate.Request) *mandate.Response {
		t.Error("the endpoint was handed half a body")
		return &mandate.Response{Status: 200}
	}})
	for name, h := range map[string]http.Handler{"guard": guard(never(t)), "endpoint": endpoint} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/x", broken{strings.NewReader("scope=a")})
		r.ContentLength = -1
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "invalid_request") {
			t.Errorf("%s: %d %s, want 400 invalid_request", name, w.Code, w.Body)
		}
	}
}

func TestBodyToken(t *testing.T) {
	t.Parallel()
	auth := nethttp.New(newGuard(t, nil, func(c *resource.Config) { c.BodyToken = true }))
	repeat := auth.Require("profile")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
	for name, tc := range map[string]struct {
		method, body string
		header       map[string]string
		status       int
	}{
		"a form":                        {"POST", "a=b&access_token=" + opaque, form, 200},
		"of another type":               {"POST", "access_token=" + opaque, map[string]string{"Content-Type": "text/plain"}, 401},
		"with GET (RFC 6750, 2.2)":      {"GET", "access_token=" + opaque, form, 401},
		"twice":                         {"POST", "access_token=" + opaque + "&access_token=" + opaque, form, 400},
		"another parameter":             {"POST", "token=" + opaque, form, 401},
		"beside a header (RFC 6750, 2)": {"POST", "access_token=" + opaque, map[string]string{"Content-Type": form["Content-Type"], "Authorization": "Bearer " + opaque}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := do(t, tc.method, tc.body, tc.header, repeat)
			if w.Code != tc.status || tc.status == 200 && w.Body.String() != tc.body {
				t.Errorf("answer %d %s, want %d, and for 200 the body again", w.Code, w.Body, tc.status)
			}
		})
	}
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	auth := nethttp.New(newGuard(t, map[string]mandate.TokenInfo{"machine": {ClientID: "m"}}, nil))
	show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := nethttp.User[string](r)
		_, again := nethttp.User[int](r)
		if tok := nethttp.Token(r); tok != mandate.TokenFrom(nethttp.Context(r)) { //nolint:contextcheck // what it returns is what is tested
			t.Errorf("the context carries another token than %v", tok)
		}
		_, _ = fmt.Fprintf(w, "%s %v %t", user, err, again != nil)
	})
	before := func(f func(r *http.Request), next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f(r)
			next.ServeHTTP(w, r)
		})
	}
	acquire := func(r *http.Request) { _, _ = auth.Acquire(r, "profile") }
	set := func(r *http.Request) { nethttp.SetToken(r, mandate.NewToken(mandate.TokenInfo{Subject: "eve"})) }
	subject := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, nethttp.Token(r).Subject()) })
	wantAnswer(t, do(t, "GET", "", bearer(opaque), auth.Require()(show)), 200, "user ann <nil> true")
	wantAnswer(t, do(t, "GET", "", bearer(opaque), before(acquire, show)), 200, "user ann <nil> true")
	wantAnswer(t, do(t, "GET", "", bearer("machine"), auth.Require()(show)), 200, " "+mandate.ErrNoUser.Error()+" true")
	wantAnswer(t, do(t, "GET", "", nil, show), 200, " "+mandate.ErrNoUser.Error()+" true")
	wantAnswer(t, do(t, "GET", "", nil, before(set, auth.Require()(show))), 401, `{"error":"missing_authorization"`)
	wantAnswer(t, do(t, "GET", "", nil, before(set, subject)), 200, "eve")
}

// TestBehindAGuard looks at what works inside a guarded route: nothing is verified or loaded twice.
func TestBehindAGuard(t *testing.T) {
	t.Parallel()
	var verified, loaded int
	guard := newGuard(t, nil, func(c *resource.Config) {
		c.Hooks.On = func(_ context.Context, e mandate.Event) {
			if e.Name == mandate.TokenAuthenticated {
				verified++
			}
		}
		c.User = func(_ context.Context, tok *mandate.Token) (any, error) {
			loaded++
			return tok.Subject(), nil
		}
	})
	auth := nethttp.New(guard)
	h := nethttp.WithUser(auth, func(w http.ResponseWriter, r *http.Request, user string) {
		again, err := nethttp.User[string](r)
		tok, err2 := auth.Acquire(r, "email")
		_, err3 := auth.Acquire(r, "admin")
		_, _ = fmt.Fprintf(w, "%s %s %v %s %v %t", user, again, err, tok.Subject(), err2, errors.Is(err3, mandate.InsufficientScope))
	}, "profile")
	wantAnswer(t, do(t, "GET", "", bearer(opaque), auth.Require()(h)), 200, "ann"+" ann <nil> ann <nil> true")
	if verified != 1 || loaded != 1 {
		t.Errorf("verified %d times, loaded %d times, want once", verified, loaded)
	}
}

// TestUserThatIsGone lets the application say that the token's account does not exist any more.
func TestUserThatIsGone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		status int
		body   string
	}{
		"the account is gone": {mandate.InvalidToken, 401, `{"error":"invalid_token"}`},
		"the database is":     {errors.New("connection refused"), 500, `{"error":"server_error"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			auth := nethttp.New(newGuard(t, nil, func(c *resource.Config) {
				c.User = func(context.Context, *mandate.Token) (any, error) { return nil, tc.err }
			}))
			h := nethttp.WithUser(auth, func(http.ResponseWriter, *http.Request, string) { t.Error("the handler ran") })
			wantAnswer(t, do(t, "GET", "", bearer(opaque), h), tc.status, tc.body)
		})
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	auth := nethttp.New(newGuard(t, nil, nil))
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
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { auth.Refuse(w, r, tc.err) })
			wantAnswer(t, do(t, "GET", "", nil, h), tc.status, tc.body)
		})
	}
}

func TestPanicPassesThrough(t *testing.T) {
	t.Parallel()
	auth := nethttp.New(newGuard(t, nil, nil))
	defer func() {
		if p := recover(); p != "mine" {
			t.Errorf("recovered %v, want the handler's own", p)
		}
	}()
	do(t, "GET", "", bearer(opaque), auth.Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("mine") })))
}

// TestNoGuard: what was not made admits nobody, not even a preflight.
func TestNoGuard(t *testing.T) {
	t.Parallel()
	auth := nethttp.New(nil)
	header := map[string]string{"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
	forAll := auth.RequireFor(func(context.Context, *mandate.Request) mandate.Requirement { return mandate.Requirement{} })
	for name, h := range map[string]http.Handler{"Require": auth.Require()(never(t)), "Optional": auth.Optional()(never(t)), "RequireFor": forAll(never(t))} {
		for _, method := range []string{"GET", "OPTIONS"} {
			if w := do(t, method, "", header, h); w.Code != 500 || !strings.Contains(w.Body.String(), `"server_error"`) {
				t.Errorf("%s, %s: %d %s, want 500 server_error", name, method, w.Code, w.Body)
			}
		}
	}
}
