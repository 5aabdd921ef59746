package owntables

import (
	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
)

// Echo puts a on r: its endpoints, and a route that takes old tokens and new ones.
func Echo(r *echo.Echo, a *App) error {
	// doc:start own-echo
	if err := mandateecho.Mount(r, a.Server); err != nil {
		return err
	}
	auth := mandateecho.New(a.Guard)
	r.GET("/me", mandateecho.WithUser(auth, echoMe, "profile"))
	// doc:end
	return nil
}

func echoMe(c echo.Context, user *User) error {
	return c.JSON(200, map[string]any{"name": user.Username})
}
