package mandatefiber_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

type account struct{ Name string }

// exampleGuard takes three tokens. An application takes those of its server: resource.Of(srv).
func exampleGuard() *resource.Guard {
	known := map[string]mandate.TokenInfo{
		"anns":    {Subject: "ann", ClientID: "web", Scopes: "profile email"},
		"bobs":    {Subject: "bob", ClientID: "web", Scopes: "profile"},
		"reports": {ClientID: "nightly-report", Scopes: "profile"},
	}
	guard, err := resource.New(resource.Config{
		Verifiers: []resource.Verifier{resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
			info, ok := known[raw]
			if !ok {
				return nil, mandate.Errorf(mandate.InvalidToken, errors.New("no such token"), "")
			}
			return mandate.NewToken(info), nil
		})},
		User: func(_ context.Context, tok *mandate.Token) (any, error) { return &account{Name: tok.Subject()}, nil },
	})
	if err != nil {
		panic(err)
	}
	return guard
}

// get prints what the path answers to a token.
func get(r *fiber.App, path, token string) {
	req := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := r.Test(req)
	if err != nil {
		panic(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(err)
	}
	body := string(data)
	if resp.StatusCode != http.StatusOK {
		body, _, _ = strings.Cut(body, ",")
	}
	fmt.Println(resp.StatusCode, body)
}

func ExampleAuth_Require() {
	auth := mandatefiber.New(exampleGuard())
	r := fiber.New()
	r.Get("/mail", auth.Require("profile", "email"), func(c *fiber.Ctx) error {
		return c.SendString("mail of " + mandatefiber.Token(c).Subject())
	})
	get(r, "/mail", "anns")
	get(r, "/mail", "bobs")
	get(r, "/mail", "")
	// Output:
	// 200 mail of ann
	// 403 {"error":"insufficient_scope"
	// 401 {"error":"missing_authorization"
}

func ExampleAuth_RequireAny() {
	auth := mandatefiber.New(exampleGuard())
	r := fiber.New()
	r.Get("/user", auth.RequireAny("profile email", "admin"), func(c *fiber.Ctx) error { return c.SendString("welcome") })
	get(r, "/user", "anns")
	get(r, "/user", "bobs")
	// Output:
	// 200 welcome
	// 403 {"error":"insufficient_scope"
}

func ExampleAuth_With() {
	auth := mandatefiber.New(exampleGuard())
	r := fiber.New()
	r.Get("/me", auth.With(func(c *fiber.Ctx, tok *mandate.Token) error {
		return c.SendString(fmt.Sprintf("%s with %s", tok.Subject(), tok.Scopes()))
	}, "profile"))
	get(r, "/me", "anns")
	get(r, "/me", "stolen")
	// Output:
	// 200 ann with profile email
	// 401 {"error":"invalid_token"
}

func ExampleWithUser() {
	auth := mandatefiber.New(exampleGuard())
	r := fiber.New()
	r.Get("/me", mandatefiber.WithUser(auth, func(c *fiber.Ctx, user *account) error {
		return c.SendString("hello " + user.Name)
	}, "profile"))
	get(r, "/me", "bobs")
	get(r, "/me", "reports") // a client that acts for itself
	// Output:
	// 200 hello bob
	// 403 {"error":"insufficient_scope"
}

func ExampleAuth_Optional() {
	auth := mandatefiber.New(exampleGuard())
	r := fiber.New()
	r.Get("/timeline", auth.Optional("profile"), func(c *fiber.Ctx) error {
		return c.SendString(fmt.Sprintf("timeline for %q", mandatefiber.Token(c).Subject()))
	})
	get(r, "/timeline", "")
	get(r, "/timeline", "anns")
	get(r, "/timeline", "stolen")
	// Output:
	// 200 timeline for ""
	// 200 timeline for "ann"
	// 401 {"error":"invalid_token"
}

func ExampleAuth_Acquire() {
	auth := mandatefiber.New(exampleGuard())
	r := fiber.New()
	r.Get("/export", func(c *fiber.Ctx) error {
		tok, err := auth.Acquire(c, "email")
		if err != nil {
			return auth.Refuse(c, err)
		}
		return c.SendString("exported for " + tok.ClientID())
	})
	get(r, "/export", "anns")
	get(r, "/export", "bobs")
	// Output:
	// 200 exported for web
	// 403 {"error":"insufficient_scope"
}
