package shop_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/mandatetest"
	shop "github.com/go-mandate/mandate/examples/testing/fiber"
)

// doc:start test-fiber

func TestOrders(t *testing.T) {
	t.Parallel()
	guard, tokens := mandatetest.Guard(t, shop.GuardConfig())
	req := httptest.NewRequest(http.MethodGet, "/orders", nil)
	req.Header.Set("Authorization", tokens.Bearer(mandate.TokenInfo{Subject: "ada", Scopes: "orders"}))
	resp, err := shop.Routes(guard).Test(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(body) != "orders of ada" {
		t.Errorf("GET /orders = %d %s", resp.StatusCode, body)
	}
}

// doc:end

func TestRefusals(t *testing.T) {
	t.Parallel()
	guard, tokens := mandatetest.Guard(t, shop.GuardConfig())
	r := shop.Routes(guard)
	for name, tc := range map[string]struct {
		path, authorization string
		status              int
	}{
		"no token":             {"/orders", "", 401},
		"unknown token":        {"/orders", "Bearer nonsense", 401},
		"expired token":        {"/orders", tokens.Bearer(mandate.TokenInfo{Scopes: "orders", Expires: time.Now().Add(-time.Minute)}), 401},
		"token of another API": {"/orders", tokens.Bearer(mandate.TokenInfo{Scopes: "orders", Audience: []string{"https://other.example"}}), 401},
		"another scope":        {"/orders", tokens.Bearer(mandate.TokenInfo{Subject: "ada", Scopes: "profile"}), 403},
		"no user":              {"/me", tokens.Bearer(mandate.TokenInfo{ClientID: "robot"}), 403},
		"user":                 {"/me", tokens.Bearer(mandate.TokenInfo{Subject: "ada"}), 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := httptest.NewRequest(http.MethodGet, tc.path, nil)
			if tc.authorization != "" {
				req.Header.Set("Authorization", tc.authorization)
			}
			resp, err := r.Test(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode != tc.status {
				t.Errorf("GET %s = %d, want %d", tc.path, resp.StatusCode, tc.status)
			}
		})
	}
}

// TestHandlerAlone tests a handler without any guard.
func TestHandlerAlone(t *testing.T) {
	t.Parallel()
	// doc:start settoken-fiber
	app := fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		mandatefiber.SetToken(c, mandate.NewToken(mandate.TokenInfo{Subject: "ada", Scopes: "orders"}))
		return c.Next()
	})
	app.Get("/orders", func(c *fiber.Ctx) error { return c.SendString(mandatefiber.Token(c).Subject()) })
	resp, err := app.Test(httptest.NewRequest(http.MethodGet, "/orders", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	// doc:end
	if body, _ := io.ReadAll(resp.Body); string(body) != "ada" {
		t.Errorf("handler says %q", body)
	}
}
