package jose

// maxNesting is how deep objects and arrays may stand in each other, the outermost object included.
const maxNesting = 64

// isSimple reports whether s is of printable ASCII without a backslash, as most tokens are.
func isSimple(s string) bool {
	const ones = 0x0101010101010101
	var odd uint64 // has the highest bit of a byte set once one was another; bits below mean nothing
	for len(s) >= 8 {
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		y := x ^ '\\'*ones
		odd |= x | (x - ' '*ones) | (y - ones) // less than zero borrows; a borrow from the byte below may be a false alarm, never a miss
		s = s[8:]
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x80 || c == '\\' {
			return false
		}
	}
	return odd&(0x80*ones) == 0
}

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

// skipValue returns the end of the JSON value that begins at i and has at most the given number of levels, which is at most 64; less
// than zero: there is none. It needs no stack but one bit for each level, so that no input makes it allocate or recurse.
func skipValue(s string, i, levels int) int {
	var objects uint64 // a 1 for each open object, a 0 for each open array, the innermost last
	depth := 0
	for {
		if i >= len(s) {
			return -1
		}
		c := s[i]
		switch {
		case c == '"':
			i = skipString(s, i)
		case c == '-' || c >= '0' && c <= '9':
			i = skipNumber(s, i)
		case c == '{' || c == '[':
			if depth++; depth > levels {
				return -1
			}
			objects <<= 1
			i = skipSpace(s, i+1)
			empty := i < len(s) && s[i] == c+2 // as ASCII has the brackets
			if c == '{' {
				objects |= 1
			}
			if !empty {
				if c == '{' {
					i = skipName(s, i)
				}
				if i < 0 {
					return -1
				}
				continue
			}
		default:
			i = skipWord(s, i)
		}
		if i < 0 {
			return -1
		}
		for ; ; i++ { // after a value, or before the end of an empty object or array
			if depth == 0 {
				return i
			}
			if i = skipSpace(s, i); i == len(s) {
				return -1
			}
			object := objects&1 == 1
			if s[i] == ',' {
				if i = skipSpace(s, i+1); object {
					i = skipName(s, i)
				}
				if i < 0 {
					return -1
				}
				break
			}
			if object && s[i] != '}' || !object && s[i] != ']' {
				return -1
			}
			depth--
			objects >>= 1
		}
	}
}

// skipName returns the beginning of the value of the member that begins at i.
func skipName(s string, i int) int {
	if i = skipString(s, i); i < 0 {
		return -1
	}
	if i = skipSpace(s, i); i == len(s) || s[i] != ':' {
		return -1
	}
	return skipSpace(s, i+1)
}

func skipString(s string, i int) int {
	if i >= len(s) || s[i] != '"' {
		return -1
	}
	for i++; ; i++ {
		for i < len(s) && s[i] >= ' ' && s[i] != '"' && s[i] != '\\' {
			i++
		}
		if i == len(s) {
			return -1
		}
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c == '\\':
			if i++; i == len(s) {
				return -1
			}
			switch s[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					if i++; i == len(s) || !hex(s[i]) {
						return -1
					}
				}
			default:
				return -1
			}
		}
	}
}

func hex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func skipNumber(s string, i int) int {
	if s[i] == '-' {
		i++
	}
	whole := i
	if i = skipDigits(s, i); i == whole || i > whole+1 && s[whole] == '0' {
		return -1
	}
	if i < len(s) && s[i] == '.' {
		begin := i + 1
		if i = skipDigits(s, begin); i == begin {
			return -1
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		begin := i + 1
		if begin < len(s) && (s[begin] == '+' || s[begin] == '-') {
			begin++
		}
		if i = skipDigits(s, begin); i == begin {
			return -1
		}
	}
	return i
}

func skipDigits(s string, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

func skipWord(s string, i int) int {
	rest := s[i:]
	for _, word := range [...]string{"true", "false", "null"} {
		if len(rest) >= len(word) && rest[:len(word)] == word {
			return i + len(word)
		}
	}
	return -1
}
