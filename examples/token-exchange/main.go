// Token-exchange is an authorization server and two APIs: the shop, which is called with a user's token, and the billing behind it, which
// takes no token of the shop's callers. The shop exchanges the token that it was called with for one of its own. On the framework of choice:
//
//	go run ./examples/token-exchange -framework gin
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	framework := flag.String("framework", "gin", "gin, echo or fiber")
	flag.Parse()
	log.Fatal(run(*addr, *framework))
}

// doc:start exchange-policy

// mayExchange lets the shop take the tokens that it is called with to the billing, and says in them that it is the shop who asks.
func mayExchange(_ context.Context, x *server.Exchange) error {
	if x.Client.ID != "shop" || !x.Holder() { // a token that was not meant for the shop was found somewhere
		return mandate.AccessDenied
	}
	x.Delegate, x.TTL = true, time.Minute
	return nil
}

// doc:end

// run serves on addr until that fails.
func run(addr, framework string) error {
	base := "http://" + addr
	shop, billing := base+"/shop", base+"/billing"
	// doc:start exchange-config
	srv, err := server.New(server.Config{
		Issuer: base, Prefix: "/oauth", Store: memstore.New(),
		Scopes: []server.Scope{{Name: "orders"}, {Name: "invoices"}}, Resources: []string{shop, billing},
		GrantTypes: []server.GrantType{
			server.TokenExchange(server.TokenExchangeConfig{Policy: mayExchange}),
			server.InsecurePassword(checkPassword), // so that a shell gets a user's token without a browser: not for you
		},
		Clients: []*store.Client{{
			ID: "app", Secrets: []store.Secret{server.HashSecret("app-secret")}, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"password"}},
		}, {
			ID: "shop", Secrets: []store.Secret{server.HashSecret("shop-secret")},
			Metadata: oauth2.ClientMetadata{GrantTypes: []string{oauth2.GrantTokenExchange}},
			Policy:   store.Policy{Serves: shop}, // whose tokens it is called with
		}},
	})
	// doc:end
	if err != nil {
		return err
	}
	guard, err := resource.New(resource.Config{Audience: billing, Verifiers: []resource.Verifier{resource.Of(srv)}})
	if err != nil {
		return err
	}
	fmt.Printf(lines, base)
	switch framework {
	case "gin":
		gin.SetMode(gin.ReleaseMode)
		r := gin.New()
		r.GET("/billing", mandategin.New(guard).With(func(c *gin.Context, tok *mandate.Token) { c.String(200, invoices(tok)) }, "invoices"))
		if err := mandategin.Mount(r, srv); err != nil {
			return err
		}
		return (&http.Server{Addr: addr, Handler: r, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
	case "echo":
		r := echo.New()
		r.GET("/billing", mandateecho.New(guard).With(func(c echo.Context, tok *mandate.Token) error { return c.String(200, invoices(tok)) }, "invoices"))
		if err := mandateecho.Mount(r, srv); err != nil {
			return err
		}
		return (&http.Server{Addr: addr, Handler: r, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
	case "fiber":
		r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true})
		r.Get("/billing", mandatefiber.New(guard).With(func(c *fiber.Ctx, tok *mandate.Token) error { return c.SendString(invoices(tok)) }, "invoices"))
		if err := mandatefiber.Mount(r, srv); err != nil {
			return err
		}
		return r.Listen(addr)
	}
	return errors.New("-framework is none of gin, echo, fiber")
}

// invoices is what the billing answers. The actor is in the claim "act".
func invoices(tok *mandate.Token) string {
	return fmt.Sprintf("invoices of %s, asked for by %s\n", tok.Subject(), tok.Claim("act"))
}

// doc:start password-verify

// checkPassword says whose name and password the client sends.
func checkPassword(_ context.Context, _ server.Client, name, password string) (server.User, error) {
	if name != "ada" || password != "demo" {
		return server.User{}, mandate.AccessDenied
	}
	return server.User{Subject: "ada"}, nil
}

// doc:end

const lines = `The billing answers 401 to the user's token, and 200 to the one that the shop gets for it; an exchange by another client is 400:

  TOKEN=$(curl -s -u app:app-secret -d grant_type=password -d username=ada -d password=demo -d scope=invoices -d resource=%[1]s/shop %[1]s/oauth/token | sed 's/.*"access_token":"//; s/".*//')
  curl -iw '\n' -H "Authorization: Bearer $TOKEN" %[1]s/billing
  NEW=$(curl -s -u shop:shop-secret -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d subject_token=$TOKEN -d subject_token_type=urn:ietf:params:oauth:token-type:access_token -d resource=%[1]s/billing %[1]s/oauth/token | sed 's/.*"access_token":"//; s/".*//')
  curl -iw '\n' -H "Authorization: Bearer $NEW" %[1]s/billing
  curl -iw '\n' -u app:app-secret -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d subject_token=$TOKEN -d subject_token_type=urn:ietf:params:oauth:token-type:access_token %[1]s/oauth/token
`
