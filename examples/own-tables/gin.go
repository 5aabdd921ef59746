package owntables

import (
	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
)

// Gin puts a on r: its endpoints, and a route that takes old tokens and new ones.
func Gin(r *gin.Engine, a *App) error {
	// doc:start own-gin
	if err := mandategin.Mount(r, a.Server); err != nil {
		return err
	}
	auth := mandategin.New(a.Guard)
	r.GET("/me", mandategin.WithUser(auth, ginMe, "profile"))
	// doc:end
	return nil
}

func ginMe(c *gin.Context, user *User) {
	c.JSON(200, map[string]any{"name": user.Username})
}
