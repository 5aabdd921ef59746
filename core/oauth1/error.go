package oauth1

import (
	"errors"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// ErrNoCredentials means that a request has no protocol parameter of OAuth 1 at all, wherever: it is none of this
// package's, and may carry other credentials.
var ErrNoCredentials = errors.New("oauth1: the request has no OAuth 1 parameters")

// The values of oauth_problem (OAuth Problem Reporting). Each is the code of an [*Error] and its sentinel:
// errors.Is(err, oauth1.NonceUsed). RFC 5849 names the situations in section 3.2 and leaves their names open.
const (
	ParameterAbsent         mandate.Code = "parameter_absent"          // a required parameter is missing: 400
	ParameterRejected       mandate.Code = "parameter_rejected"        // one is malformed, doubled or out of place: 400
	VersionRejected         mandate.Code = "version_rejected"          // oauth_version is not 1.0: 400
	SignatureMethodRejected mandate.Code = "signature_method_rejected" // not one that the server or the client's keys allow: 400
	SignatureInvalid        mandate.Code = "signature_invalid"         // 401
	TimestampRefused        mandate.Code = "timestamp_refused"         // too far from the server's clock: 401
	NonceUsed               mandate.Code = "nonce_used"                // 401
	ConsumerKeyUnknown      mandate.Code = "consumer_key_unknown"      // 401
	ConsumerKeyRejected     mandate.Code = "consumer_key_rejected"     // known, and may not do this: 401
	ConsumerKeyRefused      mandate.Code = "consumer_key_refused"      // temporarily: 401
	TokenUsed               mandate.Code = "token_used"                // a temporary credential that was exchanged: 401
	TokenExpired            mandate.Code = "token_expired"             // 401
	TokenRevoked            mandate.Code = "token_revoked"             // 401
	TokenRejected           mandate.Code = "token_rejected"            // unknown, or not this client's: 401
	VerifierInvalid         mandate.Code = "verifier_invalid"          // 401
	PermissionUnknown       mandate.Code = "permission_unknown"        // the resource owner has not decided: 401
	PermissionDenied        mandate.Code = "permission_denied"         // the realm or the resource owner says no: 401
	UserRefused             mandate.Code = "user_refused"              // 401
	AuthorizationRequired   mandate.Code = "additional_authorization_required"
)

// Status returns the HTTP status of a code of this package (RFC 5849, section 3.2): 400 for a request that is
// malformed or asks for what is not supported, 401 for one that fails to authenticate. Any other code has
// its own.
func Status(code mandate.Code) int {
	switch code {
	case ParameterAbsent, ParameterRejected, VersionRejected, SignatureMethodRejected:
		return 400
	case SignatureInvalid, TimestampRefused, NonceUsed, ConsumerKeyUnknown, ConsumerKeyRejected, ConsumerKeyRefused,
		TokenUsed, TokenExpired, TokenRevoked, TokenRejected, VerifierInvalid, PermissionUnknown, PermissionDenied,
		UserRefused, AuthorizationRequired:
		return 401
	default:
		return code.Status()
	}
}

// Error is a refusal of a request. errors.Is finds its code, and errors.AsType[*mandate.Error] the error that leaves
// the server; the cause is for the log alone. It is immutable once returned.
type Error struct {
	Code        mandate.Code
	Description string   // for the developer of the peer; English, no secrets
	Parameters  []string // the names at fault: oauth_parameters_absent, oauth_parameters_rejected. May be nil
	Cause       error    // why; never leaves the server. May be nil
}

// Errorf returns an error with code, cause (which may be nil) and a description, made like [mandate.Errorf] makes it.
func Errorf(code mandate.Code, cause error, format string, args ...any) *Error {
	e := mandate.Errorf(code, cause, format, args...)
	return &Error{Code: code, Description: e.Description, Cause: cause}
}

// Error returns code and description: what the peer may know.
func (e *Error) Error() string { return e.mandate().Error() }

// Unwrap returns the error as a [*mandate.Error].
func (e *Error) Unwrap() error { return e.mandate() }

func (e *Error) mandate() *mandate.Error {
	return &mandate.Error{Code: e.Code, Description: e.Description, Cause: e.Cause}
}

// Status returns the HTTP status of the error's code.
func (e *Error) Status() int { return Status(e.Code) }

// Problem returns the parameters of the body and the challenge that tell a client what is wrong: oauth_problem, and with it
// the names at fault and the description as oauth_problem_advice.
func (e *Error) Problem() mandate.Params {
	p := mandate.Params{{Name: "oauth_problem", Value: string(e.Code)}}
	names := strings.Join(e.Parameters, "&")
	switch {
	case e.Code == VersionRejected:
		p = append(p, mandate.Field{Name: "oauth_acceptable_versions", Value: "1.0-1.0"})
	case names == "":
	case e.Code == ParameterAbsent:
		p = append(p, mandate.Field{Name: "oauth_parameters_absent", Value: names})
	case e.Code == ParameterRejected:
		p = append(p, mandate.Field{Name: "oauth_parameters_rejected", Value: names})
	}
	if e.Description != "" {
		p = append(p, mandate.Field{Name: "oauth_problem_advice", Value: e.Description})
	}
	return p
}

// rejected returns the error about a parameter that is there and wrong.
func rejected(name, format string, args ...any) error {
	e := Errorf(ParameterRejected, nil, format, args...)
	if name != "" {
		// Much of what is wrong comes back in a header field, which proxies want to be short.
		e.Parameters = []string{mandate.Printable(name[:min(len(name), maxName)])}
	}
	return e
}

// maxName bounds a name that an error repeats.
const maxName = 64
