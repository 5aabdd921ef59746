package mandatefiber_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// noStore is for requests that reach no store.
type noStore struct{ store.Store }

func newServer(t *testing.T) *server.Server {
	t.Helper()
	srv, err := server.New(server.Config{
		Issuer: "http://127.0.0.1:8080", Prefix: "/oauth", Store: noStore{},
		Scopes:  []server.Scope{{Name: "profile"}},
		Clients: []*store.Client{{ID: "web", Metadata: oauth2.ClientMetadata{RedirectURIs: []string{"https://web.example.com/cb"}, AuthMethod: "none", Scope: "profile"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

const authorize = "/oauth/authorize?response_type=code&client_id=web&redirect_uri=https%3A%2F%2Fweb.example.com%2Fcb&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=profile"

// newApp returns an App that Mount takes.
func newApp() *fiber.App { return fiber.New(fiber.Config{ReadBufferSize: 16 << 10}) }

func mounted(t *testing.T, config mandatefiber.MountConfig) *fiber.App {
	t.Helper()
	r := newApp()
	if config.Decide == nil {
		config.Decide = func(*fiber.Ctx, *server.Ask) (server.Answer, error) { return server.Deny(), nil }
	}
	if err := mandatefiber.Mount(r, newServer(t), config); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMountMethods(t *testing.T) {
	t.Parallel()
	r := mounted(t, mandatefiber.MountConfig{})
	const metadata = "/.well-known/oauth-authorization-server"
	for name, tc := range map[string]struct {
		method, path string
		header       map[string]string
		status       int
		field, value string
	}{
		"GET":       {"GET", metadata, nil, 200, "Content-Type", "application/json"},
		"HEAD":      {"HEAD", metadata, nil, 200, "Content-Type", "application/json"},
		"another":   {"DELETE", metadata, nil, 405, "Allow", "GET, HEAD, OPTIONS"},
		"OPTIONS":   {"OPTIONS", metadata, nil, 405, "Allow", "GET, HEAD, OPTIONS"},
		"preflight": {"OPTIONS", "/oauth/token", map[string]string{"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}, 204, "Access-Control-Allow-Origin", "*"},
		"unknown":   {"GET", "/oauth/nothing", nil, 404, "Allow", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := send(t, r, tc.method, tc.path, "", tc.header)
			if got := w.Header.Get(tc.field); w.Code != tc.status || got != tc.value {
				t.Errorf("%s %s: %d with %s %q, want %d with %q", tc.method, tc.path, w.Code, tc.field, got, tc.status, tc.value)
			}
		})
	}
}

func TestMountConflicts(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	decide := mandatefiber.MountConfig{Decide: func(*fiber.Ctx, *server.Ask) (server.Answer, error) { return server.Deny(), nil }}
	none := func(*fiber.Ctx) error { return nil }
	for name, tc := range map[string]struct {
		prepare func(r *fiber.App)
		config  []mandatefiber.MountConfig
		want    string
	}{
		"a route is taken":               {func(r *fiber.App) { r.Put("/oauth/token", none) }, []mandatefiber.MountConfig{decide}, "PUT /oauth/token"},
		"a catch-all is in the way":      {func(r *fiber.App) { r.Get("/oauth/*", none) }, []mandatefiber.MountConfig{decide}, "GET /oauth/*, which would catch /oauth/"},
		"a catch-all of the whole App":   {func(r *fiber.App) { r.All("*", none) }, []mandatefiber.MountConfig{decide}, "which would catch /"},
		"a parameter catches":            {func(r *fiber.App) { r.Post("/oauth/:page", none) }, []mandatefiber.MountConfig{decide}, "POST /oauth/:page, which would catch /oauth/"},
		"one of a group catches":         {func(r *fiber.App) { r.Group("/oauth").Get("/:page?", none) }, []mandatefiber.MountConfig{decide}, "which would catch /oauth/"},
		"the buffer is Fiber's own size": {func(*fiber.App) {}, []mandatefiber.MountConfig{decide}, "ReadBufferSize is 4096 bytes"},
		"mounted twice":                  {func(r *fiber.App) { _ = mandatefiber.Mount(r, srv, decide) }, []mandatefiber.MountConfig{decide}, "/oauth/token"},
		"nobody decides":                 {func(*fiber.App) {}, nil, "Decide"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newApp()
			if strings.Contains(tc.want, "ReadBufferSize") {
				r = fiber.New()
			}
			tc.prepare(r)
			before := len(r.GetRoutes())
			err := mandatefiber.Mount(r, srv, tc.config...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one about %s", err, tc.want)
			}
			if got := len(r.GetRoutes()); got != before {
				t.Errorf("%d routes were registered all the same", got-before)
			}
		})
	}
	if err := mandatefiber.Mount(newApp(), nil); err == nil {
		t.Error("no error without a server")
	}
	if err := mandatefiber.Mount(nil, srv); err == nil {
		t.Error("no error without an App")
	}
}

func TestMountDecide(t *testing.T) {
	t.Parallel()
	r := mounted(t, mandatefiber.MountConfig{
		Use: []fiber.Handler{before(func(c *fiber.Ctx) { c.Locals("user", "ann") })},
		Decide: func(c *fiber.Ctx, ask *server.Ask) (server.Answer, error) {
			if c.Query("fail") != "" {
				return server.Page(func() error { return errors.New("no template") }), nil
			}
			return server.Page(func() error {
				return c.SendString(fmt.Sprintf("%s, allow %s? %s", c.Locals("user"), ask.Client.ID, ask.Fields()))
			}), nil
		},
		Error: func(c *fiber.Ctx, err *mandate.Error) error {
			return c.SendString("my page: " + string(err.Code))
		},
	})
	w := send(t, r, "GET", authorize, "", nil)
	if w.Code != 200 || !strings.HasPrefix(w.Body, "ann, allow web? <input") || w.Header.Get("Set-Cookie") == "" || w.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("page: %d %s %v", w.Code, w.Body, w.Header)
	}
	w = send(t, r, "GET", authorize+"&fail=1", "", nil)
	if w.Code != 500 || w.Body != "no template" {
		t.Errorf("failing page: %d %s, want Fiber's own 500", w.Code, w.Body)
	}
	w = send(t, r, "GET", strings.Replace(authorize, "web.example.com", "evil.example.com", 1), "", nil)
	if w.Code != 400 || w.Body != "my page: invalid_request" {
		t.Errorf("error page: %d %s, want 400 from the application", w.Code, w.Body)
	}
}

func TestHandle(t *testing.T) {
	t.Parallel()
	r := newApp()
	var seen *mandate.Request
	e := mandate.Endpoint{Name: "item", Origin: "https://id.example.com", Path: "/item/{id}", Methods: []string{"POST"}, Limit: 8, Handle: func(_ context.Context, req *mandate.Request) *mandate.Response {
		seen = req
		return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Set-Cookie", Value: "a=1"}, {Name: "Set-Cookie", Value: "b=2"}}, Body: []byte(req.Body)}
	}}
	var rest string
	r.All("/item/:id", func(c *fiber.Ctx) error {
		err := mandatefiber.Handle(e)(c)
		rest = string(c.Body())
		return err
	})
	w := send(t, r, "POST", "/item/a%2Fb%3F%20c?x=%41&y", "12345678", nil)
	if w.Code != 200 || w.Body != "12345678" || len(w.Header["Set-Cookie"]) != 2 {
		t.Errorf("answer %d %s %v", w.Code, w.Body, w.Header)
	}
	if seen.URL() != "https://id.example.com/item/a%2Fb%3F%20c?x=%41&y" || seen.PathID != "a/b? c" || rest != "12345678" {
		t.Errorf("URL %s, id %q, body restored to %q", seen.URL(), seen.PathID, rest)
	}
	if w := send(t, r, "POST", "/item/1", "123456789", nil); w.Code != 413 || rest != "123456789" {
		t.Errorf("over the limit: %d, body restored to %q, want 413 and all of it", w.Code, rest)
	}
}

func TestSkipperAndReturnTo(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	skip := mandatefiber.Skipper(srv)
	r := newApp()
	r.All("/*", func(c *fiber.Ctx) error {
		return c.SendString(fmt.Sprintf("%t %s", skip(c), mandatefiber.ReturnTo(c, srv, "/home")))
	})
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for target, want := range map[string]string{
		"/oauth/token": "true /home",
		"/other?return_to=https://evil.example.com":          "false /home",
		"/login?return_to=%2Foauth%2Fauthorize%3Fhandle%3Dh": "false /oauth/authorize?handle=h",
	} {
		if w := send(t, r, "GET", target, "", nil); w.Body != want {
			t.Errorf("%s: %s, want %s", target, w.Body, want)
		}
	}
	if w := send(t, r, "POST", "/login", "return_to=%2Foauth%2Fauthorize%3Fhandle%3Dh", form); w.Body != "false /oauth/authorize?handle=h" {
		t.Errorf("form: %s", w.Body)
	}
}

// TestMountBeside mounts beside routes that are in nobody's way.
func TestMountBeside(t *testing.T) {
	t.Parallel()
	none := func(c *fiber.Ctx) error { return c.Next() }
	r := newApp()
	r.Use(none)
	r.Use("/oauth", none)
	r.Static("/", t.TempDir())
	r.Get("/other/*", none)
	r.Get("/oauth/token/:id", none)
	r.Group("/api").All("*", none)
	if err := mandatefiber.Mount(r, newServer(t), mandatefiber.MountConfig{Decide: func(*fiber.Ctx, *server.Ask) (server.Answer, error) { return server.Deny(), nil }}); err != nil {
		t.Fatal(err)
	}
	r.Get("/*", func(c *fiber.Ctx) error { return c.SendString("app") })
	for path, want := range map[string]string{"/.well-known/oauth-authorization-server": `{"issuer":`, "/shop": "app"} {
		if w := send(t, r, "GET", path, "", nil); w.Code != 200 || !strings.HasPrefix(w.Body, want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
