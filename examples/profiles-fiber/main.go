// Profiles is an authorization server with one of the ready-made profiles, on Fiber:
//
//	go run ./examples/profiles-fiber -profile web
//
// The others are mobile, backend, oauth2.1, mcp, legacy and all.
package main

import (
	"flag"
	"log"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
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
	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true})
	if err := mandatefiber.Mount(r, srv); err != nil {
		return err
	}
	return r.Listen(addr)
}
