package mandatefiber

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// Decide asks the application about an authorization request.
type Decide func(c *fiber.Ctx, ask *server.Ask) (server.Answer, error)

// MountConfig ties a server to the application. The zero value mounts the built-in pages.
type MountConfig struct {
	// Decide asks the application who is signed in and what is allowed. Default: the built-in pages.
	Decide Decide
	// Use is middleware before every endpoint.
	Use []fiber.Handler
	// Error writes the page for an error that may not go to the client by redirect. Header fields and status are set
	// before. Default: the built-in page.
	Error func(c *fiber.Ctx, err *mandate.Error) error
}

// Mount registers every endpoint of srv, for all methods. The paths come from the server's configuration, and some lie
// under /.well-known, which is why r is the root App and no group. A path that r already has, by itself or by a route that catches
// it, is an error, as is an App whose ReadBufferSize is below 16 KiB; then nothing is registered. Middleware (App.Use) may stand before. Of
// several configs the last counts.
func Mount(r *fiber.App, srv *server.Server, config ...MountConfig) error {
	var cfg MountConfig
	if n := len(config); n > 0 {
		cfg = config[n-1]
	}
	if r == nil || srv == nil {
		return errors.New("mandatefiber: Mount needs an App and a server: check the error of server.New first")
	}
	if size := r.Config().ReadBufferSize; size < minReadBuffer {
		return fmt.Errorf("mandatefiber: mount: fiber.Config.ReadBufferSize is %d bytes, and Fiber would answer 431 to authorization requests and tokens that are longer: make the App with ReadBufferSize: 16 << 10", size)
	}
	endpoints, err := srv.Endpoints(mounting(cfg))
	if err != nil {
		return fmt.Errorf("mandatefiber: mount: %w", err)
	}
	return register(r, endpoints, cfg.Use, "server.Config.Prefix")
}

// minReadBuffer is how much of a request's line and header fields the App must take: URLs of authorization requests, cookies of the
// pages, JWTs. Fiber's own default is 4 KiB.
const minReadBuffer = 16 << 10

// MountResource registers the metadata of guard's API (RFC 9728), where its challenges say that it is: below /.well-known at the root of
// the host, which is why r is the root App and no group. It is JSON for anybody, scripts of other origins too. A guard without Config.Metadata
// is an error.
func MountResource(r *fiber.App, guard *resource.Guard) error {
	endpoints := guard.Endpoints()
	if r == nil || len(endpoints) == 0 {
		return errors.New("mandatefiber: MountResource needs an App and a guard with resource.Config.Metadata: check the error of resource.New first")
	}
	return register(r, endpoints, nil, "resource.Config.Metadata.Resource")
}

// register registers endpoints for all methods. setting is where their paths come from.
func register(r *fiber.App, endpoints []mandate.Endpoint, use []fiber.Handler, setting string) error {
	if err := free(r, endpoints, setting); err != nil {
		return err
	}
	for _, e := range endpoints {
		r.All(pattern(e.Path), append(slices.Clone(use), Handle(e))...)
	}
	return nil
}

// pattern is path as Fiber writes it.
func pattern(path string) string { return strings.Replace(path, "{id}", ":id", 1) }

// free reports routes that r already has, and those that would be asked first: Fiber asks in the order of registration.
func free(r *fiber.App, endpoints []mandate.Endpoint, setting string) error {
	routes := r.GetRoutes(true)
	for _, e := range endpoints {
		if strings.ContainsAny(e.Path, ":*+?()<>\\") {
			return fmt.Errorf("mandatefiber: mount: Fiber would take a part of %s for a parameter: choose another %s", e.Path, setting)
		}
		own := anonymous(pattern(e.Path))
		for i := range routes {
			if anonymous(routes[i].Path) == own {
				return fmt.Errorf("mandatefiber: mount: the App already has %s %s: remove that route, or choose another %s", routes[i].Method, routes[i].Path, setting)
			}
			if strings.ContainsAny(routes[i].Path, ":*+") && fiber.RoutePatternMatch(e.Path, routes[i].Path, r.Config()) {
				return fmt.Errorf("mandatefiber: mount: the App has %s %s, which would catch %s: register that route after Mount, or with App.Use if it lets requests pass", routes[i].Method, routes[i].Path, e.Path)
			}
		}
	}
	return nil
}

// anonymous is pattern without the names of parameters: of two routes that differ in them alone Fiber never asks the second.
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
			return cfg.Decide(fiberContext(ctx), ask)
		}
	}
	if cfg.Error != nil {
		m.Error = func(ctx context.Context, err *mandate.Error) error {
			return cfg.Error(fiberContext(ctx), err)
		}
	}
	return m
}

type contextKey struct{}

func fiberContext(ctx context.Context) *fiber.Ctx {
	c, _ := ctx.Value(contextKey{}).(*fiber.Ctx)
	return c
}

// Handle is one endpoint, to be registered by hand, for every method.
func Handle(e mandate.Endpoint) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx := context.WithValue(c.UserContext(), contextKey{}, c)
		resp := e.Serve(ctx, request(c, e.Origin, e.Path, e.BodyLimit()))
		if resp.Page == nil {
			return write(c, resp)
		}
		writeFields(c, resp)
		if resp.Status != 0 {
			c.Status(resp.Status)
		}
		return resp.Page()
	}
}

// Skipper reports for a request whether it is for one of srv's endpoints: other people's CSRF and cache middleware
// must leave these alone.
func Skipper(srv *server.Server) func(c *fiber.Ctx) bool {
	return func(c *fiber.Ctx) bool { return srv.Serves(string(c.Request().URI().PathOriginal())) }
}

// ReturnTo returns where the browser goes after the application's own sign-in: the parameter return_to of query or form, if it
// is one of srv's pages, and fallback otherwise.
func ReturnTo(c *fiber.Ctx, srv *server.Server, fallback string) string {
	target := c.Query("return_to")
	if target == "" {
		target = c.FormValue("return_to")
	}
	return srv.ReturnTo(strings.Clone(target), fallback)
}
