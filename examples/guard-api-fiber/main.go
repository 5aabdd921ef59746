// Guard-api is an API behind guards, on Fiber. Its tokens are the application's own, looked up in a table: no OAuth server is needed.
//
//	go run ./examples/guard-api-fiber
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	log.Fatal(run(*addr))
}

// run serves on addr until that fails.
func run(addr string) error {
	guard, err := resource.New(resource.Config{
		Audience:  api,
		Verifiers: []resource.Verifier{resource.Lookup(newTable().find)},
		User:      loadUser,
		Hooks:     resource.LogRefusals(slog.Default()), // says to the developer what the caller is not told
	})
	if err != nil {
		return err
	}
	auth := mandatefiber.New(guard)

	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true})
	// doc:start routes-fiber
	r.Get("/hello", auth.Optional(), hello)                                        // anonymous allowed; a bad token still fails
	r.Get("/any", auth.Require(), hello)                                           // any valid token
	r.Get("/orders", auth.Require("orders"), hello)                                // one scope
	r.Get("/address", auth.Require("profile", "email"), hello)                     // both; "profile email" is the same
	r.Get("/search", auth.RequireAny("profile email", "admin"), hello)             // (profile AND email) OR admin
	r.Post("/refunds", auth.Require("orders"), auth.RequireRole("manager"), hello) // stacked: AND
	r.Post("/payouts", auth.RequireThat(mandate.AllOf(                             // anything that can be said of a token
		mandate.Scope("orders"), mandate.MaxAge(5*time.Minute))), hello)
	r.Get("/me", auth.With(me, "profile"))                             // the handler is given the token
	r.Get("/account", mandatefiber.WithUser(auth, account, "profile")) // the handler is given the user
	api := r.Group("/api", auth.Require("orders"))                     // a whole group
	api.Get("/orders", hello)
	// doc:end

	fmt.Printf(lines, "http://"+addr)
	return r.Listen(addr)
}

const lines = `These are answered with 401, 200, 403, 200, 200:

  curl -iw '\n' %[1]s/orders
  curl -iw '\n' -H "Authorization: Bearer demo-orders" %[1]s/orders
  curl -iw '\n' -H "Authorization: Bearer demo-profile" %[1]s/orders
  curl -iw '\n' -H "Authorization: Bearer demo-profile" %[1]s/me
  curl -iw '\n' %[1]s/hello
`

// doc:start handlers-fiber

func hello(c *fiber.Ctx) error {
	tok := mandatefiber.Token(c) // nil where nobody is signed in; its methods may be called all the same
	return c.JSON(map[string]any{"hello": tok.Subject(), "scope": tok.Scopes()})
}

func me(c *fiber.Ctx, tok *mandate.Token) error {
	return c.JSON(map[string]any{"user": tok.Subject(), "client": tok.ClientID()})
}

func account(c *fiber.Ctx, user *User) error {
	return c.JSON(map[string]any{"name": user.Name})
}

// doc:end

// User is an account of the application.
type User struct{ ID, Name string }

// api names this API: in its guard, and in the tokens that are for no other.
const api = "https://api.example.com"

// table has the application's own tokens, by digest: who reads it can use none of them.
type table map[mandate.Digest]*mandate.Token

func newTable() table {
	return table{
		mandate.DigestOf("demo-profile"): mandate.NewToken(mandate.TokenInfo{
			Subject: "u1", ClientID: "phone", Scopes: "profile", Audience: []string{api}, Expires: time.Now().Add(time.Hour),
		}),
		mandate.DigestOf("demo-orders"): mandate.NewToken(mandate.TokenInfo{
			Subject: "u1", ClientID: "phone", Scopes: "orders", Audience: []string{api}, Claims: `{"roles":["manager"]}`, // without Expires: for ever
		}),
	}
}

func (t table) find(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
	if tok := t[mandate.DigestOf(raw)]; tok != nil {
		return tok, nil
	}
	return nil, mandate.InvalidToken // 401. Any other error, or no token and no error, means that nobody could tell: 503
}

// loadUser is called once for a request, and only where a handler asks.
func loadUser(_ context.Context, tok *mandate.Token) (any, error) {
	return &User{ID: tok.Subject(), Name: "Ada"}, nil
}
