package main

import (
	"net/http"
	"path"

	"github.com/go-mandate/mandate/core/nethttp"
)

// nethttpHandler mounts s on http.ServeMux.
func nethttpHandler(s *site) (http.Handler, error) {
	mux := http.NewServeMux()
	if err := nethttp.Mount(mux, s.server); err != nil {
		return nil, err
	}
	mux.Handle(s.fault.Path, nethttp.Handle(s.fault))
	for _, r := range s.resources {
		if r.describe {
			if err := nethttp.MountResource(mux, r.guard); err != nil {
				return nil, err
			}
		}
		auth := nethttp.New(r.guard)
		guard := auth.Require(r.scopes...)
		if r.need != nil {
			guard = auth.RequireFor(r.need)
		}
		mux.Handle(r.endpoint.Path, guard(nethttp.Handle(r.endpoint)))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux would redirect to a path without dots and doubled slashes, and takes /%74oken for /token.
		if _, pattern := mux.Handler(r); pattern == "" || r.URL.RawPath != "" || path.Clean(r.URL.Path) != r.URL.Path {
			writeNotFound(w)
			return
		}
		mux.ServeHTTP(w, r)
	}), nil
}
