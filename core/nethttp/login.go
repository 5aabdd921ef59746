package nethttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-mandate/mandate/core/client"
)

// LoginConfig changes how logins work. The zero value is fine.
type LoginConfig struct {
	// Use is middleware around every endpoint that MountLogin registers.
	Use []func(http.Handler) http.Handler
	// Begin says what a login asks for besides what its app always does. Default: the zero [client.Begin], which returns to the
	// parameter return_to.
	Begin func(r *http.Request) client.Begin
	// Error writes the page of a login that failed. Header fields and status are set before. Default: a small page.
	Error func(w http.ResponseWriter, r *http.Request, err *client.Error)
}

// MountLogin registers the logins of all apps of reg, for all methods: /auth/github/login, which takes the parameter return_to, and
// /auth/github/callback, for the prefix "/auth" and the app "github". done signs the user in who came back from a provider, and answers. r is the root router:
// the prefix is part of what providers know. A path that r already has is an error; what was registered
// before it stays. A start page at "GET /" is one, too, since that pattern means every path: register it at "GET /{$}". Of several
// configs the last counts.
func MountLogin(r Router, prefix string, reg *client.Registry, done func(w http.ResponseWriter, r *http.Request, in *client.SignIn), config ...LoginConfig) error {
	if r == nil || reg == nil || done == nil {
		return errors.New("nethttp: MountLogin needs a router, a registry and a function for who is signed in: check the error of client.NewRegistry first")
	}
	steps, use := login(done, config)
	endpoints, err := reg.Endpoints(prefix, steps)
	if err != nil {
		return fmt.Errorf("nethttp: mount: %w", err)
	}
	return register(r, endpoints, use)
}

// Login is the first step of a login with app, to be registered by hand for GET: it sends the browser to the provider.
func Login(app *client.Remote, config ...LoginConfig) http.Handler {
	steps, _ := login(nil, config)
	return Handle(app.Login(steps))
}

// Callback is the second step of a login with app, to be registered by hand for GET and POST at the path that is its Callback.
func Callback(app *client.Remote, done func(w http.ResponseWriter, r *http.Request, in *client.SignIn), config ...LoginConfig) http.Handler {
	steps, _ := login(done, config)
	return Handle(app.Callback(steps))
}

func login(done func(w http.ResponseWriter, r *http.Request, in *client.SignIn), config []LoginConfig) (client.Steps, []func(http.Handler) http.Handler) {
	var cfg LoginConfig
	if n := len(config); n > 0 {
		cfg = config[n-1]
	}
	var s client.Steps
	if done != nil {
		s.Done = func(ctx context.Context, in *client.SignIn) error {
			x := exchangeFrom(ctx)
			done(&x.w, x.r, in)
			return nil
		}
	}
	if cfg.Begin != nil {
		s.Begin = func(ctx context.Context) client.Begin {
			x := exchangeFrom(ctx)
			return cfg.Begin(x.r)
		}
	}
	if cfg.Error != nil {
		s.Error = func(ctx context.Context, err *client.Error) error {
			x := exchangeFrom(ctx)
			cfg.Error(&x.w, x.r, err)
			return nil
		}
	}
	return s, cfg.Use
}
