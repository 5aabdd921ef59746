package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// jsonHeader is the header of every JSON answer that is about credentials (RFC 6749, section 5.1).
//
//nolint:gochecknoglobals // constant by nature
var jsonHeader = mandate.Fields{{Name: "Content-Type", Value: "application/json"}, {Name: "Cache-Control", Value: "no-store"}, {Name: "Pragma", Value: "no-cache"}}

// publicHeader is the header of documents that anybody may keep for a while.
//
//nolint:gochecknoglobals // constant by nature
var publicHeader = mandate.Fields{{Name: "Content-Type", Value: "application/json"}, {Name: "Cache-Control", Value: "public, max-age=300"}}

// JSON returns the answer that carries v, not to be cached: for endpoints of an application's own.
func JSON(status int, v any) *mandate.Response {
	body, err := json.Marshal(v)
	if err != nil {
		return &mandate.Response{Status: 500, Header: jsonHeader, Body: []byte(`{"error":"server_error"}`), Err: err}
	}
	return &mandate.Response{Status: status, Header: jsonHeader, Body: body}
}

// Refuse returns the answer to err at an endpoint that clients call: the JSON of RFC 6749, section 5.2, with the status of its
// code. What is no [mandate.Error] becomes server_error and says nothing.
func (s *Server) Refuse(err error) *mandate.Response {
	e := s.told(err)
	status := statusOf(err)
	header := jsonHeader
	if c, ok := errors.AsType[*clientError](err); ok && c.challenge {
		status = 401
		header = append(slices.Clip(header), mandate.Field{Name: "WWW-Authenticate", Value: s.challengeOf(c.scheme)})
	}
	if later, ok := retryAfter(err); ok {
		header = append(slices.Clip(header), later)
	}
	body, _ := json.Marshal(struct {
		Error       mandate.Code `json:"error"`
		Description string       `json:"error_description,omitempty"`
		URI         string       `json:"error_uri,omitempty"`
	}{e.Code, e.Description, e.URI})
	return &mandate.Response{Status: status, Header: header, Body: body, Err: err}
}

// told returns what a peer is told of err, with the page about it that Config.ErrorURIs has.
func (s *Server) told(err error) *mandate.Error {
	e := mandate.AsError(err)
	if uri := s.config.ErrorURIs[e.Code]; uri != "" && e.URI == "" {
		with := *e
		with.URI = uri
		return &with
	}
	return e
}

// checkErrorURIs refuses what an error_uri cannot be (RFC 6749, section 5.2).
func (c *Config) checkErrorURIs() error {
	for _, code := range slices.Sorted(maps.Keys(c.ErrorURIs)) {
		text := c.ErrorURIs[code]
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || mandate.Printable(text) != text || strings.Contains(text, " ") {
			return fmt.Errorf("server: ErrorURIs[%q] is %q, which is not an http or https URL of ASCII characters", string(code), text)
		}
	}
	return nil
}

// fault is an error that is nobody's refusal: the answer is server_error, or temporarily_unavailable where time ran
// out or the network did not carry, and the cause stays inside.
func fault(doing string, err error) error {
	hidden := hiddenError{fmt.Errorf("%s: %w", doing, err)}
	if _, ok := errors.AsType[net.Error](err); ok { // context.DeadlineExceeded is one
		return mandate.Errorf(mandate.TemporarilyUnavailable, hidden, "")
	}
	return hidden
}

// hiddenError is an error without Unwrap: whatever code is inside was said about something else, and is no verdict here.
type hiddenError struct{ error }

// challengeOf returns the challenge of invalid_client in scheme, which is Basic where it is empty.
func (s *Server) challengeOf(scheme string) string {
	if scheme == "" {
		return s.challenge
	}
	return scheme + strings.TrimPrefix(s.challenge, "Basic")
}
