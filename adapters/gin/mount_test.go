package mandategin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
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

func mounted(t *testing.T, config mandategin.MountConfig) *gin.Engine {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	if config.Decide == nil {
		config.Decide = func(*gin.Context, *server.Ask) (server.Answer, error) { return server.Deny(), nil }
	}
	if err := mandategin.Mount(r, newServer(t), config); err != nil {
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
	r := mounted(t, mandategin.MountConfig{})
	const metadata = "/.well-known/oauth-authorization-server"
	for name, tc := range map[string]struct {
		method, path string
		header       []string
		status       int
		field, value string
	}{
		"GET":       {"GET", metadata, nil, 200, "Content-Type", "application/json"},
		"HEAD":      {"HEAD", metadata, nil, 200, "Content-Type", "application/json"},
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
	gin.SetMode(gin.ReleaseMode)
	srv := newServer(t)
	decide := mandategin.MountConfig{Decide: func(*gin.Context, *server.Ask) (server.Answer, error) { return server.Deny(), nil }}
	none := func(*gin.Context) {}
	for name, tc := range map[string]struct {
		prepare func(r *gin.Engine)
		config  []mandategin.MountConfig
		want    string
	}{
		"a route is taken":           {func(r *gin.Engine) { r.PUT("/oauth/token", none) }, []mandategin.MountConfig{decide}, "PUT /oauth/token"},
		"a catch-all is in the way":  {func(r *gin.Engine) { r.GET("/oauth/*all", none) }, []mandategin.MountConfig{decide}, "GET /oauth/*all"},
		"a catch-all below the root": {func(r *gin.Engine) { r.GET("/*all", none) }, []mandategin.MountConfig{decide}, "GET /*all"},
		"mounted twice":              {func(r *gin.Engine) { _ = mandategin.Mount(r, srv, decide) }, []mandategin.MountConfig{decide}, "/oauth/token"},
		"nobody decides":             {func(*gin.Engine) {}, nil, "Decide"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := gin.New()
			tc.prepare(r)
			before := len(r.Routes())
			err := mandategin.Mount(r, srv, tc.config...)
			if tc.want == "" { // Gin may or may not allow it; it must not panic
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
	if err := mandategin.Mount(gin.New(), nil); err == nil {
		t.Error("no error without a server")
	}
	if err := mandategin.Mount(nil, srv); err == nil {
		t.Error("no error without an engine")
	}
}

func TestMountDecide(t *testing.T) {
	t.Parallel()
	r := mounted(t, mandategin.MountConfig{
		Use: []gin.HandlerFunc{func(c *gin.Context) { c.Set("user", "ann") }},
		Decide: func(c *gin.Context, ask *server.Ask) (server.Answer, error) {
			if c.Query("fail") != "" {
				return server.Page(func() error { return errors.New("no template") }), nil
			}
			return server.Page(func() error {
				c.String(200, "%s, allow %s? %s", c.GetString("user"), ask.Client.ID, ask.Fields())
				return nil
			}), nil
		},
		Error: func(c *gin.Context, err *mandate.Error) { _, _ = c.Writer.WriteString("my page: " + string(err.Code)) },
	})
	w := send(t, r, "GET", authorize, "")
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), "ann, allow web? <input") || w.Header().Get("Set-Cookie") == "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("page: %d %s %v", w.Code, w.Body, w.Header())
	}
	w = send(t, r, "GET", authorize+"&fail=1", "")
	if w.Code != 500 || w.Body.String() != `{"error":"server_error"}` {
		t.Errorf("failing page: %d %s, want 500 server_error", w.Code, w.Body)
	}
	w = send(t, r, "GET", strings.Replace(authorize, "web.example.com", "evil.example.com", 1), "")
	if w.Code != 400 || w.Body.String() != "my page: invalid_request" {
		t.Errorf("error page: %d %s, want 400 from the application", w.Code, w.Body)
	}
}

func TestHandle(t *testing.T) {
	t.Parallel()
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.UseRawPath = true
	var seen *mandate.Request
	e := mandate.Endpoint{Name: "item", Origin: "https://id.example.com", Path: "/item/{id}", Methods: []string{"POST"}, Limit: 8, Handle: func(_ context.Context, req *mandate.Request) *mandate.Response {
		seen = req
		return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Set-Cookie", Value: "a=1"}, {Name: "Set-Cookie", Value: "b=2"}}, Body: []byte(req.Body)}
	}}
	var rest string
	r.Any("/item/:id", func(c *gin.Context) {
		mandategin.Handle(e)(c)
		body, _ := io.ReadAll(c.Request.Body)
		rest = string(body)
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
	skip := mandategin.Skipper(srv)
	r := gin.New()
	r.Any("/*all", func(c *gin.Context) {
		c.String(200, "%t %s", skip(c), mandategin.ReturnTo(c, srv, "/home"))
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
