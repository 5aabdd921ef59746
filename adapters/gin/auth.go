package mandategin

import (
	"github.com/gin-gonic/gin"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

// Config changes how an [Auth] works. The zero value is fine.
type Config struct {
	// Skip lets a request pass unguarded where it returns true. Prefer groups of routes: a skipped route is open.
	Skip func(c *gin.Context) bool
	// ErrorHandler writes the body of a refusal. Status and header fields are set before; Content-Type is its own.
	// The chain is aborted. Default: JSON.
	ErrorHandler func(c *gin.Context, err *mandate.Error)
	// Raise also adds each refusal to c.Errors, for central logging: errors.AsType finds the [resource.Refusal] in it. The answer is written
	// before, so that middleware which makes pages of c.Errors must look whether c.Writer.Written(). It does nothing beside ErrorHandler.
	// Default: nobody hears.
	Raise bool
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
// scopes. Hand its error to [Auth.Refuse].
func (a *Auth) Acquire(c *gin.Context, scopes ...string) (*mandate.Token, error) {
	tok, fresh, refusal := nethttp.CheckFor(c.Request, a.guard, mandate.Scope(scopes...))
	if refusal != nil {
		return nil, refusal.Err
	}
	if fresh {
		nethttp.MarkPrivate(c.Writer.Header(), c.Request, a.guard)
		c.Request = nethttp.Enter(c.Request, a.guard, tok)
	}
	return tok, nil
}

// Refuse aborts the chain and answers with err: the error of [Auth.Acquire] and [User], or any other, which leaves as server_error
// without a text if it has no code.
func (a *Auth) Refuse(c *gin.Context, err error) {
	a.refuse(c, a.guard.Refuse(c.Request.Context(), err))
}

func (a *Auth) refuse(c *gin.Context, refusal *mandate.Response) {
	c.Abort()
	if a.config.ErrorHandler == nil || refusal.Err == nil {
		nethttp.Write(c.Writer, refusal)
		if a.config.Raise && refusal.Err != nil {
			_ = c.Error(refusal.Err) // it returns what it was given
		}
		return
	}
	nethttp.WriteFields(c.Writer, refusal, "Content-Type")
	c.Status(refusal.Status)
	a.config.ErrorHandler(c, mandate.AsError(refusal.Err))
}

func (a *Auth) skips(c *gin.Context) bool { return a.config.Skip != nil && a.config.Skip(c) }
