package docs

import (
	"os"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/client/providers"
	"github.com/go-mandate/mandate/core/store"
)

// SignInRegistry names whom users may sign in with.
func SignInRegistry(secret mandate.Secret, tokens store.RemoteTokens) (*client.Registry, error) {
	// doc:start signin-registry
	reg, err := client.NewRegistry(client.Config{
		BaseURL: "https://app.example.com", Secret: secret, Tokens: tokens,
		Apps: []client.App{
			providers.GitHub(client.FromEnv(os.LookupEnv, "GITHUB")), // GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET
			providers.Google(client.FromEnv(os.LookupEnv, "GOOGLE")),
		},
	})
	// doc:end
	return reg, err
}

// SignInGin has the logins of all apps.
func SignInGin(r *gin.Engine, reg *client.Registry, welcome func(*gin.Context, *client.SignIn)) error {
	// doc:start signin-gin
	err := mandategin.MountLogin(r, "/auth", reg, welcome) // func welcome(c *gin.Context, in *client.SignIn)
	// doc:end
	return err
}

// SignInEcho has them on Echo.
func SignInEcho(r *echo.Echo, reg *client.Registry, welcome func(echo.Context, *client.SignIn) error) error {
	// doc:start signin-echo
	err := mandateecho.MountLogin(r, "/auth", reg, welcome) // func welcome(c echo.Context, in *client.SignIn) error
	// doc:end
	return err
}

// SignInFiber has them on Fiber.
func SignInFiber(r *fiber.App, reg *client.Registry, welcome func(*fiber.Ctx, *client.SignIn) error) error {
	// doc:start signin-fiber
	err := mandatefiber.MountLogin(r, "/auth", reg, welcome) // func welcome(c *fiber.Ctx, in *client.SignIn) error
	// doc:end
	return err
}
