package mandate

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// ErrNoUser means that a token stands for no resource owner: a client acts for itself.
var ErrNoUser = errors.New("mandate: the token has no resource owner")

// Code is an error code of OAuth as it stands on the wire. It is a sentinel as well:
// errors.Is(err, mandate.InvalidGrant) tells whether err, or what it wraps, has that code.
type Code string

// The registered error codes that this library gives or reads.
const (
	InvalidRequest          Code = "invalid_request"           // RFC 6749, sections 4.1.2.1 and 5.2
	InvalidClient           Code = "invalid_client"            // RFC 6749, section 5.2
	InvalidGrant            Code = "invalid_grant"             // RFC 6749, section 5.2
	UnauthorizedClient      Code = "unauthorized_client"       // RFC 6749, sections 4.1.2.1 and 5.2
	UnsupportedGrantType    Code = "unsupported_grant_type"    // RFC 6749, section 5.2
	UnsupportedResponseType Code = "unsupported_response_type" // RFC 6749, section 4.1.2.1
	InvalidScope            Code = "invalid_scope"             // RFC 6749, sections 4.1.2.1 and 5.2
	AccessDenied            Code = "access_denied"             // RFC 6749, section 4.1.2.1
	ServerError             Code = "server_error"              // RFC 6749, section 4.1.2.1
	TemporarilyUnavailable  Code = "temporarily_unavailable"   // RFC 6749, section 4.1.2.1

	InvalidToken                   Code = "invalid_token"                    // RFC 6750, section 3.1
	InsufficientScope              Code = "insufficient_scope"               // RFC 6750, section 3.1
	InsufficientUserAuthentication Code = "insufficient_user_authentication" // RFC 9470, section 3
	UnsupportedTokenType           Code = "unsupported_token_type"           // RFC 7009, section 2.2.1
	MissingAuthorization           Code = "missing_authorization"            // body of a 401 without credentials; its challenge has no code (RFC 6750, section 3.1)

	InvalidRedirectURI          Code = "invalid_redirect_uri"          // RFC 7591, section 3.2.2
	InvalidClientMetadata       Code = "invalid_client_metadata"       // RFC 7591, section 3.2.2
	InvalidSoftwareStatement    Code = "invalid_software_statement"    // RFC 7591, section 3.2.2
	UnapprovedSoftwareStatement Code = "unapproved_software_statement" // RFC 7591, section 3.2.2
	AuthorizationPending        Code = "authorization_pending"         // RFC 8628, section 3.5
	SlowDown                    Code = "slow_down"                     // RFC 8628, section 3.5
	ExpiredToken                Code = "expired_token"                 // RFC 8628, section 3.5
	InvalidTarget               Code = "invalid_target"                // RFC 8707, section 2
	InvalidRequestURI           Code = "invalid_request_uri"           // RFC 9101, section 7
	InvalidRequestObject        Code = "invalid_request_object"        // RFC 9101, section 7
	RequestNotSupported         Code = "request_not_supported"         // OpenID Connect Core, section 3.1.2.6
	RequestURINotSupported      Code = "request_uri_not_supported"     // OpenID Connect Core, section 3.1.2.6
	RegistrationNotSupported    Code = "registration_not_supported"    // OpenID Connect Core, section 3.1.2.6
	InteractionRequired         Code = "interaction_required"          // OpenID Connect Core, section 3.1.2.6
	LoginRequired               Code = "login_required"                // OpenID Connect Core, section 3.1.2.6
	AccountSelectionRequired    Code = "account_selection_required"    // OpenID Connect Core, section 3.1.2.6
	ConsentRequired             Code = "consent_required"              // OpenID Connect Core, section 3.1.2.6
	UnmetAuthenticationReqs     Code = "unmet_authentication_requirements"
	InvalidAuthorizationDetails Code = "invalid_authorization_details" // RFC 9396, section 5
	InvalidDPoPProof            Code = "invalid_dpop_proof"            // RFC 9449, section 5
	UseDPoPNonce                Code = "use_dpop_nonce"                // RFC 9449, section 8
)

// Error returns the code itself.
func (c Code) Error() string { return string(c) }

// Status returns the HTTP status that the code has where nothing else is said: 400 for most.
// A client that failed to authenticate is answered 400 too, unless it used the Authorization
// header or nothing at all: that is the endpoint's to know.
func (c Code) Status() int {
	switch c {
	case InvalidToken, MissingAuthorization, InsufficientUserAuthentication:
		return 401
	case InsufficientScope:
		return 403
	case ServerError:
		return 500
	case TemporarilyUnavailable:
		return 503
	default:
		return 400
	}
}

// Error is a refusal: a code and a description for the peer, and apart from them a cause for the
// log. It is immutable once returned.
type Error struct {
	Code        Code
	Description string // for the developer of the peer; English, no secrets. It may be empty
	URI         string // a page about the error; may be empty
	Cause       error  // why; never leaves the server. May be nil
}

// Errorf returns an error with code and a description made like fmt.Sprintf makes it. cause may be nil.
// In the description every character that RFC 6749, section 5.2 does not allow becomes "?".
func Errorf(code Code, cause error, format string, args ...any) *Error {
	description := format
	if len(args) > 0 {
		description = fmt.Sprintf(format, args...)
	}
	return &Error{Code: code, Description: Printable(description), Cause: cause}
}

// AsError returns what leaves the server of err: the first [*Error] in it, or [ServerError] without a
// text and with err as its cause.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if c, ok := errors.AsType[Code](err); ok {
		return &Error{Code: c, Cause: err}
	}
	return &Error{Code: ServerError, Cause: err}
}

// Error returns code and description: what the peer may know.
func (e *Error) Error() string {
	if e.Description == "" {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Description
}

// Is makes the code the sentinel.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && e.Code == c
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// LogValue shows all of it, for the log alone.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("code", string(e.Code))}
	if e.Description != "" {
		attrs = append(attrs, slog.String("description", e.Description))
	}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	return slog.GroupValue(attrs...)
}

// Printable returns s with "?" for every character that RFC 6749 and RFC 6750 do not allow in an error
// description or a challenge: so that hostile input cannot leave a header or a quoted string.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, s)
}
