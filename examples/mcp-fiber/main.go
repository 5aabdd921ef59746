// Mcp is a server of the Model Context Protocol and the authorization server for it, in one process, on Fiber:
//
//	go run ./examples/mcp-fiber
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/examples/internal/notes"
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
	// The authorization server. Clients come as strangers: by a metadata document, or by registration where they know no documents yet.
	srv, err := server.New(server.Config{
		Profile: server.ProfileMCP, Issuer: base, Store: memstore.New(), SignIn: checkPassword,
		Resources:    []string{base + "/mcp"},
		Registration: &server.Registration{Open: true},
		Scopes: []server.Scope{
			{Name: "notes:read", Title: "Read your notes", Public: true},
			{Name: "notes:write", Title: "Write notes for you", Public: true},
		},
	})
	if err != nil {
		return err
	}
	// The MCP server: a guard that says where its authorization server is (RFC 9728), and takes tokens that are for it alone.
	guard, err := resource.New(resource.Config{
		Audience: base + "/mcp", Verifiers: []resource.Verifier{resource.Of(srv)},
		Metadata: &oauth2.ResourceMetadata{Name: "Notes", AuthorizationServers: []string{base}, Scopes: []string{"notes:read", "notes:write"}},
	})
	if err != nil {
		return err
	}
	tools := &notes.Server{Origin: base}

	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true})
	// doc:start mcp-fiber
	auth := mandatefiber.New(guard)
	r.All("/mcp", auth.RequireFor(need), func(c *fiber.Ctx) error {
		status, answer := tools.Answer(notes.Message{ // Body would decompress what need did not read
			Method: c.Method(), Origin: c.Get("Origin"), Subject: mandatefiber.Token(c).Subject(), Body: c.BodyRaw(),
		})
		c.Set("Content-Type", "application/json")
		return c.Status(status).Send(answer)
	})
	if err := mandatefiber.MountResource(r, guard); err != nil {
		return err
	}
	if err := mandatefiber.Mount(r, srv); err != nil {
		return err
	}
	// doc:end
	fmt.Printf(hello, base)
	return r.Listen(addr)
}

const hello = `The MCP server is %[1]s/mcp. Sign in as demo, password demo. What a client sees first:

  curl -iw '\n' -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' %[1]s/mcp
  curl -iw '\n' %[1]s/.well-known/oauth-protected-resource/mcp
  curl -iw '\n' %[1]s/.well-known/oauth-authorization-server
`

// need says what a message needs: one scope for all, and another one for the tool that writes, which clients ask for once they are
// refused with its name (step-up). It reads the message with the function of the handler, so that both see the same.
func need(_ context.Context, r *mandate.Request) mandate.Requirement {
	if r.Oversized || notes.Tool(r.Body) == "add_note" {
		return mandate.Scope("notes:read", "notes:write")
	}
	return mandate.Scope("notes:read")
}

func checkPassword(_ context.Context, name, password string) (server.User, error) {
	if name != "demo" || password != "demo" {
		return server.User{}, mandate.AccessDenied
	}
	return server.User{Subject: "user-1", Name: "Demo"}, nil
}
