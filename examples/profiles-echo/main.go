// Profiles is an authorization server with one of the ready-made profiles, on Echo:
//
//	go run ./examples/profiles-echo -profile web
//
// The others are mobile, backend, oauth2.1, mcp, legacy and all.
package main

import (
	"flag"
	"log"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/examples/internal/demo"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	profile := flag.String("profile", string(server.ProfileWeb), "profile of the server")
	flag.Parse()
	log.Fatal(run(*addr, server.Profile(*profile)))
}

// run serves on addr until that fails.
func run(addr string, profile server.Profile) error {
	srv, err := demo.Profile(profile, "http://"+addr)
	if err != nil {
		return err
	}
	r := echo.New()
	r.HideBanner, r.HidePort = true, true
	if err := mandateecho.Mount(r, srv); err != nil {
		return err
	}
	return r.Start(addr)
}
