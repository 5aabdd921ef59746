package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// A resource in the shape of an MCP server: what its messages need, and what they are answered.
func TestMCP(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworkNames() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			content := basis()
			content["mcp"] = map[string]any{
				"path": "/mcp", "resource": "http://127.0.0.1:9999/mcp", "scope": "read", "step_up": map[string]any{"tools/call": "write"},
			}
			s := start(t, framework, content, nil)
			v := newVisitor(t, s.addr)
			bearer := func(scope string, more ...string) string {
				form := "grant_type=client_credentials&scope=" + scope + strings.Join(more, "")
				token, _ := tokenOf(t, v, form)["access_token"].(string)
				return "Authorization: Bearer " + token
			}
			reader, writer, all := bearer("read"), bearer("write"), bearer("read+write", "&resource=http://127.0.0.1:9999/mcp")
			elsewhere := bearer("read+write", "&resource=https://api.example.com")

			const needed = `"scope":"read write"`
			for name, tc := range map[string]struct {
				token, body string
				status      int
				says        string
			}{
				"a method":                             {reader, `{"jsonrpc":"2.0","id":7,"method":"tools/list"}`, 200, `{"jsonrpc":"2.0","id":7,"result":{}}`},
				"an id that is a string":               {reader, `{"jsonrpc":"2.0","id":"a\"b","method":"ping"}`, 200, `{"jsonrpc":"2.0","id":"a\"b","result":{}}`},
				"a notification":                       {reader, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, 202, ""},
				"an answer of the client":              {reader, `{"jsonrpc":"2.0","id":1,"result":{}}`, 202, ""},
				"a method that needs more":             {reader, `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, 403, needed},
				"the same with more":                   {all, `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, 200, `"result":{}`},
				"the same with the other scope alone":  {writer, `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, 403, needed},
				"an escaped name of the method":        {reader, `{"jsonrpc":"2.0","id":1,"method":"tools\/c\u0061ll"}`, 403, needed},
				"the method twice":                     {reader, `{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}`, 403, needed},
				"a notification of it":                 {reader, `{"jsonrpc":"2.0","method":"tools/call"}`, 403, needed},
				"the first scope is needed for all":    {writer, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, 403, `"scope":"read"`},
				"no token":                             {"", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, 401, "missing_authorization"},
				"a token for another API":              {elsewhere, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, 401, "invalid_token"},
				"a batch":                              {all, `[{"jsonrpc":"2.0","id":1,"method":"tools/call"}]`, 400, `"id":null`},
				"no JSON":                              {all, `tools/call`, 400, `-32600`},
				"something behind the message":         {all, `{"jsonrpc":"2.0","id":1,"method":"ping"} {}`, 400, `-32600`},
				"an older JSON-RPC":                    {all, `{"id":1,"method":"ping"}`, 400, `-32600`},
				"an id of null":                        {all, `{"jsonrpc":"2.0","id":null,"method":"ping"}`, 400, `-32600`},
				"more than is read, with little scope": {reader, `{"jsonrpc":"2.0","id":1,"method":"ping","params":"` + strings.Repeat("x", maxResourceBody) + `"}`, 403, needed},
				"more than is read":                    {all, `{"jsonrpc":"2.0","id":1,"method":"ping","params":"` + strings.Repeat("x", maxResourceBody) + `"}`, 413, ""},
			} {
				fields := []string{"Content-Type: application/json"}
				if tc.token != "" {
					fields = append(fields, tc.token)
				}
				if a := v.send("POST", "/mcp", tc.body, fields...); a.status != tc.status || !strings.Contains(a.body, tc.says) || tc.status == 202 && a.body != "" {
					t.Errorf("%s: %d %s, want %d %s", name, a.status, a.body, tc.status, tc.says)
				}
			}
			if a := v.send("GET", "/mcp", "", all); a.status != 405 {
				t.Errorf("GET: %d, want 405: there is no stream", a.status)
			}
			var m struct {
				Resource string   `json:"resource"`
				Servers  []string `json:"authorization_servers"`
				Scopes   []string `json:"scopes_supported"`
			}
			a := v.send("GET", "/.well-known/oauth-protected-resource/mcp", "")
			if err := json.Unmarshal([]byte(a.body), &m); err != nil || m.Resource != "http://127.0.0.1:9999/mcp" || len(m.Servers) != 1 || strings.Join(m.Scopes, " ") != "read write" {
				t.Errorf("metadata: %d %s", a.status, a.body)
			}
		})
	}
}
