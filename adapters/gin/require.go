package mandategin

import (
	"context"

	"github.com/gin-gonic/gin"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

// Require admits requests with a valid token that has all of scopes; without scopes any valid token. One argument may hold
// several names, parted by spaces. An empty one admits nobody. A CORS preflight ends here with 204: put CORS
// middleware before guards.
func (a *Auth) Require(scopes ...string) gin.HandlerFunc {
	return a.RequireThat(mandate.Scope(scopes...))
}

// RequireAny admits requests with a token that has all scopes of one of alternatives: RequireAny("a b", "c") is (a and b) or
// c. Without alternatives it admits nobody.
func (a *Auth) RequireAny(alternatives ...string) gin.HandlerFunc {
	return a.RequireThat(mandate.AnyScope(alternatives...))
}

// RequireRole admits requests with a token whose "roles" claim has one of roles (RFC 9068, section 2.2.3.1).
func (a *Auth) RequireRole(roles ...string) gin.HandlerFunc {
	return a.RequireThat(mandate.Role(roles...))
}

// RequireClient admits requests of a client that acts for itself: client credentials.
func (a *Auth) RequireClient() gin.HandlerFunc { return a.RequireThat(mandate.ClientOnly()) }

// RequireThat admits requests with a token that meets req.
func (a *Auth) RequireThat(req mandate.Requirement) gin.HandlerFunc {
	return a.guarded(a.guard.Rule(req, false))
}

// RequireFor admits requests with a token that meets what f returns for the request: where one path does many things. f
// runs before the token is looked at. It sees at most 1 MiB of the body, which the handler can read again.
func (a *Auth) RequireFor(f func(ctx context.Context, r *mandate.Request) mandate.Requirement) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !a.skips(c) {
			tok, fresh, refusal := nethttp.CheckRequest(c.Request, a.guard, f)
			a.pass(c, tok, fresh, refusal)
		}
	}
}

// Optional is [Auth.Require] that also admits requests without credentials. A bad token fails all the same.
func (a *Auth) Optional(scopes ...string) gin.HandlerFunc {
	return a.guarded(a.guard.Rule(mandate.Scope(scopes...), true))
}

func (a *Auth) guarded(rule *resource.Rule) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !a.skips(c) {
			tok, fresh, refusal := nethttp.Check(c.Request, a.guard, rule)
			a.pass(c, tok, fresh, refusal)
		}
	}
}

func (a *Auth) pass(c *gin.Context, tok *mandate.Token, fresh bool, refusal *mandate.Response) {
	switch {
	case refusal != nil:
		a.refuse(c, refusal)
	case fresh:
		nethttp.MarkPrivate(c.Writer.Header(), c.Request, a.guard)
		c.Request = nethttp.Enter(c.Request, a.guard, tok)
	}
}
