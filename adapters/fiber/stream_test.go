package mandatefiber_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// TestStreamedBodies looks at an App that hands out bodies as they come: strangers must not fill its memory through a guard that reads them.
func TestStreamedBodies(t *testing.T) {
	t.Parallel()
	auth := mandatefiber.New(newGuard(t, nil))
	app := fiber.New(fiber.Config{StreamRequestBody: true, DisableStartupMessage: true})
	reads, err := resource.New(resource.Config{BodyToken: true, Verifiers: []resource.Verifier{resource.Lookup(func(context.Context, string, time.Time) (*mandate.Token, error) {
		return nil, mandate.InvalidToken
	})}})
	if err != nil {
		t.Fatal(err)
	}
	forms := mandatefiber.New(reads)
	app.Post("/form", forms.Require("profile"), func(c *fiber.Ctx) error { return c.SendString(strconv.Itoa(len(c.Body()))) })
	app.Post("/x", auth.RequireFor(func(_ context.Context, r *mandate.Request) mandate.Requirement {
		if r.Oversized || r.Body == "large" {
			return mandate.Scope("admin")
		}
		return mandate.Scope("profile")
	}), func(c *fiber.Ctx) error { return c.SendString(strconv.Itoa(len(c.Body()))) })
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Listener(l) }()
	t.Cleanup(func() { _ = app.Shutdown() })
	const far = 64 << 20
	for name, tc := range map[string]struct {
		path   string
		size   int64
		length int64
		status int
		body   string
		most   int64
	}{
		"small, of known length":        {"/x", 1000, 1000, 200, "1000", far},
		"small, in chunks":              {"/x", 1000, -1, 200, "1000", far},
		"exactly the limit, in chunks":  {"/x", resource.BodyLimit, -1, 200, "1048576", far},
		"a byte over it, in chunks":     {"/x", resource.BodyLimit + 1, -1, 400, `{"error":"invalid_request"`, far},
		"far too large, in chunks":      {"/x", far, -1, 400, `{"error":"invalid_request"`, 16 << 20},
		"far too large, of that length": {"/x", far, far, 403, `{"error":"insufficient_scope"`, 16 << 20},
		"a large form, in chunks":       {"/form", far, -1, 400, `{"error":"invalid_request"`, 16 << 20},
		"a large form, of that length":  {"/form", far, far, 401, `{"error":"missing_authorization"`, 16 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			body := counted{io.LimitReader(endless{}, tc.size), &sent}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String()+tc.path, body)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = tc.length
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if tc.path == "/x" {
				r.Header.Set("Authorization", "Bearer "+opaque)
			}
			resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
			if err != nil {
				if tc.most == far { // otherwise the server hung up, as it may
					t.Fatal(err)
				}
				resp = &http.Response{StatusCode: tc.status, Body: io.NopCloser(strings.NewReader(tc.body))}
			}
			defer func() { _ = resp.Body.Close() }()
			said, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tc.status || !strings.HasPrefix(string(said), tc.body) {
				t.Errorf("answer %d %s, want %d %s", resp.StatusCode, said, tc.status, tc.body)
			}
			if n := sent.Load(); n > tc.most {
				t.Errorf("%d bytes were taken in", n)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

type counted struct {
	io.Reader
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}
