package mandategin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// Decide asks the application about an authorization request.
type Decide func(c *gin.Context, ask *server.Ask) (server.Answer, error)

// MountConfig ties a server to the application. The zero value mounts the built-in pages.
type MountConfig struct {
	// Decide asks the application who is signed in and what is allowed. Default: the built-in pages.
	Decide Decide
	// Use is middleware before every endpoint.
	Use []gin.HandlerFunc
	// Error writes the page for an error that may not go to the client by redirect. Header fields and status are set
	// before. Default: the built-in page.
	Error func(c *gin.Context, err *mandate.Error)
}

// Mount registers every endpoint of srv, for all methods. The paths come from the server's configuration, and some lie
// under /.well-known, which is why r is the engine and no group. A path that r already has is an error, and then nothing
// is registered. Of several configs the last counts.
func Mount(r *gin.Engine, srv *server.Server, config ...MountConfig) error {
	var cfg MountConfig
	if n := len(config); n > 0 {
		cfg = config[n-1]
	}
	if r == nil || srv == nil {
		return errors.New("mandategin: Mount needs an engine and a server: check the error of server.New first")
	}
	endpoints, err := srv.Endpoints(mounting(cfg))
	if err != nil {
		return fmt.Errorf("mandategin: mount: %w", err)
	}
	return register(r, endpoints, cfg.Use, "server.Config.Prefix")
}

// MountResource registers the metadata of guard's API (RFC 9728), where its challenges say that it is: below /.well-known at the root of
// the host, which is why r is the engine and no group. It is JSON for anybody, scripts of other origins too. A guard without Config.Metadata
// is an error.
func MountResource(r *gin.Engine, guard *resource.Guard) error {
	endpoints := guard.Endpoints()
	if r == nil || len(endpoints) == 0 {
		return errors.New("mandategin: MountResource needs an engine and a guard with resource.Config.Metadata: check the error of resource.New first")
	}
	return register(r, endpoints, nil, "resource.Config.Metadata.Resource")
}

// register registers endpoints for all methods, or none of them. setting is where their paths come from.
func register(r *gin.Engine, endpoints []mandate.Endpoint, use []gin.HandlerFunc, setting string) error {
	if err := free(r, endpoints, setting); err != nil {
		return err
	}
	for _, e := range endpoints {
		chain := append(append(gin.HandlersChain{}, use...), Handle(e))
		if err := nethttp.Register(e.Path, func() { r.Any(pattern(e.Path), chain...) }); err != nil {
			return fmt.Errorf("mandategin: mount: %w", err)
		}
	}
	return nil
}

// pattern is path as Gin writes it.
func pattern(path string) string { return strings.Replace(path, "{id}", ":id", 1) }

// free reports routes of r that endpoints cannot stand beside, and endpoints that cannot stand beside one another: what Gin would
// refuse half-way leaves r as it was. It asks no other engine, which would print every route once more.
func free(r *gin.Engine, endpoints []mandate.Endpoint, setting string) error {
	routes := r.Routes()
	for i, e := range endpoints {
		if strings.ContainsAny(e.Path, `:*\`) {
			return fmt.Errorf("mandategin: mount: Gin would take a part of %s for a parameter: choose another %s", e.Path, setting)
		}
		own := pattern(e.Path)
		for _, route := range routes {
			if route.Path == own || anyMethod(route.Method) && excludes(route.Path, own) {
				return fmt.Errorf("mandategin: mount: the engine already has %s %s, and %s cannot stand beside it: change that route, or choose another %s", route.Method, route.Path, own, setting)
			}
		}
		for _, other := range endpoints[:i] {
			if excludes(pattern(other.Path), own) {
				return fmt.Errorf("mandategin: mount: the endpoints %q and %q cannot stand beside one another at %s and %s", other.Name, e.Name, other.Path, e.Path)
			}
		}
	}
	return nil
}

// excludes reports whether Gin refuses one of two patterns beside the other: equal ones, those that differ in the name of a
// parameter, and whatever a catch-all catches.
func excludes(a, b string) bool {
	if a == b {
		return true
	}
	same := 0 // how far they are the same
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	segment := strings.LastIndexByte(a[:same], '/') + 1
	if strings.ContainsAny(a[segment:same], ":*") {
		return !slashOrEnd(a[same:]) || !slashOrEnd(b[same:])
	}
	return strings.HasPrefix(a[same:], "*") || strings.HasPrefix(b[same:], "*")
}

// slashOrEnd reports whether a segment ends where rest begins.
func slashOrEnd(rest string) bool { return rest == "" || rest[0] == '/' }

// anyMethod reports whether method is one that Engine.Any registers: each has routes of its own.
func anyMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodHead, http.MethodOptions, http.MethodDelete, http.MethodConnect, http.MethodTrace:
		return true
	}
	return false
}

func mounting(cfg MountConfig) server.Mounting {
	var m server.Mounting
	if cfg.Decide != nil {
		m.Decide = func(ctx context.Context, ask *server.Ask) (server.Answer, error) {
			return cfg.Decide(ginContext(ctx), ask)
		}
	}
	if cfg.Error != nil {
		m.Error = func(ctx context.Context, err *mandate.Error) error {
			cfg.Error(ginContext(ctx), err)
			return nil
		}
	}
	return m
}

type contextKey struct{}

func ginContext(ctx context.Context) *gin.Context {
	c, _ := ctx.Value(contextKey{}).(*gin.Context)
	return c
}

// Handle is one endpoint, to be registered by hand, for every method.
func Handle(e mandate.Endpoint) gin.HandlerFunc {
	return func(c *gin.Context) {
		resp := nethttp.Serve(context.WithValue(c.Request.Context(), contextKey{}, c), &e, c.Request)
		if resp.Page == nil {
			nethttp.Write(c.Writer, resp)
			return
		}
		nethttp.WriteFields(c.Writer, resp)
		if resp.Status != 0 {
			c.Status(resp.Status)
		}
		if err := resp.Page(); err != nil {
			_ = c.Error(err) // it returns what it was given
			if !c.Writer.Written() {
				nethttp.Write(c.Writer, nethttp.PageFailed())
			}
		}
	}
}

// Skipper reports for a request whether it is for one of srv's endpoints: other people's CSRF and cache middleware
// must leave these alone.
func Skipper(srv *server.Server) func(c *gin.Context) bool {
	skip := nethttp.Skipper(srv)
	return func(c *gin.Context) bool { return skip(c.Request) }
}

// ReturnTo returns where the browser goes after the application's own sign-in: the parameter return_to of query or form, if it
// is one of srv's pages, and fallback otherwise.
func ReturnTo(c *gin.Context, srv *server.Server, fallback string) string {
	return nethttp.ReturnTo(c.Request, srv, fallback)
}
