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
	Token   *oauth2.Token
	IDToken map[string]any // the verified claims; nil without OpenID Connect
	Params  mandate.Params // of the answer in the browser's hands: unproven, but for what the protocol checked

	app *oauth2App
}

// maxProfile bounds the answer of a profile endpoint.
const maxProfile = 1 << 20

// JSON reads what a GET of rawURL, relative to the app's APIURL, answers with the token, into a pointer.
func (g *Granted) JSON(ctx context.Context, rawURL string, into any) error {
	target, err := g.resolve(rawURL)
	if err != nil {
		return &Error{Kind: Fault, App: g.app.Name, Cause: err}
	}
	resp, err := g.app.w.Fetcher.Fetch(ctx, &mandate.FetchRequest{
		Method: http.MethodGet, URL: target, Purpose: "profile", Trust: mandate.Operator, MaxBytes: maxProfile,
		Header: mandate.Fields{{Name: "Authorization", Value: "Bearer " + g.Token.AccessToken}, {Name: "Accept", Value: "application/json"}},
	})
	switch {
	case err != nil:
		return &Error{Kind: Unreachable, App: g.app.Name, Cause: fmt.Errorf("profile: %w", err)}
	case resp.Status != http.StatusOK:
		return &Error{Kind: Provider, App: g.app.Name, Status: resp.Status, Body: resp.Body, Cause: errors.New("the profile is refused")}
	}
	dec := json.NewDecoder(strings.NewReader(string(resp.Body)))
	dec.UseNumber() // ids of users are integers with more digits than a float64 has
	if err := dec.Decode(into); err != nil {
		return &Error{Kind: Unreachable, App: g.app.Name, Status: resp.Status, Body: resp.Body, Cause: fmt.Errorf("the profile: %w", err)}
	}
	return nil
}

func (g *Granted) resolve(rawURL string) (string, error) {
	base, err := url.Parse(g.app.APIURL)
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
	var p Profile
	var err error
	switch {
	case a.Profile != nil:
		p, err = a.Profile(ctx, g)
	case a.ProfileURL != "":
		var members map[string]any
		if err = g.JSON(ctx, a.ProfileURL, &members); err == nil {
			p = ProfileOf(members)
		}
	default:
		return p, nil
	}
	switch {
	case err != nil:
		return p, asError(a.Name, err)
	case p.Subject == "":
		return p, &Error{Kind: Mismatch, App: a.Name, Cause: errors.New("the profile has no id of the user")}
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
