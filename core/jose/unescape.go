package jose

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// unescape returns what s, the inside of a JSON string, stands for, and whether its escapes are some. It allocates once, for a string
// that has any: a parser would for each name of a hostile object make itself ready anew.
func unescape(s string) (string, bool) {
	first := strings.IndexByte(s, '\\')
	if first < 0 {
		return s, true
	}
	out := append(make([]byte, 0, len(s)), s[:first]...)
	for i := first; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		if i++; i == len(s) {
			return "", false
		}
		switch c := s[i]; c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := codeUnit(s, i-1)
			if !ok {
				return "", false
			}
			i += 4
			if utf16.IsSurrogate(r) { // a half that has no other becomes U+FFFD
				low, _ := codeUnit(s, i+1)
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			return "", false
		}
	}
	return unsafe.String(unsafe.SliceData(out), len(out)), true // #nosec G103 -- nobody else has it
}

// codeUnit reads the escape at i, a backslash, "u" and four hexadecimal digits.
func codeUnit(s string, i int) (rune, bool) {
	if len(s)-i < 6 || s[i] != '\\' || s[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[i+2 : i+6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
