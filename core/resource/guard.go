package resource

import (
	"context"
	"errors"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
)

// Guard checks access tokens. [New] makes one. It may be used by any number of goroutines. A nil Guard, and one that New did
// not make, refuses everything.
type Guard struct {
	audience    string
	challenges  challenger
	body, query bool
	preflights  bool     // they are handed on
	verifiers   []Opened // of the scheme Bearer
	others      []scheme // all other schemes
	signers     []Opened // those that need the whole request
	user        func(ctx context.Context, t *mandate.Token) (any, error)
	request     func(ctx context.Context, r *mandate.Request) error
	revoked     func(ctx context.Context, t *mandate.Token) (bool, error)
	verdict     func(ctx context.Context, t *mandate.Token) error
	on          func(ctx context.Context, e mandate.Event)
	now         func() time.Time
	published   []mandate.Endpoint // RFC 9728
}

// challenger returns what g's challenges have in common.
func (g *Guard) challenger() *challenger {
	if g == nil {
		return &challenger{}
	}
	return &g.challenges
}

// Audience returns the name of the API that g guards; it may be empty.
func (g *Guard) Audience() string {
	if g == nil {
		return ""
	}
	return g.audience
}

// ReadsBody reports whether the token may come in a form body, so that an adapter must look into it.
func (g *Guard) ReadsBody() bool { return g != nil && g.body }

// ReadsQuery reports whether the token may come in the query, so that an adapter must look there and mark what it answers as
// private (RFC 6750, section 2.3).
func (g *Guard) ReadsQuery() bool { return g != nil && g.query }

// ReadsRequest reports whether an adapter must hand the request with credentials c to [Guard.CheckRequest], and put it into them, before it calls
// [Guard.Check]: where Config.CheckRequestWithSecrets is set, and where it may be signed. It never is for a CORS preflight. A request with a Bearer token is read
// for the former alone.
func (g *Guard) ReadsRequest(c Credentials) bool {
	return g != nil && (g.request != nil || len(g.signers) > 0) && g.readsRequest(c)
}

func (g *Guard) readsRequest(c Credentials) bool {
	return !c.Preflight && (g.request != nil || len(c.Authorization) < 7 || c.Authorization[6] != ' ' || !isBearer(c.Authorization[:6]))
}

// Check returns the token if c is good and meets r, or the refusal. Both are nil only where there are no credentials and
// none are needed: an optional rule, or a CORS preflight where Config.PassPreflights is set. It does not allocate for a token that its verifier finds without
// allocating, nor for a refusal.
func (g *Guard) Check(ctx context.Context, c Credentials, r *Rule) (*mandate.Token, *mandate.Response) {
	if g == nil || g.now == nil {
		return nil, r.refusal(g.challenger(), bearer, broken)
	}
	if c.Preflight {
		if g.preflights || r.optional {
			return nil, nil
		}
		return nil, r.Preflight()
	}
	if c.Request != nil {
		if v := g.signer(&c); v != nil {
			return g.checkSigned(ctx, &c, v, r)
		}
	}
	verifiers, used := g.verifiers, bearer
	raw, o, err := c.token(g.body, g.query)
	if o == foreign && len(g.others) > 0 {
		raw, used, verifiers, o, err = g.other(c.Authorization)
	}
	if o != granted {
		if o == absent && r.optional {
			return nil, nil
		}
		return nil, g.refuse(ctx, r, used, o, nil, err)
	}
	v := choose(verifiers, raw)
	if v == nil {
		return nil, g.refuse(ctx, r, used, invalid, nil, errNobodys)
	}
	now := g.now()
	tok, err := v.Verify(ctx, raw, now)
	return g.admit(ctx, v, tok, err, now, r)
}

// admit decides about what v says of a token.
func (g *Guard) admit(ctx context.Context, v *Opened, tok *mandate.Token, err error, now time.Time, r *Rule) (*mandate.Token, *mandate.Response) {
	switch {
	case err != nil && errors.Is(err, mandate.InvalidToken):
		return nil, g.refuse(ctx, r, v.Scheme, invalid, nil, err)
	case err != nil:
		return nil, g.refuse(ctx, r, v.Scheme, unavailable, nil, err)
	case tok == nil:
		return nil, g.refuse(ctx, r, v.Scheme, unavailable, nil, errNoToken)
	case tok.ExpiredAt(now):
		return nil, g.refuse(ctx, r, v.Scheme, invalid, tok, errExpired)
	case tok.Bound() || v.Scheme == bearer && !isBearer(tok.Type()):
		return nil, g.refuse(ctx, r, v.Scheme, invalid, tok, errBound)
	case v.Audience != AnyAudience && !g.isFor(tok, v.Audience):
		return nil, g.refuse(ctx, r, v.Scheme, invalid, tok, errAudience)
	}
	if g.revoked != nil {
		if dead, err := g.revoked(ctx, tok); err != nil {
			return nil, g.refuse(ctx, r, v.Scheme, unavailable, tok, err)
		} else if dead {
			return nil, g.refuse(ctx, r, v.Scheme, invalid, tok, errRevoked)
		}
	}
	if code := r.need.Check(tok, now); code != "" {
		return nil, g.refuse(ctx, r, v.Scheme, outcomeOf(code), tok, errNeed)
	}
	if g.verdict != nil {
		if err := g.verdict(ctx, tok); err != nil {
			return nil, g.judged(ctx, tok, err)
		}
	}
	if g.on != nil {
		g.on(ctx, tokenEvent(mandate.TokenAuthenticated, tok))
	}
	return tok, nil
}

// CheckFor is [Guard.Check] for a requirement that is known only now. It makes a refusal when one is needed.
func (g *Guard) CheckFor(ctx context.Context, c Credentials, need mandate.Requirement) (*mandate.Token, *mandate.Response) {
	return g.Check(ctx, c, &Rule{need: need})
}

// CheckAgain checks tok, which g itself verified earlier in the same request, for one more rule: stacked guards. It returns nil
// or the refusal.
func (g *Guard) CheckAgain(ctx context.Context, tok *mandate.Token, r *Rule) *mandate.Response {
	if g == nil || g.now == nil {
		return r.refusal(g.challenger(), bearer, broken)
	}
	if code := r.need.Check(tok, g.now()); code != "" {
		return g.refuse(ctx, r, g.schemeOf(tok), outcomeOf(code), tok, errNeed)
	}
	return nil
}

// schemeOf returns the scheme that a token which was verified came in.
func (g *Guard) schemeOf(tok *mandate.Token) string {
	for i := range g.signers {
		if g.signers[i].Scheme == tok.Type() {
			return tok.Type()
		}
	}
	return bearer
}

// CheckAgainFor is [Guard.CheckAgain] for a requirement that is known only now.
func (g *Guard) CheckAgainFor(ctx context.Context, tok *mandate.Token, need mandate.Requirement) *mandate.Response {
	return g.CheckAgain(ctx, tok, &Rule{need: need})
}

// User loads the resource owner of t with Config.User: [mandate.ErrNoUser] if t has none.
func (g *Guard) User(ctx context.Context, t *mandate.Token) (any, error) {
	switch {
	case t.Subject() == "":
		return nil, mandate.ErrNoUser
	case g == nil || g.user == nil:
		return nil, errNoLoader
	}
	return g.user(ctx, t)
}

// choose returns the verifier that decides about raw, or nil.
func choose(verifiers []Opened, raw string) *Opened {
	if len(raw) > maxToken {
		return nil
	}
	if len(verifiers) == 1 {
		return &verifiers[0]
	}
	issuer, read := "", false
	for i := range verifiers {
		v := &verifiers[i]
		switch {
		case v.match != nil:
			if !read {
				issuer, read = issuerOf(raw), true
			}
			if !v.match(raw, issuer) {
				continue
			}
		case v.Match != nil && !v.Match(raw):
			continue
		}
		return v
	}
	return nil
}

// isFor reports whether tok may be used here, as far as its audience says.
func (g *Guard) isFor(tok *mandate.Token, rule AudienceRule) bool {
	switch {
	case !tok.Restricted():
		return g.audience == "" || rule == AudienceOrNone
	case g.audience == "":
		return false
	case tok.For(g.audience):
		return true
	}
	for _, have := range tok.Audience() {
		if oauth2.SameResource(have, g.audience) {
			return true
		}
	}
	return false
}

// refuse tells the hooks and returns r's answer.
func (g *Guard) refuse(ctx context.Context, r *Rule, used string, o outcome, tok *mandate.Token, why error) *mandate.Response {
	resp := r.refusal(&g.challenges, used, o)
	if g.on != nil {
		g.on(ctx, g.event(r, o, tok, why, resp))
	}
	return resp
}

func outcomeOf(code mandate.Code) outcome {
	switch code {
	case mandate.InvalidToken:
		return invalid
	case mandate.InsufficientUserAuthentication:
		return stepUp
	default:
		return insufficient
	}
}
