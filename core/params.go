package mandate

import (
	"strings"
	"unicode/utf8"
	"unsafe"
)

// maxParams bounds the parameters of one query or form.
const maxParams = 200

// Params are the parameters of a query or a form body, decoded, in their order. A parameter without a value
// counts as absent (RFC 6749, section 3.1) and is not among them.
type Params []Field

// ParseParams decodes s, which is application/x-www-form-urlencoded. Broken percent-encoding, text
// that is not UTF-8, a NUL, or more than 200 parameters are an [InvalidRequest] error.
func ParseParams(s string) (Params, error) { return parseParams(s, nil) }

// parseParams is [ParseParams] into room, where that is enough.
func parseParams(s string, room []Field) (Params, error) {
	n := strings.Count(s, "&") + 1
	if n > maxParams {
		return nil, Errorf(InvalidRequest, nil, "more than %d parameters", maxParams)
	}
	if !clean(s) {
		return nil, notDecodable()
	}
	var params Params
	if n <= len(room) {
		params = room[:0:n]
	} else {
		params = make(Params, 0, n)
	}
	coded := nextCoded(s)
	for s != "" {
		pair, rest := cutByte(s, '&')
		name, value := cutByte(pair, '=')
		if coded < len(pair) {
			var ok bool
			if coded < len(name) {
				name, ok = decode(name, coded)
				coded = nextCoded(value)
			} else {
				coded -= len(name) + 1
				ok = true
			}
			if ok && coded < len(value) {
				value, ok = decode(value, coded)
			}
			if !ok {
				return nil, notDecodable()
			}
			coded = len(pair) + 1 + nextCoded(rest)
		}
		if value != "" {
			params = append(params, Field{name, value})
		}
		s = rest
		coded -= len(pair) + 1
	}
	return params, nil
}

func notDecodable() error {
	return Errorf(InvalidRequest, nil, "a parameter is not valid percent-encoded UTF-8")
}

// clean reports whether s is UTF-8 without a NUL.
func clean(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// nextCoded returns the index of the first byte of s that does not stand for itself, or len(s).
func nextCoded(s string) int {
	if i := strings.IndexByte(s, '%'); i >= 0 {
		s = s[:i]
	}
	if i := strings.IndexByte(s, '+'); i >= 0 {
		return i
	}
	return len(s)
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
	first := nextCoded(s)
	if !clean(s) {
		return "", false
	}
	if first == len(s) {
		return s, true
	}
	return decode(s, first)
}

// decode is Unescape for a clean text whose first byte that does not stand for itself is at first.
func decode(s string, first int) (string, bool) {
	b := make([]byte, len(s))
	n := copy(b, s[:first])
	odd := false // a byte may be no text
	for i := first; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if len(s)-i < 3 {
				return "", false
			}
			high, low := digit(s[i+1]), digit(s[i+2])
			if high|low > 15 {
				return "", false
			}
			c, i = high<<4|low, i+2
			odd = odd || c == 0 || c >= utf8.RuneSelf
		}
		b[n] = c
		n++
	}
	text := unsafe.String(unsafe.SliceData(b), n) // #nosec G103 -- nobody writes to b again
	return text, !odd || clean(text)
}

// digit returns the value of a hexadecimal digit, or 255.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
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

// Only returns the value of the parameter called name, or "", and false if it is there twice.
func (p Params) Only(name string) (value string, ok bool) {
	for i := range p {
		if p[i].Name != name {
			continue
		}
		if value != "" {
			return "", false
		}
		value = p[i].Value
	}
	return value, true
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
