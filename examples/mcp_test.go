package examples_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// TestMCP registers a client, gets a token for reading, and is told what the tool that writes needs.
func TestMCP(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, "mcp-"+framework)
			if got := paste(t, p.said); !slices.Equal(got, []string{"401", "200", "200"}) {
				t.Errorf("the pasted lines = %v, want 401 200 200", got)
			}
			m := mcp{t, p.base}
			const list, add = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add_note","arguments":{"text":"Buy milk"}}}`
			m.send("POST", list, "").challenged(t, 401, `scope="notes:read", resource_metadata="`+p.base+`/.well-known/oauth-protected-resource/mcp"`)

			client := m.register()
			reader := m.token(client, "notes:read")
			m.send("POST", list, reader).want(t, 200, `"list_notes"`)
			m.send("POST", add, reader).challenged(t, 403, `error="insufficient_scope"`).want(t, 403, `notes:read notes:write`)
			m.send("POST", strings.Replace(add, "add_note", `add\u005fnote`, 1), reader).want(t, 403, "insufficient_scope")
			m.send("POST", add+strings.Repeat(" ", 1<<20), reader).want(t, 403, "insufficient_scope")
			m.send("POST", packed(t, add), reader, "Content-Encoding", "gzip").want(t, 400, "want one message")
			m.send("GET", "", reader).want(t, 405, "")
			m.send("POST", list, reader, "Origin", "https://evil.example.com").want(t, 403, "")

			writer := m.token(client, "notes:read notes:write")
			m.send("POST", add, writer).want(t, 200, "added")
			m.send("POST", add+strings.Repeat(" ", 1<<20), writer).want(t, 413, "")
			m.send("POST", `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"list_notes"}}`, reader).want(t, 200, "Buy milk")
			m.send("POST", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, reader).want(t, 202, "")
			m.send("POST", `[`+list+`]`, reader).want(t, 400, "-32600")
			m.send("POST", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`, reader).want(t, 200, `"protocolVersion":"2025-06-18"`)
		})
	}
}

type mcp struct {
	t    *testing.T
	base string
}

func (m mcp) send(method, body, token string, header ...string) page {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), method, m.base+"/mcp", strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return newBrowser(m.t).do(req)
}

// challenged ends the test unless p has the status and a challenge that says text.
func (p page) challenged(t *testing.T, status int, text string) page {
	t.Helper()
	if got := p.header.Get("WWW-Authenticate"); p.status != status || !strings.Contains(got, text) {
		t.Fatalf("%s = %d, challenge %s, want %d and %s", p.url, p.status, got, status, text)
	}
	return p
}

// register returns the ID of a new client, which asks for reading alone.
func (m mcp) register() string {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), http.MethodPost, m.base+"/register", strings.NewReader(
		`{"client_name":"Test","redirect_uris":["http://127.0.0.1:1/cb"],"token_endpoint_auth_method":"none","grant_types":["authorization_code"],"scope":"notes:read"}`))
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	var got struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(newBrowser(m.t).do(req).want(m.t, http.StatusCreated, "client_id").text), &got); err != nil {
		m.t.Fatal(err)
	}
	return got.ID
}

// token signs somebody in and returns an access token for the MCP server.
func (m mcp) token(client, scope string) string {
	m.t.Helper()
	c := oauth2.Config{
		ClientID: client, RedirectURL: "http://127.0.0.1:1/cb", Scopes: []string{scope},
		Endpoint: oauth2.Endpoint{AuthURL: m.base + "/authorize", TokenURL: m.base + "/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	b := newBrowser(m.t)
	var back *url.URL
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "127.0.0.1:1" {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	verifier, resource := oauth2.GenerateVerifier(), oauth2.SetAuthURLParam("resource", m.base+"/mcp")
	at := b.open(c.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), resource))
	at = b.submit(at, url.Values{"username": {"demo"}, "password": {"demo"}, "action": {"login"}})
	b.submit(at, url.Values{"action": {"allow"}})
	if back == nil {
		m.t.Fatal("the browser does not come back to the client")
	}
	tok, err := c.Exchange(m.t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier), resource)
	if err != nil {
		m.t.Fatal(err)
	}
	return tok.AccessToken
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
