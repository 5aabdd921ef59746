package server

import (
	"context"

	mandate "github.com/go-mandate/mandate/core"
)

// Mounting is what an adapter ties to its framework. The context that the functions get is the one that
// the adapter gave to [mandate.Endpoint.Serve]: the framework's own context is in it, put there by the adapter.
type Mounting struct {
	// Decide asks the application. Nil: the built-in pages, which need Config.SignIn.
	Decide func(ctx context.Context, ask *Ask) (Answer, error)
	// Error writes the page for an error that may not go to the client by redirect. Nil: the built-in
	// page, or JSON for what is no browser. It becomes the Page of a [mandate.Response].
	Error func(ctx context.Context, err *mandate.Error) error
}

// Endpoints returns all endpoints, ready to be registered. It fails where neither m.Decide nor Config.SignIn could decide about
// an authorization request.
func (s *Server) Endpoints(m Mounting) ([]mandate.Endpoint, error) { return nil, nil }

// Serves reports whether path, as a request has it, is one of the server's endpoints. CSRF and
// cache middleware of others must leave these alone.
func (s *Server) Serves(path string) bool { return false }

// ReturnTo returns target if it is one of this server's own pages that waits for the browser to come
// back, and fallback otherwise: so that a sign-in page is no open redirect.
func (s *Server) ReturnTo(target, fallback string) string { return fallback }
