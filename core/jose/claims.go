package jose

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	josejson "github.com/go-jose/go-jose/v4/json"
)

// Claims are the claims of a JWT (RFC 7519, section 4). A zero member is absent. Times are written in whole
// seconds; read they may be fractional.
type Claims struct {
	Issuer    string    // "iss"
	Subject   string    // "sub"
	Audience  []string  // "aud": one is written as a string, several as an array
	Expires   time.Time // "exp"
	NotBefore time.Time // "nbf"
	IssuedAt  time.Time // "iat"
	ID        string    // "jti"

	// Other are all others, in JSON. A name of those above must not be among them.
	Other map[string]json.RawMessage
}

// ParseClaims reads the payload of a JWT. A doubled member, a registered claim of the wrong type or a time
// out of range is an error, and so is null. Every error is [ErrInvalid].
func ParseClaims(payload []byte) (*Claims, error) {
	if len(payload) > MaxSize {
		return nil, fmt.Errorf("%w: claims have %d bytes, want at most %d", ErrInvalid, len(payload), MaxSize)
	}
	var buffer [24]Member
	all, err := ParseMembers(bytes.Clone(payload), buffer[:0])
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	c := &Claims{}
	rest, err := all.ReadClaims(c)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		c.Other = make(map[string]json.RawMessage, len(rest))
	}
	for _, m := range rest {
		c.Other[m.Name] = bytesOf(m.Value) // a part of the copy that nothing else is made of
	}
	return c, nil
}

var (
	errString   = errors.New("not a string")
	errAudience = errors.New("neither a string nor an array of strings")
	errTime     = errors.New("not a number of seconds from 1970 to 9999")
)

func readString(raw []byte, into *string) error {
	if len(raw) < 2 || raw[0] != '"' { // null would be no error
		return errString
	}
	return unquote(raw, into)
}

// unquote reads a JSON string that is known to be one. Most are plain and need no parser.
func unquote(raw []byte, into *string) error {
	for _, c := range raw[1 : len(raw)-1] {
		if c == '\\' || c < ' ' || c >= 0x7f {
			return json.Unmarshal(raw, into)
		}
	}
	*into = string(raw[1 : len(raw)-1])
	return nil
}

// maxTime is the first second of the year 10000.
const maxTime = 253402300800

func readTime(raw string) (time.Time, error) {
	if len(raw) == 0 || len(raw) > 40 || raw[0] == '"' {
		return time.Time{}, errTime
	}
	if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
		if n < 0 || n >= maxTime {
			return time.Time{}, errTime
		}
		return time.Unix(n, 0).UTC(), nil
	}
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil || f < 0 || f >= maxTime {
		return time.Time{}, errTime
	}
	sec, frac := math.Modf(f)
	return time.Unix(int64(sec), int64(frac*1e3)*1e6).UTC(), nil // a float64 knows no more than milliseconds for sure
}

// MarshalJSON returns the claims, the registered ones first and the others by name.
func (c Claims) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 256)
	var fault error
	add := func(name string, value any) {
		if fault != nil {
			return
		}
		key, _ := json.Marshal(name) // a string always can
		val, err := json.Marshal(value)
		if err != nil {
			fault = fmt.Errorf("claim %q: %w", name, err)
		}
		b = append(append(append(append(b, ','), key...), ':'), val...)
	}
	text := func(name, value string) {
		if value != "" {
			add(name, value)
		}
	}
	date := func(name string, t time.Time) {
		if !t.IsZero() {
			add(name, t.Unix())
		}
	}
	text("iss", c.Issuer)
	text("sub", c.Subject)
	switch len(c.Audience) {
	case 0:
	case 1:
		add("aud", c.Audience[0])
	default:
		add("aud", c.Audience)
	}
	date("exp", c.Expires)
	date("nbf", c.NotBefore)
	date("iat", c.IssuedAt)
	text("jti", c.ID)
	for _, name := range slices.Sorted(maps.Keys(c.Other)) {
		if registered(name) {
			return nil, fmt.Errorf("jose: claim %q is a field of Claims and must not be in Other", name)
		}
		add(name, c.Other[name])
	}
	if fault != nil {
		return nil, fault
	}
	if len(b) == 0 {
		return []byte("{}"), nil
	}
	b[0] = '{'
	return append(b, '}'), nil
}

func registered(name string) bool {
	switch name {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti":
		return true
	default:
		return false
	}
}

// Set sets another claim to value, as JSON. An error means that name is registered or value cannot be marshalled.
func (c *Claims) Set(name string, value any) error {
	if registered(name) {
		return fmt.Errorf("jose: claim %q is a field of Claims", name)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("jose: claim %q: %w", name, err)
	}
	if c.Other == nil {
		c.Other = map[string]json.RawMessage{}
	}
	c.Other[name] = raw
	return nil
}

// Text returns another claim that is a string; "" if it is absent or none.
func (c *Claims) Text(name string) string {
	var s string
	if readString(c.Other[name], &s) != nil {
		return ""
	}
	return s
}

// Read reads another claim into a pointer and reports whether it is there. One that does not fit is [ErrInvalid].
func (c *Claims) Read(name string, into any) (bool, error) {
	raw, ok := c.Other[name]
	if !ok || bytes.Equal(raw, []byte("null")) {
		return false, nil
	}
	if err := josejson.Unmarshal(raw, into); err != nil {
		return true, fmt.Errorf("%w: claim %q: %w", ErrInvalid, name, err)
	}
	return true, nil
}

// Time returns another claim that is a NumericDate, such as "auth_time". The zero time means that it
// is absent; one that is no time is [ErrInvalid].
func (c *Claims) Time(name string) (time.Time, error) {
	raw, ok := c.Other[name]
	if !ok {
		return time.Time{}, nil
	}
	t, err := readTime(string(raw))
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: claim %q: %w", ErrInvalid, name, err)
	}
	return t, nil
}

// For reports whether audience is among the audiences.
func (c *Claims) For(audience string) bool { return slices.Contains(c.Audience, audience) }

// CheckTimes returns [ErrInvalid] if the claims are not valid at now, give or take leeway: "exp" must
// be there and ahead, "nbf" and "iat" must not be ahead.
func (c *Claims) CheckTimes(now time.Time, leeway time.Duration) error {
	switch {
	case c.Expires.IsZero():
		return fmt.Errorf(`%w: claim "exp" is missing`, ErrInvalid)
	case !now.Before(c.Expires.Add(leeway)):
		return fmt.Errorf(`%w: expired at %s`, ErrInvalid, c.Expires.Format(time.RFC3339))
	case now.Add(leeway).Before(c.NotBefore):
		return fmt.Errorf(`%w: not valid before %s`, ErrInvalid, c.NotBefore.Format(time.RFC3339))
	case now.Add(leeway).Before(c.IssuedAt):
		return fmt.Errorf(`%w: issued in the future, at %s`, ErrInvalid, c.IssuedAt.Format(time.RFC3339))
	}
	return nil
}
