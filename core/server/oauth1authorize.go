package server

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

// temporary is the temporary credentials that a decision is about.
type temporary struct {
	ticket store.Ticket
	data   temporaryData
}

// handleConsent1 is the resource owner authorization endpoint (RFC 5849, section 2.2). The application decides there as about any
// other request.
func (m mounted) handleConsent1(ctx context.Context, r *mandate.Request) *mandate.Response {
	params, err := paramsOf(r)
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	if handle := params.Get(fieldHandle); handle != "" {
		a, resp := m.resume(ctx, r, params, handle)
		switch {
		case resp != nil:
			return resp
		case a.oauth1 == nil:
			return redirect(a.resumeURL())
		}
		return m.decide(ctx, a)
	}
	token, ok := params.Only("oauth_token")
	if !ok || token == "" || len(token) > maxSigned {
		return m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "parameter oauth_token is missing, repeated or malformed"), pages.Error{})
	}
	if r.Method == "POST" { // a cross-site one brings no cookie
		return redirect(m.public(endpointConsent1) + "?oauth_token=" + url.QueryEscape(token))
	}
	f := m.newFlow(m.now())
	f.OAuth1 = token
	a, resp := m.askOAuth1(ctx, r, f)
	if resp != nil {
		return resp
	}
	m.hooks.Tell(ctx, mandate.Event{Name: mandate.RequestBegun, ClientID: a.Client.ID, Scopes: a.Request.Details.Scopes, GrantType: GrantTypeOAuth1})
	return m.decide(ctx, a)
}

// askOAuth1 returns the Ask about the temporary credentials that f names, or the page that says why there is nothing to decide.
func (m mounted) askOAuth1(ctx context.Context, r *mandate.Request, f flow) (*Ask, *mandate.Response) {
	if m.config.OAuth1 == nil {
		return nil, m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "the request is over"), pages.Error{Reason: pages.Expired, Status: 410})
	}
	t, err := m.ticketOf(ctx, m.oauth1Key(f.OAuth1))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, err, "oauth_token is unknown or over"), pages.Error{Reason: pages.Expired})
	case err != nil:
		return nil, m.errorPage(ctx, r, fault("read temporary credentials", err), pages.Error{})
	}
	d, err := temporaryOf(t)
	if err != nil {
		return nil, m.errorPage(ctx, r, err, pages.Error{})
	}
	now := m.now()
	if t.State == temporaryPending && !now.Before(t.Expires) {
		return nil, m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "oauth_token is over"), pages.Error{Reason: pages.Expired, Status: 410})
	}
	if t.State != temporaryPending && r.Method != "POST" { // a form that was sent twice gets the same answer
		return nil, m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "the request was decided already"), pages.Error{Reason: pages.Finished, Status: 410})
	}
	c, err := m.liveClient(ctx, t.ClientID)
	if err == nil && (!usesOAuth1(c) || !mayCallBack(c, d.Callback)) {
		err = mandate.Errorf(mandate.UnauthorizedClient, nil, "client may not ask for this any more")
	}
	if err != nil {
		return nil, m.errorPage(ctx, r, err, pages.Error{})
	}
	f.Client = c.ID
	a := &Ask{Client: c, server: m.Server, ctx: ctx, request: r, flow: f, oauth1: &temporary{t, d}}
	a.Request.RedirectURI, a.Request.Details = redirectOf(d.Callback), d.Details
	m.introduce(a)
	a.browser = m.cookie(r, cookieBrowser)
	return a, nil
}

// resumeOAuth1 returns the Ask that handle is. At a GET another browser, or too long a pause, begins anew.
func (m mounted) resumeOAuth1(ctx context.Context, r *mandate.Request, params mandate.Params, f flow, handle string) (*Ask, *mandate.Response) {
	a, resp := m.askOAuth1(ctx, r, f)
	if resp != nil {
		return nil, resp
	}
	now := m.now()
	over := now.Sub(f.begun()) >= flowTTL
	if r.Method == "POST" {
		if resp := m.checkPost(ctx, a, params, over, m.public(endpointConsent1)+"?oauth_token="+url.QueryEscape(f.OAuth1)); resp != nil {
			return nil, resp
		}
		a.submitted, a.handle = true, handle
		return a, nil
	}
	if over || !f.boundTo(a.browser) {
		fresh := m.newFlow(now)
		a.flow.ID, a.flow.Key, a.flow.Begun, a.flow.Shown, a.flow.Session, a.flow.Chosen = fresh.ID, fresh.Key, fresh.Begun, "", "", ""
	} else {
		a.handle = handle
	}
	return a, nil
}

// oauth1Names returns what comes of temporary credentials: the id of the grant that their approval makes, its token, and the verifier. They are the
// same whenever they are asked for, so that nothing of it is kept.
func (s *Server) oauth1Names(data *temporaryData, key mandate.Digest, now time.Time) (id, token, verifier string, ok bool) {
	o := s.config.OAuth1
	sum := func(what string) (d mandate.Digest) {
		if d, ok = s.flows.Sum(data.Flow, now, append([]byte(what), key[:]...)); !ok {
			return mandate.Digest{}
		}
		return d
	}
	public := sum("oauth1 grant")
	token, verifier = o.text(sum("oauth1 token"), o.Length), o.text(sum("oauth1 verifier"), o.verifierLength())
	return base64.RawURLEncoding.EncodeToString(public[:16]), token, verifier, ok
}

// grantOAuth1 makes g the grant of token credentials: nobody has them until the verifier is exchanged.
func (s *Server) grantOAuth1(a *Ask, g *store.Grant, now time.Time) bool {
	id, token, _, ok := s.oauth1Names(&a.oauth1.data, a.oauth1.ticket.Key, now)
	if !ok {
		return false
	}
	d := &g.Details
	d.CodeEnds, d.Ends = now.Add(s.config.OAuth1.RequestTokenTTL), time.Time{}
	g.ID, g.Key, g.Expires = id, s.oauth1Key(token), later(g.Expires, d.CodeEnds.Add(s.config.OAuth1.Window))
	d.Sealed = s.sealToken(s.config.OAuth1.random(), g.ID)
	return true
}

// approveOAuth1 sends the browser back with the verifier of g, or shows it (RFC 5849, section 2.2).
func (m mounted) approveOAuth1(ctx context.Context, a *Ask, g store.Grant, remember bool) *mandate.Response {
	now := m.now()
	err := m.moveTicket(ctx, a.oauth1.ticket, func(t *store.Ticket) {
		t.State, t.Subject, t.GrantID, t.Expires = temporaryApproved, g.Subject, g.ID, later(t.Expires, g.Expires)
	})
	switch {
	case errors.Is(err, store.ErrConflict): // somebody denied it meanwhile
		if err := m.revokeGrant(ctx, g, store.BySubject); err != nil {
			return m.errorPage(ctx, a.request, err, pages.Error{})
		}
		return m.finished(ctx, a, mandate.Errorf(mandate.InvalidRequest, err, "the request was decided already"))
	case err != nil:
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	if remember {
		if err := m.remember(ctx, g.Subject, a.Client.ID, g.Details, now); err != nil {
			return m.errorPage(ctx, a.request, err, pages.Error{})
		}
	}
	_, _, verifier, ok := m.oauth1Names(&a.oauth1.data, a.oauth1.ticket.Key, now)
	if !ok {
		return m.errorPage(ctx, a.request, mandate.Errorf(mandate.InvalidRequest, nil, "the request is over"), pages.Error{Reason: pages.Expired, Status: 410})
	}
	if a.Request.RedirectURI == "" {
		return m.verifierPage(ctx, a, pages.Verifier{Verifier: verifier, Client: m.pageClient(a.Client)})
	}
	return redirect(callbackURL(a.Request.RedirectURI, []mandate.Field{{Name: "oauth_token", Value: a.flow.OAuth1}, {Name: "oauth_verifier", Value: verifier}}))
}

func (m mounted) verifierPage(ctx context.Context, a *Ask, p pages.Verifier) *mandate.Response {
	resp, err := m.pagesFor(a.request, a.Request.UILocales).Verifier(p)
	if err != nil {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	return resp
}

// refuseOAuth1 tells the client of a user's no, and the user of all else. subject is who said it; who has not signed in denies nobody anything, and can begin again.
func (m mounted) refuseOAuth1(ctx context.Context, a *Ask, err error) *mandate.Response {
	if !errors.Is(err, mandate.AccessDenied) {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	if subject := a.flow.Shown; subject != "" {
		moved := m.moveTicket(ctx, a.oauth1.ticket, func(t *store.Ticket) { t.State, t.Subject = temporaryDenied, subject })
		switch {
		case errors.Is(moved, store.ErrConflict):
			return m.finished(ctx, a, mandate.Errorf(mandate.InvalidRequest, moved, "the request was decided already"))
		case moved != nil:
			return m.errorPage(ctx, a.request, moved, pages.Error{})
		}
	}
	if a.Request.RedirectURI == "" {
		return m.verifierPage(ctx, a, pages.Verifier{Denied: true, Client: m.pageClient(a.Client)})
	}
	resp := redirect(callbackURL(a.Request.RedirectURI, []mandate.Field{
		{Name: "oauth_token", Value: a.flow.OAuth1}, {Name: "oauth_problem", Value: string(oauth1.PermissionDenied)}, {Name: "error", Value: string(mandate.AccessDenied)},
	}))
	resp.Err = err
	return resp
}
