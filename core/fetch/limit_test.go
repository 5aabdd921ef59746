package fetch_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
)

func TestSize(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body := strings.Repeat("x", 64<<10+len(r.URL.Query().Get("more")))
		if r.URL.Path == "/chunked" {
			w.(http.Flusher).Flush()
		}
		if r.URL.Path == "/header" {
			w.Header().Set("X-Long", body)
		}
		_, _ = w.Write([]byte(body))
	})
	f := newFetcher(t, trusting(s))
	for name, tc := range map[string]struct {
		url  string
		max  int64
		want error
	}{
		"default, all of it":          {url: "/"},
		"default, all of it, chunked": {url: "/chunked"},
		"default, one more":           {url: "/?more=x&canary", want: fetch.ErrTooLarge},
		"default, one more, chunked":  {url: "/chunked?more=x&canary", want: fetch.ErrTooLarge},
		"more asked for":              {url: "/?more=x", max: 64<<10 + 1},
		"as much as there is":         {url: "/?more=x", max: 1<<63 - 1},
		"less asked for":              {url: "/chunked?canary", max: 1, want: fetch.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: s.URL + tc.url, MaxBytes: tc.max, Trust: mandate.Operator})
			if tc.want != nil {
				wantErr(t, res, err, tc.want)
			} else if err != nil || len(res.Body) < 64<<10 {
				t.Errorf("Fetch = %v, want the whole body", err)
			}
		})
	}
	if res, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: s.URL + "/header", Trust: mandate.Operator}); err == nil {
		t.Errorf("64 KiB of header: Fetch = %d, want an error", res.Status)
	}
	if _, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: s.URL, MaxBytes: -1, Trust: mandate.Operator}); err == nil {
		t.Error("MaxBytes -1: want an error")
	}
	if res, err := f.Fetch(t.Context(), &mandate.FetchRequest{Method: "HEAD", URL: s.URL, MaxBytes: 1, Trust: mandate.Operator}); err != nil || len(res.Body) > 0 {
		t.Errorf("HEAD = %v, %v, want an answer without a body", res, err)
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = w.Write([]byte("the first byte"))
			w.(http.Flusher).Flush()
		}
		select {
		case <-done:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(done) })
	c := trusting(s)
	c.Timeout = 500 * time.Millisecond
	f := newFetcher(t, c)
	patient := newFetcher(t, trusting(s))
	for name, path := range map[string]string{"no answer": "/", "a body without end": "/body"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &mandate.FetchRequest{URL: s.URL + path + secretQuery, Trust: mandate.Operator}
			res, err := f.Fetch(t.Context(), r)
			wantErr(t, res, err, context.DeadlineExceeded)

			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(200*time.Millisecond, cancel)
			res, err = patient.Fetch(ctx, r)
			wantErr(t, res, err, context.Canceled)
		})
	}
}

// gate is a server that holds requests and counts how many there are at once.
type gate struct {
	now, most atomic.Int32
	arrived   chan struct{}
	open      chan struct{}
}

func (g *gate) ServeHTTP(http.ResponseWriter, *http.Request) {
	for n := g.now.Add(1); ; {
		if most := g.most.Load(); n <= most || g.most.CompareAndSwap(most, n) {
			break
		}
	}
	g.arrived <- struct{}{}
	<-g.open
	g.now.Add(-1)
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]fetch.Config{
		"in all":   {Concurrency: 3, PerHost: 100},
		"per host": {Concurrency: 100, PerHost: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const all = 10
			g := &gate{arrived: make(chan struct{}, all), open: make(chan struct{})}
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/free" {
					return
				}
				g.ServeHTTP(w, r)
			})
			config := trusting(s)
			config.Concurrency, config.PerHost, config.AllowPrivateNetworks = c.Concurrency, c.PerHost, true
			f := newFetcher(t, config)
			var wg sync.WaitGroup
			for range all {
				wg.Go(func() {
					if _, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: s.URL}); err != nil {
						t.Error(err)
					}
				})
			}
			for range 3 {
				<-g.arrived
			}

			// Strangers hold all their places: one more waits and gives up, the operator does not wait.
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			res, err := f.Fetch(ctx, &mandate.FetchRequest{URL: s.URL + secretQuery})
			wantErr(t, res, err, context.DeadlineExceeded)
			if !strings.Contains(err.Error(), "wait for a turn") {
				t.Errorf("error = %v, want one that says what it waited for", err)
			}
			if _, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: s.URL + "/free", Trust: mandate.Operator}); err != nil {
				t.Errorf("operator: %v", err)
			}
			close(g.open)
			wg.Wait()
			if n := g.most.Load(); n != 3 {
				t.Errorf("%d at once, want 3", n)
			}
		})
	}
}
