// Package gintest is Gin as the suite of package adaptertest sees it: it knows an application of the framework and nothing of the suite's
// cases. Whoever wants to know that the protocol holds in an application's own setting, with its middleware and on its
// store, hands both to the suite:
//
//	adaptertest.Run(t, adaptertest.Adapter{
//		Name:     "ours",
//		New:      func(*testing.T) adaptertest.App { return gintest.App(newEngine()) },
//		NewStore: newStore,
//	})
package gintest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	"github.com/go-mandate/mandate/conformance/adaptertest"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// app is Gin as the suite sees it.
type app struct {
	routes
	engine *gin.Engine
}

// New returns a new application as the documentation says that one is made, with Gin's own recovery from panics.
func New(*testing.T) adaptertest.App {
	engine := gin.New()
	engine.UseRawPath = true
	engine.Use(gin.RecoveryWithWriter(io.Discard))
	return App(engine)
}

// App returns engine as the suite sees it. It has to have the recovery, UseRawPath, and no routes yet.
func App(engine *gin.Engine) adaptertest.App { return app{routes{engine}, engine} }

func (a app) Mount(srv *server.Server, m adaptertest.Mounting) error {
	var c mandategin.MountConfig
	if m.Decide != nil {
		c.Decide = func(c *gin.Context, ask *server.Ask) (server.Answer, error) { return m.Decide(ctx{c}, ask) }
	}
	for _, use := range m.Use {
		c.Use = append(c.Use, use.(gin.HandlerFunc))
	}
	if m.Error != nil {
		c.Error = func(c *gin.Context, err *mandate.Error) { fail(c, m.Error(ctx{c}, err)) }
	}
	return mandategin.Mount(a.engine, srv, c)
}

func (a app) MountResource(g *resource.Guard) error { return mandategin.MountResource(a.engine, g) }

func (a app) MountLogin(prefix string, reg *client.Registry, done func(c adaptertest.Ctx, in *client.SignIn) error, l adaptertest.LoginConfig) error {
	return mandategin.MountLogin(a.engine, prefix, reg, doneBy(done), loginConfig(l))
}

func (a app) Login(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return mandategin.Login(app, loginConfig(l))
}

func (a app) Callback(app *client.Remote, done func(c adaptertest.Ctx, in *client.SignIn) error, l adaptertest.LoginConfig) adaptertest.Route {
	return mandategin.Callback(app, doneBy(done), loginConfig(l))
}

func (a app) Logout(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return mandategin.Logout(app, loginConfig(l))
}

func (a app) LoggedOut(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return mandategin.LoggedOut(app, loginConfig(l))
}

func (a app) BackChannelLogout(app *client.Remote) adaptertest.Route {
	return mandategin.BackChannelLogout(app)
}

func doneBy(done func(c adaptertest.Ctx, in *client.SignIn) error) func(c *gin.Context, in *client.SignIn) {
	return func(c *gin.Context, in *client.SignIn) { fail(c, done(ctx{c}, in)) }
}

func loginConfig(l adaptertest.LoginConfig) mandategin.LoginConfig {
	config := mandategin.LoginConfig{Use: chain(l.Use)}
	if l.Begin != nil {
		config.Begin = func(c *gin.Context) client.Begin { return l.Begin(ctx{c}) }
	}
	if l.Logout != nil {
		config.Logout = func(c *gin.Context) client.Logout { return l.Logout(ctx{c}) }
	}
	if l.LoggedOut != nil {
		config.LoggedOut = func(c *gin.Context, out *client.LoggedOut) { fail(c, l.LoggedOut(ctx{c}, out)) }
	}
	if l.Error != nil {
		config.Error = func(c *gin.Context, err *client.Error) { fail(c, l.Error(ctx{c}, err)) }
	}
	return config
}

// CORS is written by hand: Gin has none of its own.
func (a app) CORS(origin string) adaptertest.Middleware {
	return gin.HandlerFunc(func(c *gin.Context) {
		c.Header("Access-Control-Allow-Origin", origin)
		if c.Request.Method == http.MethodOptions && c.GetHeader("Access-Control-Request-Method") != "" {
			c.Header("Access-Control-Allow-Methods", "GET")
			c.Header("Access-Control-Allow-Headers", "Authorization")
			c.AbortWithStatus(http.StatusNoContent)
		}
	})
}

func (a app) Auth(g *resource.Guard, c adaptertest.AuthConfig) adaptertest.Auth {
	var config mandategin.Config
	if c.Skip != nil {
		config.Skip = func(x *gin.Context) bool { return c.Skip(ctx{x}) }
	}
	if c.ErrorHandler != nil {
		config.ErrorHandler = func(x *gin.Context, err *mandate.Error) { fail(x, c.ErrorHandler(ctx{x}, err)) }
	}
	return auth{mandategin.New(g, config)}
}

func (a app) Endpoint(e mandate.Endpoint) adaptertest.Route { return mandategin.Handle(e) }

func (a app) Skipper(srv *server.Server) func(c adaptertest.Ctx) bool {
	skip := mandategin.Skipper(srv)
	return func(c adaptertest.Ctx) bool { return skip(c.(ctx).c) }
}

func (a app) Route(h func(c adaptertest.Ctx) error) adaptertest.Route {
	return gin.HandlerFunc(func(c *gin.Context) { fail(c, h(ctx{c})) })
}

func (a app) Middleware(f func(c adaptertest.Ctx, next func() error) error) adaptertest.Middleware {
	return gin.HandlerFunc(func(c *gin.Context) {
		went := false
		err := f(ctx{c}, func() error {
			went = true
			c.Next()
			return nil
		})
		if !went {
			c.Abort()
		}
		fail(c, err)
	})
}

func (a app) Wrap(h http.Handler) (adaptertest.Route, bool) { return gin.WrapH(h), true }

func (a app) Serve(t *testing.T, l net.Listener) {
	t.Helper()
	s := &http.Server{Handler: a.engine, ReadHeaderTimeout: time.Minute}
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

// fail is what an application of Gin does with an error.
func fail(c *gin.Context, err error) {
	if err != nil {
		_ = c.AbortWithError(http.StatusInternalServerError, err)
	}
}

type routes struct{ gin.IRoutes }

func (r routes) Handle(method, path string, h adaptertest.Route, before ...adaptertest.Middleware) {
	r.IRoutes.Handle(method, path, append(chain(before), h.(gin.HandlerFunc))...)
}

func (r routes) Group(prefix string, before ...adaptertest.Middleware) adaptertest.Routes {
	return routes{r.IRoutes.(gin.IRouter).Group(prefix, chain(before)...)}
}

func chain(before []adaptertest.Middleware) []gin.HandlerFunc {
	var list []gin.HandlerFunc
	for _, m := range before {
		list = append(list, m.(gin.HandlerFunc))
	}
	return list
}

type auth struct{ a *mandategin.Auth }

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
	return a.a.With(func(c *gin.Context, tok *mandate.Token) { fail(c, h(ctx{c}, tok)) }, scopes...)
}

func (a auth) WithUser(h func(c adaptertest.Ctx, user *adaptertest.User) error, scopes ...string) adaptertest.Route {
	return mandategin.WithUser(a.a, func(c *gin.Context, user *adaptertest.User) { fail(c, h(ctx{c}, user)) }, scopes...)
}

func (a auth) Acquire(c adaptertest.Ctx, scopes ...string) (*mandate.Token, error) {
	return a.a.Acquire(c.(ctx).c, scopes...)
}

func (a auth) Refuse(c adaptertest.Ctx, err error) error {
	a.a.Refuse(c.(ctx).c, err)
	return nil
}

// ctx is Gin's context as the suite sees it.
type ctx struct{ c *gin.Context }

func (c ctx) Method() string             { return c.c.Request.Method }
func (c ctx) Path() string               { return c.c.Request.URL.Path }
func (c ctx) Query(name string) string   { return c.c.Query(name) }
func (c ctx) Form(name string) string    { return c.c.PostForm(name) }
func (c ctx) Forms(name string) []string { return c.c.PostFormArray(name) }
func (c ctx) Header(name string) string  { return c.c.GetHeader(name) }

func (c ctx) Cookie(name string) string {
	value, _ := c.c.Cookie(name)
	return value
}

func (c ctx) Body() (string, error) {
	data, err := c.c.GetRawData()
	return string(data), err
}

func (c ctx) SetHeader(name, value string) { c.c.Header(name, value) }

func (c ctx) SetCookie(name, value string) {
	c.c.SetCookie(name, value, 0, "/", "", false, true)
}

func (c ctx) HTML(status int, body string) error {
	c.c.Data(c.status(status), "text/html; charset=utf-8", []byte(body))
	return nil
}

func (c ctx) JSON(status int, v any) error {
	c.c.JSON(c.status(status), v)
	return nil
}

func (c ctx) Redirect(status int, url string) error {
	c.c.Redirect(status, url)
	return nil
}

func (c ctx) status(status int) int {
	if status == 0 {
		return c.c.Writer.Status()
	}
	return status
}

func (c ctx) Token() *mandate.Token            { return mandategin.Token(c.c) }
func (c ctx) SetToken(tok *mandate.Token)      { mandategin.SetToken(c.c, tok) }
func (c ctx) User() (*adaptertest.User, error) { return mandategin.User[*adaptertest.User](c.c) }
func (c ctx) OtherUser() (string, error)       { return mandategin.User[string](c.c) }
func (c ctx) Context() context.Context         { return mandategin.Context(c.c) }
func (c ctx) Native() context.Context          { return c.c.Request.Context() }
func (c ctx) ReturnTo(srv *server.Server, fallback string) string {
	return mandategin.ReturnTo(c.c, srv, fallback)
}

func (c ctx) SetNative(ctx context.Context) { c.c.Request = c.c.Request.WithContext(ctx) }

func (c ctx) Inner() []context.Context { return nil }

func (c ctx) Stream(kind string, write func(w io.Writer, flush func() error) error) error {
	w := c.c.Writer
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(http.StatusOK)
	return write(w, http.NewResponseController(w).Flush)
}

func (c ctx) Upgrade(use func(conn io.ReadWriter)) error {
	header := c.c.Writer.Header().Clone()
	conn, rw, err := http.NewResponseController(c.c.Writer).Hijack()
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
