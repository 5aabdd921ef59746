package owntables

import (
	"github.com/gofiber/fiber/v2"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
)

// Fiber puts a on r: its endpoints, and a route that takes old tokens and new ones.
func Fiber(r *fiber.App, a *App) error {
	// doc:start own-fiber
	if err := mandatefiber.Mount(r, a.Server); err != nil {
		return err
	}
	auth := mandatefiber.New(a.Guard)
	r.Get("/me", mandatefiber.WithUser(auth, fiberMe, "profile"))
	// doc:end
	return nil
}

func fiberMe(c *fiber.Ctx, user *User) error {
	return c.JSON(map[string]any{"name": user.Username})
}
