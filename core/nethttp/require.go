package nethttp

import (
	"context"
	"net/http"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// Require admits requests with a valid token that has all of scopes; without scopes any valid token. One argument may hold
// several names, parted by spaces. An empty one admits nobody. A CORS preflight ends here with 204: put CORS
// middleware before guards.
func (a *Auth) Require(scopes ...string) func(http.Handler) http.Handler {
	return a.RequireThat(mandate.Scope(scopes...))
}

// RequireAny admits requests with a token that has all scopes of one of alternatives: RequireAny("a b", "c") is (a and b) or
// c. Without alternatives it admits nobody.
func (a *Auth) RequireAny(alternatives ...string) func(http.Handler) http.Handler {
	return a.RequireThat(mandate.AnyScope(alternatives...))
}

// RequireRole admits requests with a token whose "roles" claim has one of roles (RFC 9068, section 2.2.3.1).
func (a *Auth) RequireRole(roles ...string) func(http.Handler) http.Handler {
	return a.RequireThat(mandate.Role(roles...))
}

// RequireClient admits requests of a client that acts for itself: client credentials.
func (a *Auth) RequireClient() func(http.Handler) http.Handler {
	return a.RequireThat(mandate.ClientOnly())
}

// RequireThat admits requests with a token that meets req.
func (a *Auth) RequireThat(req mandate.Requirement) func(http.Handler) http.Handler {
	return a.guarded(a.guard.Rule(req, false))
}

// RequireFor admits requests with a token that meets what f returns for the request: where one path does many things. f
// runs before the token is looked at. It sees at most 1 MiB of the body, which the handler can read again.
func (a *Auth) RequireFor(f func(ctx context.Context, r *mandate.Request) mandate.Requirement) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if a.skips(r) {
				next.ServeHTTP(w, r)
				return
			}
			tok, fresh, refusal := CheckRequest(r, a.guard, f)
			a.pass(next, w, r, tok, fresh, refusal)
		})
	}
}

// Optional is [Auth.Require] that also admits requests without credentials. A bad token fails all the same.
func (a *Auth) Optional(scopes ...string) func(http.Handler) http.Handler {
	return a.guarded(a.guard.Rule(mandate.Scope(scopes...), true))
}

func (a *Auth) guarded(rule *resource.Rule) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if a.skips(r) {
				next.ServeHTTP(w, r)
				return
			}
			tok, fresh, refusal := Check(r, a.guard, rule)
			a.pass(next, w, r, tok, fresh, refusal)
		})
	}
}

func (a *Auth) pass(next http.Handler, w http.ResponseWriter, r *http.Request, tok *mandate.Token, fresh bool, refusal *mandate.Response) {
	switch {
	case refusal != nil:
		a.refuse(w, r, refusal)
		return
	case fresh:
		MarkPrivate(w.Header(), r, a.guard)
		r = Enter(r, a.guard, tok)
	}
	next.ServeHTTP(w, r)
}
