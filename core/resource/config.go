package resource

import (
	"context"
	"errors"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// Config says what a [Guard] guards and whose tokens it takes.
type Config struct {
	// Audience names this API: what a token must be made for (RFC 8707, RFC 9068). URLs are compared as
	// oauth2.SameResource does. Empty: only tokens that name no audience are taken, which no JWT does.
	Audience string
	// Verifiers say whose tokens are taken. Required. With several, the first that knows a token by its shape
	// and issuer decides about it.
	Verifiers []Verifier
	// User loads who the token's subject is, for the adapters' User and WithUser. It is called at most once for each
	// request, on the first use, and never for a token without a subject. An error that is [mandate.InvalidToken]
	// refuses the token (the account is gone); any other is a fault. Nil: there are no users.
	User func(ctx context.Context, t *mandate.Token) (any, error)
	// Realm stands in the challenges (RFC 9110, section 11.5). Empty: they name none.
	Realm string
	// BodyToken also takes the token from the parameter access_token of a form body (RFC 6750, section 2.2). Default:
	// only the Authorization header counts.
	BodyToken bool
	// Hooks hear of [mandate.TokenAuthenticated], [mandate.TokenRefused] and [mandate.Fault] in On. [LogRefusals] makes
	// some. Before and After are not called.
	Hooks mandate.Hooks
	// Now tells the time. Default: time.Now.
	Now func() time.Time
}

// New returns the guard that c describes. It does no I/O. Its error names the field and the way out.
func New(c Config) (*Guard, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if mandate.Printable(c.Realm) != c.Realm {
		return nil, fmt.Errorf("resource: Config.Realm %q has a character that a challenge cannot hold: use printable ASCII without quotes and backslashes", c.Realm)
	}
	if len(c.Verifiers) == 0 {
		return nil, errors.New("resource: Config.Verifiers is empty, so that no token could pass: name one, for example resource.Of(server)")
	}
	g := &Guard{audience: c.Audience, realm: c.Realm, body: c.BodyToken, on: c.Hooks.On, now: c.Now, user: c.User}
	for i, v := range c.Verifiers {
		if v == nil {
			return nil, fmt.Errorf("resource: Config.Verifiers[%d] is nil", i)
		}
		opened, err := v.Open(Settings{Audience: c.Audience, Hooks: c.Hooks})
		if err != nil {
			return nil, fmt.Errorf("resource: Config.Verifiers[%d]: %w", i, err)
		}
		if opened.Verify == nil {
			return nil, fmt.Errorf("resource: Config.Verifiers[%d]: %T opened without a Verify function", i, v)
		}
		for j, other := range g.verifiers {
			if opened.Name != "" && other.Name == opened.Name {
				return nil, fmt.Errorf("resource: Config.Verifiers[%d] and [%d] are both for %s: the second would never be asked", j, i, opened.Name)
			}
			if other.Match == nil {
				return nil, fmt.Errorf("resource: Config.Verifiers[%d] takes every token, so that [%d] would never be asked: put it last", j, i)
			}
		}
		g.verifiers = append(g.verifiers, opened)
	}
	return g, nil
}
