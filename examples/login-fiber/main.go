// Login signs users in with either of two providers, on Fiber. The providers run in the same process, so that it works offline:
//
//	go run ./examples/login-fiber
package main

import (
	"errors"
	"flag"
	"fmt"
	"html"
	"log"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/examples/internal/local"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	log.Fatal(run(*addr))
}

// run serves on addr, which is on loopback, until that fails.
func run(addr string) error {
	base := "http://" + addr
	north, err := local.Start("North", base+"/auth/north/callback")
	if err != nil {
		return err
	}
	south, err := local.Start("South", base+"/auth/south/callback")
	if err != nil {
		return err
	}
	reg, err := newRegistry(base, north, south)
	if err != nil {
		return err
	}
	r := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true})
	r.Get("/", func(c *fiber.Ctx) error { return show(c, 200, "Nobody is signed in.") })
	// doc:start login-mount-fiber
	err = mandatefiber.MountLogin(r, "/auth", reg, func(c *fiber.Ctx, in *client.SignIn) error {
		// Who it is, is the app and the subject together. Here belongs the application's own session.
		return show(c, 200, fmt.Sprintf("Hello %s, you are %s of %s and came from %s.", in.Profile.Name, in.Profile.Subject, in.App, in.ReturnTo))
	}, mandatefiber.LoginConfig{
		Error: func(c *fiber.Ctx, err *client.Error) error { return show(c, err.HTTPStatus(), explain(err)) },
	})
	// doc:end
	if err != nil {
		return err
	}
	fmt.Printf("Open %s and sign in as demo, password demo.\n", base)
	return r.Listen(addr)
}

// newRegistry returns what signs users in with two providers.
func newRegistry(base, north, south string) (*client.Registry, error) {
	return client.NewRegistry(client.Config{
		BaseURL: base, // as browsers see it; beyond loopback it is https, and Secret is required
		Apps: []client.App{
			client.OAuth2{ // the issuer's metadata has the endpoints
				Name: "north", Credentials: client.Credentials{ID: "demo", Secret: local.Secret},
				Issuer: north, Scopes: []string{"profile"}, ProfileURL: north + "/me",
			},
			client.OAuth2{ // everything is written down
				Name: "south", Credentials: client.Credentials{ID: "demo", Secret: local.Secret},
				AuthURL: south + "/authorize", TokenURL: south + "/token", Scopes: []string{"profile"}, ProfileURL: south + "/me",
			},
		},
	})
}

// explain is for the user. The log gets the error itself, which says more and holds no secret.
func explain(err *client.Error) string {
	log.Print(err)
	switch {
	case errors.Is(err, client.Denied):
		return "You said no. That is fine."
	case errors.Is(err, client.StateMissing), errors.Is(err, client.Expired):
		return "That sign-in is over. Please begin again."
	default:
		return "The provider could not sign you in. Please try again later."
	}
}

func show(c *fiber.Ctx, status int, text string) error {
	c.Status(status).Type("html", "utf-8")
	return c.SendString("<!doctype html><title>Login</title><p>" + html.EscapeString(text) + links)
}

const links = `<p><a href="/auth/north/login?return_to=/cart">Sign in with North</a> <a href="/auth/south/login?return_to=/cart">Sign in with South</a>`
