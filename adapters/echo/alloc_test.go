package mandateecho_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

const opaque = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"

var errUnknown = mandate.Errorf(mandate.InvalidToken, errors.New("not in the store"), "")

// newGuard takes the token opaque and those of infos by name.
func newGuard(t *testing.T, infos map[string]mandate.TokenInfo) *resource.Guard {
	t.Helper()
	list := map[mandate.Digest]*mandate.Token{
		mandate.DigestOf(opaque): mandate.NewToken(mandate.TokenInfo{Subject: "ann", ClientID: "web", Scopes: "profile email"}),
	}
	for raw, info := range infos {
		list[mandate.DigestOf(raw)] = mandate.NewToken(info)
	}
	g, err := resource.New(resource.Config{
		Verifiers: []resource.Verifier{resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
			if tok := list[mandate.DigestOf(raw)]; tok != nil {
				return tok, nil
			}
			return nil, errUnknown
		})},
		User: func(_ context.Context, tok *mandate.Token) (any, error) { return "user " + tok.Subject(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

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
