package server

import (
	"context"
	"errors"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

// approveDevice lets the device hear that g was made for it. The grant comes first: a crash in between costs one more try of the same
// user, who finds it again.
func (m mounted) approveDevice(ctx context.Context, a *Ask, g store.Grant) *mandate.Response {
	err := m.moveDevice(ctx, a, func(t *store.Ticket) {
		t.State, t.Subject, t.GrantID = deviceApproved, g.Subject, g.ID
		if g.Expires.After(t.Expires) {
			t.Expires = g.Expires // whoever polls once more after that must find what to end
		}
	})
	switch {
	case err == nil:
		return m.deviceDone(ctx, a, false)
	case !errors.Is(err, store.ErrConflict):
		return m.errorPage(ctx, a.request, err, pages.Error{RestartURL: m.public("device")})
	}
	// Somebody denied it meanwhile.
	if err := m.revokeGrant(ctx, g, store.BySubject); err != nil {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	return m.decidedDevice(ctx, a, err)
}

// denyDevice lets the device hear that subject said no.
func (m mounted) denyDevice(ctx context.Context, a *Ask, subject string) *mandate.Response {
	err := m.moveDevice(ctx, a, func(t *store.Ticket) { t.State, t.Subject = deviceDenied, subject })
	switch {
	case errors.Is(err, store.ErrConflict):
		return m.decidedDevice(ctx, a, err)
	case err != nil:
		return m.errorPage(ctx, a.request, err, pages.Error{RestartURL: m.public("device")})
	}
	m.hooks.Tell(ctx, mandate.Event{Name: mandate.GrantDenied, ClientID: a.Client.ID, Subject: subject, Scopes: a.Request.Details.Scopes})
	return m.deviceDone(ctx, a, true)
}

// moveDevice is moveTicket of the device that a is about.
func (s *Server) moveDevice(ctx context.Context, a *Ask, decide func(t *store.Ticket)) error {
	return s.moveTicket(ctx, a.device.ticket, decide)
}

// moveTicket writes the decision that decide makes of a pending ticket: of any number of them the first counts. It is store.ErrConflict
// where another one did; one that was sent twice is no other.
func (s *Server) moveTicket(ctx context.Context, now store.Ticket, decide func(t *store.Ticket)) error {
	want := now
	decide(&want)
	if now.State == devicePending {
		err := s.store.UpdateTicket(ctx, want)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrUsed) && !errors.Is(err, store.ErrNotFound):
			return fault("keep decision", err)
		}
		if now, err = s.store.Ticket(ctx, want.Kind, want.Key, s.now()); err != nil && !errors.Is(err, store.ErrExpired) {
			return fault("read decision", err)
		}
	}
	if now.State == want.State && now.Subject == want.Subject && now.GrantID == want.GrantID {
		return nil
	}
	return store.ErrConflict
}

// refuseDevice shows an error to the user, for want of a client that the browser could be sent to. Where that is the user's own no, the
// device hears of it.
func (m mounted) refuseDevice(ctx context.Context, a *Ask, err error) *mandate.Response {
	if a.device.found && errors.Is(err, mandate.AccessDenied) {
		return m.denyDevice(ctx, a, a.flow.Shown)
	}
	return m.errorPage(ctx, a.request, err, pages.Error{RestartURL: m.public("device")})
}

// decidedDevice is the page for a code that somebody decided about.
func (m mounted) decidedDevice(ctx context.Context, a *Ask, cause error) *mandate.Response {
	return m.finished(ctx, a, mandate.Errorf(mandate.InvalidRequest, cause, "the request was decided already"))
}

// deviceDone is the last page: the device goes on by itself.
func (m mounted) deviceDone(ctx context.Context, a *Ask, denied bool) *mandate.Response {
	resp, err := m.pagesFor(a.request, a.Request.UILocales).DeviceDone(pages.DeviceDone{Denied: denied, Client: m.pageClient(a.Client)})
	if err != nil {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	return resp
}
