package nethttp

import (
	"net/http"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// With is h behind [Auth.Require]: h is handed the token. Nothing is put into the request's context, which
// saves all allocations: [Token] knows what an outer middleware put there and no more. Where
// Config.Skip lets a request pass, tok is that, and may be nil.
func (a *Auth) With(h func(w http.ResponseWriter, r *http.Request, tok *mandate.Token), scopes ...string) http.Handler {
	rule := a.guard.Rule(mandate.Scope(scopes...), false)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, refusal := a.admit(w, r, rule)
		if refusal != nil {
			a.refuse(w, r, refusal)
			return
		}
		h(w, r, tok)
	})
}

// WithUser is h behind [Auth.Require]: h is handed the user, loaded with the guard's Config.User. A token without a resource
// owner is refused with 403.
func WithUser[T any](a *Auth, h func(w http.ResponseWriter, r *http.Request, user T), scopes ...string) http.Handler {
	rule := a.guard.Rule(mandate.Scope(scopes...), false)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, refusal := a.admit(w, r, rule)
		if refusal != nil {
			a.refuse(w, r, refusal)
			return
		}
		user, err := resource.As[T](LoadUser(r, a.guard, tok))
		if err != nil {
			a.Refuse(w, r, err)
			return
		}
		h(w, r, user)
	})
}

// admit returns the token for a handler that ends the chain, or what to answer instead.
func (a *Auth) admit(w http.ResponseWriter, r *http.Request, rule *resource.Rule) (*mandate.Token, *mandate.Response) {
	if a.skips(r) {
		return Token(r), nil
	}
	tok, _, refusal := Check(r, a.guard, rule)
	if tok == nil && refusal == nil { // a preflight, which is nothing for a handler
		refusal = rule.Preflight()
	}
	MarkPrivate(w.Header(), r, a.guard)
	return tok, refusal
}
