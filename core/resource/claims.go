package resource

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
)

// claims are what an authentic token says: the registered claims, and all others in their order.
type claims struct {
	jose.Claims

	more   jose.Members
	memory [24]jose.Member // more than most tokens have
}

// parse reads a payload, which nobody may change from then on.
func (c *claims) parse(payload []byte) error {
	members, err := jose.ParseMembers(payload, c.memory[:0])
	if err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	c.more, err = members.ReadClaims(&c.Claims)
	return err
}

// clear forgets everything, so that the memory can be used for another token and holds none.
func (c *claims) clear() { *c = claims{} }

// text returns another claim that is a string; "" if it is absent or none.
func (c *claims) text(name string) string {
	raw, _ := c.more.Find(name)
	s, _ := jose.Text(raw)
	return s
}

// has reports whether one of names is among the other claims.
func (c *claims) has(names ...string) bool {
	for _, name := range names {
		if _, ok := c.more.Find(name); ok {
			return true
		}
	}
	return false
}

// read checks the claims of an authentic token and says what they mean.
func (v *jwt) read(c *claims, now time.Time) (*mandate.Token, error) {
	if c.Issuer != v.Issuer && !slices.Contains(v.dialect.aliases, c.Issuer) {
		return nil, fmt.Errorf("iss is %.200q, want %q", c.Issuer, v.Issuer)
	}
	if err := c.CheckTimes(now, v.Leeway); err != nil {
		return nil, err
	}
	if v.dialect.kind != nil {
		if err := v.dialect.kind(c); err != nil {
			return nil, err
		}
	}
	if v.rule() == AudienceNamed && len(c.Audience) == 0 || !v.AnyAudience && slices.Contains(c.Audience, "") {
		return nil, errors.New("aud is missing or empty: have the issuer name this API")
	}
	info := mandate.TokenInfo{ID: c.ID, Issuer: v.Issuer, Subject: c.Subject, Audience: c.Audience, IssuedAt: c.IssuedAt, Expires: c.Expires.Add(v.Leeway), ACR: c.text("acr")}
	var err error
	if info.ClientID, err = v.clientOf(c.more); err != nil {
		return nil, err
	}
	if lacks := v.lacks(c, info.ClientID); lacks != "" {
		return nil, fmt.Errorf("%s is missing (RFC 9068, section 2.2): set JWT.MayLack if the issuer never sends it", lacks)
	}
	if info.Subject == info.ClientID { // the client acts for itself (RFC 9068, section 2.2)
		info.Subject = ""
	}
	if info.Scopes, err = v.scopesOf(c.more); err != nil {
		return nil, err
	}
	if raw, ok := c.more.Find("auth_time"); ok {
		if info.AuthTime, ok = jose.NumericDate(raw); !ok {
			return nil, errors.New("auth_time is not a number of seconds")
		}
	}
	if raw, ok := c.more.Find("cnf"); ok {
		info.Confirmed = confirmation(raw)
		if info.Confirmed.JKT != "" {
			info.Type = "DPoP"
		}
	}
	if v.Live != nil {
		info.GrantID = c.text(oauth2.GrantClaim)
	}
	if v.dialect.machine != nil && info.Subject != "" && v.dialect.machine(c, info.ClientID) {
		info.Subject = ""
	}
	if info.Claims, err = v.rest(c.more); err != nil {
		return nil, err
	}
	return mandate.NewToken(info), nil
}

// lacks returns the name of a claim that is missing and must not be, or "".
func (v *jwt) lacks(c *claims, client string) string {
	may := func(name string) bool { return slices.Contains(v.MayLack, name) }
	switch {
	case c.Subject == "" && !may("sub"):
		return "sub"
	case client == "" && !may("client_id"):
		return "client_id"
	case c.IssuedAt.IsZero() && !may("iat"):
		return "iat"
	case c.ID == "" && !may("jti"):
		return "jti"
	default:
		return ""
	}
}

func (v *jwt) clientOf(more jose.Members) (string, error) {
	for i := range v.client {
		raw := v.client[i].find(more)
		if raw == "" {
			continue
		}
		id, ok := jose.Text(raw)
		if !ok {
			return "", fmt.Errorf("claim %s is not a string", v.client[i].name)
		}
		return id, nil
	}
	return "", nil
}

func (v *jwt) scopesOf(more jose.Members) (mandate.Scopes, error) {
	for i := range v.scope {
		raw := v.scope[i].find(more)
		if raw == "" {
			continue
		}
		names, ok := jose.Text(raw)
		if !ok {
			list, ok := jose.Texts(raw)
			if !ok {
				return "", fmt.Errorf("claim %s is %w", v.scope[i].name, errNotStrings)
			}
			names = strings.Join(list, " ")
		}
		scopes, err := mandate.ParseScopes(names)
		if err != nil {
			return "", fmt.Errorf("claim %s: %w", v.scope[i].name, err)
		}
		return scopes, nil
	}
	return "", nil
}

// gathered is a claim of the token that is gathered from others: where mandate.Role and its like look.
type gathered struct {
	name string
	from []path
}

// rest returns the claims that have no field of their own, as a JSON object, with what is gathered where mandate.Role and its like
// look for it.
func (v *jwt) rest(more jose.Members) (string, error) {
	size := 0
	for i := range more {
		if v.keeps(more[i].Name) {
			size += len(more[i].Name) + len(more[i].Value) + 4
		}
	}
	if size == 0 && len(v.gathered) == 0 {
		return "", nil
	}
	var b strings.Builder
	b.Grow(size + 1)
	for i := range more {
		if v.keeps(more[i].Name) {
			writeMember(&b, more[i].Name, more[i].Value)
		}
	}
	for _, g := range v.gathered {
		all, err := g.all(more)
		if err != nil {
			return "", err
		}
		if len(all) > 0 {
			value, _ := json.Marshal(all) // strings always marshal
			writeMember(&b, g.name, string(value))
		}
	}
	if b.Len() == 0 {
		return "", nil
	}
	b.WriteByte('}')
	return b.String(), nil
}

func (v *jwt) keeps(name string) bool {
	switch name {
	case "client_id", "scope", "acr", "auth_time", "cnf":
		return false
	}
	for i := range v.gathered {
		if v.gathered[i].name == name {
			return false
		}
	}
	return true
}

// writeMember writes the next member of an object, whose end is left out.
func writeMember(b *strings.Builder, name, value string) {
	if b.Len() == 0 {
		b.WriteByte('{')
	} else {
		b.WriteByte(',')
	}
	if strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) >= 0 {
		quoted, _ := json.Marshal(name) // strings always marshal
		b.Write(quoted)
	} else {
		b.WriteByte('"')
		b.WriteString(name)
		b.WriteByte('"')
	}
	b.WriteByte(':')
	b.WriteString(value)
}

func (g gathered) all(more jose.Members) ([]string, error) {
	var all []string
	for i := range g.from {
		raw := g.from[i].find(more)
		if raw == "" {
			continue
		}
		list, ok := jose.Texts(raw)
		if !ok {
			return nil, fmt.Errorf("claim %s is %w", g.from[i].name, errNotStrings)
		}
		all = append(all, list...)
	}
	return all, nil
}

var errNotStrings = errors.New("neither a string nor an array of strings")

// confirmation reads cnf (RFC 7800). What it does not understand binds the token all the same.
func confirmation(raw string) mandate.Confirmation {
	members, err := jose.ParseMembers([]byte(raw), nil)
	if err != nil || len(members) == 0 {
		return mandate.Confirmation{Other: true}
	}
	var c mandate.Confirmation
	for _, m := range members {
		into := &c.JKT
		switch m.Name {
		case "jkt":
		case "x5t#S256":
			into = &c.X5T
		default:
			c.Other = true
			continue
		}
		if *into, _ = jose.Text(m.Value); *into == "" {
			c.Other = true
		}
	}
	return c
}

// path is where a claim stands.
type path struct {
	name  string // as configured
	steps []string
}

// parsePath reads a claim's name, or, if it begins with "/", a JSON pointer through objects (RFC 6901).
func parsePath(name string) (path, error) {
	if name == "" || name == "/" {
		return path{}, fmt.Errorf("%q is no name of a claim", name)
	}
	if name[0] != '/' {
		return path{name, []string{name}}, nil
	}
	steps := strings.Split(name[1:], "/")
	for i, step := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
	}
	return path{name, steps}, nil
}

// find returns the value at p as JSON, or "". A null is none.
func (p *path) find(members jose.Members) string {
	for i, step := range p.steps {
		raw, _ := members.Find(step)
		if raw == "" || raw == "null" {
			return ""
		}
		if i == len(p.steps)-1 {
			return raw
		}
		var err error
		if members, err = jose.ParseMembers([]byte(raw), nil); err != nil {
			return ""
		}
	}
	return ""
}
