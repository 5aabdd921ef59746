package resource

import (
	"context"
	"errors"
	"fmt"
	"sync"

	mandate "github.com/go-mandate/mandate/core"
)

// Access is one request's passage through a guard: the token and, once asked for, its user. Its methods may be called by any
// number of goroutines.
type Access struct {
	tok   *mandate.Token
	guard *Guard // nil: the token did not come from a guard

	once sync.Once // guards user and err
	user any
	err  error
}

// Token returns the token.
func (a *Access) Token() *mandate.Token { return a.tok }

// Guard returns the guard that verified the token; nil where something else put it there.
func (a *Access) Guard() *Guard { return a.guard }

// errPanicked stays where loading a user ended in a panic, so that nobody takes no user and no error for an answer.
var errPanicked = errors.New("resource: Config.User did not return")

// User loads the user on the first call and returns it on every call: one load for all that ask at once. It returns
// [mandate.ErrNoUser] for a token without a subject.
func (a *Access) User(ctx context.Context) (any, error) {
	a.once.Do(func() {
		a.err = errPanicked
		a.user, a.err = a.guard.User(ctx, a.tok)
	})
	return a.user, a.err
}

// In returns ctx with a on board, as [Carry] does for a token that was not seen yet.
func (a *Access) In(ctx context.Context) context.Context { return onBoard{ctx, a} }

type onBoard struct {
	context.Context
	access *Access
}

// Value answers as [Carrier.Value] does.
func (c onBoard) Value(key any) any { return c.access.value(c.Context, key) }

func (a *Access) value(ctx context.Context, key any) any {
	switch key.(type) {
	case mandate.TokenKey:
		return a.tok
	case accessKey:
		return a
	}
	return ctx.Value(key)
}

// Carrier is a request context with an access on board: what a context handed on yields token and user by. Adapters put
// it into the request; it is their one allocation beside the framework's own.
type Carrier struct {
	context.Context
	access Access
}

// Carry returns ctx with tok on board, which g verified. g is nil for a token from elsewhere.
func Carry(ctx context.Context, g *Guard, tok *mandate.Token) *Carrier {
	return &Carrier{Context: ctx, access: Access{tok: tok, guard: g}}
}

// Access returns what c carries.
func (c *Carrier) Access() *Access { return &c.access }

// Value answers [mandate.TokenKey], and [AccessFrom].
func (c *Carrier) Value(key any) any { return c.access.value(c.Context, key) }

type accessKey struct{}

// AccessFrom returns the access of the request that ctx belongs to, or nil.
func AccessFrom(ctx context.Context) *Access {
	a, _ := ctx.Value(accessKey{}).(*Access)
	return a
}

// UserFrom returns the user of the request that ctx belongs to, loaded on first use. It returns [mandate.ErrNoUser] where there is no
// token, or one without a resource owner.
func UserFrom[T any](ctx context.Context) (T, error) {
	a := AccessFrom(ctx)
	if a == nil {
		var none T
		return none, mandate.ErrNoUser
	}
	user, err := a.User(ctx)
	return As[T](user, err)
}

// As makes a T of what [Access.User] and [Guard.User] return.
func As[T any](user any, err error) (T, error) {
	t, ok := user.(T)
	if err == nil && !ok {
		err = fmt.Errorf("resource: Config.User returns a %T, and a %T was asked for", user, t)
	}
	return t, err
}
