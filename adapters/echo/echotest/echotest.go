// Package echotest is Echo as the suite of package adaptertest sees it: it knows an application of the framework and nothing of the suite's
// cases. Whoever wants to know that the protocol holds in an application's own setting, with its middleware and on its
// store, hands both to the suite:
//
//	adaptertest.Run(t, adaptertest.Adapter{
//		Name:     "ours",
//		New:      func(*testing.T) adaptertest.App { return echotest.App(newEcho()) },
//		NewStore: newStore,
//	})
package echotest

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	"github.com/go-mandate/mandate/conformance/adaptertest"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// app is Echo as the suite sees it.
type app struct {
	routes
	echo *echo.Echo
}

// New returns a new application as the documentation says that one is made, with Echo's own recovery from panics.
func New(*testing.T) adaptertest.App {
	e := echo.New()
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(_ echo.Context, err error, _ []byte) error { return err },
	}))
	return App(e)
}

// App returns e as the suite sees it. It has to have the recovery, and no routes yet.
func App(e *echo.Echo) adaptertest.App { return app{routes{e}, e} }

func (a app) Mount(srv *server.Server, m adaptertest.Mounting) error {
	config := mandateecho.MountConfig{Use: chain(m.Use)}
	if m.Decide != nil {
		config.Decide = func(c echo.Context, ask *server.Ask) (server.Answer, error) { return m.Decide(ctx{c}, ask) }
	}
	if m.Error != nil {
		config.Error = func(c echo.Context, err *mandate.Error) error { return m.Error(ctx{c}, err) }
	}
	return mandateecho.Mount(a.echo, srv, config)
}

func (a app) MountResource(g *resource.Guard) error { return mandateecho.MountResource(a.echo, g) }

func (a app) MountLogin(prefix string, reg *client.Registry, done func(c adaptertest.Ctx, in *client.SignIn) error, l adaptertest.LoginConfig) error {
	return mandateecho.MountLogin(a.echo, prefix, reg, doneBy(done), loginConfig(l))
}

func (a app) Login(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return mandateecho.Login(app, loginConfig(l))
}

func (a app) Callback(app *client.Remote, done func(c adaptertest.Ctx, in *client.SignIn) error, l adaptertest.LoginConfig) adaptertest.Route {
	return mandateecho.Callback(app, doneBy(done), loginConfig(l))
}

func (a app) Logout(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return mandateecho.Logout(app, loginConfig(l))
}

func (a app) LoggedOut(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return mandateecho.LoggedOut(app, loginConfig(l))
}

func (a app) BackChannelLogout(app *client.Remote) adaptertest.Route {
	return mandateecho.BackChannelLogout(app)
}

func doneBy(done func(c adaptertest.Ctx, in *client.SignIn) error) func(c echo.Context, in *client.SignIn) error {
	return func(c echo.Context, in *client.SignIn) error { return done(ctx{c}, in) }
}

func loginConfig(l adaptertest.LoginConfig) mandateecho.LoginConfig {
	config := mandateecho.LoginConfig{Use: chain(l.Use)}
	if l.Begin != nil {
		config.Begin = func(c echo.Context) client.Begin { return l.Begin(ctx{c}) }
	}
	if l.Logout != nil {
		config.Logout = func(c echo.Context) client.Logout { return l.Logout(ctx{c}) }
	}
	if l.LoggedOut != nil {
		config.LoggedOut = func(c echo.Context, out *client.LoggedOut) error { return l.LoggedOut(ctx{c}, out) }
	}
	if l.Error != nil {
		config.Error = func(c echo.Context, err *client.Error) error { return l.Error(ctx{c}, err) }
	}
	return config
}

func (a app) CORS(origin string) adaptertest.Middleware {
	return middleware.CORSWithConfig(middleware.CORSConfig{AllowOrigins: []string{origin}, AllowMethods: []string{http.MethodGet}, AllowHeaders: []string{"Authorization"}})
}

func (a app) Auth(g *resource.Guard, c adaptertest.AuthConfig) adaptertest.Auth {
	var config mandateecho.Config
	if c.Skip != nil {
		config.Skip = func(x echo.Context) bool { return c.Skip(ctx{x}) }
	}
	if c.ErrorHandler != nil {
		config.ErrorHandler = func(x echo.Context, err *mandate.Error) error { return c.ErrorHandler(ctx{x}, err) }
	}
	return auth{mandateecho.New(g, config)}
}

func (a app) Endpoint(e mandate.Endpoint) adaptertest.Route { return mandateecho.Handle(e) }

func (a app) Skipper(srv *server.Server) func(c adaptertest.Ctx) bool {
	skip := mandateecho.Skipper(srv)
	return func(c adaptertest.Ctx) bool { return skip(c.(ctx).c) }
}

func (a app) Route(h func(c adaptertest.Ctx) error) adaptertest.Route {
	return echo.HandlerFunc(func(c echo.Context) error { return h(ctx{c}) })
}

func (a app) Middleware(f func(c adaptertest.Ctx, next func() error) error) adaptertest.Middleware {
	return echo.MiddlewareFunc(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { return f(ctx{c}, func() error { return next(c) }) }
	})
}

func (a app) Wrap(h http.Handler) (adaptertest.Route, bool) { return echo.WrapHandler(h), true }

func (a app) Serve(t *testing.T, l net.Listener) {
	t.Helper()
	s := &http.Server{Handler: a.echo, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
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

// group is what Echo and its groups have in common.
type group interface {
	Add(method, path string, handler echo.HandlerFunc, use ...echo.MiddlewareFunc) *echo.Route
	Group(prefix string, use ...echo.MiddlewareFunc) *echo.Group
}

type routes struct{ group }

func (r routes) Handle(method, path string, h adaptertest.Route, before ...adaptertest.Middleware) {
	r.Add(method, path, h.(echo.HandlerFunc), chain(before)...)
}

func (r routes) Group(prefix string, before ...adaptertest.Middleware) adaptertest.Routes {
	return routes{r.group.Group(prefix, chain(before)...)}
}

func chain(before []adaptertest.Middleware) []echo.MiddlewareFunc {
	var list []echo.MiddlewareFunc
	for _, m := range before {
		list = append(list, m.(echo.MiddlewareFunc))
	}
	return list
}

type auth struct{ a *mandateecho.Auth }

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
	return a.a.With(func(c echo.Context, tok *mandate.Token) error { return h(ctx{c}, tok) }, scopes...)
}

func (a auth) WithUser(h func(c adaptertest.Ctx, user *adaptertest.User) error, scopes ...string) adaptertest.Route {
	return mandateecho.WithUser(a.a, func(c echo.Context, user *adaptertest.User) error { return h(ctx{c}, user) }, scopes...)
}

func (a auth) Acquire(c adaptertest.Ctx, scopes ...string) (*mandate.Token, error) {
	return a.a.Acquire(c.(ctx).c, scopes...)
}

func (a auth) Refuse(c adaptertest.Ctx, err error) error { return a.a.Refuse(c.(ctx).c, err) }

// ctx is Echo's context as the suite sees it.
type ctx struct{ c echo.Context }

func (c ctx) Method() string            { return c.c.Request().Method }
func (c ctx) Path() string              { return c.c.Request().URL.Path }
func (c ctx) Query(name string) string  { return c.c.QueryParam(name) }
func (c ctx) Form(name string) string   { return c.c.FormValue(name) }
func (c ctx) Header(name string) string { return c.c.Request().Header.Get(name) }

func (c ctx) Forms(name string) []string {
	form, _ := c.c.FormParams()
	return form[name]
}

func (c ctx) Cookie(name string) string {
	cookie, err := c.c.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (c ctx) Body() (string, error) {
	data, err := io.ReadAll(c.c.Request().Body)
	return string(data), err
}

func (c ctx) SetHeader(name, value string) { c.c.Response().Header().Set(name, value) }

func (c ctx) SetCookie(name, value string) {
	c.c.SetCookie(&http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (c ctx) HTML(status int, body string) error    { return c.c.HTML(c.status(status), body) }
func (c ctx) JSON(status int, v any) error          { return c.c.JSON(c.status(status), v) }
func (c ctx) Redirect(status int, url string) error { return c.c.Redirect(status, url) }

func (c ctx) status(status int) int {
	if status == 0 {
		return c.c.Response().Status
	}
	return status
}

func (c ctx) Token() *mandate.Token            { return mandateecho.Token(c.c) }
func (c ctx) SetToken(tok *mandate.Token)      { mandateecho.SetToken(c.c, tok) }
func (c ctx) User() (*adaptertest.User, error) { return mandateecho.User[*adaptertest.User](c.c) }
func (c ctx) OtherUser() (string, error)       { return mandateecho.User[string](c.c) }
func (c ctx) Context() context.Context         { return mandateecho.Context(c.c) }
func (c ctx) Native() context.Context          { return c.c.Request().Context() }
func (c ctx) ReturnTo(srv *server.Server, fallback string) string {
	return mandateecho.ReturnTo(c.c, srv, fallback)
}

func (c ctx) SetNative(ctx context.Context) { c.c.SetRequest(c.c.Request().WithContext(ctx)) }

func (c ctx) Inner() []context.Context { return nil }

func (c ctx) Stream(kind string, write func(w io.Writer, flush func() error) error) error {
	w := c.c.Response()
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(http.StatusOK)
	return write(w, http.NewResponseController(w).Flush)
}

func (c ctx) Upgrade(use func(conn io.ReadWriter)) error {
	header := c.c.Response().Header().Clone()
	conn, rw, err := http.NewResponseController(c.c.Response()).Hijack()
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
