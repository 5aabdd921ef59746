package oauth1

import "unsafe"

const upperHex = "0123456789ABCDEF"

// unreserved has the characters that stand for themselves (RFC 5849, section 3.6). Of what is looked at here, a processor could not guess a branch:
// capitals and digits are mixed in it at random.
//
//nolint:gochecknoglobals // constant by nature
var unreserved = [256]bool{
	'-': true, '.': true, '_': true, '~': true,
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'A': true, 'B': true, 'C': true, 'D': true, 'E': true, 'F': true, 'G': true, 'H': true, 'I': true, 'J': true, 'K': true, 'L': true, 'M': true,
	'N': true, 'O': true, 'P': true, 'Q': true, 'R': true, 'S': true, 'T': true, 'U': true, 'V': true, 'W': true, 'X': true, 'Y': true, 'Z': true,
	'a': true, 'b': true, 'c': true, 'd': true, 'e': true, 'f': true, 'g': true, 'h': true, 'i': true, 'j': true, 'k': true, 'l': true, 'm': true,
	'n': true, 'o': true, 'p': true, 'q': true, 'r': true, 's': true, 't': true, 'u': true, 'v': true, 'w': true, 'x': true, 'y': true, 'z': true,
}

// Escape percent-encodes s as RFC 5849, section 3.6 has it: every byte but letters, digits, "-", ".", "_" and "~" becomes
// %XX with upper-case digits. A string that needs none comes back as it is.
func Escape(s string) string {
	for i := range len(s) {
		if !unreserved[s[i]] {
			return text(appendEscaped(make([]byte, 0, len(s)+2*(len(s)-i)), s))
		}
	}
	return s
}

// appendEscaped appends s, percent-encoded.
func appendEscaped(dst []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		if c := s[i]; !unreserved[c] {
			dst = append(append(dst, s[start:i]...), '%', upperHex[c>>4], upperHex[c&15])
			start = i + 1
		}
	}
	return append(dst, s[start:]...)
}

// appendTwice appends s, percent-encoded twice: what a parameter looks like within the base string.
func appendTwice(dst []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		if c := s[i]; !unreserved[c] {
			dst = append(append(dst, s[start:i]...), '%', '2', '5', upperHex[c>>4], upperHex[c&15])
			start = i + 1
		}
	}
	return append(dst, s[start:]...)
}

// Unescape decodes %XX and nothing else: "+" stands for itself. It is false for broken percent-encoding.
func Unescape(s string) (string, bool) {
	for i := range len(s) {
		if s[i] == '%' {
			b, ok := appendUnescaped(make([]byte, 0, len(s)), s, false)
			return text(b), ok
		}
	}
	return s, true
}

// appendUnescaped appends what s stands for. In a form, "+" is a space.
func appendUnescaped(dst []byte, s string, form bool) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%':
			if len(s)-i < 3 {
				return dst, false
			}
			high, low := unhex(s[i+1]), unhex(s[i+2])
			if high|low > 15 {
				return dst, false
			}
			c, i = high<<4|low, i+2
		case c == '+' && form:
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst, true
}

// unhex returns the value of a hexadecimal digit, or 255.
func unhex(c byte) byte {
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

// text returns b as a string, without a copy: nobody may write to b again.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } // #nosec G103 -- each caller gives b away

// lower returns an ASCII letter in lower case, and anything else as it is.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
