package client

import (
	"fmt"
	"log/slog"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// Kind says what went wrong, for a program. It is a sentinel as well: errors.Is(err, client.Denied).
type Kind string

// The kinds of errors.
const (
	// Denied means that the user said no, or that the provider did in the user's place: access_denied.
	Denied Kind = "denied"
	// StateMissing means that no login of this browser belongs to the answer: its cookie was lost or is another browser's, the answer was
	// used before, or somebody made it up.
	StateMissing Kind = "state missing"
	// Expired means that the login began too long ago. Let the user begin again.
	Expired Kind = "expired"
	// Provider means that the provider answered with an error: Code has it.
	Provider Kind = "provider error"
	// Mismatch means that an answer is not one to what was asked: another issuer, another nonce, an ID token that proves nothing.
	Mismatch Kind = "mismatch"
	// Unreachable means that the provider gave no answer, or none that could be understood.
	Unreachable Kind = "unreachable"
	// Malformed means that the answer in the browser's hands breaks the protocol: a parameter twice, neither code nor error.
	Malformed Kind = "malformed"
	// Fault means that something of the application failed: its store, its profile function.
	Fault Kind = "fault"
)

// Error returns the kind itself.
func (k Kind) Error() string { return string(k) }

// Error is what this package's functions return about a login, a token or a call. It is immutable. What is printed holds no secret; Body
// may.
type Error struct {
	Kind        Kind
	App         string       // the name of the app
	Code        mandate.Code // the provider's, if it gave one; text of a stranger, like Description and URI
	Description string
	URI         string
	Status      int    // of the provider's answer over HTTP; 0: there was none
	Body        []byte // of that answer, at most 64 KiB. It may hold secrets: do not log it
	Cause       error  // may be nil
}

// Error says all but Body, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("client: ")
	if e.App != "" {
		b.WriteString(e.App + ": ")
	}
	b.WriteString(string(e.Kind))
	if e.Code != "" {
		b.WriteString(": " + mandate.Printable(string(e.Code)))
	}
	if e.Description != "" {
		b.WriteString(": " + mandate.Printable(e.Description))
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " (status %d)", e.Status)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Is makes the kind and the provider's code sentinels.
func (e *Error) Is(target error) bool {
	switch target := target.(type) {
	case Kind:
		return e.Kind == target
	case mandate.Code:
		return e.Code != "" && e.Code == target
	}
	return false
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// LogValue shows all but Body.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", string(e.Kind)), slog.String("app", e.App)}
	for _, a := range [...]struct{ name, value string }{{"code", string(e.Code)}, {"description", e.Description}} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.name, a.value))
		}
	}
	if e.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Status))
	}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	return slog.GroupValue(attrs...)
}

// HTTPStatus returns the status of a page about the error: 403 for what was denied, 401 where the user has to sign in again, 400 for what the
// browser brought, 502 for what the provider did, 500 for what the application did.
func (e *Error) HTTPStatus() int {
	switch e.Kind {
	case Denied:
		return 403
	case GrantLost, NoToken:
		return 401
	case StateMissing, Expired, Malformed:
		return 400
	case Fault:
		return 500
	default:
		return 502
	}
}
