package docs

import (
	"context"
	"os"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/store"
)

// LoginFromEnv reads credentials from the environment.
func LoginFromEnv(secret mandate.Secret) (*client.Registry, error) {
	// doc:start login-env
	reg, err := client.NewRegistry(client.Config{
		BaseURL: "https://app.example.com", Secret: secret,
		Apps: []client.App{client.OAuth2{
			Name: "example", Credentials: client.FromEnv(os.LookupEnv, "EXAMPLE"), // EXAMPLE_CLIENT_ID, EXAMPLE_CLIENT_SECRET
			Issuer: "https://id.example.com", Scopes: []string{"profile"},
			Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
				var me struct {
					ID    string `json:"id"`
					Login string `json:"login"`
				}
				err := g.JSON(ctx, "https://api.example.com/me", &me)
				return client.Profile{Subject: me.ID, Username: me.Login}, err
			},
		}},
	})
	// doc:end
	return reg, err
}

// LoginByHand registers the two steps on Gin.
func LoginByHand(r *gin.Engine, reg *client.Registry, done func(c *gin.Context, in *client.SignIn)) {
	// doc:start login-hand-gin
	app := reg.App("example") // its Callback is "/oauth/back"
	r.GET("/sign-in", mandategin.Login(app, mandategin.LoginConfig{Begin: func(c *gin.Context) client.Begin {
		return client.Begin{ReturnTo: "/cart", Data: c.Query("invitation"), Params: mandate.Params{{Name: "prompt", Value: "login"}}}
	}}))
	r.GET("/oauth/back", mandategin.Callback(app, done))
	r.POST("/oauth/back", mandategin.Callback(app, done))
	// doc:end
}

// LoginByHandEcho is LoginByHand on Echo.
func LoginByHandEcho(r *echo.Echo, reg *client.Registry, done func(c echo.Context, in *client.SignIn) error) {
	// doc:start login-hand-echo
	app := reg.App("example") // its Callback is "/oauth/back"
	r.GET("/sign-in", mandateecho.Login(app, mandateecho.LoginConfig{Begin: func(c echo.Context) client.Begin {
		return client.Begin{ReturnTo: "/cart", Data: c.QueryParam("invitation"), Params: mandate.Params{{Name: "prompt", Value: "login"}}}
	}}))
	r.GET("/oauth/back", mandateecho.Callback(app, done))
	r.POST("/oauth/back", mandateecho.Callback(app, done))
	// doc:end
}

// LoginByHandFiber is LoginByHand on Fiber.
func LoginByHandFiber(r *fiber.App, reg *client.Registry, done func(c *fiber.Ctx, in *client.SignIn) error) {
	// doc:start login-hand-fiber
	app := reg.App("example") // its Callback is "/oauth/back"
	r.Get("/sign-in", mandatefiber.Login(app, mandatefiber.LoginConfig{Begin: func(c *fiber.Ctx) client.Begin {
		return client.Begin{ReturnTo: "/cart", Data: c.Query("invitation"), Params: mandate.Params{{Name: "prompt", Value: "login"}}}
	}}))
	r.Get("/oauth/back", mandatefiber.Callback(app, done))
	r.Post("/oauth/back", mandatefiber.Callback(app, done))
	// doc:end
}

// LoginOnce remembers finished logins.
func LoginOnce(c client.Config, replay store.Replay) client.Config {
	// doc:start login-once
	c.Replay = replay // any store of Mandate
	// doc:end
	return c
}
