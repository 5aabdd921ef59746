package nethttp

import (
	"net/http"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// Config changes how an [Auth] works. The zero value is fine.
type Config struct {
	// Skip lets a request pass unguarded where it returns true. Prefer groups of routes: a skipped route is open.
	Skip func(r *http.Request) bool
	// ErrorHandler writes the body of a refusal. Status and header fields are set before, so that it may write at
	// once; Content-Type is its own. Default: JSON.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err *mandate.Error)
}

// Auth makes middleware and handlers of a guard. It may be used by any number of goroutines.
type Auth struct {
	guard  *resource.Guard
	config Config
}

// New returns what guards routes with guard. Of several configs the last counts. A nil guard refuses everything.
func New(guard *resource.Guard, config ...Config) *Auth {
	a := &Auth{guard: guard}
	if n := len(config); n > 0 {
		a.config = config[n-1]
	}
	return a
}

// Acquire checks the request inside a handler: it returns the token, which from then on is the current one, if it has all
// scopes. Hand its error to [Auth.Refuse]. It changes the context of r in place. Where
// the token may come in the query, set Cache-Control: private on the answer (RFC 6750, section 2.3).
func (a *Auth) Acquire(r *http.Request, scopes ...string) (*mandate.Token, error) {
	tok, fresh, refusal := CheckFor(r, a.guard, mandate.Scope(scopes...))
	if refusal != nil {
		return nil, refusal.Err
	}
	if fresh {
		*r = *Enter(r, a.guard, tok)
	}
	return tok, nil
}

// Refuse answers with err: the error of [Auth.Acquire] and [User], or any other, which leaves as server_error without a
// text if it has no code.
func (a *Auth) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	a.refuse(w, r, a.guard.Refuse(r.Context(), err))
}

func (a *Auth) refuse(w http.ResponseWriter, r *http.Request, refusal *mandate.Response) {
	if a.config.ErrorHandler == nil || refusal.Err == nil {
		Write(w, refusal)
		return
	}
	WriteFields(w, refusal, "Content-Type")
	p := &presetWriter{ResponseWriter: w, status: refusal.Status}
	a.config.ErrorHandler(p, r, mandate.AsError(refusal.Err))
	p.finish()
}

func (a *Auth) skips(r *http.Request) bool { return a.config.Skip != nil && a.config.Skip(r) }
