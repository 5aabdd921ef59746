package main

import (
	"net/http"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
)

// ginHandler mounts s on Gin.
func ginHandler(s *site) (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode) // or it writes its routes to standard output
	r := gin.New()
	r.UseRawPath = true
	r.RedirectTrailingSlash = false
	r.NoRoute(func(c *gin.Context) { writeNotFound(c.Writer) })
	if err := mandategin.Mount(r, s.server); err != nil {
		return nil, err
	}
	r.Any(s.fault.Path, mandategin.Handle(s.fault))
	for _, res := range s.resources {
		if res.describe {
			if err := mandategin.MountResource(r, res.guard); err != nil {
				return nil, err
			}
		}
		auth := mandategin.New(res.guard)
		guard := auth.Require(res.scopes...)
		if res.need != nil {
			guard = auth.RequireFor(res.need)
		}
		r.Any(res.endpoint.Path, guard, mandategin.Handle(res.endpoint))
	}
	return r, nil
}
