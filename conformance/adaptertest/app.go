package adaptertest

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// App is one application of the framework: what differs from framework to framework, and no more.
type App interface {
	Routes
	// Mount is the adapter's function of that name.
	Mount(srv *server.Server, m Mounting) error
	// MountResource is the adapter's function of that name.
	MountResource(g *resource.Guard) error
	// MountLogin, Login and Callback are the adapter's functions of these names.
	MountLogin(prefix string, reg *client.Registry, done func(c Ctx, in *client.SignIn) error, l LoginConfig) error
	Login(app *client.Remote, l LoginConfig) Route
	Callback(app *client.Remote, done func(c Ctx, in *client.SignIn) error, l LoginConfig) Route
	// Logout, LoggedOut and BackChannelLogout are the adapter's functions of these names.
	Logout(app *client.Remote, l LoginConfig) Route
	LoggedOut(app *client.Remote, l LoginConfig) Route
	BackChannelLogout(app *client.Remote) Route
	// CORS is the framework's own middleware for requests of scripts from origin, or one as applications of a framework that has
	// none write it.
	CORS(origin string) Middleware
	// Auth is the adapter's New.
	Auth(g *resource.Guard, c AuthConfig) Auth
	// Endpoint is the adapter's Handle.
	Endpoint(e mandate.Endpoint) Route
	// Skipper is the adapter's function of that name.
	Skipper(srv *server.Server) func(c Ctx) bool
	// Route makes a handler of the framework of h. What h returns goes the framework's way, which ends in a 500.
	Route(h func(c Ctx) error) Route
	// Middleware makes a middleware of the framework of f. Where f does not call next, the chain ends.
	Middleware(f func(c Ctx, next func() error) error) Middleware
	// Wrap makes a handler of the framework of one of net/http, in the framework's own way. users reports whether that way
	// hands on the user, besides the token.
	Wrap(h http.Handler) (r Route, users bool)
	// Serve serves l until the test is over.
	Serve(t *testing.T, l net.Listener)
}

// Route is a handler of the framework, which the suite only hands around.
type Route any

// Middleware is a middleware of the framework, which the suite only hands around.
type Middleware any

// Routes is where routes are registered: the root, or a group.
type Routes interface {
	// Handle registers h for method and path, behind the middleware before, the first outermost.
	Handle(method, path string, h Route, before ...Middleware)
	// Group returns the routes below prefix, behind the middleware before.
	Group(prefix string, before ...Middleware) Routes
}

// Mounting is the adapter's MountConfig.
type Mounting struct {
	Decide func(c Ctx, ask *server.Ask) (server.Answer, error)
	Use    []Middleware
	Error  func(c Ctx, err *mandate.Error) error
}

// LoginConfig is the adapter's type of that name.
type LoginConfig struct {
	Use   []Middleware
	Begin func(c Ctx) client.Begin
	Error func(c Ctx, err *client.Error) error

	Logout    func(c Ctx) client.Logout
	LoggedOut func(c Ctx, out *client.LoggedOut) error
}

// AuthConfig is the adapter's Config.
type AuthConfig struct {
	Skip         func(c Ctx) bool
	ErrorHandler func(c Ctx, err *mandate.Error) error
}

// User is the user of the guarded routes. A guard's Config.User returns a *User.
type User struct{ ID, Name string }

// Auth is the adapter's type of that name; its methods are the adapter's own.
type Auth interface {
	Require(scopes ...string) Middleware
	RequireAny(alternatives ...string) Middleware
	RequireRole(roles ...string) Middleware
	RequireClient() Middleware
	RequireThat(req mandate.Requirement) Middleware
	RequireFor(f func(ctx context.Context, r *mandate.Request) mandate.Requirement) Middleware
	Optional(scopes ...string) Middleware
	With(h func(c Ctx, tok *mandate.Token) error, scopes ...string) Route
	WithUser(h func(c Ctx, user *User) error, scopes ...string) Route
	Acquire(c Ctx, scopes ...string) (*mandate.Token, error)
	Refuse(c Ctx, err error) error
}

// Ctx is the framework's own context of one request.
type Ctx interface {
	Method() string
	Path() string
	// Query and Form return the first value, and Forms all values, of a parameter as the framework reads it.
	Query(name string) string
	Form(name string) string
	Forms(name string) []string
	Cookie(name string) string
	// Header returns a field of the request.
	Header(name string) string
	// Body reads the request's body as a handler does.
	Body() (string, error)

	// SetHeader sets a field of the answer; SetCookie adds a cookie to it.
	SetHeader(name, value string)
	SetCookie(name, value string)
	// HTML, JSON and Redirect write the answer in the framework's own way. A zero status leaves that which is set.
	HTML(status int, body string) error
	JSON(status int, v any) error
	Redirect(status int, url string) error
	// Stream answers 200 with a body that write makes bit by bit, in the framework's own way. flush sends what was written. write may run
	// after the handler.
	Stream(kind string, write func(w io.Writer, flush func() error) error) error
	// Upgrade answers 101 with the fields that are set and hands the connection to use, which may run after the handler.
	Upgrade(use func(conn io.ReadWriter)) error

	// Token, SetToken, Context and ReturnTo are the adapter's functions of these names; User is User[*User] and
	// OtherUser is User[string].
	Token() *mandate.Token
	SetToken(tok *mandate.Token)
	User() (*User, error)
	OtherUser() (string, error)
	Context() context.Context
	ReturnTo(srv *server.Server, fallback string) string
	// Native is the context that the framework's own handlers hand on: c.Request.Context(), Fiber's c.UserContext().
	Native() context.Context
	// SetNative puts another in its place, as middleware of others does.
	SetNative(ctx context.Context)
	// Inner are the framework's other contexts, good within the handler alone: Fiber's c.Context().
	Inner() []context.Context
}
