// Mcp is a server of the Model Context Protocol and the authorization server for it, in one process, on Echo:
//
//	go run ./examples/mcp-echo
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
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

	r := echo.New()
	r.HideBanner, r.HidePort = true, true
	// doc:start mcp-echo
	auth := mandateecho.New(guard)
	r.Any("/mcp", func(c echo.Context) error {
		body, err := io.ReadAll(io.LimitReader(c.Request().Body, notes.Limit+1))
		if err != nil {
			return c.NoContent(400)
		}
		status, answer := tools.Answer(notes.Message{
			Method: c.Request().Method, Origin: c.Request().Header.Get("Origin"), Subject: mandateecho.Token(c).Subject(), Body: body,
		})
		return c.Blob(status, "application/json", answer)
	}, auth.RequireFor(need))
	if err := mandateecho.MountResource(r, guard); err != nil {
		return err
	}
	if err := mandateecho.Mount(r, srv); err != nil {
		return err
	}
	// doc:end
	fmt.Printf(hello, base)
	return r.Start(addr)
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
