package main

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
)

// echoHandler mounts s on Echo.
func echoHandler(s *site) (http.Handler, error) {
	r := echo.New()
	r.HTTPErrorHandler = func(err error, c echo.Context) {
		e, ok := errors.AsType[*echo.HTTPError](err)
		switch {
		case c.Response().Committed:
		case ok && (e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed):
			c.Response().Header().Del("Allow")
			writeNotFound(c.Response())
		default:
			writeText(c.Response(), http.StatusInternalServerError, broken)
		}
	}
	if err := mandateecho.Mount(r, s.server); err != nil {
		return nil, err
	}
	r.Any(s.fault.Path, mandateecho.Handle(s.fault))
	for _, res := range s.resources {
		if res.describe {
			if err := mandateecho.MountResource(r, res.guard); err != nil {
				return nil, err
			}
		}
		auth := mandateecho.New(res.guard)
		guard := auth.Require(res.scopes...)
		if res.need != nil {
			guard = auth.RequireFor(res.need)
		}
		r.Any(res.endpoint.Path, mandateecho.Handle(res.endpoint), guard)
	}
	return r, nil
}
