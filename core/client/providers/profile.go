package providers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-mandate/mandate/core/client"
)

// text returns the member of m at path, if it is a string or a number.
func text(m map[string]any, path ...string) string {
	for _, name := range path[:len(path)-1] {
		m, _ = m[name].(map[string]any)
	}
	switch v := m[path[len(path)-1]].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// extra returns a member of the token's answer.
func extra(g *client.Granted, name string) string {
	return text(map[string]any{name: g.Token.Extra(name)}, name)
}

// object returns the object that a call answers.
func object(ctx context.Context, g *client.Granted, c client.Call) (map[string]any, error) {
	res, err := g.Do(ctx, c)
	if err != nil {
		return nil, err
	}
	return members(g, res)
}

// members returns the object of JSON that an answer is, whatever type it says to be of.
func members(g *client.Granted, res *client.Response) (map[string]any, error) {
	if res.Status != http.StatusOK {
		return nil, g.Refused(res)
	}
	var m map[string]any
	if err := json.Unmarshal(res.Raw, &m); err != nil || m == nil {
		e := g.Refused(res)
		e.Kind, e.Cause = client.Unreachable, errors.New("the answer is no object of JSON")
		return nil, e
	}
	return m, nil
}

// join returns the parts that are not empty, with spaces in between.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// contains reports whether s has part in it, in letters of any case.
func contains(s, part string) bool { return strings.Contains(strings.ToLower(s), part) }

// site returns the URL of domain, which some have with the scheme and slashes at its end. Another scheme than https stays, for the registry to
// refuse.
func site(domain string) string {
	domain = strings.TrimRight(domain, "/")
	if strings.Contains(domain, "://") {
		return domain
	}
	return "https://" + domain
}

// standard are the scopes of OpenID Connect that a profile is made of, in a list of the caller's own: applications append to it.
func standard() []string { return []string{"openid", "profile", "email"} }
