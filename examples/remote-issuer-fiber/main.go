// Remote-issuer is an authorization server on Fiber for APIs in other processes, such as remote-api:
//
//	go run ./examples/remote-issuer-fiber -addr 127.0.0.1:9000
package main

import (
	"flag"
	"fmt"
	"log"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// api names the API that the tokens are for.
const api = "https://orders.example.com"

func main() {
	addr := flag.String("addr", "127.0.0.1:9000", "address to listen on")
	flag.Parse()
	log.Fatal(run(*addr))
}

// run serves on addr, which is on loopback, until that fails.
func run(addr string) error {
	// doc:start remote-issuer-fiber
	machine := func(id, format string) *store.Client {
		return &store.Client{
			ID: id, Secrets: []store.Secret{server.HashSecret("demo-secret")}, Policy: store.Policy{TokenFormat: format},
			Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}, Scope: "orders"},
		}
	}
	srv, err := server.New(server.Config{
		Issuer: "http://" + addr, Prefix: "/oauth", Store: memstore.New(),
		Scopes: []server.Scope{{Name: "orders", Title: "Read your orders"}}, DefaultAudience: []string{api},
		GrantTypes: []server.GrantType{server.ClientCredentials()}, // machines alone: nobody signs in here
		Clients: []*store.Client{
			machine("demo", string(server.JWT)), machine("demo-opaque", string(server.Opaque)),
			{ // the API itself: it may ask about the tokens that are for it
				ID: "orders-api", Secrets: []store.Secret{server.HashSecret("orders-secret")}, Policy: store.Policy{Serves: api},
				Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}},
			},
		},
	})
	if err != nil {
		return err
	}
	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true})
	if err := mandatefiber.Mount(r, srv); err != nil {
		return err
	}
	// doc:end

	fmt.Printf("The issuer is http://%s\n", addr)
	return r.Listen(addr)
}
