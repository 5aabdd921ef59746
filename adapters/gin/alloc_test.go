//go:build !race

package mandategin_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
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

func allocations(t *testing.T, handlers ...gin.HandlerFunc) float64 {
	t.Helper()
	engine := gin.New()
	engine.GET("/me", handlers...)
	w := &nopWriter{header: http.Header{}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/me", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+opaque)
	n := testing.AllocsPerRun(200, func() {
		w.status = 0
		engine.ServeHTTP(w, r)
	})
	if w.status != 200 {
		t.Fatalf("status %d, want 200", w.status)
	}
	return n
}

//nolint:paralleltest // testing.AllocsPerRun counts what others allocate too
func TestAllocations(t *testing.T) {
	auth := mandategin.New(newGuard(t, nil))
	ok := func(c *gin.Context) { _, _ = c.Writer.WriteString("ok") }
	bare := allocations(t, ok)
	for name, tc := range map[string]struct {
		handlers []gin.HandlerFunc
		most     float64
	}{
		"Require":          {[]gin.HandlerFunc{auth.Require("profile"), ok}, 2},
		"Optional":         {[]gin.HandlerFunc{auth.Optional("profile"), ok}, 2},
		"Require, stacked": {[]gin.HandlerFunc{auth.Require("profile"), auth.RequireAny("email", "admin"), ok}, 2},
		"With":             {[]gin.HandlerFunc{auth.With(func(c *gin.Context, _ *mandate.Token) { ok(c) }, "profile")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := allocations(t, tc.handlers...) - bare; got > tc.most {
				t.Errorf("%v allocations more than the bare route, want at most %v", got, tc.most)
			}
		})
	}
}
