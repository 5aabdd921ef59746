package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
)

// Pause closes the server for maintenance: until [Server.Resume] every endpoint but the key set and the metadata answers 503
// temporarily_unavailable, browsers a page, and tells clients to come back after the time that it is given, which is rounded up to seconds and is
// at least one. Nothing is read from the store meanwhile. Guards go on. It is of this process alone.
func (s *Server) Pause(comeBack time.Duration) {
	s.paused.Store(max(1, int64(math.Ceil(comeBack.Seconds()))))
}

// Resume ends a [Server.Pause].
func (s *Server) Resume() { s.paused.Store(0) }

// watched puts around an endpoint what all have in common: the maintenance switch, the deadline, the hooks, and a net for panics.
func (m mounted) watched(e mandate.Endpoint) func(context.Context, *mandate.Request) *mandate.Response {
	name, handle, h := e.Name, e.Handle, &m.hooks
	deadline, always := m.config.Deadlines[name], name == "jwks" || name == "metadata"
	if deadline == 0 {
		deadline = m.config.Deadlines[""]
	}
	refuse := func(_ context.Context, _ *mandate.Request, err error) *mandate.Response { return m.Refuse(err) }
	if isPage(name) {
		refuse = func(ctx context.Context, r *mandate.Request, err error) *mandate.Response {
			return m.errorPage(ctx, r, err, pages.Error{})
		}
	}
	inner := func(ctx context.Context, r *mandate.Request) (resp *mandate.Response) {
		defer func() {
			if v := recover(); v != nil {
				resp = refuse(ctx, r, &contained{v, debug.Stack()})
			}
		}()
		if wait := m.paused.Load(); wait != 0 && !always {
			return refuse(ctx, r, &limited{mandate.Errorf(mandate.TemporarilyUnavailable, nil, "the server is closed for maintenance"), time.Duration(wait) * time.Second, 503})
		}
		if deadline > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, deadline)
			defer cancel()
		}
		if h.BeforeWithSecrets != nil {
			if resp = h.BeforeWithSecrets(ctx, name, r); resp != nil {
				return resp
			}
		}
		return handle(ctx, r)
	}
	if h.Around == nil && h.BeforeWithSecrets == nil && h.After == nil && h.On == nil {
		return inner
	}
	return func(ctx context.Context, r *mandate.Request) *mandate.Response {
		var end func(status int, err error)
		if h.Around != nil {
			ctx, end = h.Around(ctx, name)
		}
		resp := inner(ctx, r)
		if resp.Err != nil {
			if code := mandate.AsError(resp.Err).Code; code == mandate.ServerError || code == mandate.TemporarilyUnavailable && !isLimited(resp.Err) {
				h.Tell(ctx, mandate.Event{Name: mandate.Fault, Endpoint: name, Err: resp.Err})
			}
		}
		if h.After != nil {
			h.After(ctx, name, resp.Status, resp.Err)
		}
		if end != nil {
			end(resp.Status, resp.Err)
		}
		return resp
	}
}

// isPage reports whether people see the endpoint called name: its errors are pages.
func isPage(name string) bool {
	switch name {
	case "authorization", "login", "accounts", "consent", "device", "applications":
		return true
	}
	return false
}

// isLimited reports whether err is a refusal that the server means, and no outage.
func isLimited(err error) bool {
	_, ok := errors.AsType[*limited](err)
	return ok
}

// contained is a panic of a store, a hook or a function of the application, which ends its request and nothing else.
type contained struct {
	value any
	stack []byte
}

// Error returns what was panicked with, and where.
func (c *contained) Error() string { return fmt.Sprintf("panic: %v\n%s", c.value, c.stack) }
