package docs

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"
	"golang.org/x/oauth2"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/client/providers"
	"github.com/go-mandate/mandate/core/store"
)

// MigrateRegistry has the apps of an application that comes from elsewhere.
func MigrateRegistry(secret mandate.Secret, db store.Store) (*client.Registry, error) {
	// doc:start migrate-client-registry
	return client.NewRegistry(client.Config{
		BaseURL: "https://app.example.com", Secret: secret, Tokens: db,
		Apps: []client.App{
			providers.GitHub(client.FromEnv(os.LookupEnv, "GITHUB")),   // GITHUB_CLIENT_ID, or GITHUB_CONSUMER_KEY as before
			providers.Twitter(client.FromEnv(os.LookupEnv, "TWITTER")), // OAuth 1.0a
			client.OAuth2{ // a provider that has no preset
				Name: "corp", Credentials: client.FromEnv(os.LookupEnv, "CORP"),
				AuthURL: "https://id.corp.example/authorize", TokenURL: "https://id.corp.example/token",
				APIURL: "https://api.corp.example/v1/", Scopes: []string{"profile"}, ProfileURL: "https://api.corp.example/v1/me",
				Callback: "/login/corp/authorized", // what is registered there already
			},
		},
	})
	// doc:end
}

// MigrateGin mounts the logins.
func MigrateGin(r *gin.Engine, reg *client.Registry, remember func(ctx context.Context, in *client.SignIn) (user string, err error)) error {
	// doc:start migrate-client-gin
	return mandategin.MountLogin(r, "/auth", reg, func(c *gin.Context, in *client.SignIn) {
		user, err := remember(mandategin.Context(c), in) // by in.App and in.Profile.Subject together
		if err == nil {
			err = in.Keep(mandategin.Context(c), user) // so that reg.App(in.App).API(user) works from now on
		}
		if err != nil {
			_ = c.AbortWithError(http.StatusInternalServerError, err)
			return
		}
		c.Redirect(http.StatusSeeOther, in.ReturnTo) // with the application's own session
	})
	// doc:end
}

// MigrateEcho is MigrateGin on Echo.
func MigrateEcho(r *echo.Echo, reg *client.Registry, remember func(ctx context.Context, in *client.SignIn) (user string, err error)) error {
	// doc:start migrate-client-echo
	return mandateecho.MountLogin(r, "/auth", reg, func(c echo.Context, in *client.SignIn) error {
		user, err := remember(mandateecho.Context(c), in) // by in.App and in.Profile.Subject together
		if err == nil {
			err = in.Keep(mandateecho.Context(c), user) // so that reg.App(in.App).API(user) works from now on
		}
		if err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, in.ReturnTo) // with the application's own session
	})
	// doc:end
}

// MigrateFiber is MigrateGin on Fiber.
func MigrateFiber(r *fiber.App, reg *client.Registry, remember func(ctx context.Context, in *client.SignIn) (user string, err error)) error {
	// doc:start migrate-client-fiber
	return mandatefiber.MountLogin(r, "/auth", reg, func(c *fiber.Ctx, in *client.SignIn) error {
		user, err := remember(mandatefiber.Context(c), in) // by in.App and in.Profile.Subject together
		if err == nil {
			err = in.Keep(mandatefiber.Context(c), user) // so that reg.App(in.App).API(user) works from now on
		}
		if err != nil {
			return err
		}
		return c.Redirect(in.ReturnTo, fiber.StatusSeeOther) // with the application's own session
	})
	// doc:end
}

// MigrateToken takes a token over that something else kept.
func MigrateToken(ctx context.Context, reg *client.Registry, user, access, refresh string, ends time.Time) error {
	// doc:start migrate-client-token
	return reg.App("github").Keep(ctx, user, &oauth2.Token{AccessToken: access, RefreshToken: refresh, TokenType: "Bearer", Expiry: ends})
	// doc:end
}

// MigrateConfig makes an app of a Config of golang.org/x/oauth2.
func MigrateConfig(c oauth2.Config) client.OAuth2 {
	// doc:start migrate-client-config
	app := client.OAuth2{
		Name:        "corp",
		Credentials: client.Credentials{ID: c.ClientID, Secret: c.ClientSecret, Method: client.MethodBasic},
		AuthURL:     c.Endpoint.AuthURL, TokenURL: c.Endpoint.TokenURL, DeviceURL: c.Endpoint.DeviceAuthURL,
		Callback: c.RedirectURL, Scopes: c.Scopes,
	}
	if c.Endpoint.AuthStyle == oauth2.AuthStyleInParams {
		app.Credentials.Method = client.MethodPost
	}
	// doc:end
	return app
}
