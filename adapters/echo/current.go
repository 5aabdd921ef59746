package mandateecho

import (
	"context"

	"github.com/labstack/echo/v4"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

// Token returns the current token; nil if the request is anonymous. All methods of a nil token may be called.
func Token(c echo.Context) *mandate.Token { return mandate.TokenFrom(c.Request().Context()) }

// SetToken makes tok the current token: for tests, and for bridges from another authentication. No guard takes it for
// verified.
func SetToken(c echo.Context, tok *mandate.Token) { c.SetRequest(nethttp.Enter(c.Request(), nil, tok)) }

// User returns the user of the current token, loaded once for each request, on first use. The error is
// [mandate.ErrNoUser] where there is no token, or one without a resource owner.
func User[T any](c echo.Context) (T, error) { return resource.UserFrom[T](c.Request().Context()) }

// Context returns the context to hand on: it carries the token and the user.
func Context(c echo.Context) context.Context { return c.Request().Context() }
