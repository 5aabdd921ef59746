package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/go-mandate/mandate/core/oauth1"
)

// Requesting is a [Protocol] with a token endpoint. The OAuth 2 apps are; an app of the application's own may be.
type Requesting interface {
	// Requester returns what asks that endpoint.
	Requester() *TokenRequester
}

// Calling is a [Protocol] with an API.
type Calling interface {
	// APIConfig describes the API. Where its BaseURL is empty there is none.
	APIConfig() APIConfig
}

var (
	_ Requesting = (*oauth2App)(nil)
	_ Calling    = (*oauth2App)(nil)
)

// Requester implements [Requesting].
func (a *oauth2App) Requester() *TokenRequester { return a.tokens }

// APIConfig implements [Calling].
func (a *oauth2App) APIConfig() APIConfig {
	return APIConfig{App: a.Name, BaseURL: a.APIURL, Allowed: a.APIAllowed, ContentType: a.APIContentType, Before: a.BeforeCall}
}

// Tokens returns what keeps tokens, or nil where [Config.Tokens] is nil.
func (reg *Registry) Tokens() *Tokens { return reg.tokens }

// connect makes what r calls its provider with.
func (r *Remote) connect() error {
	r.calls = &API{fault: r.fault("it has no API: set its APIURL")}
	c, ok := r.protocol.(Calling)
	if !ok {
		return nil
	}
	config := c.APIConfig()
	if config.BaseURL == "" {
		return nil
	}
	api, err := NewAPI(config)
	if err == nil {
		r.calls = api
	}
	return err
}

// Requester returns what asks the provider's token endpoint, for grants without a user among others; nil where there is none.
func (r *Remote) Requester() *TokenRequester {
	if r == nil {
		return nil
	}
	if p, ok := r.protocol.(Requesting); ok {
		return p.Requester()
	}
	return nil
}

// Source returns the token of account, which refreshes by itself: see [Tokens.Source]. What is missing is the error of its Token.
func (r *Remote) Source(account string) *Source {
	if err := r.keeps(); err != nil {
		return failing(err)
	}
	if r.signer() != nil {
		return failing(r.fault("it has no token that could be sent: its calls are signed, see Remote.API"))
	}
	return r.reg.tokens.Source(r.Requester(), account)
}

// API returns the provider's API, as account calls it with the token that is kept, or signed with the credentials of OAuth 1.0a that are. What is missing is the error of its calls.
func (r *Remote) API(account string) *API {
	signer := r.signer()
	if signer == nil {
		return r.APIWith(r.Source(account))
	}
	if err := r.keeps(); err != nil {
		return r.calls.signedBy(func(context.Context) (*oauth1.Signer, error) { return nil, err })
	}
	return r.calls.signedBy(r.reg.tokens.signs(r.name, account, signer))
}

// APIWith is API with the tokens of any source: oauth2.StaticTokenSource(in.Token), for example. For an app of OAuth 1.0a see
// [Remote.APIWithOAuth1].
func (r *Remote) APIWith(source oauth2.TokenSource) *API {
	if r == nil {
		return &API{fault: r.fault("")}
	}
	if r.signer() != nil {
		return &API{fault: r.fault("its calls are signed with OAuth 1.0a: use APIWithOAuth1")}
	}
	return r.calls.With(source)
}

// Keep stores a token for account: see [Tokens.Keep].
func (r *Remote) Keep(ctx context.Context, account string, tok *oauth2.Token) error {
	if err := r.keeps(); err != nil {
		return err
	}
	if r.signer() != nil {
		return r.fault("its calls are signed with OAuth 1.0a: use KeepOAuth1")
	}
	return r.reg.tokens.Keep(ctx, r.name, account, tok)
}

// Disconnect removes the token of account, and revokes it where the provider can: see [Tokens.Disconnect].
func (r *Remote) Disconnect(ctx context.Context, account string) error {
	if err := r.keeps(); err != nil {
		return err
	}
	if r.signer() != nil { // RFC 5849 knows no way to revoke
		return r.reg.tokens.Forget(ctx, r.name, account)
	}
	err := r.reg.tokens.Disconnect(ctx, r.Requester(), account)
	if errors.Is(err, errNoEndpoint) {
		return nil
	}
	return err
}

// keeps returns why nothing is kept, if nothing is.
func (r *Remote) keeps() error {
	switch {
	case r == nil:
		return r.fault("")
	case r.Requester() == nil && r.signer() == nil:
		return r.fault("it has no token endpoint")
	case r.reg.tokens == nil:
		return r.fault("tokens are not kept: set Config.Tokens to a store")
	}
	return nil
}

func (r *Remote) fault(what string) error {
	if r == nil {
		return &Error{Kind: Fault, Cause: errors.New("there is no app of that name in the registry")}
	}
	return &Error{Kind: Fault, App: r.name, Cause: errors.New(what)}
}

// failing returns a source that has err instead of a token.
func failing(err error) *Source {
	return &Source{timeout: time.Second, now: time.Now, renew: func(context.Context) (*held, error) { return nil, err }} //nolint:forbidigo // it tells nobody the time
}

// Keep stores the token of the sign-in, or its credentials of OAuth 1.0a, for account, the application's own name of the user, in [Config.Tokens]: [Remote.API] and
// [Remote.Source] use and refresh it from then on.
func (in *SignIn) Keep(ctx context.Context, account string) error {
	if in.OAuth1 != nil {
		return in.remote.KeepOAuth1(ctx, account, in.OAuth1)
	}
	return in.remote.Keep(ctx, account, in.Token)
}

// brokenTrip is an http.RoundTripper that fails.
type brokenTrip struct{ err error }

func (b brokenTrip) RoundTrip(r *http.Request) (*http.Response, error) { return refuse(r, b.err) }
