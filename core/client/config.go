package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	wire "github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// Config is what a [Registry] is made of. BaseURL, Secret and Apps are required.
type Config struct {
	// BaseURL is where browsers reach this application: "https://app.example.com". Relative callbacks are resolved against it, never
	// against the request's Host. Behind a proxy that strips a path it ends in that path. http is for loopback alone.
	BaseURL string
	// Secret seals the cookies of logins and the tokens that are kept. On loopback it may be zero: then there is a fresh one at each start.
	Secret mandate.Secret
	// Apps are the remote applications, each of another name.
	Apps []App

	// Tokens keeps tokens: see [SignIn.Keep]. Default: none are kept.
	Tokens store.RemoteTokens
	// Leeway is how long before its end a kept token is renewed: see [TokensConfig.Leeway]. Default: a minute.
	Leeway time.Duration
	// Timeout bounds a request for a new token: see [TokensConfig.Timeout]. Default: 10 seconds.
	Timeout time.Duration
	// GrantLost hears that the token of an account can be renewed no more: the user has to sign in again. It is called once, by the
	// process that found out.
	GrantLost func(ctx context.Context, app, account string, err *Error)
	// TokenRenewed hears of each token that was renewed, after it was stored and before it is used.
	TokenRenewed func(ctx context.Context, app, account string, tok *oauth2.Token)
	// BackChannelLogout hears from providers of OpenID Connect that sessions have ended, and ends those of this application. MountLogin then registers the
	// endpoint for it: /auth/<name>/backchannel-logout. An error tells the provider that it was not done. It needs Replay. Default: there is no such
	// endpoint.
	BackChannelLogout func(ctx context.Context, out *LogoutNotice) error
	// Replay lets each login be finished once, even by who holds a copy of its cookie. Default: the cookie is deleted, and the provider
	// refuses a code that was used.
	Replay store.Replay
	// FlowTTL is how long a login may take. Default: ten minutes; at most an hour.
	FlowTTL time.Duration

	// Fetcher reaches the providers' endpoints. Default: the guarded one of package fetch.
	Fetcher mandate.Fetcher
	// Hooks hear of faults that no caller sees, for example that metadata could not be fetched anew.
	Hooks mandate.Hooks
	// Now tells the time. Default: time.Now.
	Now func() time.Time
}

// withDefaults returns c complete, and everything that is wrong with it.
func (c Config) withDefaults() (Config, []error) {
	var faults []error
	base, local, err := baseURL(c.BaseURL)
	if err != nil {
		faults = append(faults, err)
	}
	c.BaseURL = base
	switch {
	case !c.Secret.IsZero():
	case local:
		c.Secret = mandate.NewRandomSecret()
	default:
		faults = append(faults, errors.New("client: Config.Secret is empty: hand over mandate.ParseSecret of what openssl rand -base64 32 prints"))
		c.Secret = mandate.NewRandomSecret() // so that apps can be checked
	}
	if len(c.Apps) == 0 {
		faults = append(faults, errors.New("client: Config.Apps is empty: name at least one"))
	}
	switch {
	case c.FlowTTL == 0:
		c.FlowTTL = 10 * time.Minute
	case c.FlowTTL < 0 || c.FlowTTL > time.Hour:
		faults = append(faults, fmt.Errorf("client: Config.FlowTTL is %v, want more than 0 and at most an hour", c.FlowTTL))
	}
	if c.BackChannelLogout != nil && c.Replay == nil {
		faults = append(faults, errors.New("client: Config.BackChannelLogout needs Config.Replay, so that no logout token counts twice: hand over a store, such as memstore.New()"))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Fetcher == nil {
		f, err := fetch.New(fetch.Config{})
		if err != nil {
			faults = append(faults, fmt.Errorf("client: Config.Fetcher: %w", err))
		}
		c.Fetcher = f
	}
	return c, faults
}

// baseURL returns s without a slash at its end, and whether it is on loopback.
func baseURL(s string) (base string, local bool, err error) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return "", false, errors.New(`client: Config.BaseURL is empty: it is where browsers reach this application, "https://app.example.com"`)
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.ContainsAny(s, "#\\;"):
		return "", false, fmt.Errorf("client: Config.BaseURL %q is not an absolute URL without user, query and fragment", s)
	}
	local = wire.LoopbackURI(s)
	if u.Scheme != "https" && !local {
		return "", false, fmt.Errorf("client: Config.BaseURL %q is not https, which only loopback may do without: behind a proxy that ends TLS use the URL that browsers see", s)
	}
	return strings.TrimRight(s, "/"), local, nil
}

// checkURL reports what is wrong with the provider's URL in a field: it must be https, or http on loopback.
func checkURL(field, s string) error {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return fmt.Errorf("%s is empty", field)
	case err != nil || u.Host == "" || u.User != nil || strings.Contains(s, "#"):
		return fmt.Errorf("%s %q is not an absolute URL without user and fragment", field, s)
	case u.Scheme != "https" && !wire.LoopbackURI(s):
		return fmt.Errorf("%s %q is not https, which only loopback may do without", field, s)
	}
	return nil
}
