package server

import (
	"encoding/binary"
	"strings"
)

// ones and tops have a bit in each of eight bytes.
const (
	ones = 0x0101010101010101
	tops = 0x80 * ones
)

// visible reports whether s is VSCHAR of RFC 6749, appendix A: printable ASCII, with or without spaces. Every parameter passes here, so
// it looks at eight bytes at a time.
func visible(s string, spaces bool) bool {
	low := uint64(0x21)
	if spaces {
		low = ' '
	}
	if len(s) < 8 {
		for i := range len(s) {
			if uint64(s[i]) < low || s[i] > 0x7e {
				return false
			}
		}
		return true
	}
	last := s[len(s)-8:] // the loop may have seen some of them
	for ; len(s) > 8; s = s[8:] {
		if outside(eight(s), low) != 0 {
			return false
		}
	}
	return outside(eight(last), low) == 0
}

// plain reports whether s stands for itself between the quotation marks of JSON.
func plain(s string) bool {
	return visible(s, true) && strings.IndexByte(s, '"') < 0 && strings.IndexByte(s, '\\') < 0
}

// eight returns the first eight bytes of s as a number.
func eight(s string) uint64 { return binary.LittleEndian.Uint64([]byte(s[:8])) }

// outside is not 0 where one of the eight bytes of x is below low or above 0x7e.
func outside(x, low uint64) uint64 { return below(x, low) | (x+ones|x)&tops }

// below is not 0 where one of the eight bytes of x is below n, which is at most 128.
func below(x, n uint64) uint64 { return (x - n*ones) &^ x & tops }
