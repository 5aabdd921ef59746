// Remote-api is an API on Echo in a process of its own. It trusts an authorization server by its URL alone: signed tokens by the server's
// keys, which it finds and keeps, and all others by asking the server.
//
//	go run ./examples/remote-issuer-echo -addr 127.0.0.1:9000
//	go run ./examples/remote-api-echo -issuer http://127.0.0.1:9000
package main

import (
	"flag"
	"fmt"
	"log"
	"log/slog"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// api names this API: what a token must be for.
const api = "https://orders.example.com"

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	issuer := flag.String("issuer", "http://127.0.0.1:9000", "the authorization server's issuer identifier")
	secret := flag.String("secret", "orders-secret", "this API's secret at the authorization server")
	flag.Parse()
	log.Fatal(run(*addr, *issuer, *secret))
}

// run serves on addr until that fails.
func run(addr, issuer, secret string) error {
	// doc:start remote-echo
	guard, err := resource.New(resource.Config{
		Audience: api,
		Verifiers: []resource.Verifier{
			resource.JWT{Issuer: issuer}, // signed tokens: the keys are found through the issuer's metadata
			resource.Introspection{Issuer: issuer, ClientID: "orders-api", Secret: secret}, // all others: the issuer is asked
		},
		Hooks: resource.LogRefusals(slog.Default()), // says to the developer what the caller is not told
	})
	if err != nil {
		return err
	}
	auth := mandateecho.New(guard)

	r := echo.New()
	r.HideBanner, r.HidePort = true, true
	r.GET("/orders", auth.With(orders, "orders"))
	// doc:end

	fmt.Printf(lines, "http://"+addr, issuer)
	return r.Start(addr)
}

const lines = `With a signed token, with an opaque one, without one, and with one that is for nothing: 200, 200, 401, 401:

  token() { curl -s -u "$1:demo-secret" -d grant_type=client_credentials -d scope=orders %[2]s/oauth/token | sed 's/.*"access_token":"//; s/".*//'; }
  curl -iw '\n' -H "Authorization: Bearer $(token demo)" %[1]s/orders
  curl -iw '\n' -H "Authorization: Bearer $(token demo-opaque)" %[1]s/orders
  curl -iw '\n' %[1]s/orders
  curl -iw '\n' -H "Authorization: Bearer nonsense" %[1]s/orders
`

func orders(c echo.Context, tok *mandate.Token) error {
	return c.JSON(200, map[string]any{"orders": []string{"espresso", "lungo"}, "for": tok.ClientID(), "issuer": tok.Issuer()})
}
