package server

import (
	"slices"
	"strings"
	"unicode"

	mandate "github.com/go-mandate/mandate/core"
)

// limits bounds parameters, in bytes; others may be as long as the body.
const (
	maxState = 2 << 10
	maxNonce = 1 << 10
	maxScope = 8 << 10
	maxText  = 4 << 10
	maxToken = 16 << 10 // as much as a guard takes
	maxWords = 512      // the least of all: for its length nothing shorter is refused
	maxName  = 1 << 10  // of a user, and of a password
)

// checkForm refuses a form in which a parameter that OAuth knows is repeated or has characters that RFC 6749,
// appendix A does not allow it. Unknown parameters are nobody's business here.
func checkForm(form mandate.Params) error {
	for i := range form {
		name := form[i].Name
		if !allowed(name, form[i].Value) {
			return mandate.Errorf(mandate.InvalidRequest, nil, "parameter %s is too long or has a character that is not allowed", name)
		}
		for j := range i {
			if form[j].Name == name && single(name) {
				return mandate.Errorf(mandate.InvalidRequest, nil, "parameter %s is repeated", name)
			}
		}
	}
	return nil
}

// good returns the value of the parameter called name, and false if it is repeated or not allowed.
func good(form mandate.Params, name string) (value string, ok bool) {
	value, ok = form.Only(name)
	return value, ok && allowed(name, value)
}

// single reports whether the parameter called name may come once only. resource and audience may repeat
// (RFC 8707, section 2; RFC 8693, section 2.1).
func single(name string) bool {
	switch name {
	case "grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token", "scope",
		"client_assertion", "client_assertion_type", "assertion", "token", "token_type_hint", "username", "password",
		"response_type", "response_mode", "state", "nonce", "code_challenge", "code_challenge_method",
		"prompt", "max_age", "login_hint", "id_token_hint", "ui_locales", "acr_values", "display", "claims",
		"request", "request_uri", "device_code", "dpop_jkt", "authorization_details",
		"subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type",
		fieldHandle, fieldCSRF, fieldAction, fieldUserCode:
		return true
	}
	return false
}

// repeats reports whether form has one of names twice. In the form of a page that is asked of the server's own fields alone: all others
// are the page's, and it may well have several boxes called scope.
func repeats(form mandate.Params, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, ok := form.Only(name)
		return !ok
	})
}

// allowed reports whether value may be the value of the parameter called name. What is short and printable ASCII every parameter may have.
func allowed(name, value string) bool {
	return len(value) <= maxWords && visible(value, true) || allowedFor(name, value)
}

// allowedFor is allowed for what not every parameter may be.
func allowedFor(name, value string) bool {
	switch name {
	case "grant_type", "client_id", "client_secret", "code", "refresh_token", "code_verifier", "token_type_hint", "device_code":
		return len(value) <= maxText && visible(value, true)
	case "token", "assertion", "subject_token", "actor_token":
		return len(value) <= maxToken && visible(value, true)
	case "username", "password":
		return len(value) <= maxName && plainText(value) // UNICODECHARNOCRLF
	case "response_type", "prompt":
		return len(value) <= maxWords && visible(value, true)
	case "state":
		return len(value) <= maxState && visible(value, true)
	case "nonce":
		return len(value) <= maxNonce && visible(value, true)
	case "response_mode", "code_challenge", "code_challenge_method", "redirect_uri", "resource", "max_age", "acr_values", "ui_locales",
		"audience", "subject_token_type", "actor_token_type", "requested_token_type":
		return len(value) <= maxText && visible(value, true)
	case "login_hint", "display", "id_token_hint":
		return !strings.ContainsFunc(value, unicode.IsControl)
	}
	return true
}
