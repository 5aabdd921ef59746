package mandatefiber_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// TestRaise: fiber.Config.ErrorHandler hears of refusals where that was asked for. One that returns nil leaves the answer as it is.
func TestRaise(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raise  bool
		token  string
		status int
		code   mandate.Code
	}{
		"no credentials":       {true, "", 401, mandate.MissingAuthorization},
		"unknown":              {true, "nobody", 401, mandate.InvalidToken},
		"a scope lacks":        {true, "machine", 403, mandate.InsufficientScope},
		"let in":               {true, opaque, 200, ""},
		"nobody wants to hear": {false, "", 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask := func(raise bool, config fiber.Config) answer {
				guard := newGuard(t, map[string]mandate.TokenInfo{"machine": {ClientID: "m"}})
				auth := mandatefiber.New(guard, mandatefiber.Config{Raise: raise})
				r := fiber.New(config)
				r.Get("/x", auth.Require("profile"), func(c *fiber.Ctx) error { return c.SendString("ran") })
				header := bearer(tc.token)
				if tc.token == "" {
					header = nil
				}
				return send(t, r, "GET", "/x", "", header)
			}
			var heard []error
			w := ask(tc.raise, fiber.Config{ErrorHandler: func(_ *fiber.Ctx, err error) error {
				heard = append(heard, err)
				return nil
			}})
			if w.Code != tc.status || (len(heard) == 1) != (tc.code != "") {
				t.Fatalf("status %d, errors %v; want %d and %q", w.Code, heard, tc.status, tc.code)
			}
			plain := ask(false, fiber.Config{})
			if plain.Body != w.Body || plain.Header.Get("WWW-Authenticate") != w.Header.Get("WWW-Authenticate") || plain.Header.Get("Content-Type") != w.Header.Get("Content-Type") {
				t.Errorf("the answer is another: %s, want %s", w.Body, plain.Body)
			}
			if tc.code == "" {
				return
			}
			told, ok := errors.AsType[*fiber.Error](heard[0])
			if !ok || told.Code != tc.status || !errors.Is(heard[0], tc.code) {
				t.Errorf("heard %v, want a *fiber.Error of %d", heard[0], tc.status)
			}
			if refusal, ok := errors.AsType[*resource.Refusal](heard[0]); !ok || refusal.Response().Status != tc.status {
				t.Errorf("heard %v, want the refusal in it", heard[0])
			}
			// Fiber's own handler writes another body, and leaves status and challenge.
			own := ask(true, fiber.Config{})
			if own.Code != tc.status || own.Header.Get("WWW-Authenticate") != w.Header.Get("WWW-Authenticate") || !strings.HasPrefix(own.Body, string(tc.code)) {
				t.Errorf("with Fiber's own handler: %d %q %s", own.Code, own.Header.Get("WWW-Authenticate"), own.Body)
			}
		})
	}
}
