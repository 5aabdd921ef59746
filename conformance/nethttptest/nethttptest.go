// Package nethttptest is net/http as the suite of package adaptertest sees it: it knows http.ServeMux and nothing of the suite's
// cases. Whoever wants to know that the protocol holds in an application's own setting, with its middleware and on its
// store, hands both to the suite:
//
//	adaptertest.Run(t, adaptertest.Adapter{
//		Name:     "ours",
//		New:      func(*testing.T) adaptertest.App { return nethttptest.App(newMux()) },
//		NewStore: newStore,
//	})
package nethttptest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/go-mandate/mandate/conformance/adaptertest"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// middleware is what net/http calls one, by convention.
type middleware = func(http.Handler) http.Handler

// app is http.ServeMux as the suite sees it.
type app struct {
	routes
	mux *http.ServeMux
}

// New returns a new http.ServeMux as the suite sees it. Serve recovers from panics around it.
func New(*testing.T) adaptertest.App { return App(http.NewServeMux()) }

// App returns mux as the suite sees it. It has to have no routes yet.
func App(mux *http.ServeMux) adaptertest.App { return app{routes{mux: mux}, mux} }

func (a app) Mount(srv *server.Server, m adaptertest.Mounting) error {
	var c nethttp.MountConfig
	if m.Decide != nil {
		c.Decide = func(w http.ResponseWriter, r *http.Request, ask *server.Ask) (server.Answer, error) {
			return m.Decide(&ctx{w, r}, ask)
		}
	}
	for _, use := range m.Use {
		c.Use = append(c.Use, use.(middleware))
	}
	if m.Error != nil {
		c.Error = func(w http.ResponseWriter, r *http.Request, err *mandate.Error) { fail(w, m.Error(&ctx{w, r}, err)) }
	}
	return nethttp.Mount(a.mux, srv, c)
}

func (a app) MountResource(g *resource.Guard) error { return nethttp.MountResource(a.mux, g) }

func (a app) MountLogin(prefix string, reg *client.Registry, done func(c adaptertest.Ctx, in *client.SignIn) error, l adaptertest.LoginConfig) error {
	return nethttp.MountLogin(a.mux, prefix, reg, doneBy(done), loginConfig(l))
}

func (a app) Login(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return nethttp.Login(app, loginConfig(l))
}

func (a app) Callback(app *client.Remote, done func(c adaptertest.Ctx, in *client.SignIn) error, l adaptertest.LoginConfig) adaptertest.Route {
	return nethttp.Callback(app, doneBy(done), loginConfig(l))
}

func (a app) Logout(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return nethttp.Logout(app, loginConfig(l))
}

func (a app) LoggedOut(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return nethttp.LoggedOut(app, loginConfig(l))
}

func (a app) BackChannelLogout(app *client.Remote) adaptertest.Route {
	return nethttp.BackChannelLogout(app)
}

func doneBy(done func(c adaptertest.Ctx, in *client.SignIn) error) func(w http.ResponseWriter, r *http.Request, in *client.SignIn) {
	return func(w http.ResponseWriter, r *http.Request, in *client.SignIn) { fail(w, done(&ctx{w, r}, in)) }
}

func loginConfig(l adaptertest.LoginConfig) nethttp.LoginConfig {
	config := nethttp.LoginConfig{}
	for _, use := range l.Use {
		config.Use = append(config.Use, use.(middleware))
	}
	if l.Begin != nil {
		config.Begin = func(r *http.Request) client.Begin { return l.Begin(&ctx{nil, r}) }
	}
	if l.Logout != nil {
		config.Logout = func(w http.ResponseWriter, r *http.Request) client.Logout { return l.Logout(&ctx{w, r}) }
	}
	if l.LoggedOut != nil {
		config.LoggedOut = func(w http.ResponseWriter, r *http.Request, out *client.LoggedOut) {
			fail(w, l.LoggedOut(&ctx{w, r}, out))
		}
	}
	if l.Error != nil {
		config.Error = func(w http.ResponseWriter, r *http.Request, err *client.Error) { fail(w, l.Error(&ctx{w, r}, err)) }
	}
	return config
}

// CORS is written by hand: net/http has none of its own.
func (a app) CORS(origin string) adaptertest.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Access-Control-Allow-Methods", http.MethodGet)
			w.Header().Set("Access-Control-Allow-Headers", "Authorization")
			w.WriteHeader(http.StatusNoContent)
		})
	}
}

func (a app) Auth(g *resource.Guard, c adaptertest.AuthConfig) adaptertest.Auth {
	var config nethttp.Config
	if c.Skip != nil {
		config.Skip = func(r *http.Request) bool { return c.Skip(&ctx{nil, r}) }
	}
	if c.ErrorHandler != nil {
		config.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err *mandate.Error) {
			fail(w, c.ErrorHandler(&ctx{w, r}, err))
		}
	}
	return auth{nethttp.New(g, config)}
}

func (a app) Endpoint(e mandate.Endpoint) adaptertest.Route { return nethttp.Handle(e) }

func (a app) Skipper(srv *server.Server) func(c adaptertest.Ctx) bool {
	skip := nethttp.Skipper(srv)
	return func(c adaptertest.Ctx) bool { return skip(c.(*ctx).r) }
}

func (a app) Route(h func(c adaptertest.Ctx) error) adaptertest.Route {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fail(w, h(&ctx{w, r})) })
}

func (a app) Middleware(f func(c adaptertest.Ctx, next func() error) error) adaptertest.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := &ctx{w, r}
			fail(w, f(c, func() error {
				next.ServeHTTP(w, c.r)
				return nil
			}))
		})
	}
}

func (a app) Wrap(h http.Handler) (adaptertest.Route, bool) { return h, true }

func (a app) Serve(t *testing.T, l net.Listener) {
	t.Helper()
	s := &http.Server{Handler: recovering(a.mux), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		s = nil // testing keeps this function until all tests are over, and must not keep every server, its pages and its store with it
	})
}

// recovering is what most applications of net/http put around their routes.
func recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				http.Error(w, "panic", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// fail is what an application of net/http does with an error.
func fail(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, "error", http.StatusInternalServerError)
	}
}

type routes struct {
	mux    *http.ServeMux
	prefix string
	before []adaptertest.Middleware
}

func (r routes) Handle(method, path string, h adaptertest.Route, before ...adaptertest.Middleware) {
	handler := h.(http.Handler)
	for _, list := range [][]adaptertest.Middleware{before, r.before} {
		for _, m := range slices.Backward(list) {
			handler = m.(middleware)(handler)
		}
	}
	r.mux.Handle(method+" "+r.prefix+path, handler)
}

func (r routes) Group(prefix string, before ...adaptertest.Middleware) adaptertest.Routes {
	return routes{r.mux, r.prefix + prefix, append(append([]adaptertest.Middleware{}, r.before...), before...)}
}

type auth struct{ a *nethttp.Auth }

func (a auth) Require(scopes ...string) adaptertest.Middleware { return a.a.Require(scopes...) }
func (a auth) RequireAny(alternatives ...string) adaptertest.Middleware {
	return a.a.RequireAny(alternatives...)
}

func (a auth) RequireRole(roles ...string) adaptertest.Middleware { return a.a.RequireRole(roles...) }
func (a auth) RequireClient() adaptertest.Middleware              { return a.a.RequireClient() }
func (a auth) RequireThat(req mandate.Requirement) adaptertest.Middleware {
	return a.a.RequireThat(req)
}

func (a auth) RequireFor(f func(context.Context, *mandate.Request) mandate.Requirement) adaptertest.Middleware {
	return a.a.RequireFor(f)
}
func (a auth) Optional(scopes ...string) adaptertest.Middleware { return a.a.Optional(scopes...) }

func (a auth) With(h func(c adaptertest.Ctx, tok *mandate.Token) error, scopes ...string) adaptertest.Route {
	return a.a.With(func(w http.ResponseWriter, r *http.Request, tok *mandate.Token) { fail(w, h(&ctx{w, r}, tok)) }, scopes...)
}

func (a auth) WithUser(h func(c adaptertest.Ctx, user *adaptertest.User) error, scopes ...string) adaptertest.Route {
	return nethttp.WithUser(a.a, func(w http.ResponseWriter, r *http.Request, user *adaptertest.User) { fail(w, h(&ctx{w, r}, user)) }, scopes...)
}

func (a auth) Acquire(c adaptertest.Ctx, scopes ...string) (*mandate.Token, error) {
	return a.a.Acquire(c.(*ctx).r, scopes...)
}

func (a auth) Refuse(c adaptertest.Ctx, err error) error {
	x := c.(*ctx)
	a.a.Refuse(x.w, x.r, err)
	return nil
}

// ctx is writer and request as the suite sees them.
type ctx struct {
	w http.ResponseWriter
	r *http.Request
}

func (c *ctx) Method() string             { return c.r.Method }
func (c *ctx) Path() string               { return c.r.URL.Path }
func (c *ctx) Query(name string) string   { return c.r.URL.Query().Get(name) }
func (c *ctx) Form(name string) string    { return c.r.PostFormValue(name) }
func (c *ctx) Header(name string) string  { return c.r.Header.Get(name) }
func (c *ctx) Forms(name string) []string { c.r.PostFormValue(name); return c.r.PostForm[name] }

func (c *ctx) Cookie(name string) string {
	cookie, err := c.r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (c *ctx) Body() (string, error) {
	data, err := io.ReadAll(c.r.Body)
	return string(data), err
}

func (c *ctx) SetHeader(name, value string) { c.w.Header().Set(name, value) }

func (c *ctx) SetCookie(name, value string) {
	http.SetCookie(c.w, &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
}

func (c *ctx) HTML(status int, body string) error {
	return c.write(status, "text/html; charset=utf-8", []byte(body))
}

func (c *ctx) JSON(status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.write(status, "application/json", data)
}

func (c *ctx) write(status int, kind string, body []byte) error {
	c.w.Header().Set("Content-Type", kind)
	if status != 0 {
		c.w.WriteHeader(status)
	}
	_, err := c.w.Write(body)
	return err
}

func (c *ctx) Redirect(status int, url string) error {
	http.Redirect(c.w, c.r, url, status)
	return nil
}

func (c *ctx) Token() *mandate.Token            { return nethttp.Token(c.r) }
func (c *ctx) SetToken(tok *mandate.Token)      { nethttp.SetToken(c.r, tok) }
func (c *ctx) User() (*adaptertest.User, error) { return nethttp.User[*adaptertest.User](c.r) }
func (c *ctx) OtherUser() (string, error)       { return nethttp.User[string](c.r) }
func (c *ctx) Context() context.Context         { return nethttp.Context(c.r) }
func (c *ctx) Native() context.Context          { return c.r.Context() }
func (c *ctx) ReturnTo(srv *server.Server, fallback string) string {
	return nethttp.ReturnTo(c.r, srv, fallback)
}

func (c *ctx) SetNative(ctx context.Context) { c.r = c.r.WithContext(ctx) }

func (c *ctx) Inner() []context.Context { return nil }

func (c *ctx) Stream(kind string, write func(w io.Writer, flush func() error) error) error {
	c.w.Header().Set("Content-Type", kind)
	return write(c.w, http.NewResponseController(c.w).Flush)
}

func (c *ctx) Upgrade(use func(conn io.ReadWriter)) error {
	header := c.w.Header().Clone()
	conn, rw, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = header.Write(rw)
	_, _ = rw.WriteString("\r\n")
	if err := rw.Flush(); err != nil {
		return err
	}
	use(struct {
		io.Reader
		io.Writer
	}{rw.Reader, conn})
	return nil
}
