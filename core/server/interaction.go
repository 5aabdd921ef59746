package server

import (
	"context"
	"errors"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
)

// builtIn decides with the server's own session and pages.
func (s *Server) builtIn(ctx context.Context, a *Ask) (Answer, error) {
	user, ok, err := s.signedIn(ctx, a.request)
	switch {
	case err != nil:
		return Answer{}, err
	case !ok || !a.Accepts(user):
		return Answer{kind: visit, url: "login", code: mandate.LoginRequired}, nil
	case a.Remembered(ctx, user):
		return Approve(user), nil
	}
	return Answer{kind: visit, url: "consent", code: mandate.ConsentRequired}, nil
}

// handleLogin is the built-in sign-in page.
func (m mounted) handleLogin(ctx context.Context, r *mandate.Request) *mandate.Response {
	a, resp := m.interaction(ctx, r)
	if resp != nil {
		return resp
	}
	page := pages.Login{Username: a.Request.LoginHint}
	if !a.submitted {
		return m.loginPage(ctx, a, page)
	}
	form, err := r.Form()
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	if form.Get(fieldAction) == "cancel" {
		if a.device != nil {
			return redirect(m.public("device")) // who has not signed in denies nobody anything
		}
		return m.refuseClient(ctx, a, mandate.Errorf(mandate.AccessDenied, nil, "the user did not sign in"))
	}
	page.Username = form.Get("username")
	done, err := m.attempt(ctx, r, Attempt{What: PasswordAttempt, Endpoint: "login", ClientID: a.Client.ID, Account: page.Username})
	if isLimited(err) {
		page.Limited = true
		resp := m.loginPage(ctx, a, page)
		later, _ := retryAfter(err)
		resp = resp.With(later.Name, later.Value)
		resp.Status = statusOf(err)
		return resp
	}
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	user, err := m.config.SignIn(ctx, page.Username, form.Get("password"))
	done(err == nil && user.Subject != "")
	if errors.Is(err, mandate.AccessDenied) || err == nil && user.Subject == "" {
		m.hooks.Tell(ctx, mandate.Event{Name: mandate.SignInRefused, ClientID: a.Client.ID})
		page.Failed = true
		return m.loginPage(ctx, a, page)
	}
	if err != nil {
		return m.errorPage(ctx, r, fault("sign in", err), pages.Error{})
	}
	cookie, err := m.startSession(ctx, user)
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	m.endSession(ctx, r)
	m.hooks.Tell(ctx, mandate.Event{Name: mandate.SignedIn, ClientID: a.Client.ID, Subject: user.Subject})
	return redirect(a.resumeURL()).With(cookie.Name, cookie.Value)
}

func (m mounted) loginPage(ctx context.Context, a *Ask, p pages.Login) *mandate.Response {
	p.Action, p.Handle, p.CSRF, p.Client = m.public("login"), a.Handle(), a.CSRF(), pageClient(a)
	if a.err != nil {
		return m.errorPage(ctx, a.request, a.err, pages.Error{})
	}
	resp, err := m.pages.Login(p)
	if err != nil {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	return a.remember(resp)
}

// handleConsent is the built-in consent page.
func (m mounted) handleConsent(ctx context.Context, r *mandate.Request) *mandate.Response {
	a, resp := m.interaction(ctx, r)
	if resp != nil {
		return resp
	}
	user, ok, err := m.signedIn(ctx, r)
	switch {
	case err != nil:
		return m.errorPage(ctx, r, err, pages.Error{})
	case !ok || !a.submitted && !a.Accepts(user):
		return m.leave(ctx, a, a.resumeURL()) // which sends the browser to the sign-in
	case a.device != nil:
		if resp := m.findDevice(ctx, a); resp != nil {
			return resp
		}
		if resp := m.tellCode(ctx, a, user, a.submitted); resp != nil {
			return resp
		}
	}
	if !a.submitted {
		return m.consentPage(ctx, a, user)
	}
	form, err := r.Form()
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	switch form.Get(fieldAction) {
	case "allow":
		return m.approve(ctx, a, Approve(user))
	case "switch":
		return m.leave(ctx, a, m.pageURL("login", a.Handle()))
	}
	return m.denied(ctx, a, user.Subject)
}

func (m mounted) consentPage(ctx context.Context, a *Ask, user User) *mandate.Response {
	p := pages.Consent{Action: m.public("consent"), Handle: a.Handle(), CSRF: a.CSRF(), User: user.Name, Client: pageClient(a), RedirectHost: a.RedirectHost()}
	p.UserCode = a.UserCode()
	if p.User == "" {
		p.User = user.Subject
	}
	for _, s := range a.Scopes {
		p.Scopes = append(p.Scopes, pages.Scope{Name: s.Name, Title: s.Title, Description: s.Description})
	}
	if a.err != nil {
		return m.errorPage(ctx, a.request, a.err, pages.Error{})
	}
	resp, err := m.pages.Consent(p)
	if err != nil {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	return a.remember(resp)
}

// interaction returns the pending request that a built-in page is for.
func (m mounted) interaction(ctx context.Context, r *mandate.Request) (*Ask, *mandate.Response) {
	params, err := paramsOf(r)
	if err != nil {
		return nil, m.errorPage(ctx, r, err, pages.Error{})
	}
	a, resp := m.resume(ctx, r, params, params.Get(fieldHandle))
	if resp == nil && a.device != nil && a.flow.Device.Stage < stageConfirmed {
		return nil, redirect(a.resumeURL())
	}
	return a, resp
}

// pageClient returns what the pages show of the client.
func pageClient(a *Ask) pages.Client {
	d := &a.Client.Metadata
	return pages.Client{ID: a.Client.ID, Name: d.Name, PolicyURL: d.PolicyURI, TermsURL: d.TermsURI, URI: d.ClientURI}
}
