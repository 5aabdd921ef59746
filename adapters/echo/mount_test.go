package mandateecho_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
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

func mounted(t *testing.T, config mandateecho.MountConfig) *echo.Echo {
	t.Helper()
	r := echo.New()
	if config.Decide == nil {
		config.Decide = func(echo.Context, *server.Ask) (server.Answer, error) { return server.Deny(), nil }
	}
	if err := mandateecho.Mount(r, newServer(t), config); err != nil {
		t.Fatal(err)
	}
	return r
}

func send(t *testing.T, h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func TestMountMethods(t *testing.T) {
	t.Parallel()
	r := mounted(t, mandateecho.MountConfig{})
	const metadata = "/.well-known/oauth-authorization-server"
	for name, tc := range map[string]struct {
		method, path string
		header       []string
		status       int
		field, value string
	}{
		"GET":       {"GET", metadata, nil, 200, "Content-Type", "application/json"},
		"HEAD":      {"HEAD", metadata, nil, 200, "Content-Type", "application/json"},
		"unheard":   {"BREW", metadata, nil, 405, "Allow", "GET, HEAD, OPTIONS"},
		"another":   {"DELETE", metadata, nil, 405, "Allow", "GET, HEAD, OPTIONS"},
		"OPTIONS":   {"OPTIONS", metadata, nil, 405, "Allow", "GET, HEAD, OPTIONS"},
		"preflight": {"OPTIONS", "/oauth/token", []string{"Origin", "https://a.example", "Access-Control-Request-Method", "POST"}, 204, "Access-Control-Allow-Origin", "*"},
		"unknown":   {"GET", "/oauth/nothing", nil, 404, "Allow", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := send(t, r, tc.method, tc.path, "", tc.header...)
			if got := w.Header().Get(tc.field); w.Code != tc.status || got != tc.value {
				t.Errorf("%s %s: %d with %s %q, want %d with %q", tc.method, tc.path, w.Code, tc.field, got, tc.status, tc.value)
			}
		})
	}
}

func TestMountConflicts(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	decide := mandateecho.MountConfig{Decide: func(echo.Context, *server.Ask) (server.Answer, error) { return server.Deny(), nil }}
	none := func(echo.Context) error { return nil }
	for name, tc := range map[string]struct {
		prepare func(r *echo.Echo)
		config  []mandateecho.MountConfig
		want    string
	}{
		"a route is taken":          {func(r *echo.Echo) { r.PUT("/oauth/token", none) }, []mandateecho.MountConfig{decide}, "PUT /oauth/token"},
		"a catch-all is in the way": {func(r *echo.Echo) { r.GET("/oauth/*", none) }, []mandateecho.MountConfig{decide}, ""},
		"mounted twice":             {func(r *echo.Echo) { _ = mandateecho.Mount(r, srv, decide) }, []mandateecho.MountConfig{decide}, "/oauth/token"},
		"nobody decides":            {func(*echo.Echo) {}, nil, "Decide"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := echo.New()
			tc.prepare(r)
			before := len(r.Routes())
			err := mandateecho.Mount(r, srv, tc.config...)
			if tc.want == "" { // Echo may or may not allow it; it must not panic
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one about %s", err, tc.want)
			}
			if got := len(r.Routes()); got != before {
				t.Errorf("%d routes were registered all the same", got-before)
			}
		})
	}
	if err := mandateecho.Mount(echo.New(), nil); err == nil {
		t.Error("no error without a server")
	}
	if err := mandateecho.Mount(nil, srv); err == nil {
		t.Error("no error without an Echo")
	}
}

func TestMountDecide(t *testing.T) {
	t.Parallel()
	r := mounted(t, mandateecho.MountConfig{
		Use: []echo.MiddlewareFunc{before(func(c echo.Context) { c.Set("user", "ann") })},
		Decide: func(c echo.Context, ask *server.Ask) (server.Answer, error) {
			if c.QueryParam("fail") != "" {
				return server.Page(func() error { return errors.New("no template") }), nil
			}
			return server.Page(func() error {
				return c.String(200, fmt.Sprintf("%s, allow %s? %s", c.Get("user"), ask.Client.ID, ask.Fields()))
			}), nil
		},
		Error: func(c echo.Context, err *mandate.Error) error {
			_, failed := c.Response().Write([]byte("my page: " + string(err.Code)))
			return failed
		},
	})
	w := send(t, r, "GET", authorize, "")
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), "ann, allow web? <input") || w.Header().Get("Set-Cookie") == "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("page: %d %s %v", w.Code, w.Body, w.Header())
	}
	w = send(t, r, "GET", authorize+"&fail=1", "")
	if w.Code != 500 || w.Body.String() != `{"message":"Internal Server Error"}`+"\n" {
		t.Errorf("failing page: %d %s, want Echo's own 500", w.Code, w.Body)
	}
	w = send(t, r, "GET", strings.Replace(authorize, "web.example.com", "evil.example.com", 1), "")
	if w.Code != 400 || w.Body.String() != "my page: invalid_request" {
		t.Errorf("error page: %d %s, want 400 from the application", w.Code, w.Body)
	}
}

func TestHandle(t *testing.T) {
	t.Parallel()
	r := echo.New()
	var seen *mandate.Request
	e := mandate.Endpoint{Name: "item", Origin: "https://id.example.com", Path: "/item/{id}", Methods: []string{"POST"}, Limit: 8, Handle: func(_ context.Context, req *mandate.Request) *mandate.Response {
		seen = req
		return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Set-Cookie", Value: "a=1"}, {Name: "Set-Cookie", Value: "b=2"}}, Body: []byte(req.Body)}
	}}
	var rest string
	r.Any("/item/:id", func(c echo.Context) error {
		err := mandateecho.Handle(e)(c)
		body, _ := io.ReadAll(c.Request().Body)
		rest = string(body)
		return err
	})
	w := send(t, r, "POST", "/item/a%2Fb%3F%20c?x=%41&y", "12345678", "Host", "evil.example.com")
	if w.Code != 200 || w.Body.String() != "12345678" || len(w.Header()["Set-Cookie"]) != 2 {
		t.Errorf("answer %d %s %v", w.Code, w.Body, w.Header())
	}
	if seen.URL() != "https://id.example.com/item/a%2Fb%3F%20c?x=%41&y" || seen.PathID != "a/b? c" || rest != "12345678" {
		t.Errorf("URL %s, id %q, body restored to %q", seen.URL(), seen.PathID, rest)
	}
	if w := send(t, r, "POST", "/item/1", "123456789"); w.Code != 413 || rest != "123456789" {
		t.Errorf("over the limit: %d, body restored to %q, want 413 and all of it", w.Code, rest)
	}
}

func TestSkipperAndReturnTo(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	skip := mandateecho.Skipper(srv)
	r := echo.New()
	r.Any("/*", func(c echo.Context) error {
		return c.String(200, fmt.Sprintf("%t %s", skip(c), mandateecho.ReturnTo(c, srv, "/home")))
	})
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for target, want := range map[string]string{
		"/oauth/token": "true /home",
		"/other?return_to=https://evil.example.com":          "false /home",
		"/login?return_to=%2Foauth%2Fauthorize%3Fhandle%3Dh": "false /oauth/authorize?handle=h",
	} {
		if w := send(t, r, "GET", target, ""); w.Body.String() != want {
			t.Errorf("%s: %s, want %s", target, w.Body, want)
		}
	}
	if w := send(t, r, "POST", "/login", "return_to=%2Foauth%2Fauthorize%3Fhandle%3Dh", form...); w.Body.String() != "false /oauth/authorize?handle=h" {
		t.Errorf("form: %s", w.Body)
	}
}
