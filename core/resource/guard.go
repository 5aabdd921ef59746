package resource

import (
	"context"
	"errors"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
)

// Guard checks access tokens. [New] makes one. It may be used by any number of goroutines. A nil Guard, and one that New did
// not make, refuses everything.
type Guard struct {
	audience  string
	realm     string
	body      bool
	verifiers []Opened
	user      func(ctx context.Context, t *mandate.Token) (any, error)
	on        func(ctx context.Context, e mandate.Event)
	now       func() time.Time
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

// Check returns the token if c is good and meets r, or the refusal. Both are nil only where there are no credentials and
// none are needed: an optional rule, or a CORS preflight. It does not allocate for a token that its verifier finds without
// allocating, nor for a refusal.
func (g *Guard) Check(ctx context.Context, c Credentials, r *Rule) (*mandate.Token, *mandate.Response) {
	if g == nil || g.now == nil {
		return nil, r.refusal(broken, "")
	}
	if c.Preflight {
		return nil, nil
	}
	raw, o, err := c.token(g.body)
	if o != granted {
		if o == absent && r.optional {
			return nil, nil
		}
		return nil, g.refuse(ctx, r, o, nil, err)
	}
	v := g.verifierOf(raw)
	if v == nil {
		return nil, g.refuse(ctx, r, invalid, nil, errNobodys)
	}
	now := g.now()
	tok, err := v.Verify(ctx, raw, now)
	switch {
	case err != nil && errors.Is(err, mandate.InvalidToken):
		return nil, g.refuse(ctx, r, invalid, nil, err)
	case err != nil:
		return nil, g.refuse(ctx, r, unavailable, nil, err)
	case tok == nil:
		return nil, g.refuse(ctx, r, unavailable, nil, errNoToken)
	case tok.ExpiredAt(now):
		return nil, g.refuse(ctx, r, invalid, tok, errExpired)
	case tok.Confirmed() != mandate.Confirmation{} || !bearerType(tok):
		return nil, g.refuse(ctx, r, invalid, tok, errBound)
	case v.Audience != AnyAudience && !g.isFor(tok, v.Audience):
		return nil, g.refuse(ctx, r, invalid, tok, errAudience)
	}
	if code := r.need.Check(tok, now); code != "" {
		return nil, g.refuse(ctx, r, outcomeOf(code), tok, errNeed)
	}
	if g.on != nil {
		g.on(ctx, mandate.Event{Name: mandate.TokenAuthenticated, ClientID: tok.ClientID(), Subject: tok.Subject(), GrantID: tok.GrantID(), Scopes: tok.Scopes()})
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
		return r.refusal(broken, "")
	}
	if code := r.need.Check(tok, g.now()); code != "" {
		return g.refuse(ctx, r, outcomeOf(code), tok, errNeed)
	}
	return nil
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

func (g *Guard) verifierOf(raw string) *Opened {
	if len(raw) > maxToken {
		return nil
	}
	if len(g.verifiers) == 1 {
		return &g.verifiers[0]
	}
	for i := range g.verifiers {
		if v := &g.verifiers[i]; v.Match == nil || v.Match(raw) {
			return v
		}
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
func (g *Guard) refuse(ctx context.Context, r *Rule, o outcome, tok *mandate.Token, why error) *mandate.Response {
	resp := r.refusal(o, g.realm)
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

func bearerType(tok *mandate.Token) bool {
	kind := tok.Type()
	return kind == "Bearer" || strings.EqualFold(kind, "bearer")
}
