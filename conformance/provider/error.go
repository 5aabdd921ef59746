package main

import (
	"context"
	"net/url"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/server"
)

// errorPage is the error page on a path of its own, for what sends a browser there with error and error_description: a proxy, or
// another part of the application. The server itself shows the page where the error is.
func (c *config) errorPage() (mandate.Endpoint, error) {
	set, err := pages.New(pages.Options{})
	if err != nil {
		return mandate.Endpoint{}, err
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return mandate.Endpoint{}, err
	}
	show := func(_ context.Context, r *mandate.Request) *mandate.Response {
		q, err := r.Query()
		if err != nil {
			q = mandate.Params{}
		}
		code, description := mandate.Code(q.Get("error")), ""
		switch code {
		case mandate.AccessDenied, mandate.InvalidRequest, mandate.UnauthorizedClient, mandate.UnsupportedResponseType, mandate.InvalidScope, mandate.TemporarilyUnavailable, mandate.ServerError:
			description = mandate.Printable(q.Get("error_description"))
		default: // nobody else's words on a page of this site
			code = mandate.InvalidRequest
		}
		answer, err := set.Error(pages.Error{Code: code, Description: description, Status: 400})
		if err != nil {
			return server.JSON(500, mandate.ServerError)
		}
		return answer
	}
	return mandate.Endpoint{Name: "error", Path: issuer.EscapedPath() + "/error", Methods: []string{"GET"}, Handle: show}, nil
}
