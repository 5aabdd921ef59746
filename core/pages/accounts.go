package pages

import (
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// Accounts is the content of the page on which one of several people who are signed in is chosen.
//
// The form is posted to Action with the fields handle and csrf and either account, which is the ID of one of Accounts, or action, which
// is "another" or "cancel".
type Accounts struct {
	Action   string // an absolute path on this server; required
	Handle   string // hidden field of that name
	CSRF     string // hidden field of that name
	Accounts []Account
	Client   Client // the zero value: nobody asks
}

// Account is somebody who is signed in.
type Account struct {
	ID    string // what the form sends; it is not shown
	Name  string // as people know them; "" shows Login
	Login string // what they typed to sign in; may be empty
}

// Applications is the content of the page on which people see what they allowed, and take it back.
//
// The form is posted to Action with the fields handle and csrf and either revoke, which is the ID of one of Applications, or
// action, which is "switch" or "signout".
type Applications struct {
	Action       string // an absolute path on this server; required
	Handle       string // hidden field of that name
	CSRF         string // hidden field of that name
	User         string // who is signed in, as the user knows it
	Applications []Application
}

// Application is what a user allowed one client.
type Application struct {
	ID     string // what the form sends; it is not shown
	Client Client // an ID or a Name is required
	Scopes []Scope
	Since  time.Time // zero: unknown
	Used   time.Time // when the client last came for an access token; zero: unknown
}

// Day returns t as the pages write it: a day in UTC.
func (Application) Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Accounts returns the page on which an account is chosen, with status 200.
func (s *Set) Accounts(d Accounts) (*mandate.Response, error) {
	v := s.base
	v.Title = v.Text.AccountsTitle
	if path(d.Action) == "" {
		return nil, fmt.Errorf("pages: Accounts.Action %q is not an absolute path", d.Action)
	}
	accounts := make([]Account, 0, len(d.Accounts))
	for _, x := range d.Accounts {
		x.Name, x.Login = text(x.Name, maxName), text(x.Login, maxName)
		if x.Name == "" {
			x.Name = x.Login
		}
		accounts = append(accounts, x)
	}
	d.Accounts, d.Client = accounts, d.Client.clean()
	v.Accounts, v.Client = d, d.Client
	return s.page(s.accounts, 200, "same-origin", &v)
}

// Applications returns the page on which people see what they allowed, with status 200.
func (s *Set) Applications(d Applications) (*mandate.Response, error) {
	v := s.base
	v.Title = v.Text.ApplicationsTitle
	if path(d.Action) == "" {
		return nil, fmt.Errorf("pages: Applications.Action %q is not an absolute path", d.Action)
	}
	list := make([]Application, 0, len(d.Applications))
	for _, x := range d.Applications {
		if x.Client = x.Client.clean(); x.Client.Name == "" {
			return nil, fmt.Errorf("pages: Applications has one with neither an ID nor a Name")
		}
		x.Scopes = cleanScopes(x.Scopes)
		list = append(list, x)
	}
	d.Applications, d.User = list, text(d.User, maxName)
	v.Applications = d
	return s.page(s.applications, 200, "same-origin", &v)
}

// cleanScopes returns scopes as pages may show them.
func cleanScopes(scopes []Scope) []Scope {
	clean := make([]Scope, 0, len(scopes))
	for _, x := range scopes {
		x.Name, x.Title, x.Description = text(x.Name, maxText), text(x.Title, maxName), text(x.Description, maxText)
		if x.Title == "" {
			x.Title = x.Name
		}
		clean = append(clean, x)
	}
	return clean
}
