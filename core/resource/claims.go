package resource

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
)

// read checks the claims of an authentic token and says what they mean.
func (v *jwt) read(c *jose.Claims, now time.Time) (info mandate.TokenInfo, err error) {
	if c.Issuer != v.Issuer {
		return info, fmt.Errorf("iss is %.200q, want %q", c.Issuer, v.Issuer)
	}
	if err := c.CheckTimes(now, v.Leeway); err != nil {
		return info, err
	}
	if !v.AnyAudience && (len(c.Audience) == 0 || slices.Contains(c.Audience, "")) {
		return info, errors.New("aud is missing or empty: have the issuer name this API")
	}
	info = mandate.TokenInfo{ID: c.ID, Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, IssuedAt: c.IssuedAt, Expires: c.Expires.Add(v.Leeway), ACR: c.Text("acr")}
	if info.ClientID, err = v.clientOf(c); err != nil {
		return info, err
	}
	for _, claim := range []struct {
		name string
		has  bool
	}{{"sub", c.Subject != ""}, {"client_id", info.ClientID != ""}, {"iat", !c.IssuedAt.IsZero()}, {"jti", c.ID != ""}} {
		if !claim.has && !slices.Contains(v.MayLack, claim.name) {
			return info, fmt.Errorf("%s is missing (RFC 9068, section 2.2): set JWT.MayLack if the issuer never sends it", claim.name)
		}
	}
	if info.Subject == info.ClientID { // the client acts for itself (RFC 9068, section 2.2)
		info.Subject = ""
	}
	if info.Scopes, err = v.scopesOf(c); err != nil {
		return info, err
	}
	if info.AuthTime, err = c.Time("auth_time"); err != nil {
		return info, err
	}
	if raw, ok := c.Other["cnf"]; ok {
		info.Confirmed = confirmation(raw)
		if info.Confirmed.JKT != "" {
			info.Type = "DPoP"
		}
	}
	info.Claims, err = v.rest(c)
	return info, err
}

func (v *jwt) clientOf(c *jose.Claims) (string, error) {
	for _, p := range v.client {
		raw := p.find(c.Other)
		if raw == nil {
			continue
		}
		var id string
		if raw[0] != '"' || json.Unmarshal(raw, &id) != nil {
			return "", fmt.Errorf("claim %s is not a string", p.name)
		}
		return id, nil
	}
	return "", nil
}

func (v *jwt) scopesOf(c *jose.Claims) (mandate.Scopes, error) {
	for _, p := range v.scope {
		raw := p.find(c.Other)
		if raw == nil {
			continue
		}
		names, err := stringsOf(raw)
		if err != nil {
			return "", fmt.Errorf("claim %s is %w", p.name, err)
		}
		scopes, err := mandate.ParseScopes(strings.Join(names, " "))
		if err != nil {
			return "", fmt.Errorf("claim %s: %w", p.name, err)
		}
		return scopes, nil
	}
	return "", nil
}

// rest returns the claims that have no field of their own, with the roles where mandate.Role looks for them.
func (v *jwt) rest(c *jose.Claims) (string, error) {
	rest := make(map[string]json.RawMessage, len(c.Other))
	for name, raw := range c.Other {
		switch name {
		case "client_id", "scope", "acr", "auth_time", "cnf":
		default:
			rest[name] = raw
		}
	}
	if len(v.roles) > 0 {
		roles, err := v.rolesOf(c)
		if err != nil {
			return "", err
		}
		delete(rest, "roles")
		if len(roles) > 0 {
			rest["roles"], _ = json.Marshal(roles) // strings always marshal
		}
	}
	if len(rest) == 0 {
		return "", nil
	}
	out, err := json.Marshal(rest)
	return string(out), err
}

func (v *jwt) rolesOf(c *jose.Claims) ([]string, error) {
	var all []string
	for _, p := range v.roles {
		raw := p.find(c.Other)
		if raw == nil {
			continue
		}
		roles, err := stringsOf(raw)
		if err != nil {
			return nil, fmt.Errorf("claim %s is %w", p.name, err)
		}
		all = append(all, roles...)
	}
	return all, nil
}

// confirmation reads cnf (RFC 7800). What it does not understand binds the token all the same.
func confirmation(raw json.RawMessage) mandate.Confirmation {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || len(members) == 0 {
		return mandate.Confirmation{Other: true}
	}
	var c mandate.Confirmation
	for name, value := range members {
		into := &c.JKT
		switch name {
		case "jkt":
		case "x5t#S256":
			into = &c.X5T
		default:
			c.Other = true
			continue
		}
		if json.Unmarshal(value, into) != nil || *into == "" {
			c.Other = true
		}
	}
	return c
}

var errNotStrings = errors.New("neither a string nor an array of strings")

// stringsOf reads a string or an array of strings.
func stringsOf(raw json.RawMessage) ([]string, error) {
	switch raw[0] {
	case '"':
		var one string
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, errNotStrings
		}
		return []string{one}, nil
	case '[':
		var list []*string // a null among them is no string
		if json.Unmarshal(raw, &list) != nil || slices.Contains(list, nil) {
			return nil, errNotStrings
		}
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = *s
		}
		return out, nil
	}
	return nil, errNotStrings
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

// find returns the value at p, or nil. A null is none.
func (p path) find(claims map[string]json.RawMessage) json.RawMessage {
	for i, step := range p.steps {
		raw := bytes.TrimLeft(claims[step], " \t\r\n")
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			return nil
		}
		if i == len(p.steps)-1 {
			return raw
		}
		claims = nil
		if json.Unmarshal(raw, &claims) != nil {
			return nil
		}
	}
	return nil
}
