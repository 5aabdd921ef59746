package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// Finish is the second step of a login by hand: it makes a sign-in of the provider's answer, which is in the query of a GET or in the form of a
// POST. The fields belong to the answer, also beside an error: they take the login's cookie away. An error is an [*Error]. It is never nil
// together with a nil SignIn.
func (r *Remote) Finish(ctx context.Context, req *mandate.Request) (*SignIn, mandate.Fields, error) {
	if r == nil {
		return nil, nil, errNoApp()
	}
	f, answer, header, err := r.back(ctx, req, false)
	if err != nil {
		return nil, header, err
	}
	in, err := r.protocol.Finish(ctx, f, answer)
	switch {
	case err != nil:
		return nil, header, asError(r.name, err)
	case in == nil:
		return nil, header, &Error{Kind: Fault, App: r.name, Cause: errors.New("the app returned neither a sign-in nor an error")}
	}
	in.App, in.ReturnTo, in.Data, in.remote = r.name, f.ReturnTo, f.Data, r
	return in, header, nil
}

// back returns the flow, of a logout or of a login, with which the browser comes back, and what the provider answers. The fields are for every answer to it.
func (r *Remote) back(ctx context.Context, req *mandate.Request, logout bool) (*Flow, mandate.Params, mandate.Fields, error) {
	header := mandate.Fields{{Name: "Cache-Control", Value: "no-store"}, {Name: "Referrer-Policy", Value: "no-referrer"}}
	answer, err := r.answer(req)
	if err != nil {
		return nil, nil, header, err
	}
	f, state, err := r.find(ctx, req, answer, logout)
	if state != "" {
		header = append(header, r.reg.deleteCookie(state))
	}
	return f, answer, header, err
}

// answer returns the parameters of the provider's answer.
func (r *Remote) answer(req *mandate.Request) (mandate.Params, error) {
	read := req.Query
	if req.Method == http.MethodPost {
		read = req.Form
	}
	answer, err := read()
	if err != nil {
		return nil, &Error{Kind: Malformed, App: r.name, Cause: err}
	}
	// What comes twice could be read differently by whoever looks next (RFC 6749, section 3.1).
	for _, name := range [...]string{"state", "code", "iss", "error", "error_description", "error_uri", "id_token", "response", "oauth_token", "oauth_verifier", "oauth_problem", "denied"} {
		if _, ok := answer.Only(name); !ok {
			return nil, &Error{Kind: Malformed, App: r.name, Cause: fmt.Errorf("the answer has %s twice", name)}
		}
	}
	return answer, nil
}

const aDay = 24 * time.Hour

// find returns the flow of this browser that answer belongs to, and the state of the cookie that is of no use any more, if the browser has it.
func (r *Remote) find(ctx context.Context, req *mandate.Request, answer mandate.Params, logout bool) (f *Flow, spent string, err error) {
	now := r.reg.config.Now()
	state := answer.Get("state")
	if m, ok := r.protocol.(Matching); ok && state == "" && !logout {
		state = r.match(m, req, answer, now)
	}
	missing := func(cause string) *Error {
		return &Error{Kind: StateMissing, App: r.name, Code: mandate.Code(short(answer.Get("error"))), Cause: errors.New(cause)}
	}
	begun, ok := stateTime(state)
	if !ok {
		return nil, "", missing("the answer is to no login that this application began in this browser")
	}
	old := now.Sub(begun) >= r.reg.config.FlowTTL
	value := req.Cookie(r.reg.cookie + state)
	switch {
	case value == "" && old && now.Sub(begun) < aDay: // longer ago it is more likely made up
		return nil, "", &Error{Kind: Expired, App: r.name, Cause: errors.New("the login began too long ago")}
	case value == "" && req.Method == http.MethodPost && !r.protocol.CrossSite():
		return nil, "", missing("the answer was posted, and the cookie stayed behind: set FormPost, so that it is made for that")
	case value == "":
		return nil, "", missing("this browser has no cookie of the login: it was finished already, began in another browser, or cookies are blocked")
	}
	if f = r.reg.open(state, value, now); f == nil {
		return nil, state, missing("the cookie of the login was not made for it, or under another secret")
	}
	if f.logout != logout {
		return nil, "", missing("the answer to a logout is none to a login, nor the other way round")
	}
	switch {
	case old || now.Before(f.Begun.Add(-r.reg.config.FlowTTL)):
		return nil, state, &Error{Kind: Expired, App: r.name, Cause: errors.New("the login began too long ago")}
	case f.App != r.name:
		return nil, state, &Error{Kind: Mismatch, App: r.name, Cause: fmt.Errorf("the login was begun with %q", f.App)}
	}
	return f, state, r.once(ctx, f, now)
}

// match returns the state of this browser's flow that answer, which has none, is one to, or "".
func (r *Remote) match(m Matching, req *mandate.Request, answer mandate.Params, now time.Time) string {
	have := r.reg.flowCookies(req)
	for _, c := range have[:min(len(have), 2*maxFlows)] {
		if f := r.reg.open(c.state, c.value, now); f != nil && f.App == r.name && !f.logout && m.Matches(f, answer) {
			return c.state
		}
	}
	return ""
}

// once lets a flow pass one time, where there is something that remembers.
func (r *Remote) once(ctx context.Context, f *Flow, now time.Time) error {
	replay := r.reg.config.Replay
	if replay == nil {
		return nil
	}
	err := replay.UseOnce(ctx, "client login", mandate.DigestOf(r.reg.cookie+f.State), now, f.Begun.Add(r.reg.config.FlowTTL))
	switch {
	case errors.Is(err, store.ErrUsed):
		return &Error{Kind: StateMissing, App: r.name, Cause: errors.New("the login was finished already")}
	case err != nil:
		return &Error{Kind: Fault, App: r.name, Cause: fmt.Errorf("remember the login: %w", err)}
	}
	return nil
}
