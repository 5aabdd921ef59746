package nethttp

import (
	"context"
	"net/http"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// Token returns the current token; nil if the request is anonymous. All methods of a nil token may be called.
func Token(r *http.Request) *mandate.Token { return mandate.TokenFrom(r.Context()) }

// SetToken makes tok the current token: for tests, and for bridges from another authentication. No guard takes it for
// verified. It changes the context of r in place.
func SetToken(r *http.Request, tok *mandate.Token) { *r = *Enter(r, nil, tok) }

// User returns the user of the current token, loaded once for each request, on first use. The error is
// [mandate.ErrNoUser] where there is no token, or one without a resource owner.
func User[T any](r *http.Request) (T, error) { return resource.UserFrom[T](r.Context()) }

// Context returns the context to hand on: it carries the token and the user.
func Context(r *http.Request) context.Context { return r.Context() }
