package server

import (
	"context"
	"errors"
	"html/template"
	"net/url"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// Ask is an authorization request that waits for a decision: what the application's decision function is
// given. It is for one call of that function. The pending request lives in the browser, sealed; the
// server keeps nothing until somebody decides.
type Ask struct {
	Client  *store.Client // who asks; shared, never change it
	Request AuthorizationRequest
	Scopes  []Scope      // what is asked for, with the titles of the configuration; Scope.In has them in a language
	Details []RichDetail // and what scopes cannot say (RFC 9396)

	scope     [1]Scope // room for Scopes, which are often one
	server    *Server
	ctx       context.Context // of the request that the ask is for
	request   *mandate.Request
	flow      flow
	submitted bool
	pushed    bool       // it is being pushed: there is no browser
	signed    bool       // it was a request object
	fresh     bool       // browser was made just now, and must be set
	untold    bool       // the flow began just now and was never sealed: nobody can decide it again
	browser   string     // the binding cookie; empty: the browser has none yet
	handle    string     // of flow, once sealed
	err       error      // why it could not be
	code      handle     // of the grant that was approved
	device    *waiting   // whom the decision is for, if that is a device
	oauth1    *temporary // the temporary credentials that it is about, if it is OAuth 1.0a
}

// Device reports whether a device waits for the decision (RFC 8628). There is no redirect URI then: the browser stays here, and the
// device hears of it. Show [Ask.UserCode] on the page, and that whoever did not begin this on a device of their own must deny it.
//
// Until the user has signed in nobody is told whether the code exists: for one that does not, the Client has no ID, nothing is
// asked for, and whatever is decided but SignIn leads to the page that says so. An approval without a [Page] is asked for with a page of
// the server's own, which shows code and client.
func (a *Ask) Device() bool { return a.device != nil }

// OAuth1 reports whether the decision is about temporary credentials of OAuth 1.0a (RFC 5849, section 2.2). What [Ask.Scopes] has are realms then, and
// what is approved has no end until it is taken back. Without a callback of the client's the browser stays here, and the user is shown a verifier to
// take to the client by hand: Request.RedirectURI is empty.
func (a *Ask) OAuth1() bool { return a.oauth1 != nil }

// UserCode returns the code that the device shows, as it shows it, or "" where no browser is asked for one.
func (a *Ask) UserCode() string {
	if a.flow.Device == nil || a.flow.Device.Code == "" {
		return ""
	}
	return a.server.config.Device.shown(a.flow.Device.Code)
}

// Submitted reports whether the form of a [Page] came back, from the browser that it was made for.
func (a *Ask) Submitted() bool { return a.submitted }

// Values returns what the submitted form has under name: the boxes that were ticked. Before a form was submitted it is nil.
func (a *Ask) Values(name string) []string {
	if !a.submitted {
		return nil
	}
	form, err := a.request.Form()
	if err != nil {
		return nil
	}
	return form.Values(name)
}

// ClientName returns what the client calls itself, or its id where it has no name. It is self-chosen: show
// [Ask.RedirectHost] as well.
func (a *Ask) ClientName() string {
	if name := a.Client.Metadata.Name; name != "" {
		return name
	}
	return a.Client.ID
}

// Accepts reports whether user's sign-in is recent and strong enough (prompt, max_age, acr_values). A sign-in
// since the request began is, and with prompt=select_account so is one that [Choose] named. It also notes whom the page is shown to: a decision that another user submits is
// refused.
func (a *Ask) Accepts(user User) bool {
	if user.Subject == "" {
		return false
	}
	a.show(user)
	q := &a.Request
	if !user.AuthTime.IsZero() {
		since := a.flow.begun()
		if user.AuthTime.Equal(user.AuthTime.Truncate(time.Second)) {
			since = since.Truncate(time.Second) // the application counts in seconds
		}
		if !user.AuthTime.Before(since) {
			return true
		}
	}
	if q.Wants("login") || q.Wants("select_account") && a.flow.Chosen != user.Subject {
		return false
	}
	if q.Aged && (user.AuthTime.IsZero() || a.server.now().Sub(user.AuthTime) > q.MaxAge) {
		return false
	}
	if q.ACRValues != "" {
		wanted, err := mandate.ParseScopes(q.ACRValues) // the same form: words and spaces
		return err == nil && wanted.Has(user.ACR)
	}
	return true
}

// show notes whom the page is shown to.
func (a *Ask) show(user User) {
	if !a.submitted && (a.flow.Shown != user.Subject || a.flow.Session != user.SessionID) {
		a.flow.Shown, a.flow.Session, a.handle = user.Subject, user.SessionID, ""
	}
}

// Remembered reports whether user allowed this client all of it before, so that nobody need be asked. It is never so where
// the client asks for consent, for a device, or where any program could pose as the client: public ones that answer on loopback or in a scheme
// of their own (RFC 8252, section 8.6).
func (a *Ask) Remembered(ctx context.Context, user User) bool {
	a.show(user)
	policy := a.Client.Policy.Consent
	switch {
	case a.device != nil:
		// Whoever began it may sit elsewhere, and wait for somebody to approve out of habit (RFC 8628, section 5.4).
		return user.Subject != "" && policy == "never"
	case a.oauth1 != nil && a.Request.RedirectURI == "":
		return user.Subject != "" && policy == "never" // the same goes for a verifier that is told to somebody
	case user.Subject == "" || a.Request.Wants("consent") || policy == "always" || a.impersonable():
		return false
	case policy == "never":
		return true
	}
	c, err := a.server.store.Consent(ctx, user.Subject, a.Client.ID)
	if err != nil {
		if !errors.Is(err, store.ErrNotFound) && a.Request.silent() && a.err == nil {
			a.err = fault("read consent", err) // with a page, who cannot be remembered is asked
		}
		return false
	}
	now := a.server.now()
	return (c.Expires.IsZero() || now.Before(c.Expires)) && c.Scopes.Covers(a.Request.Details.Scopes) &&
		consentOf(c).covers(a.Request.Details)
}

// impersonable reports whether any program on the user's machine could be who asks.
func (a *Ask) impersonable() bool {
	if a.Client.Policy.AssumeIdentity || !a.Client.Metadata.Public() && a.Client.Origin == store.ByOperator {
		return false
	}
	return oauth2.LoopbackURI(a.Request.RedirectURI) || oauth2.PrivateUseURI(a.Request.RedirectURI)
}

// Fields returns the hidden inputs of the form: handle and CSRF token.
func (a *Ask) Fields() template.HTML {
	input := func(name, value string) string {
		return `<input type="hidden" name="` + name + `" value="` + template.HTMLEscapeString(value) + `">`
	}
	return template.HTML(input(fieldHandle, a.Handle()) + input(fieldCSRF, a.CSRF())) // #nosec G203 -- escaped above
}

// Handle returns the value of the hidden input "handle".
func (a *Ask) Handle() string {
	if a.handle == "" && a.err == nil {
		a.bind()
		q := &a.Request
		if a.flow.Device != nil || a.flow.OAuth1 != "" {
			q = nil // it is found by the code, again and again: the length of a handle must not tell whether there is one
		}
		a.untold = false
		a.handle, a.err = a.server.seal(a.ctx, &a.flow, q, a.server.now())
	}
	return a.handle
}

// CSRF returns the value of the hidden input "csrf".
func (a *Ask) CSRF() string {
	a.bind()
	return a.server.csrf(&a.flow, a.server.now())
}

// bind ties the flow to the browser, which gets a cookie if it has none.
func (a *Ask) bind() {
	if a.browser == "" {
		a.browser, a.fresh = randomText(), true
	}
	if !a.flow.boundTo(a.browser) {
		a.flow.Browser, a.handle = browserOf(a.browser), ""
	}
}

// Action returns the path that the form is posted to.
func (a *Ask) Action() string { return a.server.public(a.at()) }

// at returns the name of the endpoint that the decision is made at.
func (a *Ask) at() string {
	switch {
	case a.device != nil:
		return "device"
	case a.oauth1 != nil:
		return endpointConsent1
	}
	return "authorization"
}

// RedirectHost returns the host that the answer goes to, or the scheme where there is none: a client's name is
// self-chosen, this is not. For a device it is "".
func (a *Ask) RedirectHost() string {
	u, err := url.Parse(a.Request.RedirectURI)
	if err != nil || a.Request.RedirectURI == "" {
		return ""
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return u.Scheme + ":" // whoever has the scheme gets the answer, whatever host is behind it
	}
	return u.Host
}

// resumeURL returns where the browser comes back to.
func (a *Ask) resumeURL() string {
	return a.server.pageURL(a.at(), a.Handle())
}

// consent is what a remembered consent says beside its scopes.
type consent struct {
	Resources string `json:"resources,omitempty"`
	Rich      string `json:"authorization_details,omitempty"`
}

func (c consent) covers(d store.Details) bool {
	have := mandate.Scopes(c.Resources) // the same form: words and spaces
	return have.Covers(mandate.Scopes(d.Resources)) && (d.Rich == "" || d.Rich == c.Rich)
}

// with returns c with what d has.
func (c consent) with(d store.Details) consent {
	c.Resources = string(mandate.Scopes(c.Resources).With(mandate.Scopes(d.Resources)))
	if d.Rich != "" {
		c.Rich = d.Rich
	}
	return c
}

// among returns the scopes of the request that scopes has.
func (a *Ask) among(scopes mandate.Scopes) mandate.Scopes {
	return a.Request.Details.Scopes.Only(scopes)
}
