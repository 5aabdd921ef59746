package mandate

import (
	"context"
	"time"
)

// Hooks are told what happens. A nil function costs nothing. Functions may be called from several
// goroutines at once.
type Hooks struct {
	// Before may answer in place of an endpoint: rate limits, maintenance. Nil lets the request pass. It is
	// the one hook that gets the request itself, which holds secrets: do not log its parameters.
	Before func(ctx context.Context, endpoint string, r *Request) *Response
	// After sees each answer's status and, for a refusal, its cause: hand it to package slog, which shows all of it; Error()
	// is what the peer may know.
	After func(ctx context.Context, endpoint string, status int, err error)
	// On sees each event, when it is done and before the answer is written. Events hold no secrets.
	On func(ctx context.Context, e Event)
}

// Tell calls On, if there is one.
func (h *Hooks) Tell(ctx context.Context, e Event) {
	if h.On != nil {
		h.On(ctx, e)
	}
}

// Event is one thing that happened; what does not apply is empty. New members and new names may come.
type Event struct {
	Name      EventName
	Endpoint  string
	ClientID  string
	Subject   string
	GrantID   string
	GrantType string
	Scopes    Scopes
	TokenID   string    // jti of a JWT that was issued; an opaque token has none
	Expires   time.Time // end of the access token that was issued; zero: never
	Err       error
}

// EventName says what happened.
type EventName string

// The events.
const (
	ClientAuthenticated EventName = "client.authenticated"
	ClientRefused       EventName = "client.refused"
	RequestRefused      EventName = "request.refused" // a proven client asked the token endpoint for what it does not get
	GrantApproved       EventName = "grant.approved"
	GrantDenied         EventName = "grant.denied"
	GrantRevoked        EventName = "grant.revoked"
	GrantReused         EventName = "grant.reused"   // a code or refresh token was proven to be used twice
	GrantRepeated       EventName = "grant.repeated" // the same successor was answered again, within the grace
	TokenIssued         EventName = "token.issued"
	TokenAuthenticated  EventName = "token.authenticated"
	TokenRefused        EventName = "token.refused"
	TokenRevoked        EventName = "token.revoked"
	SignedIn            EventName = "session.started"
	SignInRefused       EventName = "session.refused"
	Fault               EventName = "fault" // something inside failed: Err says what
)
