// Device is an authorization server that connects televisions and command lines, and an API for them, on Echo:
//
//	go run ./examples/device-echo
//
// The device is examples/device-cli.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	log.Fatal(run(*addr))
}

// run serves on addr, which is on loopback, until that fails.
func run(addr string) error {
	base := "http://" + addr
	srv, err := newServer(base)
	if err != nil {
		return err
	}
	guard, err := resource.New(resource.Config{Audience: base + "/api", Verifiers: []resource.Verifier{resource.Of(srv)}})
	if err != nil {
		return err
	}
	// doc:start device-echo
	r := echo.New()
	r.HideBanner, r.HidePort = true, true
	auth := mandateecho.New(guard)
	r.GET("/api/films", auth.With(films, "films"))
	if err := mandateecho.Mount(r, srv); err != nil { // the page too: /device
		return err
	}
	// doc:end
	fmt.Printf("Run a device: go run ./examples/device-cli -issuer %s\nSign in as demo, password demo.\n", base)
	return r.Start(addr)
}

// newServer returns the server. It has no authorization endpoint: devices are all that it knows.
func newServer(base string) (*server.Server, error) {
	return server.New(server.Config{
		Issuer: base, Store: memstore.New(), SignIn: checkPassword,
		Device:     &server.Device{},
		GrantTypes: []server.GrantType{server.RefreshToken()}, // beside it. Default: authorization code and client credentials, too
		Scopes:     []server.Scope{{Name: "films", Title: "See what you may watch"}},
		Clients: []*store.Client{{
			ID: "tv", // a program that everybody can read keeps no secret
			Metadata: oauth2.ClientMetadata{
				Name: "Living room television", AuthMethod: "none", GrantTypes: []string{oauth2.GrantDeviceCode, "refresh_token"},
			},
		}},
	})
}

func checkPassword(_ context.Context, name, password string) (server.User, error) {
	if name != "demo" || password != "demo" {
		return server.User{}, mandate.AccessDenied
	}
	return server.User{Subject: "user-1", Name: "Demo"}, nil
}

func films(c echo.Context, tok *mandate.Token) error {
	return c.JSON(200, map[string]any{"user": tok.Subject(), "films": []string{"Metropolis", "M"}})
}
