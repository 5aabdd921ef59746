package mandategin

import (
	"context"
	"errors"
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/go-mandate/mandate/core/client"
)

// LoginConfig changes how logins work. The zero value is fine.
type LoginConfig struct {
	// Use is middleware before every endpoint that MountLogin registers.
	Use []gin.HandlerFunc
	// Begin says what a login asks for besides what its app always does. Default: the zero [client.Begin], which returns to the
	// parameter return_to.
	Begin func(c *gin.Context) client.Begin
	// Logout ends the application's own session, and says how the user is logged out of the provider; the answer is written later. With it
	// MountLogin registers POST /auth/corp/logout and /auth/corp/logged-out for each app of OpenID Connect. Default: none.
	Logout func(c *gin.Context) client.Logout
	// LoggedOut answers who came back from the provider after a logout. Default: a redirect to where the logout says.
	LoggedOut func(c *gin.Context, out *client.LoggedOut)
	// Error writes the page of a login or logout that failed. Header fields and status are set before. Default: a small page.
	Error func(c *gin.Context, err *client.Error)
}

// MountLogin registers the logins of all apps of reg, for all methods: /auth/github/login, which takes the parameter return_to, and
// /auth/github/callback, for the prefix "/auth" and the app "github". done signs the user in who came back from a provider, and answers. r is the engine:
// the prefix is part of what providers know. A path that r already has is an error, and then nothing
// is registered. Of several configs the last counts.
func MountLogin(r *gin.Engine, prefix string, reg *client.Registry, done func(c *gin.Context, in *client.SignIn), config ...LoginConfig) error {
	if r == nil || reg == nil || done == nil {
		return errors.New("mandategin: MountLogin needs an engine, a registry and a function for who is signed in: check the error of client.NewRegistry first")
	}
	steps, use := login(done, config)
	endpoints, err := reg.Endpoints(prefix, steps)
	if err != nil {
		return fmt.Errorf("mandategin: mount: %w", err)
	}
	return register(r, endpoints, use, "prefix")
}

// Logout is the first step of a logout from app, to be registered by hand for POST: it runs LoginConfig.Logout and sends the browser to the provider, which
// sends it back to the app's LogoutCallback. Requests that another site made the browser send are refused.
func Logout(app *client.Remote, config ...LoginConfig) gin.HandlerFunc {
	steps, _ := login(nil, config)
	return Handle(app.LogoutEndpoint(steps))
}

// LoggedOut is the second step of a logout from app, to be registered by hand for GET at the path that is its LogoutCallback.
func LoggedOut(app *client.Remote, config ...LoginConfig) gin.HandlerFunc {
	steps, _ := login(nil, config)
	return Handle(app.LoggedOutEndpoint(steps))
}

// BackChannelLogout is where the provider of app posts that sessions have ended, to be registered by hand for POST. No CSRF check may stand before
// it. See client.Config.BackChannelLogout.
func BackChannelLogout(app *client.Remote) gin.HandlerFunc { return Handle(app.BackChannelLogout()) }

// Login is the first step of a login with app, to be registered by hand for GET: it sends the browser to the provider.
func Login(app *client.Remote, config ...LoginConfig) gin.HandlerFunc {
	steps, _ := login(nil, config)
	return Handle(app.Login(steps))
}

// Callback is the second step of a login with app, to be registered by hand for GET and POST at the path that is its Callback.
func Callback(app *client.Remote, done func(c *gin.Context, in *client.SignIn), config ...LoginConfig) gin.HandlerFunc {
	steps, _ := login(done, config)
	return Handle(app.Callback(steps))
}

func login(done func(c *gin.Context, in *client.SignIn), config []LoginConfig) (client.Steps, []gin.HandlerFunc) {
	var cfg LoginConfig
	if n := len(config); n > 0 {
		cfg = config[n-1]
	}
	var s client.Steps
	if done != nil {
		s.Done = func(ctx context.Context, in *client.SignIn) error {
			done(ginContext(ctx), in)
			return nil
		}
	}
	if cfg.Begin != nil {
		s.Begin = func(ctx context.Context) client.Begin {
			return cfg.Begin(ginContext(ctx))
		}
	}
	if cfg.Logout != nil {
		s.Logout = func(ctx context.Context) client.Logout {
			return cfg.Logout(ginContext(ctx))
		}
	}
	if cfg.LoggedOut != nil {
		s.LoggedOut = func(ctx context.Context, out *client.LoggedOut) error {
			cfg.LoggedOut(ginContext(ctx), out)
			return nil
		}
	}
	if cfg.Error != nil {
		s.Error = func(ctx context.Context, err *client.Error) error {
			cfg.Error(ginContext(ctx), err)
			return nil
		}
	}
	return s, cfg.Use
}
