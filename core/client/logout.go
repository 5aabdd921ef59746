package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// Logout says how the user is logged out of the provider, too. The zero value is fine.
type Logout struct {
	// IDToken is the ID token of the sign-in as it came: in.Token.Extra("id_token"). It tells the provider whose session ends; without it most ask the
	// user. Where it is empty and Account is not, it is the one that is kept for that account.
	IDToken string
	Account string
	// ReturnTo is where the browser goes in the end: a path of this application. Default: "/".
	ReturnTo string
	// Data is the application's own, kept sealed until [LoggedOut.Data]: at most 1 KiB.
	Data string
	// Params are sent to the provider besides: logout_hint, ui_locales.
	Params mandate.Params
}

// LoggedOut is who came back from the provider after a logout.
type LoggedOut struct {
	App      string
	ReturnTo string // a path of this application
	Data     string // [Logout.Data]
}

// Ending is a [Protocol] that can log users out of the provider. [OpenID] is; an app of the application's own may be.
type Ending interface {
	// EndSession returns the provider's end of sessions (OpenID Connect RP-Initiated Logout 1.0, section 2) and what this application is to it. Where it
	// has none the URL is empty.
	EndSession(ctx context.Context) (endpoint, clientID string, err error)
	// LogoutCallback returns where the provider sends browsers back to: an absolute URL, a path, or "" for the registry's own choice.
	LogoutCallback() string
}

var _ Ending = (*openidApp)(nil)

// EndSession implements [Ending].
func (a *openidApp) EndSession(ctx context.Context) (endpoint, clientID string, err error) {
	if a.o.EndSessionURL != "" || a.meta == nil {
		return a.o.EndSessionURL, a.Credentials.ID, nil
	}
	d, err := a.meta.Get(ctx)
	if err != nil {
		return "", "", &Error{Kind: Unreachable, App: a.Name, Cause: fmt.Errorf("metadata of %s: %w", a.Issuer, err)}
	}
	return d.openid.EndSessionEndpoint, a.Credentials.ID, nil
}

// LogoutCallback implements [Ending].
func (a *openidApp) LogoutCallback() string { return a.o.LogoutCallback }

// Logout is the first step of a logout by hand, after the application has ended its own session: it returns the redirect to the provider, with a cookie that
// binds the return to this browser. Where the provider cannot end sessions, and for apps of other protocols, the redirect is to Logout.ReturnTo. r is the
// request of the browser, best a POST: else other sites can log users out. An error is an [*Error].
func (r *Remote) Logout(ctx context.Context, req *mandate.Request, l Logout) (*mandate.Response, error) {
	if r == nil {
		return nil, errNoApp()
	}
	return r.logout(ctx, req, l, r.loggedOut)
}

func (r *Remote) logout(ctx context.Context, req *mandate.Request, l Logout, redirectURI string) (*mandate.Response, error) {
	if len(l.Data) > maxData {
		return nil, &Error{Kind: Fault, App: r.name, Cause: fmt.Errorf("Logout.Data has %d bytes, want at most %d: keep the rest under a key of yours", len(l.Data), maxData)}
	}
	returnTo := r.reg.SafeReturnTo(l.ReturnTo, "/")
	here := &mandate.Response{Status: 303, Header: append(noStore(), mandate.Field{Name: "Location", Value: returnTo})}
	ending, ok := r.protocol.(Ending)
	if !ok {
		return here, nil
	}
	endpoint, clientID, err := ending.EndSession(ctx)
	switch {
	case err != nil:
		return nil, asError(r.name, err)
	case endpoint == "":
		return here, nil
	}
	if l.IDToken == "" && l.Account != "" && r.reg.tokens != nil {
		if tok, err := r.reg.tokens.Stored(ctx, r.name, l.Account); err == nil { // else the provider asks
			l.IDToken, _ = tok.Extra("id_token").(string)
		}
	}
	now := r.reg.config.Now()
	f, verifier := r.reg.newFlow(r.name, redirectURI, now)
	f.logout, f.ReturnTo, f.Data = true, returnTo, l.Data
	var b strings.Builder
	b.WriteString(endpoint)
	b.WriteByte("?&"[min(strings.Count(endpoint, "?"), 1)])
	if l.IDToken != "" {
		param(&b, "id_token_hint", l.IDToken)
	}
	param(&b, "client_id", clientID)
	param(&b, "post_logout_redirect_uri", redirectURI)
	param(&b, "state", f.State)
	for _, p := range l.Params {
		switch p.Name {
		case "id_token_hint", "client_id", "post_logout_redirect_uri", "state":
			return nil, &Error{Kind: Fault, App: r.name, Cause: fmt.Errorf("Logout.Params has %q, which belongs to the library", p.Name)}
		}
		param(&b, p.Name, p.Value)
	}
	return r.depart(req, f, verifier, b.String(), false)
}

// LoggedOut is the second step of a logout by hand: it takes the browser that comes back from the provider. The fields belong to the answer, also beside an
// error: they take the logout's cookie away. That the provider ended its session is what it says, no more. An error is an [*Error].
func (r *Remote) LoggedOut(ctx context.Context, req *mandate.Request) (*LoggedOut, mandate.Fields, error) {
	if r == nil {
		return nil, nil, errNoApp()
	}
	f, _, header, err := r.back(ctx, req, true)
	if err != nil {
		return nil, header, err
	}
	return &LoggedOut{App: r.name, ReturnTo: f.ReturnTo, Data: f.Data}, header, nil
}

// loggedOutOf returns where r's provider sends browsers after a logout, where the registry is mounted at prefix.
func (reg *Registry) loggedOutOf(r *Remote, prefix string) (string, error) {
	own := ""
	if e, ok := r.protocol.(Ending); ok {
		own = e.LogoutCallback()
	}
	return reg.back(own, "LogoutCallback", prefix+"/"+r.name+"/logged-out")
}

// LogoutEndpoint returns the first step as an endpoint, to be registered by hand for POST at any path. Requests of other sites are refused.
func (r *Remote) LogoutEndpoint(s Steps) mandate.Endpoint {
	if r == nil {
		return noApp("logout", s)
	}
	return r.logoutEndpoint(defaultPrefix+"/"+r.name+"/logout", r.loggedOut, s)
}

func (r *Remote) logoutEndpoint(path, redirectURI string, s Steps) mandate.Endpoint {
	return mandate.Endpoint{Name: "logout", Origin: r.reg.origin, Path: path, Methods: []string{"POST"}, Handle: func(ctx context.Context, req *mandate.Request) *mandate.Response {
		if r.reg.foreign(req) {
			return s.failed(ctx, req, noStore(), &Error{Kind: Malformed, App: r.name, Cause: errors.New("another site sent the user to log out")}, r.reg.config.BaseURL)
		}
		var l Logout
		if s.Logout != nil {
			l = s.Logout(ctx)
		}
		resp, err := r.logout(ctx, req, l, redirectURI)
		if err != nil {
			return s.failed(ctx, req, noStore(), asError(r.name, err), r.reg.config.BaseURL)
		}
		return resp
	}}
}

// foreign reports whether another site made the browser send a request. Browsers say so.
func (reg *Registry) foreign(req *mandate.Request) bool {
	site := req.Header.Get("Sec-Fetch-Site")
	switch site {
	case "cross-site", "same-site":
		return true
	case "same-origin", "none":
		return false
	}
	origin := req.Header.Get("Origin")
	return origin != "" && origin != reg.origin
}

// LoggedOutEndpoint returns the second step as an endpoint, to be registered by hand for GET at the app's LogoutCallback.
func (r *Remote) LoggedOutEndpoint(s Steps) mandate.Endpoint {
	if r == nil {
		return noApp("logged_out", s)
	}
	return r.loggedOutEndpoint(strings.TrimPrefix(r.loggedOut, r.reg.config.BaseURL), s)
}

func (r *Remote) loggedOutEndpoint(path string, s Steps) mandate.Endpoint {
	return mandate.Endpoint{Name: "logged_out", Origin: r.reg.origin, Path: path, Methods: []string{http.MethodGet}, Handle: func(ctx context.Context, req *mandate.Request) *mandate.Response {
		out, header, err := r.LoggedOut(ctx, req)
		switch {
		case err != nil:
			return s.failed(ctx, req, header, asError(r.name, err), r.reg.config.BaseURL)
		case s.LoggedOut != nil:
			return &mandate.Response{Header: header, Page: func() error { return s.LoggedOut(ctx, out) }}
		}
		return &mandate.Response{Status: 303, Header: append(header, mandate.Field{Name: "Location", Value: out.ReturnTo})}
	}}
}

// back returns an absolute URL of this application for an app's own choice, or where that is empty for path.
func (reg *Registry) back(own, field, path string) (string, error) {
	switch {
	case own == "":
		return reg.config.BaseURL + path, nil
	case strings.HasPrefix(own, "/") && !strings.HasPrefix(own, "//"):
		own = reg.config.BaseURL + own
	}
	if err := checkURL(field, own); err != nil {
		return "", err
	}
	return own, nil
}

// pathOf returns the path of a URL at which adapters register an endpoint.
func (reg *Registry) pathOf(field, at string) (string, error) {
	path, ok := strings.CutPrefix(at, reg.config.BaseURL)
	if _, err := url.Parse(path); err != nil || !ok || !localPath(path) || strings.ContainsAny(path, "?#{}%") {
		return "", fmt.Errorf("%s %q is not a path below %s: register it by hand", field, at, reg.config.BaseURL)
	}
	return path, nil
}
