package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime/debug"
	"slices"
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
		if resp = handle(ctx, r); resp == nil {
			resp = refuse(ctx, r, fmt.Errorf("endpoint %s answered nothing", name))
		}
		return resp
	}
	if h.Around == nil && h.BeforeWithSecrets == nil && h.After == nil && h.On == nil {
		return inner
	}
	return func(ctx context.Context, r *mandate.Request) *mandate.Response {
		var end func(status int, err error)
		var resp *mandate.Response
		if h.Around != nil {
			inside, ended, err := around(ctx, h, name)
			if ctx, end = inside, ended; err != nil {
				resp = refuse(ctx, r, err)
			}
		}
		if resp == nil {
			resp = inner(ctx, r)
		}
		if resp.Err != nil {
			if code := mandate.AsError(resp.Err).Code; code == mandate.ServerError || code == mandate.TemporarilyUnavailable && !isLimited(resp.Err) {
				m.quietly(ctx, name, func() { h.Tell(ctx, mandate.Event{Name: mandate.Fault, Endpoint: name, Err: resp.Err}) })
			}
		}
		if h.After != nil {
			m.quietly(ctx, name, func() { h.After(ctx, name, resp.Status, resp.Err) })
		}
		if end != nil {
			m.quietly(ctx, name, func() { end(resp.Status, resp.Err) })
		}
		return resp
	}
}

// contain calls f, and returns what it panics with, if it does.
func contain(f func()) (failed error) {
	defer func() {
		if v := recover(); v != nil {
			failed = &contained{v, debug.Stack()}
		}
	}()
	f()
	return nil
}

// around calls Hooks.Around. Where that panics, or forgets the context, ctx stays what it is.
func around(ctx context.Context, h *mandate.Hooks, name string) (inside context.Context, end func(status int, err error), err error) {
	defer func() {
		if v := recover(); v != nil {
			inside, end, err = ctx, nil, &contained{v, debug.Stack()}
		}
	}()
	if inside, end = h.Around(ctx, name); inside == nil {
		inside = ctx
	}
	return inside, end, nil
}

// quietly calls f, a hook that is told of an answer: the answer stands, whatever f does. Not every framework has a net above.
func (s *Server) quietly(ctx context.Context, endpoint string, f func()) {
	if err := contain(f); err != nil {
		_ = contain(func() { s.hooks.Tell(ctx, mandate.Event{Name: mandate.Fault, Endpoint: endpoint, Err: err}) }) // which may be who panicked
	}
}

// allowOrigin is Config.AllowOrigin, which adapters' code calls outside of every net: one that panics allows nothing.
func (s *Server) allowOrigin(origin string) (ok bool) {
	s.quietly(context.Background(), "", func() { ok = s.config.AllowOrigin(origin) })
	return ok
}

// checkDeadlines refuses what would bound nothing.
func (s *Server) checkDeadlines() error {
	for _, name := range slices.Sorted(maps.Keys(s.config.Deadlines)) {
		switch d := s.config.Deadlines[name]; {
		case d <= 0:
			return fmt.Errorf("server: Deadlines[%q] is %v: want more than 0, or leave it out", name, d)
		case name != "" && s.paths[name] == "":
			return fmt.Errorf("server: Deadlines has %q, which is no endpoint of this server: choose of %v, or \"\" for all others", name, slices.Sorted(maps.Keys(s.paths)))
		}
	}
	return nil
}

// isPage reports whether people see the endpoint called name: its errors are pages.
func isPage(name string) bool {
	switch name {
	case "authorization", "login", "accounts", "consent", "device", "applications", endpointConsent1:
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
