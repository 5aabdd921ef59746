package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
)

// Granted is what a provider granted in a login: what a profile is made of.
type Granted struct {
	Token   *oauth2.Token  // nil in OAuth 1.0a
	OAuth1  *OAuth1Token   // nil in OAuth 2
	IDToken map[string]any // the verified claims; nil without OpenID Connect
	Params  mandate.Params // of the answer in the browser's hands: unproven, but for what the protocol checked

	asks asks
}

// asks is how a profile is asked for.
type asks struct {
	app, base string // the app's name and APIURL
	fetcher   mandate.Fetcher
	prove     func(r *mandate.FetchRequest) error // puts the token into a request, or signs it
}

// maxProfile bounds the answer of a profile endpoint.
const maxProfile = 1 << 20

// JSON reads what a GET of rawURL, relative to the app's APIURL, answers with the token, into a pointer.
func (g *Granted) JSON(ctx context.Context, rawURL string, into any) error {
	target, err := g.resolve(rawURL)
	if err != nil {
		return &Error{Kind: Fault, App: g.asks.app, Cause: err}
	}
	r := &mandate.FetchRequest{
		Method: http.MethodGet, URL: target, Purpose: "profile", Trust: mandate.Operator, MaxBytes: maxProfile,
		Header: mandate.Fields{{Name: "Accept", Value: "application/json"}},
	}
	if err := g.asks.prove(r); err != nil {
		return &Error{Kind: Fault, App: g.asks.app, Cause: err}
	}
	resp, err := g.asks.fetcher.Fetch(ctx, r)
	switch {
	case err != nil:
		return &Error{Kind: Unreachable, App: g.asks.app, Cause: fmt.Errorf("profile: %w", err)}
	case resp.Status != http.StatusOK:
		return &Error{Kind: Provider, App: g.asks.app, Status: resp.Status, Body: resp.Body, Cause: errors.New("the profile is refused")}
	}
	dec := json.NewDecoder(strings.NewReader(string(resp.Body)))
	dec.UseNumber() // ids of users are integers with more digits than a float64 has
	if err := dec.Decode(into); err != nil {
		return &Error{Kind: Unreachable, App: g.asks.app, Status: resp.Status, Body: resp.Body, Cause: fmt.Errorf("the profile: %w", err)}
	}
	return nil
}

func (g *Granted) resolve(rawURL string) (string, error) {
	base, err := url.Parse(g.asks.base)
	if err != nil {
		return "", err
	}
	u, err := base.Parse(rawURL)
	if err != nil {
		return "", fmt.Errorf("the URL of the profile: %w", err)
	}
	return u.String(), checkURL("the URL of the profile", u.String())
}

// profile returns who the token's user is.
func (a *oauth2App) profile(ctx context.Context, g *Granted) (Profile, error) {
	return g.profile(ctx, a.ProfileURL, a.Profile)
}

// asks is how the profile of tok's user is asked for.
func (a *oauth2App) asks(tok *oauth2.Token) asks {
	return asks{app: a.Name, base: a.APIURL, fetcher: a.w.Fetcher, prove: func(r *mandate.FetchRequest) error {
		r.Header = append(r.Header, mandate.Field{Name: "Authorization", Value: "Bearer " + tok.AccessToken})
		return nil
	}}
}

// profile returns what read says, or what a URL has, or nothing where there is neither.
func (g *Granted) profile(ctx context.Context, profileURL string, read func(context.Context, *Granted) (Profile, error)) (Profile, error) {
	var p Profile
	var err error
	switch {
	case read != nil:
		p, err = read(ctx, g)
	case profileURL != "":
		var members map[string]any
		if err = g.JSON(ctx, profileURL, &members); err == nil {
			p = ProfileOf(members)
		}
	default:
		return p, nil
	}
	switch {
	case err != nil:
		return p, asError(g.asks.app, err)
	case p.Subject == "":
		return p, &Error{Kind: Mismatch, App: g.asks.app, Cause: errors.New("the profile has no id of the user")}
	}
	return p, nil
}

// ProfileOf returns the profile that the claims of OpenID Connect make (Core, section 5.1). email_verified may be a string, as
// some have it.
func ProfileOf(claims map[string]any) Profile {
	text := func(name string) string {
		switch v := claims[name].(type) {
		case string:
			return v
		case json.Number:
			return v.String()
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return ""
	}
	verified, _ := claims["email_verified"].(bool)
	return Profile{
		Subject: text("sub"), Name: text("name"), Username: text("preferred_username"), Email: text("email"),
		EmailVerified: verified || text("email_verified") == "true", Picture: text("picture"), Locale: text("locale"), Raw: claims,
	}
}

// asError returns err as an *Error of app: one that is none is the application's fault.
func asError(app string, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.App != "" {
			return e
		}
		c := *e
		c.App = app
		return &c
	}
	return &Error{Kind: Fault, App: app, Cause: err}
}
