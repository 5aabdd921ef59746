// Oauth1 is a provider of OAuth 1.0a and an API that takes signed requests beside Bearer tokens, on Echo:
//
//	go run ./examples/oauth1-echo
//
// Its one client has the key "printer", the secret "printer-secret", no callback, and may sign for itself.
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
	guard, err := resource.New(resource.Config{Verifiers: []resource.Verifier{resource.Of(srv), resource.OAuth1{Server: srv}}})
	if err != nil {
		return err
	}
	r := echo.New()
	r.HideBanner, r.HidePort = true, true
	auth := mandateecho.New(guard)
	r.GET("/photos", auth.With(photos, "photos"))
	if err := mandateecho.Mount(r, srv); err != nil {
		return err
	}
	fmt.Printf("Ask %s/oauth1/request_token. Sign in as demo, password demo.\n", base)
	return r.Start(addr)
}

func newServer(base string) (*server.Server, error) {
	return server.New(server.Config{
		Issuer: base, Store: memstore.New(), SignIn: checkPassword, OAuth1: &server.OAuth1{},
		Scopes: []server.Scope{{Name: "photos", Title: "See your photos"}},
		Clients: []*store.Client{{
			ID: "printer", Secrets: []store.Secret{server.ClearSecret("printer-secret")},
			Metadata: oauth2.ClientMetadata{Name: "Photo printer", GrantTypes: []string{server.GrantTypeOAuth1, "client_credentials"}},
			Policy:   store.Policy{Default: "photos"},
		}},
	})
}

func checkPassword(_ context.Context, name, password string) (server.User, error) {
	if name != "demo" || password != "demo" {
		return server.User{}, mandate.AccessDenied
	}
	return server.User{Subject: "user-1", Name: "Demo"}, nil
}

func photos(c echo.Context, tok *mandate.Token) error {
	return c.JSON(200, map[string]any{"user": tok.Subject(), "client": tok.ClientID()})
}
