package mandate

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxParams bounds the parameters of one query or form.
const maxParams = 200

// Params are the parameters of a query or a form body, decoded, in their order. A parameter without a value
// counts as absent (RFC 6749, section 3.1) and is not among them.
type Params []Field

// ParseParams decodes s, which is application/x-www-form-urlencoded. Broken percent-encoding, text
// that is not UTF-8, a NUL, or more than 200 parameters are an [InvalidRequest] error.
func ParseParams(s string) (Params, error) {
	if s == "" {
		return nil, nil
	}
	n := strings.Count(s, "&") + 1
	if n > maxParams {
		return nil, Errorf(InvalidRequest, nil, "more than %d parameters", maxParams)
	}
	params := make(Params, 0, n)
	for s != "" {
		pair, rest := cutByte(s, '&')
		name, value := cutByte(pair, '=')
		s = rest
		name, ok1 := Unescape(name)
		value, ok2 := Unescape(value)
		if !ok1 || !ok2 {
			return nil, Errorf(InvalidRequest, nil, "a parameter is not valid percent-encoded UTF-8")
		}
		if value != "" {
			params = append(params, Field{name, value})
		}
	}
	return params, nil
}

// cutByte is strings.Cut at a byte.
func cutByte(s string, at byte) (before, after string) {
	if i := strings.IndexByte(s, at); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// Unescape decodes one name or value of application/x-www-form-urlencoded, which the halves of Basic credentials are as well
// (RFC 6749, section 2.3.1). It is false for broken percent-encoding, for what is not UTF-8 and for a NUL.
func Unescape(s string) (string, bool) {
	if plain(s) {
		return s, true
	}
	if strings.IndexByte(s, '%') >= 0 || strings.IndexByte(s, '+') >= 0 {
		var err error
		if s, err = url.QueryUnescape(s); err != nil {
			return "", false
		}
	}
	return s, utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// plain reports whether s is ASCII and stands for itself, as most names and values do.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == '%' || c == '+' || c == 0 || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Get returns the first value of the parameter called name, or "".
func (p Params) Get(name string) string {
	for i := range p {
		if p[i].Name == name {
			return p[i].Value
		}
	}
	return ""
}

// Values returns all values of the parameter called name.
func (p Params) Values(name string) []string {
	var values []string
	for i := range p {
		if p[i].Name == name {
			values = append(values, p[i].Value)
		}
	}
	return values
}

// Repeated returns the first name that is in p twice and for which known returns true, or "".
func (p Params) Repeated(known func(name string) bool) string {
	for i := range p {
		for j := range i {
			if p[j].Name == p[i].Name && known(p[i].Name) {
				return p[i].Name
			}
		}
	}
	return ""
}
