//go:build !race

package mandatefiber_test

import (
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// TestJWTAllocations shows that a signed token that was seen before costs no allocation.
//
//nolint:paralleltest // testing.AllocsPerRun counts what others allocate too
func TestJWTAllocations(t *testing.T) {
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	claims := jose.Claims{Issuer: "https://id.example.com", Subject: "ann", Audience: []string{"https://api.example.com"}, ID: "j", IssuedAt: time.Unix(1_800_000_000, 0), Expires: time.Unix(1_800_000_600, 0)}
	for name, value := range map[string]string{"client_id": "web", "scope": "profile"} {
		if err := claims.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := jose.Sign(key, "at+jwt", claims)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.New(resource.Config{
		Audience: "https://api.example.com", Now: func() time.Time { return time.Unix(1_800_000_100, 0) },
		Verifiers: []resource.Verifier{resource.JWT{Issuer: "https://id.example.com", Keys: resource.FixedKeys(jose.NewKeySet(key.Public()))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ok := func(c *fiber.Ctx) error { return c.SendString("ok") }
	count := func(handlers ...fiber.Handler) float64 {
		app := fiber.New()
		app.Get("/me", handlers...)
		serve := app.Handler()
		c := &fasthttp.RequestCtx{}
		c.Request.Header.SetMethod("GET")
		c.Request.SetRequestURI("/me")
		c.Request.Header.Set("Authorization", "Bearer "+raw)
		n := testing.AllocsPerRun(200, func() {
			c.Response.Reset()
			c.ResetUserValues()
			serve(c)
		})
		if got := c.Response.StatusCode(); got != 200 {
			t.Fatalf("status %d, want 200", got)
		}
		return n
	}
	if more := count(mandatefiber.New(guard).Require("profile"), ok) - count(ok); more > 0 {
		t.Errorf("%v allocations more than the bare route, want none", more)
	}
}
