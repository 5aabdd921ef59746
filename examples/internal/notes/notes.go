// Package notes is a server of the Model Context Protocol with two tools, without anything about authorization: JSON-RPC 2.0 over POST,
// one message at a time, answered in JSON.
package notes

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Limit is how much of a body is read, in bytes.
const Limit = 1 << 20

// Server keeps everybody's notes. The zero value has none.
type Server struct {
	Origin string // of browsers that may send messages; others are refused, as the protocol wants it

	mu    sync.Mutex // guards notes
	notes map[string][]string
}

// Message is a request as a framework received it.
type Message struct {
	Method  string // of HTTP
	Origin  string
	Subject string // whose notes they are
	Body    []byte
}

// call is a message of JSON-RPC.
type call struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"` // nil: nobody waits for an answer
	Method  string          `json:"method"`
	Params  struct {
		Version   string `json:"protocolVersion"`
		Name      string `json:"name"`
		Arguments struct {
			Text string `json:"text"`
		} `json:"arguments"`
	} `json:"params"`
}

func parse(body []byte) (call, error) {
	var c call
	if err := json.Unmarshal(body, &c); err != nil {
		return call{}, err
	}
	if c.Version != "2.0" || string(c.ID) == "null" {
		return call{}, errors.New("want a message of JSON-RPC 2.0")
	}
	return c, nil
}

// Tool returns the tool that body calls, read as Answer reads it; "" if it calls none.
func Tool(body string) string {
	c, err := parse([]byte(body))
	if err != nil || c.Method != "tools/call" {
		return ""
	}
	return c.Params.Name
}

// Codes of JSON-RPC.
const (
	badRequest = -32600
	badMethod  = -32601
	badParams  = -32602
)

// Answer returns the status and the JSON that m is answered with.
func (s *Server) Answer(m Message) (int, []byte) {
	switch {
	case m.Origin != "" && m.Origin != s.Origin:
		return 403, nil
	case m.Method != http.MethodPost: // there are no streams and no sessions
		return 405, nil
	case len(m.Body) > Limit:
		return 413, nil
	}
	c, err := parse(m.Body)
	if err != nil {
		return 400, refuse(json.RawMessage("null"), badRequest, "want one message of JSON-RPC 2.0")
	}
	if c.ID == nil || c.Method == "" {
		return 202, nil
	}
	switch c.Method {
	case "initialize":
		return 200, say(c.ID, map[string]any{
			"protocolVersion": version(c.Params.Version),
			"capabilities":    map[string]any{"tools": map[string]any{}},
			"serverInfo":      map[string]any{"name": "notes", "version": "1.0.0"},
		})
	case "ping":
		return 200, say(c.ID, map[string]any{})
	case "tools/list":
		return 200, say(c.ID, map[string]any{"tools": []any{
			tool("list_notes", "Lists your notes.", map[string]any{}),
			tool("add_note", "Adds a note.", map[string]any{"text": map[string]any{"type": "string"}}),
		}})
	case "tools/call":
		return 200, s.call(m.Subject, c)
	}
	return 200, refuse(c.ID, badMethod, "no such method")
}

func (s *Server) call(subject string, c call) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := "added"
	switch c.Params.Name {
	case "list_notes":
		if text = strings.Join(s.notes[subject], "\n"); text == "" {
			text = "no notes"
		}
	case "add_note":
		if c.Params.Arguments.Text == "" {
			return refuse(c.ID, badParams, "a note needs a text")
		}
		if s.notes == nil {
			s.notes = map[string][]string{}
		}
		s.notes[subject] = append(s.notes[subject], c.Params.Arguments.Text)
	default:
		return refuse(c.ID, badParams, "no such tool")
	}
	return say(c.ID, map[string]any{"content": []any{map[string]any{"type": "text", "text": text}}})
}

// version returns the revision of the protocol that is spoken where the client offers one.
func version(offered string) string {
	known := []string{"2025-11-25", "2025-06-18", "2025-03-26"}
	if slices.Contains(known, offered) {
		return offered
	}
	return known[0]
}

func tool(name, description string, properties map[string]any) map[string]any {
	return map[string]any{"name": name, "description": description, "inputSchema": map[string]any{"type": "object", "properties": properties}}
}

func say(id json.RawMessage, result any) []byte {
	return encode(map[string]any{"jsonrpc": "2.0", "id": id, "result": result})
}

func refuse(id json.RawMessage, code int, message string) []byte {
	return encode(map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": code, "message": message}})
}

func encode(v any) []byte {
	b, _ := json.Marshal(v) // maps of strings and what was JSON before
	return b
}
