package server

import (
	"strings"
	"testing"
)

// Every byte at every place, of texts that are shorter than eight bytes, as long, and longer.
func TestASCII(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 17; n++ {
		for at := range n {
			for c := range 256 {
				s := strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("~", n-at-1)
				inside := c > ' ' && c <= '~'
				for what, is := range map[string][2]bool{
					"visible":              {visible(s, false), inside},
					"visible, with blanks": {visible(s, true), inside || c == ' '},
					"plain":                {plain(s), (inside || c == ' ') && c != '"' && c != '\\'},
				} {
					if is[0] != is[1] {
						t.Errorf("%s(%q) = %t", what, s, is[0])
					}
				}
			}
		}
	}
	if !visible("", false) || !plain("") {
		t.Error("the empty text is refused")
	}
}
