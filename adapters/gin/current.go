package mandategin

import (
	"context"

	"github.com/gin-gonic/gin"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

// Token returns the current token; nil if the request is anonymous. All methods of a nil token may be called.
func Token(c *gin.Context) *mandate.Token { return mandate.TokenFrom(c.Request.Context()) }

// SetToken makes tok the current token: for tests, and for bridges from another authentication. No guard takes it for
// verified.
func SetToken(c *gin.Context, tok *mandate.Token) { c.Request = nethttp.Enter(c.Request, nil, tok) }

// User returns the user of the current token, loaded once for each request, on first use. The error is
// [mandate.ErrNoUser] where there is no token, or one without a resource owner.
func User[T any](c *gin.Context) (T, error) { return resource.UserFrom[T](c.Request.Context()) }

// Context returns the context to hand on: it carries the token and the user.
func Context(c *gin.Context) context.Context { return c.Request.Context() }
