package docs

import (
	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// GinGuard guards an API on Gin.
func GinGuard(r *gin.Engine, guard *resource.Guard, listOrders func(c *gin.Context), me func(c *gin.Context, tok *mandate.Token)) {
	// doc:start guard-gin
	auth := mandategin.New(guard)
	r.GET("/orders", auth.Require("orders"), listOrders)
	r.GET("/me", auth.With(me, "profile")) // func me(c *gin.Context, tok *mandate.Token)
	// doc:end
}

// GinMount is an authorization server on Gin.
func GinMount(r *gin.Engine, srv *server.Server) error {
	// doc:start server-gin
	err := mandategin.Mount(r, srv)
	// doc:end
	return err
}

// GinAcquire checks a token inside a handler.
func GinAcquire(r *gin.Engine, auth *mandategin.Auth) {
	// doc:start acquire-gin
	r.GET("/report", func(c *gin.Context) {
		tok, err := auth.Acquire(c, "reports")
		if err != nil {
			auth.Refuse(c, err)
			return
		}
		c.JSON(200, work(mandategin.Context(c), tok)) // the context carries the token: mandate.TokenFrom(ctx)
	})
	// doc:end
}

// GinErrors writes refusals in the application's own form.
func GinErrors(guard *resource.Guard) *mandategin.Auth {
	// doc:start errors-gin
	auth := mandategin.New(guard, mandategin.Config{
		ErrorHandler: func(c *gin.Context, err *mandate.Error) { // status and header fields are set already
			c.JSON(err.Code.Status(), map[string]any{"problem": err.Code, "detail": err.Description})
		},
	})
	// doc:end
	return auth
}

// GinMiddleware puts the application's middleware around the endpoints, and keeps other people's off them.
func GinMiddleware(r *gin.Engine, srv *server.Server, decide mandategin.Decide, csrf, limit gin.HandlerFunc) error {
	// doc:start middleware-gin
	skip := mandategin.Skipper(srv)
	r.Use(func(c *gin.Context) {
		if !skip(c) {
			csrf(c)
		}
	})
	err := mandategin.Mount(r, srv, mandategin.MountConfig{
		Decide: decide,
		Use:    []gin.HandlerFunc{limit},
		Error: func(c *gin.Context, err *mandate.Error) { // what may not go back to the client
			c.String(err.Code.Status(), "Sorry: %s", err.Description)
		},
	})
	// doc:end
	return err
}
