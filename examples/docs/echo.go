package docs

import (
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// EchoGuard guards an API on Echo.
func EchoGuard(r *echo.Echo, guard *resource.Guard, listOrders func(c echo.Context) error, me func(c echo.Context, tok *mandate.Token) error) {
	// doc:start guard-echo
	auth := mandateecho.New(guard)
	r.GET("/orders", listOrders, auth.Require("orders"))
	r.GET("/me", auth.With(me, "profile")) // func me(c echo.Context, tok *mandate.Token) error
	// doc:end
}

// EchoMount is an authorization server on Echo.
func EchoMount(r *echo.Echo, srv *server.Server) error {
	// doc:start server-echo
	err := mandateecho.Mount(r, srv)
	// doc:end
	return err
}

// EchoAcquire checks a token inside a handler.
func EchoAcquire(r *echo.Echo, auth *mandateecho.Auth) {
	// doc:start acquire-echo
	r.GET("/report", func(c echo.Context) error {
		tok, err := auth.Acquire(c, "reports")
		if err != nil {
			return auth.Refuse(c, err)
		}
		return c.JSON(200, work(mandateecho.Context(c), tok)) // the context carries the token: mandate.TokenFrom(ctx)
	})
	// doc:end
}

// EchoErrors writes refusals in the application's own form.
func EchoErrors(guard *resource.Guard) *mandateecho.Auth {
	// doc:start errors-echo
	auth := mandateecho.New(guard, mandateecho.Config{
		ErrorHandler: func(c echo.Context, err *mandate.Error) error { // status and header fields are set already
			return c.JSON(err.Code.Status(), map[string]any{"problem": err.Code, "detail": err.Description})
		},
	})
	// doc:end
	return auth
}

// EchoMiddleware puts the application's middleware around the endpoints, and keeps other people's off them.
func EchoMiddleware(r *echo.Echo, srv *server.Server, decide mandateecho.Decide, limit echo.MiddlewareFunc) error {
	// doc:start middleware-echo
	r.Use(middleware.CSRFWithConfig(middleware.CSRFConfig{Skipper: mandateecho.Skipper(srv)}))
	err := mandateecho.Mount(r, srv, mandateecho.MountConfig{
		Decide: decide,
		Use:    []echo.MiddlewareFunc{limit},
		Error: func(c echo.Context, err *mandate.Error) error { // what may not go back to the client
			return c.String(err.Code.Status(), "Sorry: "+err.Description)
		},
	})
	// doc:end
	return err
}
