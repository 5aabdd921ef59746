package nethttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// Router is where endpoints are registered: *http.ServeMux, chi's *Mux, or whatever understands "/register/{id}" and takes a
// pattern without a method for all methods.
type Router interface {
	Handle(pattern string, h http.Handler)
}

// Decide asks the application about an authorization request.
type Decide func(w http.ResponseWriter, r *http.Request, ask *server.Ask) (server.Answer, error)

// MountConfig ties a server to the application. The zero value mounts the built-in pages.
type MountConfig struct {
	// Decide asks the application who is signed in and what is allowed. Default: the built-in pages.
	Decide Decide
	// Use is middleware around every endpoint, the first outermost.
	Use []func(http.Handler) http.Handler
	// Error writes the page for an error that may not go to the client by redirect. Header fields and status are set
	// before. Default: the built-in page.
	Error func(w http.ResponseWriter, r *http.Request, err *mandate.Error)
}

// Mount registers every endpoint of srv. r is the root router: the paths come from the server's configuration, and some lie under
// /.well-known. A path that r already has is an error; what was registered before it stays. Of several configs the last
// counts.
func Mount(r Router, srv *server.Server, config ...MountConfig) error {
	var c MountConfig
	if n := len(config); n > 0 {
		c = config[n-1]
	}
	if r == nil || srv == nil {
		return errors.New("nethttp: Mount needs a router and a server: check the error of server.New first")
	}
	endpoints, err := srv.Endpoints(mounting(c))
	if err != nil {
		return fmt.Errorf("nethttp: mount: %w", err)
	}
	return register(r, endpoints, c.Use)
}

// MountResource registers the metadata of guard's API (RFC 9728), where its challenges say that it is: below /.well-known at the root of
// the host, which is why r is the root router. It is JSON for anybody, scripts of other origins too. A guard without Config.Metadata
// is an error.
func MountResource(r Router, guard *resource.Guard) error {
	endpoints := guard.Endpoints()
	if r == nil || len(endpoints) == 0 {
		return errors.New("nethttp: MountResource needs a router and a guard with resource.Config.Metadata: check the error of resource.New first")
	}
	return register(r, endpoints, nil)
}

func register(r Router, endpoints []mandate.Endpoint, use []func(http.Handler) http.Handler) error {
	for _, e := range endpoints {
		h := Handle(e)
		for _, use := range slices.Backward(use) {
			h = use(h)
		}
		if err := Register(e.Path, func() { r.Handle(e.Path, h) }); err != nil {
			return fmt.Errorf("nethttp: mount: %w", err)
		}
	}
	return nil
}

// Register calls register and returns the panic with which a router refuses path as an error.
func Register(path string, register func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the router refuses %s: %v", path, p)
		}
	}()
	register()
	return nil
}

func mounting(c MountConfig) server.Mounting {
	var m server.Mounting
	if c.Decide != nil {
		m.Decide = func(ctx context.Context, ask *server.Ask) (server.Answer, error) {
			x := exchangeFrom(ctx)
			return c.Decide(&x.w, x.r, ask)
		}
	}
	if c.Error != nil {
		m.Error = func(ctx context.Context, err *mandate.Error) error {
			x := exchangeFrom(ctx)
			c.Error(&x.w, x.r, err)
			return nil
		}
	}
	return m
}

// exchange is one request and its answer, in one piece of memory: what is read, where it is written, and the context
// that the endpoint gets, by which the functions of a MountConfig find it.
type exchange struct {
	context.Context

	w       presetWriter
	r       *http.Request
	reading reading
	values  [3]string // of the answer's header fields, which are seldom more
}

type exchangeKey struct{}

// Value returns the exchange itself, or what the request's context has.
func (x *exchange) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return x
	}
	return x.Context.Value(key)
}

func exchangeFrom(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Handle is one endpoint, to be registered by hand, for every method.
func Handle(e mandate.Endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{Context: r.Context(), w: presetWriter{ResponseWriter: w, status: http.StatusOK}, r: r}
		resp := x.reading.serve(x, &e, r) //nolint:contextcheck // x descends from that of r
		if resp.Page == nil {
			write(w, resp, x.values[:])
			return
		}
		writeFields(w, resp, x.values[:])
		if resp.Status != 0 && x.w.status != 0 { // Decide may have written already
			x.w.status = resp.Status
		}
		if err := resp.Page(); err != nil && x.w.status != 0 {
			Write(w, PageFailed())
			return
		}
		x.w.finish()
	})
}

// PageFailed is the answer where an application's page failed before it was begun.
func PageFailed() *mandate.Response {
	return &mandate.Response{
		Status: http.StatusInternalServerError,
		Header: mandate.Fields{{Name: "Content-Type", Value: "application/json"}, {Name: "Cache-Control", Value: "no-store"}},
		Body:   []byte(`{"error":"server_error"}`),
	}
}

// Skipper reports for a request whether it is for one of srv's endpoints: other people's CSRF and cache middleware
// must leave these alone.
func Skipper(srv *server.Server) func(r *http.Request) bool {
	return func(r *http.Request) bool { return srv.Serves(r.URL.EscapedPath()) }
}

// ReturnTo returns where the browser goes after the application's own sign-in: the parameter return_to of query or form, if it
// is one of srv's pages, and fallback otherwise.
func ReturnTo(r *http.Request, srv *server.Server, fallback string) string {
	target := r.URL.Query().Get("return_to")
	if target == "" {
		target = r.PostFormValue("return_to")
	}
	return srv.ReturnTo(target, fallback)
}
