package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
)

// mcpConfig is a resource in the shape of a server of the Model Context Protocol: JSON-RPC over POST, with methods that need more.
type mcpConfig struct {
	Path     string            `json:"path"`
	Resource string            `json:"resource"`
	Scope    string            `json:"scope"`
	StepUp   map[string]string `json:"step_up"` // the scope of a JSON-RPC method, beside Scope
}

// scopes returns what its tokens may need, as a resource's metadata say it.
func (m *mcpConfig) scopes() []string {
	all := []string{m.Scope}
	for _, scope := range m.StepUp {
		all = append(all, scope)
	}
	return all
}

// guardMCP returns the resource.
func (s *settings) guardMCP(srv *server.Server, m *mcpConfig) (guarded, error) {
	one, err := s.guard(srv, resourceConfig{Path: m.Path, Resource: m.Resource, Scope: m.Scope, Methods: []string{http.MethodPost}})
	if err != nil {
		return guarded{}, err
	}
	base := mandate.Scope(m.Scope)
	needs := make(map[string]mandate.Requirement, len(m.StepUp))
	every := base
	for method, scope := range m.StepUp {
		if err := s.knownScopes(scope); err != nil {
			return guarded{}, fmt.Errorf("step_up.%s: %w", method, err)
		}
		needs[method] = mandate.AllOf(base, mandate.Scope(scope))
		every = mandate.AllOf(every, mandate.Scope(scope))
	}
	one.need = func(_ context.Context, r *mandate.Request) mandate.Requirement {
		call, err := parseCall(r.Body)
		switch need, more := needs[call.Method]; {
		case r.Oversized:
			return every // whatever it is
		case err == nil && more:
			return need
		default:
			return base
		}
	}
	one.endpoint.Name, one.endpoint.Handle = "mcp", answerCall
	return one, nil
}

// rpcCall is a message of JSON-RPC 2.0.
type rpcCall struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"` // nil: nobody waits for an answer
	Method  string          `json:"method"`
}

// parseCall reads one message: a guard and what is behind it must understand the same. Batches are none of the protocol's.
func parseCall(body string) (rpcCall, error) {
	var c rpcCall
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		return rpcCall{}, err
	}
	if c.Version != "2.0" || string(c.ID) == "null" {
		return rpcCall{}, errors.New("it is no message of JSON-RPC 2.0, or its id is null")
	}
	return c, nil
}

// answerCall answers every method with an empty result, and what wants none with 202.
func answerCall(_ context.Context, r *mandate.Request) *mandate.Response {
	call, err := parseCall(r.Body)
	switch {
	case err != nil:
		return server.JSON(http.StatusBadRequest, map[string]any{
			"jsonrpc": "2.0", "id": nil, "error": map[string]any{"code": -32600, "message": "want one message of JSON-RPC 2.0"},
		})
	case call.ID == nil || call.Method == "":
		return &mandate.Response{Status: http.StatusAccepted}
	}
	return server.JSON(http.StatusOK, struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  struct{}        `json:"result"`
	}{"2.0", call.ID, struct{}{}})
}
