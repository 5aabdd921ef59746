package resource

import (
	"errors"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// maxToken bounds an access token: longer ones are refused before anything is computed over them.
const maxToken = 16 << 10

// Credentials are what a request presents to a guard. They need not outlive the call: an adapter may hand over views of
// its framework's buffers.
type Credentials struct {
	Authorization string // the header field; empty if absent, all of them joined by ", " if repeated
	Body          string // the form's access_token, where [Guard.ReadsBody]; otherwise it is ignored
	Query         string // the query's access_token, where [Guard.ReadsQuery]; otherwise it is ignored
	Preflight     bool   // a CORS preflight: OPTIONS with Origin and Access-Control-Request-Method

	// Request is the whole request, with up to [BodyLimit] of its body, where [Guard.ReadsRequest]; otherwise nil.
	Request *mandate.Request
}

// String hides the credentials.
func (c Credentials) String() string { return "resource.Credentials(hidden)" }

// GoString hides the credentials.
func (c Credentials) GoString() string { return c.String() }

// The ways in which credentials are unusable, for the log.
var (
	errTwice     = errors.New("credentials come more than once: use one Authorization header field and nothing else")
	errMalformed = errors.New("the Authorization header field is not \"Bearer\", one space and a token (RFC 6750, section 2.1)")
	errParameter = errors.New("access_token of the form or query is not a token (RFC 6750, section 2.1)")
	errScheme    = errors.New("the scheme of the Authorization header field is not Bearer")
	errAbsent    = errors.New("the request has no credentials")
)

// token returns the access token in c. Anything but granted tells what is wrong.
func (c *Credentials) token(body, query bool) (string, outcome, error) {
	if body && c.Body != "" || query && c.Query != "" {
		return c.parameter(body, query)
	}
	h := c.Authorization
	if len(h) > 7 && h[6] == ' ' && isBearer(h[:6]) && b64token(h[7:]) {
		return h[7:], granted, nil
	}
	return c.unusable()
}

// parameter returns the access token of form or query. There may be no other credentials (RFC 6750, section 2).
func (c *Credentials) parameter(body, query bool) (string, outcome, error) {
	raw := c.Query
	switch {
	case c.Authorization != "" || body && query && c.Body != "" && c.Query != "":
		return "", doubled, errTwice
	case body && c.Body != "":
		raw = c.Body
	}
	if !b64token(raw) {
		return "", malformed, errParameter
	}
	return raw, granted, nil
}

// unusable says what is wrong with an Authorization header field that has no bearer token.
func (c *Credentials) unusable() (string, outcome, error) {
	h := c.Authorization
	if h == "" {
		return "", absent, errAbsent
	}
	if secondScheme(h) {
		return "", doubled, errTwice
	}
	scheme := h
	if i := strings.IndexFunc(h, func(r rune) bool { return !tchar(r) }); i >= 0 {
		scheme = h[:i]
	}
	if scheme == "" || len(scheme) == 6 && isBearer(scheme) || len(scheme) < len(h) && h[len(scheme)] != ' ' {
		return "", malformed, errMalformed
	}
	return "", foreign, errScheme
}

// secondScheme reports whether another set of credentials follows a comma: a name, spaces, and something that does not
// make it a parameter. Commas in quoted strings do not count.
func secondScheme(h string) bool {
	quoted := false
	for i := 0; i < len(h); i++ {
		switch {
		case quoted && h[i] == '\\':
			i++
		case h[i] == '"':
			quoted = !quoted
		case h[i] == ',' && !quoted:
			rest := strings.TrimLeft(h[i+1:], " \t,")
			n := strings.IndexFunc(rest, func(r rune) bool { return !tchar(r) })
			if n > 0 && rest[n] == ' ' && !strings.HasPrefix(strings.TrimLeft(rest[n:], " \t"), "=") {
				return true
			}
			i = len(h) - len(rest) - 1 // what was trimmed is not looked at again, or a long field would cost its square
		}
	}
	return false
}

func isBearer(s string) bool {
	return s == "Bearer" || strings.EqualFold(s, "bearer")
}

// b64chars has a 1 for each byte that a b64token may hold: letters, digits and -._~+/.
const b64chars = "" +
	"0000000000000000" + // controls
	"0000000000000000" + // controls
	"0000000000010111" + // space to /
	"1111111111000000" + // 0 to ?
	"0111111111111111" + // @ to O
	"1111111111100001" + // P to _
	"0111111111111111" + // ` to o
	"1111111111100010" + // p to ~
	none64 + none64

const none64 = "0000000000000000000000000000000000000000000000000000000000000000"

// b64token is RFC 6750, section 2.1: at least one of the characters above, then any number of "=".
func b64token(s string) bool {
	for len(s) > 0 && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	if s == "" {
		return false
	}
	all := byte('1') // without a branch for each byte this takes a third of the time
	if len(s) >= 8 {
		last := s[len(s)-8:]
		for ; len(s) > 8; s = s[8:] {
			all &= eight(s)
		}
		return all&eight(last) == '1'
	}
	for i := range len(s) {
		all &= b64chars[s[i]]
	}
	return all == '1'
}

// eight is 1 if s begins with eight of the characters.
func eight(s string) byte {
	return b64chars[s[0]] & b64chars[s[1]] & b64chars[s[2]] & b64chars[s[3]] & b64chars[s[4]] & b64chars[s[5]] & b64chars[s[6]] & b64chars[s[7]]
}

// tchar is a character of a token in the sense of RFC 9110, section 5.6.2.
func tchar(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
