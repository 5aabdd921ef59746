package server

import (
	"context"
	"errors"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
)

// builtIn decides with the server's own session and pages.
func (s *Server) builtIn(ctx context.Context, a *Ask) (Answer, error) {
	login := Answer{kind: visit, url: "login", code: mandate.LoginRequired}
	people, err := s.people(ctx, a.request)
	if err != nil || len(people) == 0 {
		return login, err
	}
	user, ok := a.choice(people)
	switch {
	case !ok:
		return Answer{kind: visit, url: "accounts", code: mandate.AccountSelectionRequired}, nil
	case !a.Accepts(user):
		return login, nil
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
	if !a.submitted {
		page := pages.Login{Username: a.Request.LoginHint}
		if a.flow.Chosen != "" { // and has to sign in again
			people, err := m.people(ctx, r)
			if err != nil {
				return m.errorPage(ctx, r, err, pages.Error{})
			}
			if len(people) > 0 && people[0].Subject == a.flow.Chosen && people[0].login != "" {
				page.Username = people[0].login
			}
		}
		return m.loginPage(ctx, a, page)
	}
	form, err := r.Form()
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	if form.Get(fieldAction) == "cancel" {
		return m.cancel(ctx, a, "the user did not sign in")
	}
	cookie, resp := m.password(ctx, a, "login", form)
	if resp != nil {
		return resp
	}
	return redirect(a.resumeURL()).With(cookie.Name, cookie.Value)
}

// password signs in whom the form of a sign-in page names, and returns the cookie, or the page that says why not.
func (m mounted) password(ctx context.Context, a *Ask, endpoint string, form mandate.Params) (cookie mandate.Field, no *mandate.Response) {
	r, page := a.request, pages.Login{Username: form.Get("username")}
	done, err := m.attempt(ctx, r, Attempt{What: PasswordAttempt, Endpoint: endpoint, ClientID: a.Client.ID, Account: page.Username})
	if isLimited(err) {
		page.Limited = true
		resp := m.loginPage(ctx, a, page)
		later, _ := retryAfter(err)
		resp = resp.With(later.Name, later.Value)
		resp.Status = statusOf(err)
		return cookie, resp
	}
	if err != nil {
		return cookie, m.errorPage(ctx, r, err, pages.Error{})
	}
	user, err := m.config.SignIn(ctx, page.Username, form.Get("password"))
	done(outcomeOf(user.Subject != "", err))
	if errors.Is(err, mandate.AccessDenied) || err == nil && user.Subject == "" {
		m.hooks.Tell(ctx, mandate.Event{Name: mandate.SignInRefused, Endpoint: endpoint, ClientID: a.Client.ID, Remote: m.remote(r), Account: accountOf(page.Username)})
		page.Failed = true
		return cookie, m.loginPage(ctx, a, page)
	}
	if err != nil {
		return cookie, m.errorPage(ctx, r, fault("sign in", err), pages.Error{})
	}
	if cookie, err = m.startSession(ctx, r, user, page.Username); err != nil {
		return cookie, m.errorPage(ctx, r, err, pages.Error{})
	}
	m.hooks.Tell(ctx, mandate.Event{Name: mandate.SignedIn, ClientID: a.Client.ID, Subject: user.Subject})
	return cookie, nil
}

func (m mounted) loginPage(ctx context.Context, a *Ask, p pages.Login) *mandate.Response {
	p.Action, p.Handle, p.CSRF, p.Client = m.public("login"), a.Handle(), a.CSRF(), m.pageClient(a.Client)
	if a.flow.Account {
		p.Action, p.NoCancel = m.public("applications"), true
	}
	return m.show(ctx, a, func(set *pages.Set) (*mandate.Response, error) { return set.Login(p) })
}

// show answers with a built-in page for the browser of a, which is sealed by now.
func (m mounted) show(ctx context.Context, a *Ask, page func(set *pages.Set) (*mandate.Response, error)) *mandate.Response {
	if a.err != nil {
		return m.errorPage(ctx, a.request, a.err, pages.Error{})
	}
	resp, err := page(m.pagesFor(a.request, a.Request.UILocales))
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
		answer := a.ticked(user, form)
		return m.approve(ctx, a, &answer)
	case "switch":
		people, err := m.people(ctx, r)
		if err != nil {
			return m.errorPage(ctx, r, err, pages.Error{})
		}
		if len(people) > 1 {
			return m.leave(ctx, a, m.pageURL("accounts", a.Handle()))
		}
		return m.leave(ctx, a, m.pageURL("login", a.Handle()))
	}
	return m.denied(ctx, a, user.Subject)
}

// ticked returns what the form of the consent page allows. A page without boxes allows all.
func (a *Ask) ticked(user User, form mandate.Params) Answer {
	if form.Get("optional") == "" {
		return Approve(user)
	}
	allowed := form.Values("scope")
	for _, s := range a.Scopes {
		if !s.Optional {
			allowed = append(allowed, s.Name)
		}
	}
	return ApproveScopes(user, allowed)
}

func (m mounted) consentPage(ctx context.Context, a *Ask, user User) *mandate.Response {
	p := pages.Consent{
		Action: m.public("consent"), Handle: a.Handle(), CSRF: a.CSRF(), User: user.Name, Client: m.pageClient(a.Client), RedirectHost: a.RedirectHost(),
		UserCode: a.UserCode(), Resources: strings.Fields(a.Request.Details.Resources), Details: detailsOf(a.Details),
		Offline: a.oauth1 != nil || m.grants[grantRefresh] != nil && a.Client.Metadata.Allows(grantRefresh),
	}
	if p.User == "" {
		p.User = user.Subject
	}
	if m.config.AccountPage {
		p.ManageURL = m.public("applications")
	}
	return m.show(ctx, a, func(set *pages.Set) (*mandate.Response, error) {
		p.Scopes = pageScopes(a.Scopes, set)
		return set.Consent(p)
	})
}

// pageScopes returns scopes as the pages of set show them, in their language.
func pageScopes(scopes []Scope, set *pages.Set) []pages.Scope {
	shown := make([]pages.Scope, 0, len(scopes))
	for _, s := range scopes {
		s = s.In(set.Lang())
		shown = append(shown, pages.Scope{Name: s.Name, Title: s.Title, Description: s.Description, Optional: s.Optional})
	}
	return shown
}

// detailsOf returns authorization details as a person reads them, one text for each.
func detailsOf(details []RichDetail) []string {
	texts := make([]string, 0, len(details))
	for _, d := range details {
		if d.Text == "" {
			texts = append(texts, d.Title)
		} else {
			texts = append(texts, d.Title+": "+d.Text)
		}
	}
	return texts
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
