package server

import (
	"context"
	"html/template"

	"github.com/go-mandate/mandate/core/store"
)

// Ask is an authorization request that waits for a decision: what the application's decision function is
// given. It is for one call of that function. The pending request lives in the browser, sealed; the
// server keeps nothing until somebody decides.
type Ask struct {
	Client  *store.Client // who asks; shared, never change it
	Request AuthorizationRequest
	Scopes  []Scope // what is asked for, with the titles of the configuration
}

// Submitted reports whether the form of a [Page] came back, from the browser that it was made for.
func (a *Ask) Submitted() bool { return false }

// Accepts reports whether user's sign-in is recent and strong enough (prompt, max_age, acr_values).
// It also notes whom the page is shown to: a decision that another user submits is refused.
func (a *Ask) Accepts(user User) bool { return false }

// Remembered reports whether user allowed this client all of it before, so that nobody need be asked.
func (a *Ask) Remembered(ctx context.Context, user User) bool { return false }

// Fields returns the hidden inputs of the form: handle and CSRF token.
func (a *Ask) Fields() template.HTML { return "" }

// Action returns the path that the form is posted to.
func (a *Ask) Action() string { return "" }

// Handle returns the value of the hidden input "handle".
func (a *Ask) Handle() string { return "" }

// CSRF returns the value of the hidden input "csrf".
func (a *Ask) CSRF() string { return "" }
