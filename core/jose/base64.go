package jose

import "errors"

// sextets has for each byte the value of that character in base64url (RFC 4648, section 5), and 255 for what is none.
const sextets = "" +
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" + // from 0x0
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" + // from 0x10
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x3e\xff\xff" + // from 0x20
	"\x34\x35\x36\x37\x38\x39\x3a\x3b\x3c\x3d\xff\xff\xff\xff\xff\xff" + // from 0x30
	"\xff\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e" + // from 0x40
	"\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\xff\xff\xff\xff\x3f" + // from 0x50
	"\xff\x1a\x1b\x1c\x1d\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x28" + // from 0x60
	"\x29\x2a\x2b\x2c\x2d\x2e\x2f\x30\x31\x32\x33\xff\xff\xff\xff\xff" + // from 0x70
	none64 + none64

const (
	none64 = none16 + none16 + none16 + none16
	none16 = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
)

var errBase64 = errors.New("not base64url without padding and line breaks, in the one spelling that there is (RFC 7515, section 2)")

// decode decodes base64url so strictly that one token has one spelling.
func decode(s string) ([]byte, error) {
	rest := len(s) % 4
	if rest == 1 {
		return nil, errBase64
	}
	out := make([]byte, len(s)*3/4)
	var all byte // has its highest bit set once a character was none
	to := out
	for len(s) >= 4 {
		a, b, c, d := sextets[s[0]], sextets[s[1]], sextets[s[2]], sextets[s[3]]
		all |= a | b | c | d
		s = s[4:]
		to[2], to[1], to[0] = c<<6|d, b<<4|c>>2, a<<2|b>>4
		to = to[3:]
	}
	var idle byte // bits that stand for nothing
	switch rest {
	case 2:
		a, b := sextets[s[0]], sextets[s[1]]
		to[0], idle = a<<2|b>>4, b<<4
		all |= a | b
	case 3:
		a, b, c := sextets[s[0]], sextets[s[1]], sextets[s[2]]
		to[0], to[1], idle = a<<2|b>>4, b<<4|c>>2, c<<6
		all |= a | b | c
	}
	if all&0x80 != 0 || idle != 0 {
		return nil, errBase64
	}
	return out, nil
}
