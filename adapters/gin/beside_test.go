package mandategin_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/server"
)

// machines returns a server for machines with endpoints of an application's own at paths.
func machines(t *testing.T, paths ...string) *server.Server {
	t.Helper()
	var own []mandate.Endpoint
	for i, path := range paths {
		own = append(own, mandate.Endpoint{Name: "own" + strconv.Itoa(i), Path: path, Methods: []string{"GET"}, Handle: func(context.Context, *mandate.Request) *mandate.Response {
			return &mandate.Response{Status: 204}
		}})
	}
	srv, err := server.New(server.Config{
		Issuer: "http://127.0.0.1:8080", Store: noStore{}, GrantTypes: []server.GrantType{server.ClientCredentials()},
		Extensions: []server.Extension{{Name: "own", Endpoints: func(*server.Server) []mandate.Endpoint { return own }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

// TestMountBeside mounts beside routes of every shape: Mount refuses what Gin would panic at, before anything is registered, and
// nothing else.
func TestMountBeside(t *testing.T) {
	t.Parallel()
	gin.SetMode(gin.ReleaseMode)
	none := func(*gin.Context) {}
	for _, own := range []string{"/x", "/x/{id}", "/xy", "/x/y", "/x/y/{id}", "/x/idle", "/i", "/x/:"} {
		srv := machines(t, own)
		for _, have := range []string{
			"/x", "/x/", "/x/:id", "/x/:idx", "/x/:i", "/x/*all", "/:x", "/*all", "/x/y", "/x/:id/y", "/x/:other/y", "/xy", "/x:id", "/xy/:id", "/x/y/:other",
			"/x/y/:id/:more", "/x/y/*all", "/", "/i:d", "/:i/y", "/x/y/z",
		} {
			for _, method := range []string{"GET", "TRACE", "BREW"} {
				r, probe := gin.New(), gin.New()
				r.Handle(method, have, none)
				probe.Handle(method, have, none)
				want := nethttp.Register(own, func() { probe.Any(strings.Replace(own, "{id}", ":id", 1), none) }) != nil
				if strings.Contains(own, ":") || method == "BREW" && have == strings.Replace(own, "{id}", ":id", 1) {
					want = true // no parameter may come of it; nor is half a path anybody's
				}
				err := mandategin.Mount(r, srv)
				if got := err != nil; got != want {
					t.Errorf("%s beside %s %s: %v; Gin refuses it: %t", own, method, have, err, want)
				}
				if n := len(r.Routes()); err != nil && n != 1 {
					t.Errorf("%s beside %s %s: %d routes were registered all the same", own, method, have, n-1)
				}
			}
		}
	}
	for name, paths := range map[string][2]string{"the same": {"/x", "/x"}, "an item and all": {"/x/{id}", "/x/{id}"}} {
		r := gin.New()
		if err := mandategin.Mount(r, machines(t, paths[0], "/between", paths[1])); err == nil || len(r.Routes()) != 0 {
			t.Errorf("%s: %v, %d routes", name, err, len(r.Routes()))
		}
	}
}

// TestMountPrintsOnce looks at what Gin prints in its debug mode.
func TestMountPrintsOnce(t *testing.T) { //nolint:paralleltest // Gin's mode and its printer are of the process
	var printed []string
	gin.DebugPrintRouteFunc = func(method, path, _ string, _ int) { printed = append(printed, method+" "+path) }
	gin.DebugPrintFunc = func(string, ...any) {}
	gin.SetMode(gin.DebugMode)
	t.Cleanup(func() {
		gin.SetMode(gin.ReleaseMode)
		gin.DebugPrintRouteFunc, gin.DebugPrintFunc = nil, nil
	})
	r := gin.New()
	if err := mandategin.Mount(r, machines(t)); err != nil {
		t.Fatal(err)
	}
	if len(printed) == 0 || len(printed) != len(r.Routes()) {
		t.Errorf("%d routes, %d printed", len(r.Routes()), len(printed))
	}
}
