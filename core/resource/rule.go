package resource

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

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
	realm := ""
	if g != nil {
		realm = g.realm
	}
	for o := range outcomes {
		r.ready[o] = refusal(o, realm, &r.need)
	}
	return r
}

// Preflight returns the answer to a CORS preflight where a guarded handler ends the chain: an empty 204, so that
// middleware of others that wrote the CORS header fields is heard.
func (r *Rule) Preflight() *mandate.Response { return r.refusal(granted, "") }

func (r *Rule) refusal(o outcome, realm string) *mandate.Response {
	if resp := r.ready[o]; resp != nil {
		return resp
	}
	return refusal(o, realm, &r.need)
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

// refusal makes the answer of one outcome. What it tells is for everybody: causes go to the hooks.
func refusal(o outcome, realm string, need *mandate.Requirement) *mandate.Response {
	switch o {
	case granted:
		return &mandate.Response{Status: 204}
	case absent, foreign:
		// The challenge has no error code: nothing was wrong with what was sent (RFC 6750, section 3.1).
		return challenged(mandate.Errorf(mandate.MissingAuthorization, nil, "send an access token: Authorization: Bearer"), realm, false, params{scope: need.Scopes()})
	case malformed:
		return challenged(mandate.Errorf(mandate.InvalidRequest, nil, "the access token is malformed"), realm, true, params{})
	case doubled:
		return challenged(mandate.Errorf(mandate.InvalidRequest, nil, "more than one access token or scheme was sent"), realm, true, params{})
	case insufficient:
		return challenged(mandate.Errorf(mandate.InsufficientScope, nil, "the access token does not allow this"), realm, true, params{scope: need.Scopes()})
	case stepUp:
		p := params{scope: need.Scopes(), acr: strings.Join(need.ACR(), " ")}
		if age, ok := need.MaxAge(); ok {
			p.maxAge = strconv.FormatInt(int64(age/time.Second), 10)
		}
		return challenged(mandate.Errorf(mandate.InsufficientUserAuthentication, nil, "a more recent or stronger sign-in is required"), realm, true, p)
	case unavailable:
		return fault(mandate.Errorf(mandate.TemporarilyUnavailable, nil, "the access token cannot be checked at the moment"), mandate.Field{Name: "Retry-After", Value: "5"})
	case broken:
		return fault(&mandate.Error{Code: mandate.ServerError, Cause: errors.New("the guard was not made with resource.New, or its error was ignored")})
	default:
		return challenged(mandate.Errorf(mandate.InvalidToken, nil, "the access token is unknown, expired, revoked or not for this resource"), realm, true, params{})
	}
}

// params are the parameters of a challenge that depend on the requirement.
type params struct {
	scope       mandate.Scopes
	acr, maxAge string
}

// challenged is an answer with a Bearer challenge (RFC 6750, section 3; RFC 9470, section 3).
func challenged(err *mandate.Error, realm string, named bool, p params) *mandate.Response {
	var list []string
	add := func(name, value string) {
		if value != "" {
			list = append(list, name+`="`+value+`"`)
		}
	}
	add("realm", realm)
	if named {
		add("error", string(err.Code))
		add("error_description", err.Description)
	}
	add("scope", string(p.scope))
	add("acr_values", p.acr)
	add("max_age", p.maxAge)
	challenge := strings.TrimSuffix("Bearer "+strings.Join(list, ", "), " ")
	return answer(err, p.scope, mandate.Field{Name: "WWW-Authenticate", Value: challenge})
}

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
// [mandate.ErrNoUser]; otherwise code and description of the [mandate.Error] in err, with a challenge where the code is one of
// RFC 6750. Anything else is server_error without a text, and a [mandate.Fault] for the hooks.
func (g *Guard) Refuse(ctx context.Context, err error) *mandate.Response {
	realm := ""
	if g != nil {
		realm = g.realm
	}
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.resp
	}
	if errors.Is(err, mandate.ErrNoUser) {
		return challenged(mandate.Errorf(mandate.InsufficientScope, err, "the access token stands for no user"), realm, true, params{})
	}
	e := mandate.AsError(err)
	switch e.Code { //nolint:exhaustive // all others are the default
	case mandate.MissingAuthorization:
		return challenged(e, realm, false, params{})
	case mandate.InvalidToken, mandate.InsufficientScope, mandate.InsufficientUserAuthentication:
		return challenged(e, realm, true, params{})
	case mandate.TemporarilyUnavailable, mandate.ServerError:
		if g != nil && g.on != nil {
			g.on(ctx, mandate.Event{Name: mandate.Fault, Err: e})
		}
	}
	if e.Code == mandate.TemporarilyUnavailable {
		return fault(e, mandate.Field{Name: "Retry-After", Value: "5"})
	}
	return fault(e)
}
