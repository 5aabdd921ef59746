package jose

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"
)

// Member is a member of a JSON object.
type Member struct {
	Name  string
	Value string // JSON, without space around it
}

// Members are the members of a JSON object, in their order, each name once.
type Members []Member

// The bounds of what memory hostile claims can make somebody use.
const (
	maxMembers = 256
	maxTexts   = 1000
)

var (
	errMembers = errors.New("more than 256 members")
	errObject  = errors.New("not a JSON object, or something is wrong or nested too deep in it")
	errUTF8    = errors.New("not UTF-8 (RFC 8259, section 8.1)")
	errDoubled = errors.New("a member is there twice")
)

// ParseMembers reads the object that data is and appends its members to into, whose memory may so be used again. It is as strict as
// go-jose with what is signed: a name that comes twice, in whatever spelling, and anything after the object are errors; so is what is
// not UTF-8, nested more than 64 levels deep, or more than 256 members. Names of nested objects are not compared. The members point into data, which nobody
// may change from then on. Every error is [ErrInvalid].
func ParseMembers(data []byte, into Members) (Members, error) {
	s := unsafe.String(unsafe.SliceData(data), len(data)) // #nosec G103 -- the contract says that nobody changes it
	simple := isSimple(s)
	if !simple && !utf8.ValidString(s) {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, errUTF8)
	}
	first := len(into)
	i := skipSpace(s, 0)
	if i == len(s) || s[i] != '{' {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, errObject)
	}
	for i = skipSpace(s, i+1); ; i = skipSpace(s, i+1) {
		if i < len(s) && s[i] == '}' && len(into) == first {
			break
		}
		var m Member
		if m, i = member(s, i, simple); i < 0 || i == len(s) || s[i] != ',' && s[i] != '}' {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, errObject)
		}
		if len(into)-first == maxMembers {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, errMembers)
		}
		into = append(into, m)
		if s[i] == '}' {
			break
		}
	}
	if skipSpace(s, i+1) != len(s) {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, errObject)
	}
	if into[first:].doubled() {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, errDoubled)
	}
	return into, nil
}

// Peek returns the value of the first member called name of the object that data begins with, as JSON, and whether there is one. What
// comes after it is not looked at: like [Unverified] this is for choosing who verifies, and for nothing else. A name that is spelled
// with escapes, as nobody does, is not found. It does not allocate. The value points into data.
func Peek(data []byte, name string) (string, bool) {
	s := unsafe.String(unsafe.SliceData(data), len(data)) // #nosec G103 -- the contract says that nobody changes it
	i := skipSpace(s, 0)
	if i == len(s) || s[i] != '{' {
		return "", false
	}
	for i < len(s) && s[i] != '}' {
		var m Member
		if m, i = rawMember(s, skipSpace(s, i+1), false); i < 0 || i == len(s) || s[i] != ',' && s[i] != '}' {
			return "", false
		}
		if m.Name == name {
			return m.Value, true
		}
	}
	return "", false
}

// member is rawMember with the name decoded.
func member(s string, i int, simple bool) (m Member, end int) {
	if m, end = rawMember(s, i, simple); end >= 0 && !simple {
		var ok bool
		if m.Name, ok = unescape(m.Name); !ok {
			return m, -1
		}
	}
	return m, end
}

// rawMember reads the member at i, its name as it is spelled, and returns where what follows begins; less than zero: there is none. In
// text that is simple, a string ends at the next quote.
func rawMember(s string, i int, simple bool) (m Member, end int) {
	j := skipStringOf(s, i, simple)
	if j < 0 {
		return m, -1
	}
	name := s[i+1 : j-1]
	if i = skipSpace(s, j); i == len(s) || s[i] != ':' {
		return m, -1
	}
	i = skipSpace(s, i+1)
	if i < len(s) && s[i] == '"' {
		j = skipStringOf(s, i, simple)
	} else {
		j = skipValue(s, i, maxNesting-1)
	}
	if j < 0 {
		return m, -1
	}
	return Member{name, s[i:j]}, skipSpace(s, j)
}

func skipStringOf(s string, i int, simple bool) int {
	if !simple {
		return skipString(s, i)
	}
	if i >= len(s) || s[i] != '"' {
		return -1
	}
	n := strings.IndexByte(s[i+1:], '"')
	if n < 0 {
		return -1
	}
	return i + n + 2
}

// doubled reports whether a name is there twice.
func (m Members) doubled() bool {
	if len(m) > 40 { // then a table is quicker than looking at each pair
		seen := make(map[string]struct{}, len(m))
		for i := range m {
			seen[m[i].Name] = struct{}{}
		}
		return len(seen) < len(m)
	}
	var looks uint64 // a bit for how names look, so that few are compared
	for i := range m {
		name := m[i].Name
		look := uint64(1)
		if name != "" {
			look = 1 << ((int(name[0]) + 7*int(name[len(name)-1]) + 3*len(name)) & 63)
		}
		if looks&look != 0 && slices.ContainsFunc(m[:i], func(x Member) bool { return x.Name == name }) {
			return true
		}
		looks |= look
	}
	return false
}

// Find returns the value of the member called name as JSON, and whether it is there.
func (m Members) Find(name string) (string, bool) {
	for i := range m {
		if m[i].Name == name {
			return m[i].Value, true
		}
	}
	return "", false
}

// Claims returns what the registered claims among m say, without Other, and the members that are none of them, for which it uses
// the memory of m. An error means that one has the wrong type, and is [ErrInvalid].
func (m Members) Claims() (c Claims, rest Members, err error) {
	rest, err = m.ReadClaims(&c)
	return c, rest, err
}

// ReadClaims reads the registered claims among m into c, and returns the members that are none of them, for which it uses the memory
// of m. An error means that one has the wrong type, and is [ErrInvalid].
func (m Members) ReadClaims(c *Claims) (Members, error) {
	rest := m[:0]
	for _, x := range m {
		var ok bool
		why := errString
		switch x.Name {
		case "iss":
			c.Issuer, ok = Text(x.Value)
		case "sub":
			c.Subject, ok = Text(x.Value)
		case "jti":
			c.ID, ok = Text(x.Value)
		case "aud":
			c.Audience, ok = Texts(x.Value)
			why = errAudience
		case "exp":
			c.Expires, ok = NumericDate(x.Value)
			why = errTime
		case "nbf":
			c.NotBefore, ok = NumericDate(x.Value)
			why = errTime
		case "iat":
			c.IssuedAt, ok = NumericDate(x.Value)
			why = errTime
		default:
			rest, ok = append(rest, x), true
		}
		if !ok {
			return nil, fmt.Errorf("%w: claim %q: %w", ErrInvalid, x.Name, why)
		}
	}
	return rest, nil
}

// Text returns the string that value, a [Member]'s, is, and whether it is one.
func Text(value string) (string, bool) {
	if len(value) < 2 || value[0] != '"' { // null would be no error
		return "", false
	}
	return unescape(value[1 : len(value)-1])
}

// Texts returns the strings of value, a [Member]'s, which is a string or an array of at most 1000 strings, and whether it is one of
// these.
func Texts(value string) ([]string, bool) {
	if one, ok := Text(value); ok {
		return []string{one}, true
	}
	if value == "" || value[0] != '[' {
		return nil, false
	}
	list := make([]string, 0, min(maxTexts, 1+strings.Count(value, ",")))
	for i := skipSpace(value, 1); value[i] != ']'; i = skipSpace(value, i) { // a member's value ends as it should
		if value[i] == ',' {
			i = skipSpace(value, i+1)
		}
		end := skipString(value, i)
		if end < 0 {
			return nil, false
		}
		s, ok := Text(value[i:end])
		if !ok || len(list) == maxTexts {
			return nil, false
		}
		list, i = append(list, s), end
	}
	return list, true
}

// NumericDate returns the time that value, a [Member]'s, is (RFC 7519, section 2), and whether it is one from 1970 to 9999.
func NumericDate(value string) (time.Time, bool) {
	t, err := readTime(value)
	return t, err == nil
}
