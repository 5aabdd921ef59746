package mandate

import (
	"iter"
	"strings"
)

// Scopes is a set of scope names in wire form: unique names parted by single spaces (RFC 6749,
// section 3.3). It is a value: comparable, immutable, a column, a JSON string and a Go constant as
// it is. The zero value is the empty set. [ParseScopes] makes one of hostile input.
type Scopes string

// maxScopes bounds the names of one set.
const maxScopes = 100

// ParseScopes returns the names in s, in their order and each once. Names may be parted by any number of
// spaces. A character that RFC 6749, section 3.3 does not allow, and more than 100 names, are an [InvalidScope] error.
func ParseScopes(s string) (Scopes, error) {
	blanks := strings.Count(s, " ")
	if blanks >= maxScopes {
		return "", Errorf(InvalidScope, nil, "scope has more than %d names", maxScopes)
	}
	clean := true
	for i := range len(s) {
		c := s[i]
		if c == ' ' {
			clean = clean && i > 0 && i < len(s)-1 && s[i-1] != ' '
		} else if c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return "", Errorf(InvalidScope, nil, "scope has a character that is not allowed")
		}
	}
	if blanks == 0 || clean && !repeats(s) {
		return Scopes(s), nil
	}
	return Scopes("").With(Scopes(s)), nil
}

// repeats reports whether a name of s, parted by single spaces, stands in it twice.
func repeats(s string) bool {
	for name, rest := cut(s); rest != ""; {
		if Scopes(rest).Has(name) {
			return true
		}
		name, rest = cut(rest)
	}
	return false
}

func cut(s string) (name, rest string) { return cutByte(s, ' ') }

// Has reports whether name is in the set. It does not allocate.
func (s Scopes) Has(name string) bool {
	return name != "" && strings.IndexByte(name, ' ') < 0 && s.has(name)
}

// has is Has for a name that is one.
func (s Scopes) has(name string) bool {
	for rest := string(s); len(rest) >= len(name); {
		if rest[:len(name)] == name && (len(rest) == len(name) || rest[len(name)] == ' ') {
			return true
		}
		i := strings.IndexByte(rest, ' ')
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return false
}

// Covers reports whether every name of want is in the set. It does not allocate.
func (s Scopes) Covers(want Scopes) bool {
	if s == want {
		return true
	}
	for rest := string(want); rest != ""; {
		name, tail := cut(rest)
		if name != "" && !s.has(name) {
			return false
		}
		rest = tail
	}
	return true
}

// With returns the names of s, followed by those of more that s does not have.
func (s Scopes) With(more Scopes) Scopes {
	out := s
	for name := range more.All() {
		switch {
		case out == "":
			out = Scopes(name)
		case !out.Has(name):
			out += Scopes(" " + name)
		}
	}
	return out
}

// Only returns the names of s that are in allowed, in the order of s.
func (s Scopes) Only(allowed Scopes) Scopes {
	if allowed.Covers(s) {
		return s
	}
	var out Scopes
	for name := range s.All() {
		if allowed.Has(name) {
			out = out.With(Scopes(name))
		}
	}
	return out
}

// All yields the names in order.
func (s Scopes) All() iter.Seq[string] { return strings.FieldsSeq(string(s)) }
