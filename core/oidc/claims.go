package oidc

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-mandate/mandate/core/jose"
)

// Token is what an authentic ID token says (OpenID Connect Core, section 2). Nobody may change it.
type Token struct {
	Issuer   string    // "iss"
	Subject  string    // "sub": the issuer's own id of the user
	Audience []string  // "aud"
	Expires  time.Time // "exp"
	IssuedAt time.Time // "iat"
	AuthTime time.Time // "auth_time": when the user signed in; zero if it is not said

	Nonce           string   // "nonce"
	ACR             string   // "acr"
	AMR             []string // "amr"
	AuthorizedParty string   // "azp"
	SessionID       string   // "sid": of the user's session with the issuer; it is in logout tokens, too

	claims     jose.Claims
	more       jose.Members    // all that is not registered
	accessHash string          // "at_hash"
	codeHash   string          // "c_hash"
	nonceless  bool            // "nonce_supported": false
	key        *jose.PublicKey // that signed; nil: the client secret
}

// parse reads a payload, which nobody may change from then on.
func (t *Token) parse(payload []byte) error {
	members, err := jose.ParseMembers(payload, make(jose.Members, 0, 24))
	if err != nil {
		return err
	}
	if t.more, err = members.ReadClaims(&t.claims); err != nil {
		return err
	}
	t.Issuer, t.Subject, t.Audience, t.Expires, t.IssuedAt = t.claims.Issuer, t.claims.Subject, t.claims.Audience, t.claims.Expires, t.claims.IssuedAt
	for _, m := range t.more {
		if m.Value == "null" { // as good as absent
			continue
		}
		ok := true
		switch m.Name {
		case "nonce":
			t.Nonce, ok = jose.Text(m.Value)
		case "acr":
			t.ACR, ok = jose.Text(m.Value)
		case "azp":
			t.AuthorizedParty, ok = jose.Text(m.Value)
		case "sid":
			t.SessionID, ok = jose.Text(m.Value)
		case "at_hash":
			t.accessHash, ok = jose.Text(m.Value)
		case "c_hash":
			t.codeHash, ok = jose.Text(m.Value)
		case "amr":
			t.AMR, _ = jose.Texts(m.Value) // some send what is no list: nothing rests on it
		case "auth_time":
			t.AuthTime, ok = jose.NumericDate(m.Value)
		case "nonce_supported":
			t.nonceless = m.Value == "false"
		}
		if !ok {
			return fmt.Errorf("%w: the claim %s is of the wrong type", jose.ErrInvalid, m.Name)
		}
	}
	return nil
}

// Read reads a claim, as JSON has it, into a pointer, and reports whether it is there.
func (t *Token) Read(name string, into any) (bool, error) {
	raw, ok := t.raw(name)
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal([]byte(raw), into); err != nil {
		return true, fmt.Errorf("%w: claim %s: %w", jose.ErrInvalid, name, err)
	}
	return true, nil
}

// Text returns a claim that is a string; "" if it is absent or none.
func (t *Token) Text(name string) string {
	raw, _ := t.raw(name)
	s, _ := jose.Text(raw)
	return s
}

// raw returns a claim as JSON.
func (t *Token) raw(name string) (string, bool) {
	switch name {
	case "iss", "sub":
		s := t.Issuer
		if name == "sub" {
			s = t.Subject
		}
		b, _ := json.Marshal(s) // a string: it cannot fail
		return string(b), s != ""
	}
	return t.more.Find(name)
}

// Claims returns all claims as encoding/json has them, numbers as json.Number. The map is the caller's.
func (t *Token) Claims() map[string]any {
	all := make(map[string]any, len(t.more)+6)
	c := &t.claims
	for _, s := range [...]struct{ name, value string }{{"iss", c.Issuer}, {"sub", c.Subject}, {"jti", c.ID}} {
		if s.value != "" {
			all[s.name] = s.value
		}
	}
	for _, d := range [...]struct {
		name  string
		value time.Time
	}{{"exp", c.Expires}, {"iat", c.IssuedAt}, {"nbf", c.NotBefore}} {
		if !d.value.IsZero() {
			all[d.name] = json.Number(strconv.FormatInt(d.value.Unix(), 10))
		}
	}
	switch len(c.Audience) {
	case 0:
	case 1:
		all["aud"] = c.Audience[0]
	default:
		list := make([]any, len(c.Audience))
		for i, a := range c.Audience {
			list[i] = a
		}
		all["aud"] = list
	}
	for _, m := range t.more {
		d := json.NewDecoder(strings.NewReader(m.Value))
		d.UseNumber() // ids have more digits than a float64
		var v any
		if d.Decode(&v) == nil { // it was read as JSON before
			all[m.Name] = v
		}
	}
	return all
}

// Bool is a claim that is true or false, which some send as a string: "email_verified": "true". What is neither is an error.
type Bool bool

// UnmarshalJSON implements json.Unmarshaler.
func (b *Bool) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "true", `"true"`:
		*b = true
	case "false", `"false"`, "null":
		*b = false
	default:
		return fmt.Errorf("%.20s is neither true nor false", data)
	}
	return nil
}

// UserInfo are the standard claims about a user (OpenID Connect Core, section 5.1). All may be missing but Subject.
type UserInfo struct {
	Subject           string  `json:"sub"`
	Name              string  `json:"name,omitempty"`
	GivenName         string  `json:"given_name,omitempty"`
	FamilyName        string  `json:"family_name,omitempty"`
	MiddleName        string  `json:"middle_name,omitempty"`
	Nickname          string  `json:"nickname,omitempty"`
	PreferredUsername string  `json:"preferred_username,omitempty"`
	Profile           string  `json:"profile,omitempty"` // a URL, like Picture and Website
	Picture           string  `json:"picture,omitempty"`
	Website           string  `json:"website,omitempty"`
	Email             string  `json:"email,omitempty"`
	EmailVerified     Bool    `json:"email_verified,omitempty"`
	Gender            string  `json:"gender,omitempty"`
	Birthdate         string  `json:"birthdate,omitempty"` // "2001-12-31", "0000-12-31" or "2001"
	ZoneInfo          string  `json:"zoneinfo,omitempty"`  // "Europe/Paris"
	Locale            string  `json:"locale,omitempty"`
	Phone             string  `json:"phone_number,omitempty"`
	PhoneVerified     Bool    `json:"phone_number_verified,omitempty"`
	Address           Address `json:"address,omitzero"`
}

// Address is the claim "address" (OpenID Connect Core, section 5.1.1).
type Address struct {
	Formatted  string `json:"formatted,omitempty"` // lines, parted by \n or \r\n
	Street     string `json:"street_address,omitempty"`
	Locality   string `json:"locality,omitempty"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty"`
}

// UserInfoOf reads the standard claims among claims. One of the wrong type is an error.
func UserInfoOf(claims map[string]any) (UserInfo, error) {
	var u UserInfo
	data, err := json.Marshal(claims)
	if err == nil {
		err = json.Unmarshal(data, &u)
	}
	if err != nil {
		return UserInfo{}, fmt.Errorf("oidc: claims: %w", err)
	}
	return u, nil
}
