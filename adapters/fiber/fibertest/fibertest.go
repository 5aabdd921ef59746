// Package fibertest is Fiber as the suite of package adaptertest sees it: it knows an application of the framework and nothing of the suite's
// cases. Whoever wants to know that the protocol holds in an application's own setting, with its middleware and on its
// store, hands both to the suite:
//
//	adaptertest.Run(t, adaptertest.Adapter{
//		Name:     "ours",
//		New:      func(*testing.T) adaptertest.App { return fibertest.App(newApp()) },
//		NewStore: newStore,
//	})
package fibertest

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gofiber/fiber/v2/middleware/cors"
	recovery "github.com/gofiber/fiber/v2/middleware/recover"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	"github.com/go-mandate/mandate/conformance/adaptertest"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// app is Fiber as the suite sees it.
type app struct {
	routes
	app *fiber.App
}

// New returns a new application as the documentation says that one is made, with Fiber's own recovery from panics.
func New(*testing.T) adaptertest.App {
	a := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true})
	a.Use(recovery.New())
	return App(a)
}

// App returns a as the suite sees it. It has to have the recovery, the settings that [New] makes, and no routes yet.
func App(a *fiber.App) adaptertest.App { return app{routes{a}, a} }

func (a app) Mount(srv *server.Server, m adaptertest.Mounting) error {
	config := mandatefiber.MountConfig{Use: chain(m.Use)}
	if m.Decide != nil {
		config.Decide = func(c *fiber.Ctx, ask *server.Ask) (server.Answer, error) { return m.Decide(ctx{c}, ask) }
	}
	if m.Error != nil {
		config.Error = func(c *fiber.Ctx, err *mandate.Error) error { return m.Error(ctx{c}, err) }
	}
	return mandatefiber.Mount(a.app, srv, config)
}

func (a app) MountResource(g *resource.Guard) error { return mandatefiber.MountResource(a.app, g) }

func (a app) MountLogin(prefix string, reg *client.Registry, done func(c adaptertest.Ctx, in *client.SignIn) error, l adaptertest.LoginConfig) error {
	return mandatefiber.MountLogin(a.app, prefix, reg, doneBy(done), loginConfig(l))
}

func (a app) Login(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return mandatefiber.Login(app, loginConfig(l))
}

func (a app) Callback(app *client.Remote, done func(c adaptertest.Ctx, in *client.SignIn) error, l adaptertest.LoginConfig) adaptertest.Route {
	return mandatefiber.Callback(app, doneBy(done), loginConfig(l))
}

func (a app) Logout(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return mandatefiber.Logout(app, loginConfig(l))
}

func (a app) LoggedOut(app *client.Remote, l adaptertest.LoginConfig) adaptertest.Route {
	return mandatefiber.LoggedOut(app, loginConfig(l))
}

func (a app) BackChannelLogout(app *client.Remote) adaptertest.Route {
	return mandatefiber.BackChannelLogout(app)
}

func doneBy(done func(c adaptertest.Ctx, in *client.SignIn) error) func(c *fiber.Ctx, in *client.SignIn) error {
	return func(c *fiber.Ctx, in *client.SignIn) error { return done(ctx{c}, in) }
}

func loginConfig(l adaptertest.LoginConfig) mandatefiber.LoginConfig {
	config := mandatefiber.LoginConfig{Use: chain(l.Use)}
	if l.Begin != nil {
		config.Begin = func(c *fiber.Ctx) client.Begin { return l.Begin(ctx{c}) }
	}
	if l.Logout != nil {
		config.Logout = func(c *fiber.Ctx) client.Logout { return l.Logout(ctx{c}) }
	}
	if l.LoggedOut != nil {
		config.LoggedOut = func(c *fiber.Ctx, out *client.LoggedOut) error { return l.LoggedOut(ctx{c}, out) }
	}
	if l.Error != nil {
		config.Error = func(c *fiber.Ctx, err *client.Error) error { return l.Error(ctx{c}, err) }
	}
	return config
}

func (a app) CORS(origin string) adaptertest.Middleware {
	return cors.New(cors.Config{AllowOrigins: origin, AllowMethods: http.MethodGet, AllowHeaders: "Authorization"})
}

func (a app) Auth(g *resource.Guard, c adaptertest.AuthConfig) adaptertest.Auth {
	var config mandatefiber.Config
	if c.Skip != nil {
		config.Skip = func(x *fiber.Ctx) bool { return c.Skip(ctx{x}) }
	}
	if c.ErrorHandler != nil {
		config.ErrorHandler = func(x *fiber.Ctx, err *mandate.Error) error { return c.ErrorHandler(ctx{x}, err) }
	}
	return auth{mandatefiber.New(g, config)}
}

func (a app) Endpoint(e mandate.Endpoint) adaptertest.Route { return mandatefiber.Handle(e) }

func (a app) Skipper(srv *server.Server) func(c adaptertest.Ctx) bool {
	skip := mandatefiber.Skipper(srv)
	return func(c adaptertest.Ctx) bool { return skip(c.(ctx).c) }
}

func (a app) Route(h func(c adaptertest.Ctx) error) adaptertest.Route {
	return func(c *fiber.Ctx) error { return h(ctx{c}) }
}

func (a app) Middleware(f func(c adaptertest.Ctx, next func() error) error) adaptertest.Middleware {
	return func(c *fiber.Ctx) error { return f(ctx{c}, c.Next) }
}

// Wrap is Fiber's own way to handlers of net/http, which hands on what is in Locals: the token alone.
func (a app) Wrap(h http.Handler) (adaptertest.Route, bool) { return adaptor.HTTPHandler(h), false }

func (a app) Serve(t *testing.T, l net.Listener) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- a.app.Listener(l) }()
	t.Cleanup(func() {
		if err := a.app.ShutdownWithTimeout(5 * time.Second); err != nil {
			t.Error(err)
		}
		_ = l.Close() // what was stopped before it began to serve would serve on
		if err := <-done; err != nil {
			t.Error(err)
		}
		a, l = app{}, nil // testing keeps this function until all tests are over, and must not keep every server, its pages and its store with it
	})
}

type routes struct{ fiber.Router }

func (r routes) Handle(method, path string, h adaptertest.Route, before ...adaptertest.Middleware) {
	r.Add(method, path, append(chain(before), h.(func(*fiber.Ctx) error))...)
}

func (r routes) Group(prefix string, before ...adaptertest.Middleware) adaptertest.Routes {
	return routes{r.Router.Group(prefix, chain(before)...)}
}

func chain(before []adaptertest.Middleware) []fiber.Handler {
	var list []fiber.Handler
	for _, m := range before {
		list = append(list, m.(func(*fiber.Ctx) error))
	}
	return list
}

type auth struct{ a *mandatefiber.Auth }

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
	return a.a.With(func(c *fiber.Ctx, tok *mandate.Token) error { return h(ctx{c}, tok) }, scopes...)
}

func (a auth) WithUser(h func(c adaptertest.Ctx, user *adaptertest.User) error, scopes ...string) adaptertest.Route {
	return mandatefiber.WithUser(a.a, func(c *fiber.Ctx, user *adaptertest.User) error { return h(ctx{c}, user) }, scopes...)
}

func (a auth) Acquire(c adaptertest.Ctx, scopes ...string) (*mandate.Token, error) {
	return a.a.Acquire(c.(ctx).c, scopes...)
}

func (a auth) Refuse(c adaptertest.Ctx, err error) error { return a.a.Refuse(c.(ctx).c, err) }

// ctx is Fiber's context as the suite sees it. What the suite may keep is copied.
type ctx struct{ c *fiber.Ctx }

func (c ctx) Method() string            { return string([]byte(c.c.Method())) }
func (c ctx) Path() string              { return string([]byte(c.c.Path())) }
func (c ctx) Query(name string) string  { return string([]byte(c.c.Query(name))) }
func (c ctx) Form(name string) string   { return string([]byte(c.c.FormValue(name))) }
func (c ctx) Header(name string) string { return string([]byte(c.c.Get(name))) }
func (c ctx) Cookie(name string) string { return string([]byte(c.c.Cookies(name))) }
func (c ctx) Body() (string, error)     { return string(c.c.Body()), nil }

func (c ctx) Forms(name string) []string {
	var list []string
	for _, v := range c.c.Request().PostArgs().PeekMulti(name) {
		list = append(list, string(v))
	}
	return list
}

func (c ctx) SetHeader(name, value string) { c.c.Set(name, value) }

func (c ctx) SetCookie(name, value string) {
	c.c.Cookie(&fiber.Cookie{Name: name, Value: value, Path: "/", HTTPOnly: true})
}

func (c ctx) HTML(status int, body string) error {
	return c.status(status).Type("html", "utf-8").SendString(body)
}
func (c ctx) JSON(status int, v any) error          { return c.status(status).JSON(v) }
func (c ctx) Redirect(status int, url string) error { return c.c.Redirect(url, status) }

func (c ctx) status(status int) *fiber.Ctx {
	if status == 0 {
		return c.c
	}
	return c.c.Status(status)
}

func (c ctx) Token() *mandate.Token            { return mandatefiber.Token(c.c) }
func (c ctx) SetToken(tok *mandate.Token)      { mandatefiber.SetToken(c.c, tok) }
func (c ctx) User() (*adaptertest.User, error) { return mandatefiber.User[*adaptertest.User](c.c) }
func (c ctx) OtherUser() (string, error)       { return mandatefiber.User[string](c.c) }
func (c ctx) Context() context.Context         { return mandatefiber.Context(c.c) }
func (c ctx) Native() context.Context          { return c.c.UserContext() }
func (c ctx) ReturnTo(srv *server.Server, fallback string) string {
	return mandatefiber.ReturnTo(c.c, srv, fallback)
}

func (c ctx) SetNative(ctx context.Context) { c.c.SetUserContext(ctx) }

func (c ctx) Inner() []context.Context { return []context.Context{c.c.Context()} }

func (c ctx) Stream(kind string, write func(w io.Writer, flush func() error) error) error {
	c.c.Set(fiber.HeaderContentType, kind)
	c.c.Context().SetBodyStreamWriter(func(w *bufio.Writer) { _ = write(w, w.Flush) }) // who hung up cannot be told
	return nil
}

func (c ctx) Upgrade(use func(conn io.ReadWriter)) error {
	c.c.Status(fiber.StatusSwitchingProtocols)
	c.c.Context().Hijack(func(conn net.Conn) { use(conn) })
	return nil
}
