package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

// The response modes (OAuth 2.0 Multiple Response Type Encoding Practices, section 2.1; OAuth 2.0 Form Post Response Mode).
const (
	modeQuery    = "query"
	modeFragment = "fragment"
	modePost     = "form_post"
)

// responseModes returns the response modes that the server knows.
func responseModes() []string { return []string{modeQuery, modeFragment, modePost} }

// checkRequests returns why the server cannot answer authorization requests as its configuration says.
func (s *Server) checkRequests() error {
	if s.config.PushedRequests != nil && len(s.responses) == 0 {
		return errors.New("server: PushedRequests is set and there is no authorization endpoint: add AuthorizationCode to GrantTypes")
	}
	if s.config.RequestObjects != nil && len(s.responses) == 0 {
		return errors.New("server: RequestObjects is set and there is no authorization endpoint: add AuthorizationCode to GrantTypes")
	}
	modes := s.config.ResponseModes
	known := append(responseModes(), modeJWT)
	for i, m := range modes {
		if !slices.Contains(known, m) || slices.Contains(modes[:i], m) {
			return fmt.Errorf("server: ResponseModes has %q, which is none of %v, once", m, known)
		}
	}
	for name := range s.responses {
		if mode := s.defaultMode([]string{name}); !slices.Contains(modes, mode) {
			return fmt.Errorf("server: ResponseModes %v lacks %q, in which the response type %q is answered where a request names no mode", modes, mode, name)
		}
	}
	return nil
}

// defaultMode returns the response mode of types where the request names none.
func (s *Server) defaultMode(types []string) string {
	for _, t := range types {
		if s.responses[t].Front {
			return modeFragment
		}
	}
	return modeQuery
}

// readMode sets the response mode of a: the one asked for, or where that is none that can be the default one, with what is
// wrong with it. So the client hears of its mistake.
func (s *Server) readMode(a *Ask, params mandate.Params) error {
	q := &a.Request
	q.ResponseMode = s.defaultMode(q.ResponseTypes)
	asked, ok := good(params, "response_mode")
	if asked == modeJWT {
		asked = q.ResponseMode + suffixJWT
	}
	base, signed := baseMode(asked)
	switch {
	case !ok:
		return mandate.Errorf(mandate.InvalidRequest, nil, "parameter response_mode is repeated or malformed")
	case asked == "" || asked == q.ResponseMode:
		return nil
	case base == modeJWT || !slices.Contains(s.config.ResponseModes, base) || signed && !slices.Contains(s.config.ResponseModes, modeJWT):
		return mandate.Errorf(mandate.InvalidRequest, nil, "response_mode is not supported")
	case base == modeQuery && q.ResponseMode != modeQuery:
		return mandate.Errorf(mandate.InvalidRequest, nil, "response_mode query cannot carry a token")
	case base == modePost && oauth2.PrivateUseURI(q.RedirectURI):
		return mandate.Errorf(mandate.InvalidRequest, nil, "response_mode form_post needs an http or https redirect_uri")
	}
	q.ResponseMode = asked
	return nil
}

// deliver sends params to the client, whose redirect URI is proven, with the state and the issuer (RFC 9207), in the response
// mode of a: for what was granted and for errors alike.
func (m mounted) deliver(ctx context.Context, a *Ask, params []mandate.Field) *mandate.Response {
	mode, signed := baseMode(a.Request.ResponseMode)
	if signed {
		var err error
		if params, err = m.signAnswer(ctx, a, params); err != nil {
			return m.errorPage(ctx, a.request, err, pages.Error{})
		}
	}
	if mode != modePost {
		return a.redirect(a.Request.ResponseMode, params)
	}
	fields := slices.Clip(params)
	if a.Request.State != "" && !signed {
		fields = append(fields, mandate.Field{Name: "state", Value: a.Request.State})
	}
	if !m.config.OmitIss && !signed {
		fields = append(fields, mandate.Field{Name: "iss", Value: m.config.Issuer})
	}
	resp, err := m.pagesFor(a.request, a.Request.UILocales).Post(pages.Post{URL: a.Request.RedirectURI, Fields: fields})
	if err != nil {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	return resp
}

// refuseClient sends an error to the client, whose redirect URI is proven. A client that a stranger registered hears of it only
// from a browser that is signed in, or where no page may be shown: otherwise one link would send people
// from this host to anywhere (RFC 9700, section 4.11.2).
func (m mounted) refuseClient(ctx context.Context, a *Ask, err error) *mandate.Response {
	if a.device != nil {
		return m.refuseDevice(ctx, a, err)
	}
	if a.oauth1 != nil {
		return m.refuseOAuth1(ctx, a, err)
	}
	e := m.told(err)
	params := []mandate.Field{{Name: "error", Value: string(e.Code)}}
	if e.Description != "" {
		params = append(params, mandate.Field{Name: "error_description", Value: e.Description})
	}
	if e.URI != "" {
		params = append(params, mandate.Field{Name: "error_uri", Value: e.URI})
	}
	used := m.endPushed(ctx, a, endRefused)
	if used == nil {
		used = m.useObject(ctx, a)
	}
	switch {
	case errors.Is(used, store.ErrUsed):
		return m.finished(ctx, a, used)
	case used != nil: // an error gives nothing away that is worth a second one
		m.hooks.Tell(ctx, mandate.Event{Name: mandate.Fault, ClientID: a.Client.ID, Err: used})
	}
	if a.Client.Origin != store.ByOperator && !a.Request.silent() && a.flow.Shown == "" && !m.hasSession(ctx, a.request) {
		link := *a
		if mode, signed := baseMode(a.Request.ResponseMode); mode == modePost { // a link posts nothing
			link.Request.ResponseMode = m.defaultMode(a.Request.ResponseTypes)
			if signed {
				link.Request.ResponseMode += suffixJWT
			}
		}
		return m.errorPage(ctx, a.request, err, pages.Error{ReturnURL: m.deliver(ctx, &link, params).Header.Get("Location")})
	}
	resp := *m.deliver(ctx, a, params)
	resp.Err = err
	return &resp
}

// redirect sends the browser to the redirect URI with params, state and issuer, where mode has them. A signed answer has the two inside.
func (a *Ask) redirect(mode string, params []mandate.Field) *mandate.Response {
	answer := new(redirection)
	b := append(answer.url[:0], a.Request.RedirectURI...)
	mark := byte('?')
	switch {
	case strings.HasPrefix(mode, modeFragment):
		mark = '#'
	case strings.Contains(a.Request.RedirectURI, "?"):
		mark = '&'
	}
	add := func(name, escaped string) {
		b = append(append(append(append(b, mark), name...), '='), escaped...)
		mark = '&'
	}
	for _, p := range params {
		add(p.Name, url.QueryEscape(p.Value))
	}
	if !strings.HasSuffix(mode, suffixJWT) {
		if a.Request.State != "" {
			add("state", url.QueryEscape(a.Request.State))
		}
		if !a.server.config.OmitIss {
			add("iss", a.server.escapedIssuer)
		}
	}
	return answer.to(textOf(b))
}
