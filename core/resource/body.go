package resource

import (
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// BodyLimit is how much of a body adapters hand to a function that computes a requirement of the request, in bytes.
const BodyLimit = 1 << 20

// FormBody reports whether the body of such a request may hold an access token (RFC 6750, section 2.2): a form, and
// neither GET nor HEAD.
func FormBody(method, contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return method != "GET" && method != "HEAD" && strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded")
}

// BodyToken returns the parameter access_token of a form body, for [Credentials.Body]; "" if it has none. One that comes twice
// is returned as what no token can be, so that it is refused.
func BodyToken(form string) string { return parameter(form) }

// QueryToken is [BodyToken] for a query, without "?", and [Credentials.Query].
func QueryToken(query string) string {
	if query == "" {
		return ""
	}
	return parameter(query)
}

func parameter(s string) string {
	params, err := mandate.ParseParams(s)
	if err != nil {
		return ""
	}
	token, ok := params.Only("access_token")
	if !ok {
		return ","
	}
	return token
}
