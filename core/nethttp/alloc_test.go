//go:build !race

package nethttp_test

import (
	"net/http"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
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

func allocations(t *testing.T, h http.Handler) float64 {
	t.Helper()
	w := &nopWriter{header: http.Header{}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/me", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+opaque)
	n := testing.AllocsPerRun(200, func() {
		w.status = 0
		h.ServeHTTP(w, r)
	})
	if w.status != 200 {
		t.Fatalf("status %d, want 200", w.status)
	}
	return n
}

func route(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /me", h)
	return mux
}

//nolint:paralleltest // testing.AllocsPerRun counts what others allocate too
func TestAllocations(t *testing.T) {
	auth := nethttp.New(newGuard(t, nil, nil))
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	bare := allocations(t, route(ok))
	for name, tc := range map[string]struct {
		handler http.Handler
		most    float64
	}{
		"Require":          {auth.Require("profile")(ok), 2},
		"Optional":         {auth.Optional("profile")(ok), 2},
		"Require, stacked": {auth.Require("profile")(auth.RequireAny("email", "admin")(ok)), 2},
		"With":             {auth.With(func(w http.ResponseWriter, _ *http.Request, _ *mandate.Token) { _, _ = w.Write([]byte("ok")) }, "profile"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := allocations(t, route(tc.handler)) - bare; got > tc.most {
				t.Errorf("%v allocations more than the bare route, want at most %v", got, tc.most)
			}
		})
	}
}
