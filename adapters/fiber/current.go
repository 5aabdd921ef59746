package mandatefiber

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// Token returns the current token; nil if the request is anonymous. All methods of a nil token may be called, and it may be
// kept after the handler.
func Token(c *fiber.Ctx) *mandate.Token {
	tok, _ := c.Locals(mandate.TokenKey{}).(*mandate.Token)
	return tok
}

// SetToken makes tok the current token: for tests, and for bridges from another authentication. No guard takes it for
// verified. Its strings must not be views of Fiber's buffers.
func SetToken(c *fiber.Ctx, tok *mandate.Token) { enter(inherited(c), c, nil, tok) }

// User returns the user of the current token, loaded once for each request, on first use. The error is
// [mandate.ErrNoUser] where there is no token, or one without a resource owner.
func User[T any](c *fiber.Ctx) (T, error) { return resource.UserFrom[T](Context(c)) }

// Context returns the context to hand on: it carries the token and the user, may be used after the handler, and descends from
// c.UserContext(). It becomes the new c.UserContext().
func Context(c *fiber.Ctx) context.Context {
	ctx := c.UserContext()
	a := access(c)
	if a == nil || resource.AccessFrom(ctx) == a {
		return ctx
	}
	if _, ok := ctx.(*tokenContext); ok {
		ctx = context.Background()
	}
	ctx = a.In(ctx)
	c.SetUserContext(ctx)
	return ctx
}

// accessKey is the Locals key of what a guard left: the *resource.Guard itself, which costs nothing, or, once
// somebody asked, a *resource.Access.
type accessKey struct{}

// enter makes tok, which g verified, the current token; ctx is what [inherited] found. It does not allocate where no other middleware has set
// a context.
func enter(ctx context.Context, c *fiber.Ctx, g *resource.Guard, tok *mandate.Token) {
	locals := c.Context()
	switch ctx.(type) {
	case nil, *tokenContext:
		c.SetUserContext((*tokenContext)(tok)) //nolint:contextcheck // nothing is to be inherited
		locals.SetUserValue(accessKey{}, g)
	default:
		carrier := resource.Carry(ctx, g, tok)
		c.SetUserContext(carrier) //nolint:contextcheck // it descends from ctx
		locals.SetUserValue(accessKey{}, carrier.Access())
	}
	locals.SetUserValue(mandate.TokenKey{}, tok)
}

// inherited returns the user context that a middleware has set, or nil. Where there is none, [fiber.Ctx.UserContext] would search, set one
// and let enter search again.
func inherited(c *fiber.Ctx) context.Context {
	some := false
	c.Context().VisitUserValuesAll(func(_, value any) {
		if _, ok := value.(context.Context); ok {
			some = true
		}
	})
	if some {
		if ctx := c.UserContext(); ctx != context.Background() {
			return ctx
		}
	}
	return nil
}

// access returns what the guard left, made ready to hold a user; nil if there is no token.
func access(c *fiber.Ctx) *resource.Access {
	switch left := c.Locals(accessKey{}).(type) {
	case *resource.Access:
		return left
	case *resource.Guard:
		a := resource.Carry(context.Background(), left, Token(c)).Access()
		c.Locals(accessKey{}, a)
		return a
	}
	return nil
}

// verified returns the token that g itself verified in this request, or nil.
func verified(c *fiber.Ctx, g *resource.Guard) *mandate.Token {
	var by *resource.Guard
	switch left := c.Locals(accessKey{}).(type) {
	case *resource.Guard:
		by = left
	case *resource.Access:
		by = left.Guard()
	}
	if by == nil || by != g {
		return nil
	}
	return Token(c)
}

// tokenContext is a token as the context that carries it: turning one into the other allocates nothing.
type tokenContext mandate.Token

// Deadline implements context.Context: there is none.
func (*tokenContext) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// Done implements context.Context: it never is.
func (*tokenContext) Done() <-chan struct{} { return nil }

// Err implements context.Context.
func (*tokenContext) Err() error { return nil }

// Value answers [mandate.TokenKey].
func (t *tokenContext) Value(key any) any {
	if _, ok := key.(mandate.TokenKey); ok {
		return (*mandate.Token)(t)
	}
	return nil
}
