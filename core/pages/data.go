package pages

import (
	"html/template"
	"slices"

	mandate "github.com/go-mandate/mandate/core"
)

// Client is the application that asks, as a page shows it. All of it is what the client says of itself
// and is taken as hostile: texts lose control and direction characters and what is too long, links
// that are not what their field allows are left out. The zero value shows no client at all.
type Client struct {
	ID        string // the client_id; shown where there is no name
	IDHost    string // the host of an ID that is a URL; "" takes it from ID
	Name      string // self-chosen, hence never shown alone where it matters
	LogoURL   string // an absolute path on this server ("/oauth/logo/web"): the policy of the page loads nothing else
	PolicyURL string // https only
	TermsURL  string // https only
	URI       string // the client's home page; https only
}

// Login is the content of the sign-in page.
//
// The form is posted to Action with the fields handle, csrf, username, password and action, which
// is "login" or "cancel".
type Login struct {
	Action   string // an absolute path on this server; required
	Handle   string // hidden field of that name
	CSRF     string // hidden field of that name
	Username string // prefilled: a login hint, or what was typed before
	Failed   bool   // name or password was wrong
	Limited  bool   // too many attempts: wait. It is shown instead of Failed
	NoCancel bool   // nobody waits for an answer
	Client   Client
}

// Consent is the content of the page that asks the user.
//
// The form is posted to Action with the fields handle, csrf and action, which is "allow" or "deny". Where it has a box for each optional
// scope it sends optional, with any value, and scope, which is the Name of one whose box is ticked; without the field optional all scopes count.
// A second form, present if User is known, posts the action "switch": sign in as somebody else.
type Consent struct {
	Action       string // an absolute path on this server; required
	Handle       string // hidden field of that name
	CSRF         string // hidden field of that name
	User         string // who is signed in, as the user knows it
	UserCode     string // the code that a device shows, where it is one that asks (RFC 8628)
	Scopes       []Scope
	Resources    []string // the APIs that it asks for by URL (RFC 8707)
	Details      []string // what else it asks for (RFC 9396), a text each
	ManageURL    string   // where the user can take it back: an absolute path on this server. May be empty
	Offline      bool     // the client keeps its access while the user is away
	Client       Client   // required: an ID or a Name
	RedirectHost string   // where the answer goes: a host, or what names a private-use scheme. Shown since a name is self-chosen
}

// Boxes reports whether one of Scopes is optional.
func (c Consent) Boxes() bool {
	return slices.ContainsFunc(c.Scopes, func(s Scope) bool { return s.Optional })
}

// Scope is one thing that a client asks for.
type Scope struct {
	Name        string // as on the wire
	Title       string // in the user's language; "" shows Name
	Description string // may be empty
	Optional    bool   // the user may allow the rest without it
}

// Reason is what went wrong, for the person in front of the page. Its sentences are in [Texts].
type Reason int

// The reasons that the default pages have a sentence for.
const (
	Failed       Reason = iota // anything else
	Finished                   // somebody decided already
	Expired                    // the request is too old
	OtherBrowser               // the request was begun elsewhere
	OtherUser                  // somebody else signed in since
)

// Error is the content of the error page: what may not, or need not, be sent to the client. The zero
// value is a server_error with status 500.
type Error struct {
	Code        mandate.Code // "" is server_error
	Description string       // for a developer, in English. "" shows the sentence of Reason alone
	Reason      Reason
	Status      int    // 400 to 599; anything else is the usual one of Code
	RestartURL  string // where to begin again: an absolute path here, or an http or https URL. May be empty
	ReturnURL   string // the client's redirect URI with the error, where the user is to choose: http, https, or a private-use scheme with a dot. May be empty
	ReturnHost  string // what the link names; "" takes it from ReturnURL
}

// View is what templates are executed with. Of Login, Accounts, Consent, Device, DeviceDone, Verifier, Applications, Error and Post the page's own is set; in
// them and in Client all hostile text is cleaned already, and html/template escapes it.
//
// Besides the functions of html/template there are before and after: what stands in a text before
// and after its "%s".
type View struct {
	Lang    string // of the html element
	Dir     string // of the html element: "ltr" or "rtl"
	Brand   string
	Title   string       // the heading of the page
	CSS     template.CSS // the content of the one style element
	Text    Texts
	Client  Client // the page's client; Name is never empty where there is one
	Login   Login
	Consent Consent
	Error   Error
	Post    Post

	Device       Device
	DeviceDone   DeviceDone
	Verifier     Verifier
	Accounts     Accounts
	Applications Applications

	ErrorText string       // the sentence of Error.Reason, if it is not the description already
	Return    template.URL // Error.ReturnURL, checked
	PostURL   template.URL // Post.URL, checked
	Script    template.JS  // the one script of the post page
}
