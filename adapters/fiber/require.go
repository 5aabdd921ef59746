package mandatefiber

import (
	"context"

	"github.com/gofiber/fiber/v2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// Require admits requests with a valid token that has all of scopes; without scopes any valid token. One argument may hold
// several names, parted by spaces. An empty one admits nobody. A CORS preflight ends here with 204: put CORS
// middleware before guards.
func (a *Auth) Require(scopes ...string) fiber.Handler {
	return a.RequireThat(mandate.Scope(scopes...))
}

// RequireAny admits requests with a token that has all scopes of one of alternatives: RequireAny("a b", "c") is (a and b) or
// c. Without alternatives it admits nobody.
func (a *Auth) RequireAny(alternatives ...string) fiber.Handler {
	return a.RequireThat(mandate.AnyScope(alternatives...))
}

// RequireRole admits requests with a token whose "roles" claim has one of roles (RFC 9068, section 2.2.3.1).
func (a *Auth) RequireRole(roles ...string) fiber.Handler {
	return a.RequireThat(mandate.Role(roles...))
}

// RequireClient admits requests of a client that acts for itself: client credentials.
func (a *Auth) RequireClient() fiber.Handler { return a.RequireThat(mandate.ClientOnly()) }

// RequireThat admits requests with a token that meets req.
func (a *Auth) RequireThat(req mandate.Requirement) fiber.Handler {
	return a.guarded(a.guard.Rule(req, false))
}

// RequireFor admits requests with a token that meets what f returns for the request: where one path does many things. f
// runs before the token is looked at. It sees at most 1 MiB of the body, as it was sent: a handler that must understand the same
// reads it with fiber.Ctx.BodyRaw, since Body decompresses.
func (a *Auth) RequireFor(f func(ctx context.Context, r *mandate.Request) mandate.Requirement) fiber.Handler {
	return func(c *fiber.Ctx) error {
		switch {
		case a.skips(c):
			return c.Next()
		case preflight(c):
			tok, refusal := a.guard.CheckFor(c.UserContext(), resource.Credentials{Preflight: true}, mandate.Requirement{})
			return a.pass(inherited(c), c, tok, false, refusal)
		}
		r, refusal := a.ask(c)
		if refusal != nil {
			return a.refuse(c, refusal)
		}
		tok, fresh, refusal := a.checkFor(c, f(c.UserContext(), r), r)
		return a.pass(inherited(c), c, tok, fresh, refusal)
	}
}

// Optional is [Auth.Require] that also admits requests without credentials. A bad token fails all the same.
func (a *Auth) Optional(scopes ...string) fiber.Handler {
	return a.guarded(a.guard.Rule(mandate.Scope(scopes...), true))
}

func (a *Auth) guarded(rule *resource.Rule) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if a.skips(c) {
			return c.Next()
		}
		ctx := inherited(c)
		tok, fresh, refusal := a.check(ctx, c, rule)
		return a.pass(ctx, c, tok, fresh, refusal)
	}
}

func (a *Auth) pass(ctx context.Context, c *fiber.Ctx, tok *mandate.Token, fresh bool, refusal *mandate.Response) error {
	if refusal != nil {
		return a.refuse(c, refusal)
	}
	if fresh {
		a.markPrivate(c)
		enter(ctx, c, a.guard, tok)
	}
	return c.Next()
}
