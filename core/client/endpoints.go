package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// Steps are the application's part in a login. Adapters make them of functions of the framework.
type Steps struct {
	// Begin says what a login asks for. Default: the zero [Begin].
	Begin func(ctx context.Context) Begin
	// Done signs the user in and answers. It is required for a callback.
	Done func(ctx context.Context, in *SignIn) error
	// Logout ends the application's own session, and says how the user is logged out of the provider. Default: logouts have no endpoints.
	Logout func(ctx context.Context) Logout
	// LoggedOut answers who came back from the provider after a logout. Default: a redirect to [LoggedOut.ReturnTo].
	LoggedOut func(ctx context.Context, out *LoggedOut) error
	// Error writes the page of a login or logout that failed; header fields and status are set before. Default: a small page, or JSON for who wants no page.
	Error func(ctx context.Context, err *Error) error
}

// Endpoints returns the endpoints of all apps, below prefix: "/auth" has /auth/github/login and /auth/github/callback. An app with a Callback of
// its own has it there. With Steps.Logout there are /auth/corp/logout and /auth/corp/logged-out for each app of OpenID Connect, and with
// [Config.BackChannelLogout] /auth/corp/backchannel-logout.
func (reg *Registry) Endpoints(prefix string, s Steps) ([]mandate.Endpoint, error) {
	prefix = strings.TrimRight(prefix, "/")
	if !localPath(prefix+"/") || strings.ContainsAny(prefix, "?#{}%") {
		return nil, fmt.Errorf("client: the prefix %q is not a path: \"/auth\"", prefix)
	}
	if s.Done == nil {
		return nil, errors.New("client: there is no function for who is signed in")
	}
	list := make([]mandate.Endpoint, 0, 2*len(reg.remotes))
	for _, r := range reg.remotes {
		redirectURI, err := reg.callbackOf(r, prefix)
		if err != nil {
			return nil, fmt.Errorf("client: app %q: %w", r.name, err)
		}
		path, err := reg.pathOf("Callback", redirectURI)
		if err != nil {
			return nil, fmt.Errorf("client: app %q: %w", r.name, err)
		}
		own := prefix + "/" + r.name
		list = append(list, r.loginEndpoint(own+"/login", redirectURI, s), r.callbackEndpoint(path, s))
		more, err := r.logoutEndpoints(prefix, s)
		if err != nil {
			return nil, fmt.Errorf("client: app %q: %w", r.name, err)
		}
		list = append(list, more...)
	}
	slices.SortStableFunc(list, func(a, b mandate.Endpoint) int { return strings.Compare(a.Path, b.Path) })
	for i := range list[1:] {
		if list[i].Path == list[i+1].Path {
			return nil, fmt.Errorf("client: two endpoints have the path %s: change a Callback", list[i].Path)
		}
	}
	return list, nil
}

// logoutEndpoints returns those endpoints of a logout that are on.
func (r *Remote) logoutEndpoints(prefix string, s Steps) ([]mandate.Endpoint, error) {
	var list []mandate.Endpoint
	own := prefix + "/" + r.name
	if _, ok := r.protocol.(Identifying); ok && r.reg.config.BackChannelLogout != nil {
		list = append(list, r.backChannel(own+"/backchannel-logout"))
	}
	if _, ok := r.protocol.(Ending); !ok || s.Logout == nil {
		return list, nil
	}
	at, err := r.reg.loggedOutOf(r, prefix)
	if err != nil {
		return nil, err
	}
	path, err := r.reg.pathOf("LogoutCallback", at)
	return append(list, r.logoutEndpoint(own+"/logout", at, s), r.loggedOutEndpoint(path, s)), err
}

// Login returns the first step as an endpoint, to be registered by hand at any path: it sends the browser to the provider, which sends it back
// to the app's Callback.
func (r *Remote) Login(s Steps) mandate.Endpoint {
	if r == nil {
		return noApp("login", s)
	}
	return r.loginEndpoint(defaultPrefix+"/"+r.name+"/login", r.callback, s)
}

// Callback returns the second step as an endpoint, to be registered by hand for GET and POST at the app's Callback.
func (r *Remote) Callback(s Steps) mandate.Endpoint {
	if r == nil {
		return noApp("callback", s)
	}
	return r.callbackEndpoint(strings.TrimPrefix(r.callback, r.reg.config.BaseURL), s)
}

// noApp answers for an app that does not exist: a router that cannot refuse it says so.
func noApp(name string, s Steps) mandate.Endpoint {
	return mandate.Endpoint{Name: name, Methods: []string{"GET", "POST"}, Handle: func(ctx context.Context, req *mandate.Request) *mandate.Response {
		return s.failed(ctx, req, noStore(), errNoApp(), "")
	}}
}

func (r *Remote) loginEndpoint(path, redirectURI string, s Steps) mandate.Endpoint {
	return mandate.Endpoint{Name: "login", Origin: r.reg.origin, Path: path, Methods: []string{"GET"}, Handle: func(ctx context.Context, req *mandate.Request) *mandate.Response {
		var b Begin
		if s.Begin != nil {
			b = s.Begin(ctx)
		}
		resp, err := r.begin(ctx, req, b, redirectURI)
		if err != nil {
			return s.failed(ctx, req, noStore(), asError(r.name, err), r.reg.config.BaseURL)
		}
		return resp
	}}
}

func (r *Remote) callbackEndpoint(path string, s Steps) mandate.Endpoint {
	return mandate.Endpoint{Name: "callback", Origin: r.reg.origin, Path: path, Methods: []string{"GET", "POST"}, Handle: func(ctx context.Context, req *mandate.Request) *mandate.Response {
		if again := r.again(req); again != nil {
			return again
		}
		in, header, err := r.Finish(ctx, req)
		switch {
		case err != nil:
			return s.failed(ctx, req, header, asError(r.name, err), r.reg.config.BaseURL)
		case s.Done == nil:
			return s.failed(ctx, req, header, &Error{Kind: Fault, App: r.name, Cause: errors.New("there is no function for who is signed in")}, r.reg.config.BaseURL)
		}
		return &mandate.Response{Header: header, Page: func() error { return s.Done(ctx, in) }}
	}}
}
