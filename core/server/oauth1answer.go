package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
)

// formHeader is the header of what clients of OAuth 1.0a are answered (RFC 5849, section 2.1).
//
//nolint:gochecknoglobals // constant by nature
var formHeader = mandate.Fields{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}, {Name: "Cache-Control", Value: "no-store"}}

// formAnswer returns an answer with these parameters.
func formAnswer(status int, params []mandate.Field) *mandate.Response {
	return &mandate.Response{Status: status, Header: formHeader, Body: []byte(encodeForm(params))}
}

func encodeForm(params []mandate.Field) string {
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(oauth1.Escape(p.Name) + "=" + oauth1.Escape(p.Value))
	}
	return b.String()
}

// refuseSigned returns the answer to err at an endpoint of OAuth 1.0a: the status of RFC 5849, section 3.2, what is wrong as oauth_problem for the clients
// that know it, and as error for all others. What failed to authenticate gets a challenge.
func (s *Server) refuseSigned(err error) *mandate.Response {
	e := s.told(err)
	status := statusOf(err)
	var params []mandate.Field
	problem, ok := errors.AsType[*oauth1.Error](err)
	if ok {
		status, params = problem.Status(), problem.Problem()
	}
	header := formHeader
	if status == 401 {
		header = append(slices.Clip(header), mandate.Field{Name: "WWW-Authenticate", Value: oauth1Type + ` realm="` + s.config.OAuth1.Realm + `", oauth_problem="` + string(e.Code) + `"`})
	}
	if status == 503 || status == 429 {
		if later, ok := retryAfter(err); ok {
			header = append(slices.Clip(header), later)
		}
	}
	params = append(params, mandate.Field{Name: "error", Value: string(e.Code)})
	if e.Description != "" {
		params = append(params, mandate.Field{Name: "error_description", Value: e.Description})
	}
	if e.URI != "" {
		params = append(params, mandate.Field{Name: "error_uri", Value: e.URI})
	}
	resp := formAnswer(status, params)
	resp.Header, resp.Err = header, err
	return resp
}

// checkExtra refuses parameters of OAuth1.Extra that clients could take for the server's own.
func checkExtra(params []mandate.Field) error {
	for _, p := range params {
		if p.Name == "" || strings.HasPrefix(p.Name, "oauth_") {
			return fmt.Errorf("server: OAuth1.Extra returned the parameter %q: names that begin with oauth_ are the protocol's", p.Name)
		}
	}
	return nil
}

// callbackURL returns callback with more parameters in its query.
func callbackURL(callback string, params []mandate.Field) string {
	mark := "?"
	if strings.Contains(callback, "?") {
		mark = "&"
	}
	return callback + mark + encodeForm(params)
}
