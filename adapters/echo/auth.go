package mandateecho

import (
	"github.com/labstack/echo/v4"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

// Config changes how an [Auth] works. The zero value is fine.
type Config struct {
	// Skip lets a request pass unguarded where it returns true. Prefer groups of routes: a skipped route is open.
	Skip func(c echo.Context) bool
	// ErrorHandler writes the body of a refusal. Status and header fields are set before; Content-Type is its own.
	// Its error goes to Echo's HTTPErrorHandler. Default: JSON.
	ErrorHandler func(c echo.Context, err *mandate.Error) error
	// Raise also returns each refusal as an *echo.HTTPError, for central logging: middleware and HTTPErrorHandler get one in which
	// errors.AsType finds the [resource.Refusal]. The answer is written before, and a handler that looks whether the response is committed, as
	// Echo's own does, leaves it alone. It does nothing beside ErrorHandler. Default: nobody hears.
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
func (a *Auth) Acquire(c echo.Context, scopes ...string) (*mandate.Token, error) {
	tok, fresh, refusal := nethttp.CheckFor(c.Request(), a.guard, mandate.Scope(scopes...))
	if refusal != nil {
		return nil, refusal.Err
	}
	if fresh {
		nethttp.MarkPrivate(c.Response().Header(), c.Request(), a.guard)
		c.SetRequest(nethttp.Enter(c.Request(), a.guard, tok))
	}
	return tok, nil
}

// Refuse answers with err: the error of [Auth.Acquire] and [User], or any other, which leaves as server_error
// without a text if it has no code.
func (a *Auth) Refuse(c echo.Context, err error) error {
	return a.refuse(c, a.guard.Refuse(c.Request().Context(), err))
}

func (a *Auth) refuse(c echo.Context, refusal *mandate.Response) error {
	if a.config.ErrorHandler == nil || refusal.Err == nil {
		nethttp.Write(c.Response(), refusal)
		if a.config.Raise && refusal.Err != nil {
			return echo.NewHTTPError(refusal.Status, refusal.Err.Error()).SetInternal(refusal.Err)
		}
		return nil
	}
	nethttp.WriteFields(c.Response(), refusal, "Content-Type")
	c.Response().Status = refusal.Status
	err := a.config.ErrorHandler(c, mandate.AsError(refusal.Err))
	if err == nil && !c.Response().Committed { // or net/http would answer 200
		c.Response().WriteHeader(c.Response().Status)
	}
	return err
}

func (a *Auth) skips(c echo.Context) bool { return a.config.Skip != nil && a.config.Skip(c) }
