package mandategin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

// With is h behind [Auth.Require]: h is handed the token. Nothing is put into the request's context, which
// saves all allocations: [Token] knows what an earlier middleware put there and no more.
func (a *Auth) With(h func(c *gin.Context, tok *mandate.Token), scopes ...string) gin.HandlerFunc {
	rule := a.guard.Rule(mandate.Scope(scopes...), false)
	return func(c *gin.Context) {
		if tok, ok := a.admit(c, rule); ok {
			h(c, tok)
		}
	}
}

// WithUser is h behind [Auth.Require]: h is handed the user, loaded with the guard's Config.User. A token without a resource
// owner is refused with 403.
func WithUser[T any](a *Auth, h func(c *gin.Context, user T), scopes ...string) gin.HandlerFunc {
	rule := a.guard.Rule(mandate.Scope(scopes...), false)
	return func(c *gin.Context) {
		tok, ok := a.admit(c, rule)
		if !ok {
			return
		}
		user, err := resource.As[T](nethttp.LoadUser(c.Request, a.guard, tok))
		if err != nil {
			a.Refuse(c, err)
			return
		}
		h(c, user)
	}
}

// admit returns the token for a handler that ends the chain; it has answered where it returns false.
func (a *Auth) admit(c *gin.Context, rule *resource.Rule) (*mandate.Token, bool) {
	if a.skips(c) {
		return Token(c), true
	}
	tok, _, refusal := nethttp.Check(c.Request, a.guard, rule)
	switch {
	case refusal != nil:
		a.refuse(c, refusal)
		return nil, false
	case tok == nil: // a preflight, which is nothing for h
		c.AbortWithStatus(http.StatusNoContent)
		return nil, false
	}
	return tok, true
}
