//go:build !race

package mandateecho_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandate "github.com/go-mandate/mandate/core"
)

// nopWriter is a response that is used again and again.
type nopWriter struct {
	header http.Header
	status int
}

func (w *nopWriter) Header() http.Header { return w.header }
func (w *nopWriter) WriteHeader(s int)   { w.status = s }

func (w *nopWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = 200
	}
	return len(p), nil
}

func allocations(t *testing.T, h echo.HandlerFunc, use ...echo.MiddlewareFunc) float64 {
	t.Helper()
	router := echo.New()
	router.GET("/me", h, use...)
	w := &nopWriter{header: http.Header{}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/me", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+opaque)
	n := testing.AllocsPerRun(200, func() {
		w.status = 0
		router.ServeHTTP(w, r)
	})
	if w.status != 200 {
		t.Fatalf("status %d, want 200", w.status)
	}
	return n
}

//nolint:paralleltest // testing.AllocsPerRun counts what others allocate too
func TestAllocations(t *testing.T) {
	auth := mandateecho.New(newGuard(t, nil))
	ok := func(c echo.Context) error {
		_, err := c.Response().Write([]byte("ok"))
		return err
	}
	bare := allocations(t, ok)
	for name, tc := range map[string]struct {
		handler echo.HandlerFunc
		use     []echo.MiddlewareFunc
		most    float64
	}{
		"Require":          {ok, []echo.MiddlewareFunc{auth.Require("profile")}, 3},
		"Optional":         {ok, []echo.MiddlewareFunc{auth.Optional("profile")}, 3},
		"Require, stacked": {ok, []echo.MiddlewareFunc{auth.Require("profile"), auth.RequireAny("email", "admin")}, 4},
		"With":             {auth.With(func(c echo.Context, _ *mandate.Token) error { return ok(c) }, "profile"), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := allocations(t, tc.handler, tc.use...) - bare; got > tc.most {
				t.Errorf("%v allocations more than the bare route, want at most %v", got, tc.most)
			}
		})
	}
}
