package mandatefiber_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// overwrite serves a request whose bytes take the place of those of the one before it, as a server with keep-alive does.
func overwrite(serve fasthttp.RequestHandler, c *fasthttp.RequestCtx) {
	fill := strings.Repeat("#", 200)
	c.Request.SetRequestURI("/" + fill + "?" + fill)
	c.Request.Header.Set("Authorization", "Bearer "+fill)
	c.Request.Header.Set("X-Note", fill)
	c.Request.SetBodyString(fill)
	c.Response.Reset()
	c.ResetUserValues()
	serve(c)
}

// TestRequestOutlivesTheHandler keeps what an endpoint was handed, and reads it when Fiber has used its buffers again.
func TestRequestOutlivesTheHandler(t *testing.T) {
	t.Parallel()
	var kept *mandate.Request
	var note string
	var notes []string
	app := fiber.New()
	app.All("/item/:id", mandatefiber.Handle(mandate.Endpoint{
		Name: "item", Origin: "https://id.example.com", Path: "/item/{id}", Methods: []string{"POST"},
		Handle: func(_ context.Context, r *mandate.Request) *mandate.Response {
			kept, note, notes = r, r.Header.Get("X-Note"), r.Header.Values("X-Note")
			return &mandate.Response{Status: 204}
		},
	}))
	serve := app.Handler()
	c := &fasthttp.RequestCtx{}
	c.Request.Header.SetMethod("POST")
	c.Request.SetRequestURI("/item/seven?q=query-of-the-first")
	c.Request.Header.Set("X-Note", "note")
	c.Request.SetBodyString("body-of-the-first")
	serve(c)
	overwrite(serve, c)
	got := strings.Join([]string{kept.Method, kept.URL(), kept.PathID, kept.Body, note + ", " + notes[0]}, " ")
	if want := "POST https://id.example.com/item/seven?q=query-of-the-first seven body-of-the-first note, note"; got != want {
		t.Errorf("kept %s, want %s", got, want)
	}
}

// TestContextOutlivesTheHandler keeps contexts and tokens, and asks them when Fiber has used its buffers again.
func TestContextOutlivesTheHandler(t *testing.T) {
	t.Parallel()
	auth := mandatefiber.New(newGuard(t, nil))
	type key struct{}
	for name, middleware := range map[string]fiber.Handler{
		"alone": func(c *fiber.Ctx) error { return c.Next() },
		"with a context of another middleware": func(c *fiber.Ctx) error {
			c.SetUserContext(context.WithValue(c.UserContext(), key{}, "span"))
			return c.Next()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var early, full context.Context //nolint:containedctx // what the test is about
			app := fiber.New()
			app.Get("/me", middleware, auth.Require("profile"), func(c *fiber.Ctx) error {
				early = c.UserContext() //nolint:fatcontext // kept on purpose
				full = mandatefiber.Context(c)
				if mandatefiber.Context(c) != full || c.UserContext() != full {
					t.Error("Context makes another context on every call")
				}
				return nil
			})
			app.Use(func(c *fiber.Ctx) error { return c.SendStatus(404) })
			serve := app.Handler()
			c := &fasthttp.RequestCtx{}
			c.Request.SetRequestURI("/me")
			c.Request.Header.Set("Authorization", "Bearer "+opaque)
			serve(c)
			overwrite(serve, c)
			for _, ctx := range []context.Context{early, full} {
				if got := mandate.TokenFrom(ctx).Subject(); got != "ann" {
					t.Errorf("subject %q, want ann", got)
				}
				if _, ok := ctx.Deadline(); ok || ctx.Err() != nil || ctx.Done() != nil {
					t.Error("the context ends, though nobody set an end")
				}
			}
			if user, err := resource.UserFrom[string](full); err != nil || user != "user ann" {
				t.Errorf("user %q, %v; want user ann", user, err)
			}
			if got := full.Value(key{}); (got == "span") != (name != "alone") {
				t.Errorf("value of the other middleware: %v", got)
			}
		})
	}
}

// TestGuardKeepsNoView looks at what a verifier is handed: a view is fine during the call, and nothing else of it stays.
func TestGuardKeepsNoView(t *testing.T) {
	t.Parallel()
	var asked string
	guard, err := resource.New(resource.Config{Verifiers: []resource.Verifier{resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
		asked = strings.Clone(raw)
		return mandate.NewToken(mandate.TokenInfo{Subject: "ann", ClientID: "web"}), nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	var tok *mandate.Token
	app := fiber.New()
	app.Get("/me", mandatefiber.New(guard).Require(), func(c *fiber.Ctx) error {
		tok = mandatefiber.Token(c)
		return nil
	})
	serve := app.Handler()
	c := &fasthttp.RequestCtx{}
	c.Request.SetRequestURI("/me")
	c.Request.Header.Set("Authorization", "Bearer first")
	serve(c)
	overwrite(serve, c)
	if asked != "first" || tok.Subject() != "ann" {
		t.Errorf("asked for %q, token of %q", asked, tok.Subject())
	}
}

// TestUserOfPreviousRequest makes sure that what one request left is not found by the next one.
func TestUserOfPreviousRequest(t *testing.T) {
	t.Parallel()
	auth := mandatefiber.New(newGuard(t, nil))
	app := fiber.New()
	app.Get("/me", auth.Optional("profile"), func(c *fiber.Ctx) error {
		user, _ := mandatefiber.User[string](c)
		return c.SendString(mandatefiber.Token(c).Subject() + "/" + user)
	})
	serve := app.Handler()
	c := &fasthttp.RequestCtx{}
	for _, want := range []string{"ann/user ann", "/"} {
		c.Request.Reset()
		c.Request.SetRequestURI("/me")
		if want != "/" {
			c.Request.Header.Set("Authorization", "Bearer "+opaque)
		}
		c.Response.Reset()
		c.ResetUserValues()
		serve(c)
		if got := string(c.Response.Body()); got != want {
			t.Errorf("answer %q, want %q", got, want)
		}
	}
}
