package server

import (
	"context"
	"errors"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

// The fields of the form on the page of connected applications, beside action.
const (
	fieldRevoke  = "revoke" // the ID of a client
	actSignOut   = "signout"
	actSwitch    = "switch"
	actAnother   = "another"
	actSignIn    = "login"
	applications = "applications" // the endpoint's name
)

// handleApplications is the built-in page on which people see what they allowed, and take it back. No client asks for it, so that its sign-in and its choice of
// an account are here, too.
func (m mounted) handleApplications(ctx context.Context, r *mandate.Request) *mandate.Response {
	people, err := m.people(ctx, r)
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	if r.Method != "POST" {
		a := m.accountAsk(ctx, r, m.newFlow(m.now()))
		if len(people) == 0 {
			return m.loginPage(ctx, a, pages.Login{})
		}
		return m.applicationsPage(ctx, a, people[0].User)
	}
	form, err := r.Form()
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	again := pages.Error{RestartURL: m.public(applications)}
	f, _, err := m.open(ctx, form.Get(fieldHandle), m.now())
	switch {
	case form.Get(fieldHandle) == "":
		return m.errorPage(ctx, r, errNoHandle, again)
	case errors.Is(err, errHandle), err == nil && !f.Account:
		again.Reason, again.Status = pages.Expired, 410
		return m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, err, "the request is over"), again)
	case err != nil:
		return m.errorPage(ctx, r, err, again)
	}
	a := m.accountAsk(ctx, r, f)
	if resp := m.checkPost(ctx, a, form, m.now().Sub(f.begun()) >= flowTTL, again.RestartURL); resp != nil {
		return resp
	}
	if repeats(form, fieldRevoke, fieldAccount) {
		return m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "a parameter is repeated"), again)
	}
	return m.submitApplications(ctx, a, people, form)
}

// accountAsk is the Ask of a browser at the page, where no client asks.
func (m mounted) accountAsk(ctx context.Context, r *mandate.Request, f flow) *Ask {
	f.Account = true
	return &Ask{Client: new(store.Client), server: m.Server, ctx: ctx, request: r, flow: f, browser: m.cookie(r, cookieBrowser)}
}

// submitApplications does what the form says: it was made for this browser.
func (m mounted) submitApplications(ctx context.Context, a *Ask, people []person, form mandate.Params) *mandate.Response {
	back := redirect(m.public(applications))
	action := form.Get(fieldAction)
	switch action {
	case actSignIn:
		cookie, resp := m.password(ctx, a, applications, form)
		if resp != nil {
			return resp
		}
		return back.With(cookie.Name, cookie.Value)
	case "cancel":
		return back
	case actAnother:
		return m.loginPage(ctx, a, pages.Login{})
	}
	if id := form.Get(fieldAccount); id != "" {
		if list, ok := current(people, id); ok {
			cookie := m.sessionsOf(list)
			return back.With(cookie.Name, cookie.Value)
		}
		return back
	}
	if len(people) == 0 {
		return back // where the sign-in is
	}
	user := people[0].User
	if a.flow.Shown != user.Subject || a.flow.Session != user.SessionID {
		return m.errorPage(ctx, a.request, mandate.Errorf(mandate.AccessDenied, nil, "somebody else signed in since the page was shown"),
			pages.Error{Reason: pages.OtherUser, Status: 403, RestartURL: m.public(applications)})
	}
	switch {
	case action == actSignOut:
		m.endSession(ctx, people[0])
		cookie := m.sessionsOf(people[1:])
		return back.With(cookie.Name, cookie.Value)
	case action == actSwitch && len(people) > 1:
		return m.accountsPage(ctx, a, m.public(applications), people)
	case action == actSwitch:
		return m.loginPage(ctx, a, pages.Login{})
	}
	if id := form.Get(fieldRevoke); id != "" && plainText(id) {
		if _, err := m.Disconnect(ctx, user.Subject, id); err != nil {
			return m.errorPage(ctx, a.request, err, pages.Error{RestartURL: m.public(applications)})
		}
	}
	return back
}

func (m mounted) applicationsPage(ctx context.Context, a *Ask, user User) *mandate.Response {
	list, err := m.Connections(ctx, user.Subject)
	if err != nil {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	a.show(user)
	p := pages.Applications{Action: m.public(applications), Handle: a.Handle(), CSRF: a.CSRF(), User: user.Name}
	if p.User == "" {
		p.User = user.Subject
	}
	for _, x := range list {
		c := x.Client
		if c == nil {
			c = &store.Client{ID: x.ClientID}
		}
		one := pages.Application{ID: x.ClientID, Client: m.pageClient(c), Since: x.Since, Used: x.Used}
		p.Applications = append(p.Applications, one)
	}
	return m.show(ctx, a, func(set *pages.Set) (*mandate.Response, error) {
		for i := range list {
			p.Applications[i].Scopes = pageScopes(list[i].Scopes, set)
		}
		return set.Applications(p)
	})
}
