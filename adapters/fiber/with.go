package mandatefiber

import (
	"github.com/gofiber/fiber/v2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// With is h behind [Auth.Require]: h is handed the token. Nothing is put into the request's context, which
// saves all allocations: [Token] knows what an earlier middleware put there and no more. Where
// Config.Skip lets a request pass, tok is that, and may be nil.
func (a *Auth) With(h func(c *fiber.Ctx, tok *mandate.Token) error, scopes ...string) fiber.Handler {
	rule := a.guard.Rule(mandate.Scope(scopes...), false)
	return func(c *fiber.Ctx) error {
		tok, refusal := a.admit(c, rule)
		if refusal != nil {
			return a.refuse(c, refusal)
		}
		return h(c, tok)
	}
}

// WithUser is h behind [Auth.Require]: h is handed the user, loaded with the guard's Config.User. A token without a resource
// owner is refused with 403.
func WithUser[T any](a *Auth, h func(c *fiber.Ctx, user T) error, scopes ...string) fiber.Handler {
	rule := a.guard.Rule(mandate.Scope(scopes...), false)
	return func(c *fiber.Ctx) error {
		tok, refusal := a.admit(c, rule)
		if refusal != nil {
			return a.refuse(c, refusal)
		}
		user, err := resource.As[T](a.user(c, tok))
		if err != nil {
			return a.Refuse(c, err)
		}
		return h(c, user)
	}
}

// admit returns the token for a handler that ends the chain, or what to answer instead.
func (a *Auth) admit(c *fiber.Ctx, rule *resource.Rule) (*mandate.Token, *mandate.Response) {
	if a.skips(c) {
		return Token(c), nil
	}
	tok, _, refusal := a.check(inherited(c), c, rule)
	if tok == nil && refusal == nil { // a preflight, which is nothing for a handler
		refusal = rule.Preflight()
	}
	a.markPrivate(c)
	return tok, refusal
}
