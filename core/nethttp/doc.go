// Package nethttp ties Mandate to net/http: http.ServeMux, chi, and whatever else takes an http.Handler. It has the names of
// the adapters for Gin, Echo and Fiber; where those hand over their context, it takes the request, and the writer where
// something is written.
//
//	auth := nethttp.New(guard)
//	mux.Handle("GET /user", auth.Require("profile", "email")(http.HandlerFunc(showUser)))
//	mux.Handle("GET /me", auth.With(me, "profile"))
//	err := nethttp.Mount(mux, srv, nethttp.MountConfig{Decide: decide})
//
// ServeMux cleans paths and redirects before a handler sees the request, and compares them letter by letter; a path with a
// trailing slash is another path.
//
// Put CORS middleware before guards: it then answers preflights, and scripts can read refusals.
//
// The functions [Check], [CheckFor], [CheckRequest], [Enter], [LoadUser], [Serve], [Write], [WriteFields], [PageFailed] and
// [Register] are for adapters of frameworks that are built upon net/http.
package nethttp
