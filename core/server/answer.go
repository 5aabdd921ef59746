package server

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// User is the person who is signed in at the application, as far as the server must know.
type User struct {
	Subject   string    // identifies the person for good; never reused, never an e-mail address
	Name      string    // shown on the built-in pages; may be empty
	AuthTime  time.Time // when the person proved who they are. Zero: unknown, which satisfies neither prompt=login nor max_age
	ACR       string    // how strongly (OpenID Connect Core, section 2)
	AMR       []string  // by what means (RFC 8176)
	SessionID string    // the OpenID "sid"; the built-in session's own where that is used
}

// Answer is what an application decides about an authorization request. It is a value; the library
// turns it into HTTP. [SignIn], [Choose], [Approve], [ApproveScopes], [Deny], [Page] and [Interact] make one. The zero value denies.
type Answer struct {
	kind   answerKind
	user   User
	scopes mandate.Scopes
	some   bool // scopes counts; otherwise all that was asked for
	once   bool
	rich   []json.RawMessage
	richer bool         // rich counts; otherwise all that was asked for
	url    string       // for a visit the name of the built-in page
	code   mandate.Code // what the client gets instead of a visit to a built-in page, where none may be shown
	page   func() error
}

type answerKind int

const (
	deny answerKind = iota
	approve
	signIn
	interact
	page
	visit // a built-in page
	choose
)

// silent returns the error that stands for the answer where no page may be shown, or "".
func (a Answer) silent() mandate.Code {
	switch a.kind {
	case signIn:
		return mandate.LoginRequired
	case interact:
		return mandate.InteractionRequired
	case page:
		return mandate.ConsentRequired
	case visit:
		return a.code
	case choose:
		return mandate.AccountSelectionRequired
	case approve, deny:
	}
	return ""
}

// SignIn sends the browser to the application's own sign-in page. The parameter return_to is added to url: the page sends
// the browser there afterwards (the adapters' ReturnTo reads it), and the decision function is asked again.
// Where the client asked for prompt=none it gets login_required instead.
func SignIn(url string) Answer { return Answer{kind: signIn, url: url} }

// Approve allows user's client everything that it asked for.
func Approve(user User) Answer { return Answer{kind: approve, user: user} }

// ApproveScopes allows those of the scopes asked for that are among scopes; none of them denies.
func ApproveScopes(user User, scopes []string) Answer {
	var set mandate.Scopes
	for _, s := range scopes {
		if parsed, err := mandate.ParseScopes(s); err == nil {
			set = set.With(parsed)
		}
	}
	return Answer{kind: approve, user: user, scopes: set, some: true}
}

// Once returns the answer without being remembered: the next request asks the user again. An
// approval that came without a submitted form is never remembered.
func (a Answer) Once() Answer {
	a.once = true
	return a
}

// Choose says that the user chose to go on as user: what prompt=select_account asks for, and [Ask.Accepts] wants. A page of the application's
// own offers the accounts that are signed in; when it comes back the application makes the chosen one its current user and returns Choose, and
// the decision function is asked again. Where the client asked for prompt=none it gets account_selection_required instead.
func Choose(user User) Answer { return Answer{kind: choose, user: user} }

// WithDetails grants details in place of the authorization details that were asked for (RFC 9396, section 7): fewer, or with what only the
// application knows, such as the account that the user chose. Each is a JSON object whose type is among Config.RichTypes; nobody checks
// it otherwise. None grants none. Such an approval is not remembered for other details than these.
func (a Answer) WithDetails(details ...json.RawMessage) Answer {
	a.rich, a.richer = details, true
	return a
}

// Deny refuses: the client gets access_denied.
func Deny() Answer { return Answer{} }

// Page lets the application write a page, with render, in its framework's own way: what asks the user.
// Its form is posted to [Ask.Action] and carries [Ask.Fields]. An error of render goes the framework's way. Where the client asked
// for prompt=none, render is not called and the client gets consent_required.
func Page(render func() error) Answer { return Answer{kind: page, page: render} }

// Interact sends the browser to a page of the application's own, like SignIn, for anything else that the user must do
// first. Where the client asked for prompt=none it gets interaction_required instead.
func Interact(url string) Answer { return Answer{kind: interact, url: url} }

// amr returns the user's means as a store keeps them.
func (u User) amr() string { return strings.Join(slices.Clone(u.AMR), " ") }
