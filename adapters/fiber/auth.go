package mandatefiber

import (
	"github.com/gofiber/fiber/v2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// Config changes how an [Auth] works. The zero value is fine.
type Config struct {
	// Skip lets a request pass unguarded where it returns true. Prefer groups of routes: a skipped route is open.
	Skip func(c *fiber.Ctx) bool
	// ErrorHandler writes the body of a refusal. Status and header fields are set before; Content-Type is its own.
	// Its error goes to Fiber's ErrorHandler. Default: JSON.
	ErrorHandler func(c *fiber.Ctx, err *mandate.Error) error
	// Raise also returns each refusal as an error, for central logging: fiber.Config.ErrorHandler gets one in which errors.AsType finds a
	// *fiber.Error with the status, and the [resource.Refusal]. Status, header fields and body are set before; a handler that returns nil
	// leaves them, and Fiber's own, the default, writes another body. It does nothing beside ErrorHandler. Default: nobody hears.
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
func (a *Auth) Acquire(c *fiber.Ctx, scopes ...string) (*mandate.Token, error) {
	tok, fresh, refusal := a.checkFor(c, mandate.Scope(scopes...), nil)
	if refusal != nil {
		return nil, refusal.Err
	}
	if fresh {
		a.markPrivate(c)
		enter(inherited(c), c, a.guard, tok)
	}
	return tok, nil
}

// Refuse answers with err: the error of [Auth.Acquire] and [User], or any other, which leaves as server_error
// without a text if it has no code.
func (a *Auth) Refuse(c *fiber.Ctx, err error) error {
	return a.refuse(c, a.guard.Refuse(c.UserContext(), err))
}

func (a *Auth) refuse(c *fiber.Ctx, refusal *mandate.Response) error {
	if a.config.ErrorHandler == nil || refusal.Err == nil {
		if err := write(c, refusal); err != nil || !a.config.Raise || refusal.Err == nil {
			return err
		}
		return raised{fiber.NewError(refusal.Status, refusal.Err.Error()), refusal.Err}
	}
	writeFields(c, refusal, fiber.HeaderContentType)
	c.Status(refusal.Status)
	return a.config.ErrorHandler(c, mandate.AsError(refusal.Err))
}

// raised is a refusal on Fiber's way of errors.
type raised struct {
	fiber *fiber.Error
	err   error
}

// Error returns what the peer is told.
func (r raised) Error() string { return r.err.Error() }

// Unwrap lets the *fiber.Error be found, and the refusal.
func (r raised) Unwrap() []error { return []error{r.fiber, r.err} }

func (a *Auth) skips(c *fiber.Ctx) bool { return a.config.Skip != nil && a.config.Skip(c) }
