package mandate

import "time"

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
	Remote    string    // of a refusal: the address that it came from, as server.Config.RemoteAddr gives it, without port
	Account   string    // of attempt.refused and session.refused: the name that was typed, or the subject who typed a code. Not what was guessed
	Err       error
}

// EventName says what happened.
type EventName string

// The events.
const (
	ClientAuthenticated EventName = "client.authenticated"
	ClientRefused       EventName = "client.refused"
	RequestRefused      EventName = "request.refused"   // a proven client asked for what it does not get: at the token endpoint, revocation, introspection and where requests are begun
	RequestPushed       EventName = "request.pushed"    // a client handed over an authorization request (RFC 9126)
	ClientRegistered    EventName = "client.registered" // by itself (RFC 7591)
	ClientChanged       EventName = "client.changed"    // by itself (RFC 7592)
	ClientDeleted       EventName = "client.deleted"    // by itself (RFC 7592)
	GrantApproved       EventName = "grant.approved"
	GrantDenied         EventName = "grant.denied"
	GrantRevoked        EventName = "grant.revoked"
	GrantReused         EventName = "grant.reused"   // a code or refresh token was proven to be used twice
	GrantRepeated       EventName = "grant.repeated" // the same successor was answered again, within the grace
	TokenIssued         EventName = "token.issued"
	TokenAuthenticated  EventName = "token.authenticated"
	TokenRefused        EventName = "token.refused"
	TokenRevoked        EventName = "token.revoked"
	AttemptRefused      EventName = "attempt.refused" // a limiter let somebody wait who may be guessing
	RequestBegun        EventName = "request.begun"   // an authorization request was found good, and waits for a decision
	SignedIn            EventName = "session.started"
	SignInRefused       EventName = "session.refused"
	UserCodeRefused     EventName = "user_code.refused" // somebody typed a user code that no device shows (RFC 8628, section 5.1)
	Fault               EventName = "fault"             // something inside failed: Err says what
)
