package server

import (
	"context"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
)

// handleAccounts is the built-in page on which one of several people who are signed in is chosen (OpenID Connect Core, section
// 3.1.2.1: prompt=select_account). No password is asked for, unless the request wants a newer sign-in.
func (m mounted) handleAccounts(ctx context.Context, r *mandate.Request) *mandate.Response {
	a, resp := m.interaction(ctx, r)
	if resp != nil {
		return resp
	}
	people, err := m.people(ctx, r)
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	if !a.submitted {
		if len(people) == 0 {
			return m.leave(ctx, a, m.pageURL("login", a.Handle()))
		}
		return m.accountsPage(ctx, a, m.public("accounts"), byHint(people, a.Request.LoginHint))
	}
	form, err := r.Form()
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	switch form.Get(fieldAction) {
	case "another":
		return m.leave(ctx, a, m.pageURL("login", a.Handle()))
	case "cancel":
		return m.cancel(ctx, a, "the user did not choose an account")
	}
	people, ok := current(people, form.Get(fieldAccount))
	if !ok { // signed out meanwhile
		return m.leave(ctx, a, a.resumeURL())
	}
	chosen := Choose(people[0].User)
	resp = m.act(ctx, a, &chosen)
	cookie := m.sessionsOf(people)
	return resp.With(cookie.Name, cookie.Value)
}

// maxAccounts bounds Config.MaxAccounts: their cookie has 44 bytes for each.
const maxAccounts = 16

// fieldAccount is the public ID of a session in the form of the page above.
const fieldAccount = "account"

func (m mounted) accountsPage(ctx context.Context, a *Ask, action string, people []person) *mandate.Response {
	p := pages.Accounts{Action: action, Handle: a.Handle(), CSRF: a.CSRF(), Client: m.pageClient(a.Client)}
	for _, x := range people {
		account := pages.Account{ID: x.SessionID, Name: x.Name, Login: x.login}
		if account.Name == "" && account.Login == "" {
			account.Name = x.Subject
		}
		p.Accounts = append(p.Accounts, account)
	}
	return m.show(ctx, a, func(set *pages.Set) (*mandate.Response, error) { return set.Accounts(p) })
}

// cancel ends a request whose user does not want to say who they are.
func (m mounted) cancel(ctx context.Context, a *Ask, why string) *mandate.Response {
	if a.device != nil {
		return redirect(m.public("device")) // who has not signed in denies nobody anything
	}
	return m.refuseClient(ctx, a, mandate.Errorf(mandate.AccessDenied, nil, "%s", why))
}

// choice returns which of people a is for, or false where that is for them to say: several are signed in, or the client
// wants them to be asked. A sign-in since the request began is a choice. Where no page may be shown the client's hint is one too.
func (a *Ask) choice(people []person) (User, bool) {
	user := people[0].User
	switch {
	case a.flow.Chosen == user.Subject, !user.AuthTime.Before(a.flow.begun()):
		return user, true
	case a.Request.Wants("select_account"):
		return user, false
	case len(people) == 1:
		return user, true
	}
	i, ok := hinted(people, a.Request.LoginHint)
	if !ok {
		return user, false
	}
	return people[i].User, i == 0 || a.Request.silent()
}

// hinted returns which of people login_hint names, where it is one of them.
func hinted(people []person, hint string) (int, bool) {
	if hint == "" {
		return 0, false
	}
	named := func(p person) bool { return p.Subject == hint || strings.EqualFold(p.login, hint) }
	i := slices.IndexFunc(people, named)
	if i < 0 || slices.ContainsFunc(people[i+1:], named) {
		return 0, false
	}
	return i, true
}

// byHint returns people with the one whom the hint names in front.
func byHint(people []person, hint string) []person {
	if i, ok := hinted(people, hint); ok {
		people, _ = current(people, people[i].SessionID)
	}
	return people
}
