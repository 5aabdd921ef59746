package resource

import (
	"context"
	"encoding/json"
	"errors"

	mandate "github.com/go-mandate/mandate/core"
)

// outcome is what became of a check, and the index of its refusal.
type outcome int

const (
	granted outcome = iota
	absent
	foreign
	malformed
	doubled
	invalid
	insufficient
	stepUp
	unavailable
	broken
	outcomes
)

// Rule is a requirement with its refusals ready made. [Guard.Rule] makes one, once for each route; it never
// changes.
type Rule struct {
	need     mandate.Requirement
	optional bool
	ready    [outcomes]*mandate.Response // nil: made when needed
}

// Err returns why no token can ever meet the rule, or nil.
func (r *Rule) Err() error { return r.need.Err() }

// Rule compiles req. An optional rule lets requests without credentials pass; a bad token fails all the same.
func (g *Guard) Rule(req mandate.Requirement, optional bool) *Rule {
	r := &Rule{need: req, optional: optional}
	c := g.challenger()
	for o := range outcomes {
		r.ready[o] = c.refusal(c.first(), o, &r.need)
	}
	return r
}

// Preflight returns the answer to a CORS preflight that goes no further: an empty 204, so that
// middleware of others that wrote the CORS header fields is heard.
func (r *Rule) Preflight() *mandate.Response { return r.refusal(&challenger{}, bearer, granted) }

// refusal is the answer of one outcome to a request that used a scheme.
func (r *Rule) refusal(c *challenger, used string, o outcome) *mandate.Response {
	if resp := r.ready[o]; resp != nil && used == c.first() {
		return resp
	}
	return c.refusal(used, o, &r.need)
}

// Refusal is the error of a request that a guard refused: [mandate.Response.Err] of its answers. errors.AsType finds the
// [mandate.Error] in it.
type Refusal struct {
	err  *mandate.Error
	resp *mandate.Response
}

// Error returns what the peer is told.
func (r *Refusal) Error() string { return r.err.Error() }

// Unwrap returns the error with its code.
func (r *Refusal) Unwrap() error { return r.err }

// Response returns the exact answer.
func (r *Refusal) Response() *mandate.Response { return r.resp }

func fault(err *mandate.Error, more ...mandate.Field) *mandate.Response {
	return answer(err, "", more...)
}

// answer is a refusal as JSON, with more before the fields that all have.
func answer(err *mandate.Error, scope mandate.Scopes, more ...mandate.Field) *mandate.Response {
	body, _ := json.Marshal(struct {
		Error       mandate.Code   `json:"error"`
		Description string         `json:"error_description,omitempty"`
		URI         string         `json:"error_uri,omitempty"`
		Scope       mandate.Scopes `json:"scope,omitempty"`
	}{err.Code, err.Description, err.URI, scope}) // strings always marshal
	resp := &mandate.Response{
		Status: err.Code.Status(),
		Header: append(more, mandate.Field{Name: "Content-Type", Value: "application/json"}, mandate.Field{Name: "Cache-Control", Value: "no-store"}),
		Body:   body,
	}
	resp.Err = &Refusal{err: err, resp: resp}
	return resp
}

// Refuse returns the answer to err, the same for all adapters: that of a [Refusal] as it is; 403 insufficient_scope for
// [mandate.ErrNoUser]; 403 for access_denied; otherwise code and description of the [mandate.Error] in err, with a challenge where the code is one of
// RFC 6750. Anything else is server_error without a text, and a [mandate.Fault] for the hooks.
func (g *Guard) Refuse(ctx context.Context, err error) *mandate.Response {
	c := g.challenger()
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.resp
	}
	if errors.Is(err, mandate.ErrNoUser) {
		return c.challenged(bearer, mandate.Errorf(mandate.InsufficientScope, err, "the access token stands for no user"), true, params{})
	}
	e := mandate.AsError(err)
	if safe := mandate.Printable(e.Description); safe != e.Description { // made without mandate.Errorf, and about to stand in a quoted string
		e = &mandate.Error{Code: e.Code, Description: safe, URI: e.URI, Cause: e.Cause}
	}
	switch e.Code { //nolint:exhaustive // all others are the default
	case mandate.MissingAuthorization:
		return c.challenged(bearer, e, false, params{})
	case mandate.InvalidToken, mandate.InsufficientScope, mandate.InsufficientUserAuthentication:
		return c.challenged(bearer, e, true, params{})
	case mandate.TemporarilyUnavailable, mandate.ServerError:
		if g != nil && g.on != nil {
			g.on(ctx, mandate.Event{Name: mandate.Fault, Err: e})
		}
	}
	if e.Code == mandate.AccessDenied { // by the application, whatever the token allows (RFC 9110, section 15.5.4)
		resp := fault(e)
		resp.Status = 403
		return resp
	}
	if e.Code == mandate.TemporarilyUnavailable {
		return fault(e, mandate.Field{Name: "Retry-After", Value: "5"})
	}
	return fault(e)
}
