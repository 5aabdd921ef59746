package server

import (
	"context"
	"net/url"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
)

// errorPage answers what may not go to the client by redirect: a page for a browser, JSON for anything else, or what the
// application put in its place.
func (m mounted) errorPage(ctx context.Context, r *mandate.Request, err error, p pages.Error) *mandate.Response {
	e := m.told(err)
	if p.Status == 0 {
		p.Status = statusOf(err)
	}
	p.Code, p.Description = e.Code, e.Description
	vary := mandate.Field{Name: "Vary", Value: "Accept, Sec-Fetch-Mode"}
	later, wait := retryAfter(err)
	switch {
	case m.config.ErrorURL != "" && wantsHTML(r):
		resp := redirect(m.errorURL(e))
		resp.Err = err
		return resp
	case m.Error != nil:
		header := append(slices.Clip(errorHeader), vary)
		if wait {
			header = append(header, later)
		}
		return &mandate.Response{Status: p.Status, Header: header, Err: err, Page: func() error { return m.Error(ctx, e) }}
	case !wantsHTML(r):
		resp := m.Refuse(err).With(vary.Name, vary.Value)
		resp.Status = p.Status
		return resp
	}
	locales := ""
	if q, err := r.Query(); err == nil {
		locales = q.Get("ui_locales")
	}
	resp, fail := m.pagesFor(r, locales).Error(p)
	if fail != nil {
		return m.Refuse(fail)
	}
	resp = resp.With(vary.Name, vary.Value)
	if wait {
		resp = resp.With(later.Name, later.Value)
	}
	resp.Err = err
	return resp
}

// tooLarge answers a form that is larger than any page of this server makes.
func (m mounted) tooLarge(ctx context.Context, r *mandate.Request) *mandate.Response {
	return m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "request body is too large"), pages.Error{Status: 413})
}

// errorHeader is the header of an error page that the application writes.
//
//nolint:gochecknoglobals // constant by nature
var errorHeader = mandate.Fields{{Name: "Cache-Control", Value: "no-store"}, {Name: "Referrer-Policy", Value: "no-referrer"}, {Name: "X-Content-Type-Options", Value: "nosniff"}}

// errorURL returns Config.ErrorURL with the error.
func (s *Server) errorURL(e *mandate.Error) string {
	q := url.Values{"error": {string(e.Code)}}
	if e.Description != "" {
		q.Set("error_description", e.Description)
	}
	if e.URI != "" {
		q.Set("error_uri", e.URI)
	}
	mark := "?"
	if strings.Contains(s.config.ErrorURL, "?") {
		mark = "&"
	}
	return s.config.ErrorURL + mark + q.Encode()
}

// wantsHTML reports whether r comes from a browser that shows the answer. "*/*" alone does not say so.
func wantsHTML(r *mandate.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" || strings.Contains(r.Header.Get("Accept"), "text/html")
}
