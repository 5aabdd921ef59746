package client

import (
	"context"
	"errors"
	"fmt"

	mandate "github.com/go-mandate/mandate/core"
)

// Begin is what one login asks for besides what its app always does. The zero value is fine.
type Begin struct {
	// ReturnTo is where the browser goes in the end: a path of this application. Default: the parameter return_to of the request. What is
	// no path of this application becomes "/".
	ReturnTo string
	// Data is the application's own, kept sealed until [SignIn.Data]: at most 1 KiB.
	Data string
	// Scopes are asked for instead of the app's.
	Scopes []string
	// Params are sent to the provider besides, in place of the app's AuthParams of the same name: login_hint, prompt.
	Params mandate.Params
}

// maxData bounds [Begin.Data], in bytes.
const maxData = 1 << 10

// Begin is the first step of a login by hand: it returns the redirect to the provider, with the cookie of this login. r is the request of the
// browser. An error is an [*Error].
func (r *Remote) Begin(ctx context.Context, req *mandate.Request, b Begin) (*mandate.Response, error) {
	if r == nil {
		return nil, errNoApp()
	}
	return r.begin(ctx, req, b, r.callback)
}

func errNoApp() *Error {
	return &Error{Kind: Fault, Cause: errors.New("there is no such app in the registry: check the name in Registry.App")}
}

func (r *Remote) begin(ctx context.Context, req *mandate.Request, b Begin, redirectURI string) (*mandate.Response, error) {
	reg := r.reg
	if r.protocol.CrossSite() && embedded(req) {
		return nil, &Error{Kind: Malformed, App: r.name, Cause: errors.New("another site began the login inside of its page, where nobody sees it")}
	}
	if len(b.Data) > maxData {
		return nil, &Error{Kind: Fault, App: r.name, Cause: fmt.Errorf("Begin.Data has %d bytes, want at most %d: keep the rest under a key of yours", len(b.Data), maxData)}
	}
	now := reg.config.Now()
	f, verifier := reg.newFlow(r.name, redirectURI, now)
	f.Data, f.Scopes, f.Params = b.Data, b.Scopes, b.Params
	target := b.ReturnTo
	if target == "" {
		query, err := req.Query()
		if err != nil {
			return nil, &Error{Kind: Malformed, App: r.name, Cause: err}
		}
		target = query.Get("return_to")
	}
	f.ReturnTo = reg.SafeReturnTo(target, "/")
	location, err := r.protocol.Begin(ctx, f)
	if err != nil {
		return nil, asError(r.name, err)
	}
	return r.depart(req, f, verifier, location, r.protocol.CrossSite())
}

// maxCookie is how many bytes of name and value browsers keep (RFC 6265, section 6.1).
const maxCookie = 4096

// embedded reports whether a page of another site loads what is asked for as an image, a frame or the like. A cookie that is SameSite=None is set even so, and a
// hundred of them, which know nothing of each other, make requests that servers refuse.
func embedded(req *mandate.Request) bool {
	to := req.Header.Get("Sec-Fetch-Dest")
	return req.Header.Get("Sec-Fetch-Site") == "cross-site" && to != "" && to != "document"
}

// depart redirects the browser to location, with the cookie of f.
func (r *Remote) depart(req *mandate.Request, f *Flow, verifier [32]byte, location string, crossSite bool) (*mandate.Response, error) {
	reg := r.reg
	value := reg.seal(f, verifier, reg.config.Now())
	if n := len(reg.cookie) + len(f.State) + 1 + len(value); n > maxCookie {
		return nil, &Error{Kind: Fault, App: r.name, Cause: fmt.Errorf("the cookie of the login has %d bytes, and browsers keep %d: make Begin.Data, the return URL or what the app keeps in Flow.Secret shorter", n, maxCookie)}
	}
	header := make(mandate.Fields, 0, 4)
	header = append(header,
		mandate.Field{Name: "Location", Value: location},
		mandate.Field{Name: "Cache-Control", Value: "no-store"},
		mandate.Field{Name: "Referrer-Policy", Value: "no-referrer"},
		reg.setCookie(f.State, value, crossSite))
	for _, state := range reg.surplus(req, len(reg.cookie)+len(f.State)+len(value)) {
		header = append(header, reg.deleteCookie(state))
	}
	return &mandate.Response{Status: 303, Header: header}, nil
}
