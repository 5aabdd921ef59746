package client

import (
	"context"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// App describes a remote application: a provider, and what this application is to it. [OAuth2] is one; so is what presets return, and
// what an application writes itself.
type App interface {
	// AppName returns the name by which the registry knows it: a part of URLs, of lower-case letters, digits, "-" and "_".
	AppName() string
	// Connect returns the app ready for use, or everything that is wrong with it, joined. [NewRegistry] calls it once. It does no I/O.
	Connect(w *Wiring) (Protocol, error)
}

// Wiring is what a registry hands to its apps.
type Wiring struct {
	BaseURL string          // of the application, without a slash at its end
	Fetcher mandate.Fetcher // reaches the provider; never nil
	Now     func() time.Time
	Hooks   mandate.Hooks
	Secret  mandate.Secret
}

// Protocol is how a connected app signs in. It may be used by any number of goroutines.
type Protocol interface {
	// Callback returns where the provider sends browsers back to: an absolute URL, a path, or "" for the registry's own choice.
	Callback() string
	// CrossSite reports whether the browser comes back with a form that the provider's page posts (response_mode=form_post), so
	// that the cookie must come along from another site.
	CrossSite() bool
	// Begin returns where to send the browser. What it puts into f.Secret is there again in Finish.
	Begin(ctx context.Context, f *Flow) (location string, err error)
	// Finish makes a sign-in of the provider's answer, whose state has been found to be f's. Errors are best *Error.
	Finish(ctx context.Context, f *Flow, answer mandate.Params) (*SignIn, error)
}

// Matching is a [Protocol] whose provider sends no state back: OAuth 1.0a has none. The answer must name the flow in another way, by what nobody else
// can know or choose.
type Matching interface {
	// Matches reports whether answer, which has no state, is one to f: a flow of this browser and this app.
	Matches(f *Flow, answer mandate.Params) bool
}

// Flow is one login of one browser, from its first step to the second.
type Flow struct {
	App         string
	State       string // in the URL; a fresh one for each flow
	Verifier    string // of PKCE (RFC 7636)
	Nonce       string // of OpenID Connect
	RedirectURI string
	ReturnTo    string
	Data        string // of the application: [Begin.Data]
	Secret      string // of the protocol: kept sealed in the cookie until Finish
	Begun       time.Time

	logout bool // the flow is a logout

	// Of [Begin], for the first step alone.
	Scopes []string
	Params mandate.Params
}
