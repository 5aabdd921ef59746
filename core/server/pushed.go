package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

// PushedRequests lets clients hand over an authorization request themselves, before they send the browser (RFC 9126): nobody
// in the browser sees or changes it, and a confidential client is proven before anything is shown. A pushed request is good for
// one end, approval or refusal. One of a public client proves nothing about who sent it, and
// anybody can become a client that registers itself: such clients get 32 MiB each, of which 4 MiB from one address (Config.RemoteAddr), counted
// by process.
type PushedRequests struct {
	// TTL is how long after the push the browser must come. Who has come in time may take the time that a sign-in
	// takes. At most 10 minutes. Default: one minute.
	TTL time.Duration
	// Required refuses all requests that are not pushed. One client alone: store.Policy.PAR, or its require_pushed_authorization_requests.
	Required bool
}

const (
	endpointPushed = "pushed_authorization_request"
	prefixPushed   = "urn:ietf:params:oauth:request_uri:" // RFC 9126, section 2.2

	maxPushed       = 32 << 10 // of one request as it is kept, in bytes
	maxPushedClient = 32 << 20 // of all that are kept for one client whose name costs nothing

	endApproved = "approved" // ways in which a pushed request ends
	endRefused  = "refused"
)

func (p *PushedRequests) withDefaults() (*PushedRequests, error) {
	if p == nil {
		return nil, nil //nolint:nilnil // off
	}
	c := *p
	if c.TTL == 0 {
		c.TTL = time.Minute
	}
	if c.TTL < time.Second || c.TTL > 10*time.Minute {
		return nil, fmt.Errorf("server: PushedRequests.TTL %v is not between a second and 10 minutes (RFC 9126, section 2.2)", c.TTL)
	}
	return &c, nil
}

// mustPush reports whether requests of c must be pushed.
func (s *Server) mustPush(c *store.Client) bool {
	p := s.config.PushedRequests
	return p != nil && (p.Required || c.Policy.PAR || c.Metadata.RequirePAR)
}

// handlePushed is the pushed authorization request endpoint (RFC 9126, section 2).
func (s *Server) handlePushed(ctx context.Context, r *mandate.Request) *mandate.Response {
	form, err := r.Form()
	if err != nil {
		return s.Refuse(err)
	}
	client, err := s.ProveClient(ctx, r)
	if err != nil {
		return s.Refuse(err)
	}
	resp, err := s.push(ctx, r, form, client)
	if err != nil {
		s.requestRefused(ctx, r, endpointPushed, client, "", err)
		return s.Refuse(err)
	}
	return resp
}

// push keeps a request of a proven client, once it is checked as the authorization endpoint checks one.
func (s *Server) push(ctx context.Context, r *mandate.Request, params mandate.Params, client Client) (*mandate.Response, error) {
	if params.Get("request_uri") != "" {
		return nil, mandate.Errorf(mandate.InvalidRequest, nil, "a pushed request cannot have a request_uri (RFC 9126, section 2.1)")
	}
	now := s.now()
	a := &Ask{Client: client.Client, server: s, ctx: ctx, request: r, flow: s.newFlow(now), pushed: true}
	params, err := s.objectOf(ctx, a, params)
	if err == nil {
		err = s.readAsk(ctx, a, params)
	}
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(&a.Request)
	if err != nil {
		return nil, fault("encode pushed request", err)
	}
	name := randomText()
	sealed := base64.RawURLEncoding.EncodeToString(s.pending.Seal(data, []byte(endpointPushed+name), now))
	if len(sealed) > maxPushed {
		resp := *s.Refuse(mandate.Errorf(mandate.InvalidRequest, nil, "the request is too large"))
		resp.Status = 413 // RFC 9126, section 2.3
		return &resp, nil
	}
	if client.isFree() {
		if err := s.mayWrite(ctx, r, WriteAttempt, endpointPushed, client.ID); err != nil {
			return nil, err
		}
	}
	if client.isFree() && !s.pushes.take(client.ID, s.remote(r), int64(len(sealed)), now) {
		resp := *s.Refuse(mandate.Errorf(mandate.TemporarilyUnavailable, nil, "too many requests of this client"))
		resp.Status = 429 // RFC 9126, section 2.3
		return &resp, nil
	}
	if err := s.SpendProof(ctx, client); err != nil {
		return nil, err
	}
	if err := s.useObject(ctx, a); err != nil {
		return nil, err
	}
	ttl := s.config.PushedRequests.TTL
	err = s.store.PutTicket(ctx, store.Ticket{
		Kind: store.Pushed, Key: mandate.DigestOf(name), ClientID: client.ID, State: "pending", Data: sealed,
		Created: now, Expires: now.Add(ttl + flowTTL), // who came in time is still there then
	})
	if err != nil {
		return nil, fault("keep pushed request", err)
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.RequestPushed, Endpoint: endpointPushed, ClientID: client.ID, Scopes: a.Request.Details.Scopes, Expires: now.Add(ttl)})
	return JSON(201, struct {
		RequestURI string `json:"request_uri"`
		ExpiresIn  int64  `json:"expires_in"`
	}{prefixPushed + name, int64(ttl / time.Second)}), nil
}

// errPushed answers a request_uri that is none, or none any more, or another client's.
func errPushed(cause error) error {
	return mandate.Errorf(mandate.InvalidRequestURI, cause, "request_uri is unknown, over, used or not of this client")
}

// beginPushed returns the request that c pushed under uri. It spends nothing: the page may be opened again. Of the browser's
// parameters none counts but these two (RFC 9126, section 4).
func (m mounted) beginPushed(ctx context.Context, r *mandate.Request, c *store.Client, uri string) (*Ask, error) {
	now := m.now()
	name := strings.TrimPrefix(uri, prefixPushed)
	key := mandate.DigestOf(name)
	t, err := m.store.Ticket(ctx, store.Pushed, key, now)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired), errors.Is(err, store.ErrUsed):
		return nil, errPushed(err)
	case err != nil:
		return nil, fault("read pushed request", err)
	case t.ClientID != c.ID:
		return nil, errPushed(errors.New("another client pushed it"))
	case !now.Before(t.Expires.Add(-flowTTL)):
		return nil, errPushed(store.ErrExpired)
	}
	a := &Ask{Client: c, server: m.Server, ctx: ctx, request: r, flow: m.newFlow(now)}
	if err := m.unpack(t.Data, []byte(endpointPushed+name), now, &a.Request); err != nil {
		return nil, errPushed(err)
	}
	if err := stillRegistered(c, &a.Request); err != nil {
		return nil, err
	}
	m.introduce(a)
	a.flow.Client, a.flow.Pushed, a.flow.PushedAt = c.ID, key[:], now.UnixMilli()
	m.hooks.Tell(ctx, mandate.Event{Name: mandate.RequestBegun, ClientID: c.ID, Scopes: a.Request.Details.Scopes})
	return a, nil
}

// errPushedUsed means that the pushed request of a flow has ended in another one, or in another way.
var errPushedUsed = mandate.Errorf(mandate.InvalidRequest, store.ErrUsed, "the pushed request was used already")

// endPushed spends the pushed request that a began with, if any: of all flows that began with it one ends it, the first. That flow may
// end it again: a double click, or a refusal after it.
func (m mounted) endPushed(ctx context.Context, a *Ask, end string) error {
	f := &a.flow
	if len(f.Pushed) != len(mandate.Digest{}) {
		return nil
	}
	key, at := mandate.Digest(f.Pushed), time.UnixMilli(f.PushedAt).UTC()
	id, _, ok := m.names(f, m.now())
	if !ok {
		return errPushedUsed
	}
	for range maxMerges {
		t, err := m.store.Ticket(ctx, store.Pushed, key, at) // as of the time when the browser came
		switch {
		case errors.Is(err, store.ErrUsed) && t.GrantID == id && (t.State == end || end == endRefused):
			return nil
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired), errors.Is(err, store.ErrUsed):
			return errPushedUsed
		case err != nil:
			return fault("read pushed request", err)
		}
		t.State, t.Used, t.GrantID, t.Data = end, at, id, ""
		err = m.store.UpdateTicket(ctx, t)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, store.ErrNotFound):
			return errPushedUsed
		case !errors.Is(err, store.ErrUsed) && !errors.Is(err, store.ErrConflict):
			return fault("spend pushed request", err)
		}
	}
	return fault("spend pushed request", store.ErrConflict)
}

// finished is the page for who decides about a request that was decided already.
func (m mounted) finished(ctx context.Context, a *Ask, err error) *mandate.Response {
	return m.errorPage(ctx, a.request, err, pages.Error{Reason: pages.Finished, Status: 410})
}
