package mandateecho

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// Decide asks the application about an authorization request.
type Decide func(c echo.Context, ask *server.Ask) (server.Answer, error)

// MountConfig ties a server to the application. The zero value mounts the built-in pages.
type MountConfig struct {
	// Decide asks the application who is signed in and what is allowed. Default: the built-in pages.
	Decide Decide
	// Use is middleware around every endpoint, the first outermost.
	Use []echo.MiddlewareFunc
	// Error writes the page for an error that may not go to the client by redirect. Header fields and status are set
	// before. Default: the built-in page.
	Error func(c echo.Context, err *mandate.Error) error
}

// Mount registers every endpoint of srv, for all methods. The paths come from the server's configuration, and some lie
// under /.well-known, which is why r is the Echo and no group. A path that r already has is an error, and then nothing
// is registered. Of several configs the last counts.
func Mount(r *echo.Echo, srv *server.Server, config ...MountConfig) error {
	var cfg MountConfig
	if n := len(config); n > 0 {
		cfg = config[n-1]
	}
	if r == nil || srv == nil {
		return errors.New("mandateecho: Mount needs an Echo and a server: check the error of server.New first")
	}
	endpoints, err := srv.Endpoints(mounting(cfg))
	if err != nil {
		return fmt.Errorf("mandateecho: mount: %w", err)
	}
	return register(r, endpoints, cfg.Use, "server.Config.Prefix")
}

// MountResource registers the metadata of guard's API (RFC 9728), where its challenges say that it is: below /.well-known at the root of
// the host, which is why r is the Echo and no group. It is JSON for anybody, scripts of other origins too. A guard without Config.Metadata
// is an error.
func MountResource(r *echo.Echo, guard *resource.Guard) error {
	endpoints := guard.Endpoints()
	if r == nil || len(endpoints) == 0 {
		return errors.New("mandateecho: MountResource needs an Echo and a guard with resource.Config.Metadata: check the error of resource.New first")
	}
	return register(r, endpoints, nil, "resource.Config.Metadata.Resource")
}

// register registers endpoints for all methods. setting is where their paths come from.
func register(r *echo.Echo, endpoints []mandate.Endpoint, use []echo.MiddlewareFunc, setting string) error {
	if err := free(r, endpoints, setting); err != nil {
		return err
	}
	for _, e := range endpoints {
		err := nethttp.Register(e.Path, func() {
			r.Any(pattern(e.Path), Handle(e), use...)
			r.RouteNotFound(pattern(e.Path), Handle(e), use...) // methods that Echo does not list
		})
		if err != nil {
			return fmt.Errorf("mandateecho: mount: %w", err)
		}
	}
	return nil
}

// pattern is path as Echo writes it.
func pattern(path string) string { return strings.Replace(path, "{id}", ":id", 1) }

// free reports routes that r already has.
func free(r *echo.Echo, endpoints []mandate.Endpoint, setting string) error {
	taken := map[string]string{}
	for _, route := range r.Routes() {
		taken[anonymous(route.Path)] = route.Method + " " + route.Path
	}
	for _, e := range endpoints {
		if strings.ContainsAny(e.Path, ":*") {
			return fmt.Errorf("mandateecho: mount: Echo would take a part of %s for a parameter: choose another %s", e.Path, setting)
		}
		if route, ok := taken[anonymous(pattern(e.Path))]; ok {
			return fmt.Errorf("mandateecho: mount: the Echo already has %s: remove that route, or choose another %s", route, setting)
		}
	}
	return nil
}

// anonymous is pattern without the names of parameters: Echo lets a later route replace one that differs in them alone.
func anonymous(pattern string) string {
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, ":") {
			parts[i] = ":"
		}
	}
	return strings.Join(parts, "/")
}

func mounting(cfg MountConfig) server.Mounting {
	var m server.Mounting
	if cfg.Decide != nil {
		m.Decide = func(ctx context.Context, ask *server.Ask) (server.Answer, error) {
			return cfg.Decide(echoContext(ctx), ask)
		}
	}
	if cfg.Error != nil {
		m.Error = func(ctx context.Context, err *mandate.Error) error {
			return cfg.Error(echoContext(ctx), err)
		}
	}
	return m
}

type contextKey struct{}

func echoContext(ctx context.Context) echo.Context {
	c, _ := ctx.Value(contextKey{}).(echo.Context)
	return c
}

// Handle is one endpoint, to be registered by hand, for every method.
func Handle(e mandate.Endpoint) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if strings.HasSuffix(e.Path, "/{id}") && strings.Count(r.URL.EscapedPath(), "/") > strings.Count(e.Path, "/") {
			return echo.ErrNotFound // Echo takes all that follows for the last parameter
		}
		resp := nethttp.Serve(context.WithValue(r.Context(), contextKey{}, c), &e, r)
		if resp.Page == nil {
			nethttp.Write(c.Response(), resp)
			return nil
		}
		nethttp.WriteFields(c.Response(), resp)
		if resp.Status != 0 {
			c.Response().Status = resp.Status
		}
		err := resp.Page()
		if err == nil && !c.Response().Committed { // or net/http would answer 200
			c.Response().WriteHeader(c.Response().Status)
		}
		return err
	}
}

// Skipper reports for a request whether it is for one of srv's endpoints: other people's CSRF and cache middleware
// must leave these alone.
func Skipper(srv *server.Server) func(c echo.Context) bool {
	skip := nethttp.Skipper(srv)
	return func(c echo.Context) bool { return skip(c.Request()) }
}

// ReturnTo returns where the browser goes after the application's own sign-in: the parameter return_to of query or form, if it
// is one of srv's pages, and fallback otherwise.
func ReturnTo(c echo.Context, srv *server.Server, fallback string) string {
	return nethttp.ReturnTo(c.Request(), srv, fallback)
}
