// Package mandatefiber ties Mandate to Fiber: guards for routes, and the endpoints of an authorization server.
//
//	app := fiber.New(fiber.Config{ReadBufferSize: 16 << 10, CaseSensitive: true, StrictRouting: true})
//	auth := mandatefiber.New(guard)
//	app.Get("/user", auth.Require("profile", "email"), showUser)
//	app.Get("/me", auth.With(me, "profile")) // func me(c *fiber.Ctx, tok *mandate.Token) error
//	err := mandatefiber.Mount(app, srv, mandatefiber.MountConfig{Decide: decide})
//
// Set the three fields of fiber.Config: Fiber reads at most 4 KiB of request line and header otherwise, which authorization requests
// exceed, and takes "/Token" and "/token/" for "/token".
//
// The token is in c.Locals under [mandate.TokenKey], so that mandate.TokenFrom finds it in c.Context() and in c.UserContext().
// Hand [Context] on: it holds the user too and none of the buffers that Fiber uses again for the next request. Guards and
// endpoints hand c.UserContext() to stores.
//
// Put CORS middleware before guards: it then answers preflights, and scripts can read refusals.
//
// Fiber asks its routes in their order: mount a server before routes that catch everything.
package mandatefiber
