package server

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

// mounted is the server as one application mounted it: how it decides, and how it shows errors.
type mounted struct {
	*Server
	Mounting
}

// handleAuthorize is the authorization endpoint (RFC 6749, section 3.1). A request begins here, comes back here from a
// sign-in page with its handle, and is decided here.
func (m mounted) handleAuthorize(ctx context.Context, r *mandate.Request) *mandate.Response {
	a, resp := m.ask(ctx, r)
	if resp != nil {
		return resp
	}
	if a.at() != "authorization" {
		return redirect(a.resumeURL())
	}
	return m.decide(ctx, a)
}

// ask returns the pending request that r begins or goes on with, or the answer where there is none.
func (m mounted) ask(ctx context.Context, r *mandate.Request) (*Ask, *mandate.Response) {
	params, err := paramsOf(r)
	if err != nil {
		return nil, m.errorPage(ctx, r, err, pages.Error{})
	}
	if handle := params.Get(fieldHandle); handle != "" {
		return m.resume(ctx, r, params, handle)
	}
	a, err := m.begin(ctx, r, params)
	if err != nil {
		if a == nil {
			return nil, m.errorPage(ctx, r, err, pages.Error{})
		}
		return nil, m.refuseClient(ctx, a, err)
	}
	if r.Method == "POST" {
		// A cross-site POST brings no cookie: the answer is a GET of our own, which does (OpenID Connect Core,
		// section 3.1.2.1 allows POST). Nothing is read from a cookie here, and none is set.
		handle, err := m.seal(ctx, &a.flow, &a.Request, m.now())
		if err != nil {
			return nil, m.refuseClient(ctx, a, err)
		}
		return nil, redirect(m.pageURL("authorization", handle))
	}
	a.browser = m.cookie(r, cookieBrowser)
	return a, nil
}

// paramsOf returns the parameters of r: of its form where it is a POST, of its query otherwise.
func paramsOf(r *mandate.Request) (mandate.Params, error) {
	if r.Method == "POST" {
		return r.Form()
	}
	return r.Query()
}

// begin reads a new authorization request. With an error it returns no Ask unless client and redirect URI are
// proven: only then may the client hear of it.
func (m mounted) begin(ctx context.Context, r *mandate.Request, params mandate.Params) (*Ask, error) {
	for _, name := range [...]string{"client_id", "redirect_uri"} {
		if _, ok := good(params, name); !ok {
			return nil, mandate.Errorf(mandate.InvalidRequest, nil, "parameter %s is repeated or malformed", name)
		}
	}
	id := params.Get("client_id")
	if id == "" {
		return nil, mandate.Errorf(mandate.InvalidRequest, nil, "parameter client_id is missing")
	}
	c, err := m.liveClient(ctx, id)
	if err != nil {
		return nil, err
	}
	if uri, ok := good(params, "request_uri"); ok && m.config.PushedRequests != nil && strings.HasPrefix(uri, prefixPushed) {
		return m.beginPushed(ctx, r, c, uri)
	}
	a := &Ask{Client: c, server: m.Server, ctx: ctx, request: r, untold: true}
	m.beginFlow(&a.flow, m.now())
	if params, err = m.objectOf(ctx, a, params); err == nil {
		err = m.readAsk(ctx, a, params)
	}
	switch {
	case err == nil && m.hooks.On != nil:
		m.hooks.Tell(ctx, mandate.Event{Name: mandate.RequestBegun, ClientID: c.ID, Scopes: a.Request.Details.Scopes})
	case err != nil && a.Request.RedirectURI == "":
		return nil, err
	}
	return a, err
}

// readAsk fills in a, which has a client and nothing else. A redirect URI that it is left without is not proven.
func (s *Server) readAsk(ctx context.Context, a *Ask, params mandate.Params) error {
	var err error
	if a.Request.RedirectURI, err = redirectTo(a.Client, params.Get("redirect_uri")); err != nil {
		return err
	}
	if err := s.readRequest(ctx, a, params); err != nil {
		return err
	}
	for _, e := range s.config.Extensions {
		if e.Begin != nil {
			if err := e.Begin(ctx, a, params); err != nil {
				return err
			}
		}
	}
	s.introduce(a)
	a.flow.Client = a.Client.ID
	return nil
}

// liveClient returns the client called id. One that is unknown or disabled is [mandate.InvalidClient].
func (s *Server) liveClient(ctx context.Context, id string) (*store.Client, error) {
	c, err := s.findClient(ctx, id, true)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if _, ok := errors.AsType[*documentError](err); ok {
			return nil, err // which says why
		}
		return nil, mandate.Errorf(mandate.InvalidClient, err, "client is unknown")
	case err != nil:
		return nil, unreadClient(err)
	case c.Disabled:
		return nil, mandate.Errorf(mandate.InvalidClient, nil, "client is disabled")
	}
	return c, nil
}

// resume returns the pending request that handle is. At a GET a foreign browser, or too long a pause, begins the same request
// anew; a POST decides, and must come from the page and the browser that it was made for.
func (m mounted) resume(ctx context.Context, r *mandate.Request, params mandate.Params, handle string) (*Ask, *mandate.Response) {
	now := m.now()
	if handle == "" && r.Method == "POST" { // no form of ours
		return nil, m.errorPage(ctx, r, errNoHandle, pages.Error{})
	}
	f, q, err := m.open(ctx, handle, now)
	if errors.Is(err, errHandle) {
		return nil, m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, err, "the request is over"), pages.Error{Reason: pages.Expired, Status: 410})
	}
	if err != nil {
		return nil, m.errorPage(ctx, r, err, pages.Error{})
	}
	if f.Device != nil {
		return m.resumeDevice(ctx, r, params, f, handle)
	}
	if f.OAuth1 != "" {
		return m.resumeOAuth1(ctx, r, params, f, handle)
	}
	if f.Account {
		return nil, m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "the request is over"), pages.Error{Reason: pages.Expired, Status: 410})
	}
	c, err := m.liveClient(ctx, f.Client)
	if err == nil {
		err = stillRegistered(c, &q)
	}
	if err != nil {
		return nil, m.errorPage(ctx, r, err, pages.Error{})
	}
	a := &Ask{Client: c, Request: q, server: m.Server, ctx: ctx, request: r, flow: f}
	m.introduce(a)
	a.browser = m.cookie(r, cookieBrowser)
	over, anew := now.Sub(f.begun()) >= flowTTL, true
	switch {
	case len(f.Pushed) > 0: // however often it begins anew, its time runs from the first: what was pushed is kept no longer
		over, anew = now.Sub(time.UnixMilli(f.PushedAt)) >= flowTTL, false
	case len(f.Object) > 0 && now.UnixMilli() >= f.ObjectUntil: // nobody remembers any more whether the request object was used
		over, anew = true, false
	}
	if r.Method != "POST" {
		if over && !anew {
			return nil, m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "the request is over"), pages.Error{Reason: pages.Expired, Status: 410})
		}
		if over || !f.boundTo(a.browser) {
			fresh := m.newFlow(now)
			a.flow.ID, a.flow.Key, a.flow.Begun, a.flow.Shown, a.flow.Session, a.flow.Chosen = fresh.ID, fresh.Key, fresh.Begun, "", "", ""
		} else {
			a.handle = handle
		}
		return a, nil
	}
	restart := m.pageURL("authorization", handle)
	if over && !anew {
		restart = ""
	}
	if resp := m.checkPost(ctx, a, params, over, restart); resp != nil {
		return nil, resp
	}
	a.submitted, a.handle = true, handle
	return a, nil
}

// errNoHandle answers who posts to a page without what every form of it has.
var errNoHandle = mandate.Errorf(mandate.InvalidRequest, nil, "parameter %s is missing: the page's form has it", fieldHandle)

// checkPost refuses the form of a page that is over, or was not made for the browser that posts it.
func (m mounted) checkPost(ctx context.Context, a *Ask, params mandate.Params, over bool, restart string) *mandate.Response {
	r, f, now := a.request, &a.flow, m.now()
	page := pages.Error{RestartURL: restart}
	switch {
	case over:
		page.Reason, page.Status = pages.Expired, 410
		return m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "the request is over"), page)
	case repeats(params, fieldHandle, fieldCSRF, fieldAction):
		return m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "a parameter is repeated"), page)
	case m.foreign(r), !f.boundTo(a.browser), m.csrf(f, now) == "", subtle.ConstantTimeCompare([]byte(params.Get(fieldCSRF)), []byte(m.csrf(f, now))) != 1:
		page.Reason, page.Status = pages.OtherBrowser, 403
		return m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "the form was not made for this browser"), page)
	}
	return nil
}

// foreign reports whether a page of another site posts r. A page of ours may send the Origin "null", where its referrer
// policy says so.
func (s *Server) foreign(r *mandate.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return true
	}
	origin := r.Header.Get("Origin")
	return origin != "" && origin != "null" && origin != s.at.origin
}

// decide asks the application and turns what it says into HTTP.
func (m mounted) decide(ctx context.Context, a *Ask) *mandate.Response {
	answer, err := m.Decide(ctx, a)
	if err == nil {
		err = a.err
	}
	if err != nil {
		return m.refuseClient(ctx, a, err)
	}
	return m.act(ctx, a, &answer)
}

// act turns a decision into HTTP.
func (m mounted) act(ctx context.Context, a *Ask, answer *Answer) *mandate.Response {
	if a.Request.silent() {
		if code := answer.silent(); code != "" {
			return m.refuseClient(ctx, a, mandate.Errorf(code, nil, ""))
		}
	}
	switch answer.kind {
	case approve:
		return m.approve(ctx, a, answer)
	case signIn, interact:
		to := answer.url + "?"
		if strings.Contains(answer.url, "?") {
			to = answer.url + "&"
		}
		return m.leave(ctx, a, to+paramReturnTo+"="+url.QueryEscape(a.resumeURL()))
	case choose:
		if answer.user.Subject == "" {
			return m.refuseClient(ctx, a, errors.New("the decision is Choose of a user without a Subject"))
		}
		a.flow.Chosen, a.flow.Shown, a.flow.Session, a.handle = answer.user.Subject, "", "", ""
		return m.leave(ctx, a, a.resumeURL())
	case visit:
		return m.leave(ctx, a, m.pageURL(answer.url, a.Handle()))
	case page:
		if answer.page == nil {
			return m.refuseClient(ctx, a, errors.New("the decision is a Page without a function"))
		}
		if a.Handle(); a.err != nil {
			return m.refuseClient(ctx, a, a.err)
		}
		resp := &mandate.Response{Header: slices.Clone(pageHeader), Page: answer.page}
		return a.remember(resp)
	case deny:
	}
	return m.denied(ctx, a, a.flow.Shown)
}

// denied tells the client, and the hooks, that subject said no.
func (m mounted) denied(ctx context.Context, a *Ask, subject string) *mandate.Response {
	if a.device != nil {
		return m.denyDevice(ctx, a, subject)
	}
	m.hooks.Tell(ctx, mandate.Event{Name: mandate.GrantDenied, ClientID: a.Client.ID, Subject: subject, Scopes: a.Request.Details.Scopes})
	return m.refuseClient(ctx, a, mandate.Errorf(mandate.AccessDenied, nil, "the user did not allow it"))
}

// paramReturnTo is the parameter that tells a sign-in page where to send the browser afterwards.
const paramReturnTo = "return_to"

// pageHeader is the header of a page with a form that the application writes.
//
//nolint:gochecknoglobals // constant by nature
var pageHeader = mandate.Fields{
	{Name: "Cache-Control", Value: "no-store"},
	{Name: "Referrer-Policy", Value: "same-origin"},
	{Name: "X-Content-Type-Options", Value: "nosniff"},
	{Name: "X-Frame-Options", Value: "DENY"},
	{Name: "Content-Security-Policy", Value: "frame-ancestors 'none'; base-uri 'none'"},
}

// leave sends the browser to a page, with the request in its luggage.
func (m mounted) leave(ctx context.Context, a *Ask, to string) *mandate.Response {
	if a.err != nil {
		return m.refuseClient(ctx, a, a.err)
	}
	return a.remember(redirect(to))
}

// remember adds the binding cookie to an answer where the browser has none yet.
func (a *Ask) remember(resp *mandate.Response) *mandate.Response {
	if !a.fresh {
		return resp
	}
	f := a.server.setCookie(cookieBrowser, a.browser, 0)
	return resp.With(f.Name, f.Value)
}

// redirection is an answer that sends the browser to a URL, and that URL if it is short, in one piece of memory.
type redirection struct {
	mandate.Response
	fields [3]mandate.Field
	url    [208]byte
}

// to completes the answer: 303, so that no form is posted again (RFC 9700, section 4.12).
func (r *redirection) to(where string) *mandate.Response {
	r.fields = [...]mandate.Field{
		{Name: "Location", Value: where}, {Name: "Cache-Control", Value: "no-store"}, {Name: "Referrer-Policy", Value: "no-referrer"},
	}
	r.Response = mandate.Response{Status: 303, Header: r.fields[:]}
	return &r.Response
}

// redirect returns the answer that sends the browser to a URL.
func redirect(to string) *mandate.Response { return new(redirection).to(to) }

// lifeOf returns how long the row of a grant that is never refreshed is needed: as long as its code or access token can be
// used, so that a late replay still raises the alarm, and as long as a handle of its flow can be posted again: the row is what
// remembers the decision.
func (s *Server) lifeOf(c *store.Client) time.Duration {
	return max(s.codeTTL(c)+s.tokenTTL(c, grantCode), flowTTL)
}
