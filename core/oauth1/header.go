package oauth1

import "strings"

// maxHeader bounds an Authorization header field.
const maxHeader = 16 << 10

// credentials returns what follows the scheme of an Authorization field, and whether that scheme is OAuth.
func credentials(field string) (string, bool) {
	const scheme = "OAuth"
	if len(field) < len(scheme) || !strings.EqualFold(field[:len(scheme)], scheme) {
		return "", false
	}
	rest := field[len(scheme):]
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return "", false
	}
	for rest = blank(rest); rest != "" && isBlank(rest[len(rest)-1]); {
		rest = rest[:len(rest)-1]
	}
	return rest, true
}

// addHeader appends the parameters of an Authorization header but realm, which it returns (RFC 5849, section
// 3.5.1). Names and values are percent-encoded; realm is a quoted string.
func (p *params) addHeader(s string) (realm string, err error) {
	seen := false
	for s = blank(s); s != ""; {
		if s[0] == ',' { // an empty element of the list (RFC 9110, section 5.6.1)
			s = blank(s[1:])
			continue
		}
		name, rest := cutName(s)
		switch {
		case rest == "" || rest[0] == ',':
			return "", rejected("", "a parameter of the Authorization header has no value")
		case name == "" || rest[0] != '=':
			return "", rejected("", "a parameter of the Authorization header has no name")
		}
		var value string
		var plain, ok bool
		if value, plain, s, ok = cutValue(blank(rest[1:])); !ok {
			return "", rejected(name, "the Authorization header is not a list of parameters with quoted values")
		}
		if s = blank(s); s != "" && s[0] != ',' {
			return "", rejected(name, "the Authorization header is not a list of parameters with quoted values")
		}
		if strings.EqualFold(name, "realm") {
			if seen {
				return "", rejected("realm", "realm stands in the Authorization header twice")
			}
			if seen, realm = true, value; !plain {
				realm = unquote(value)
			}
			continue
		}
		if !plain {
			return "", rejected(name, "a value in the Authorization header has a backslash: values are percent-encoded")
		}
		name, ok1 := p.decode(name, false)
		value, ok2 := p.decode(value, false)
		if !ok1 || !ok2 {
			return "", rejected(name, "a parameter of the Authorization header is not valid percent-encoding")
		}
		if !p.add(name, value) {
			return "", rejected("", "more than %d parameters", maxParams)
		}
	}
	return realm, nil
}

// cutName cuts a name off, and the white space after it.
func cutName(s string) (name, rest string) {
	n := 0
	for n < len(s) && (unreserved[s[n]] || !isBlank(s[n]) && s[n] != '=' && s[n] != ',' && s[n] != '"' && s[n] != '\\') {
		n++
	}
	return s[:n], blank(s[n:])
}

// cutValue cuts a value off: what stands between quotes, or a token. Plain is false if it has a backslash.
func cutValue(s string) (value string, plain bool, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		end := strings.IndexAny(s, ", \t\r\n")
		if end < 0 {
			end = len(s)
		}
		value = s[:end]
		return value, true, s[end:], !strings.ContainsAny(value, `"\`)
	}
	end := strings.IndexByte(s[1:], '"') + 1
	if plain = strings.IndexByte(s[:end], '\\') < 0; !plain {
		for end = 1; end < len(s) && s[end] != '"'; end++ {
			if s[end] == '\\' {
				end++
			}
		}
	}
	if end <= 0 || end >= len(s) {
		return "", false, "", false
	}
	return s[1:end], plain, s[end+1:], true
}

// unquote takes the backslashes out of a quoted string.
func unquote(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return text(b)
}

// blank takes leading white space off.
func blank(s string) string {
	for s != "" && isBlank(s[0]) {
		s = s[1:]
	}
	return s
}

// isBlank reports whether a character is white space.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
