package mandateecho

import (
	"github.com/labstack/echo/v4"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

// With is h behind [Auth.Require]: h is handed the token. Nothing is put into the request's context, which
// saves all allocations: [Token] knows what an earlier middleware put there and no more. Where
// Config.Skip lets a request pass, tok is that, and may be nil.
func (a *Auth) With(h func(c echo.Context, tok *mandate.Token) error, scopes ...string) echo.HandlerFunc {
	rule := a.guard.Rule(mandate.Scope(scopes...), false)
	return func(c echo.Context) error {
		tok, refusal := a.admit(c, rule)
		if refusal != nil {
			return a.refuse(c, refusal)
		}
		return h(c, tok)
	}
}

// WithUser is h behind [Auth.Require]: h is handed the user, loaded with the guard's Config.User. A token without a resource
// owner is refused with 403.
func WithUser[T any](a *Auth, h func(c echo.Context, user T) error, scopes ...string) echo.HandlerFunc {
	rule := a.guard.Rule(mandate.Scope(scopes...), false)
	return func(c echo.Context) error {
		tok, refusal := a.admit(c, rule)
		if refusal != nil {
			return a.refuse(c, refusal)
		}
		user, err := resource.As[T](nethttp.LoadUser(c.Request(), a.guard, tok))
		if err != nil {
			return a.Refuse(c, err)
		}
		return h(c, user)
	}
}

// admit returns the token for a handler that ends the chain, or what to answer instead.
func (a *Auth) admit(c echo.Context, rule *resource.Rule) (*mandate.Token, *mandate.Response) {
	if a.skips(c) {
		return Token(c), nil
	}
	tok, _, refusal := nethttp.Check(c.Request(), a.guard, rule)
	if tok == nil && refusal == nil { // a preflight, which is nothing for a handler
		refusal = rule.Preflight()
	}
	nethttp.MarkPrivate(c.Response().Header(), c.Request(), a.guard)
	return tok, refusal
}
