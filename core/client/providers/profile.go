package providers

import (
	"encoding/json"
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

// contains reports whether s has part in it, in letters of any case.
func contains(s, part string) bool { return strings.Contains(strings.ToLower(s), part) }
