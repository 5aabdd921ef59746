package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
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
	// UserInfo is what the UserInfo endpoint of OpenID Connect says, if it was asked: see [Granted.Claims].
	UserInfo map[string]any
	Params   mandate.Params // of the answer in the browser's hands: unproven, but for what the protocol checked

	asks asks
}

// asks is how a profile is asked for.
type asks struct {
	app, base, kind string   // the app's name, APIURL and APIContentType
	allowed         []string // where the token may go besides, if there is a base
	fetcher         mandate.Fetcher
	prove           func(r *http.Request, body string) error // puts the token into a request, or signs it, and lets BeforeCall have its say
}

// maxProfile bounds the answer of a profile endpoint.
const maxProfile = 1 << 20

// JSON reads what a GET of rawURL, relative to the app's APIURL, answers with the token, into a pointer. Another status than 200 is an
// error, as [Granted.Refused] makes it.
func (g *Granted) JSON(ctx context.Context, rawURL string, into any) error {
	res, err := g.Do(ctx, Call{URL: rawURL})
	switch {
	case err != nil:
		return err
	case res.Status != http.StatusOK:
		return g.Refused(res)
	}
	dec := json.NewDecoder(bytes.NewReader(res.Raw))
	dec.UseNumber() // ids of users are integers with more digits than a float64 has
	if err := dec.Decode(into); err != nil {
		return &Error{Kind: Unreachable, App: g.asks.app, Status: res.Status, Body: cut(res.Raw), Cause: fmt.Errorf("the profile: %w", err)}
	}
	return nil
}

// Do makes any call with the token, relative to the app's APIURL, by way of [Config.Fetcher]. With an APIURL the token goes to no other origin than those of
// APIURL, APIAllowed and ProfileURL: that is [WrongHost]. [OAuth2.BeforeCall] has its say, as in all
// calls of the API. The answer is an answer, whatever its status: make an error of one with [Granted.Refused].
func (g *Granted) Do(ctx context.Context, c Call) (*Response, error) {
	fault := func(err error) error { return &Error{Kind: Fault, App: g.asks.app, Cause: err} }
	if g.asks.fetcher == nil {
		return nil, fault(errors.New("this Granted is of no login: nothing could be asked"))
	}
	base, err := folder(g.asks.base)
	if err != nil {
		return nil, fault(err)
	}
	api := API{base: base, c: APIConfig{Header: http.Header{"Accept": {"application/json"}}}}
	r, err := api.request(ctx, c)
	if err != nil {
		return nil, fault(err)
	}
	var body []byte
	if r.Body != nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, fault(err)
		}
	}
	if err := g.asks.prove(r, string(body)); err != nil {
		return nil, fault(err)
	}
	if err := checkURL("the URL of the profile", bare(r.URL.String())); err != nil {
		return nil, fault(err)
	}
	if to := (&Transport{Allowed: append(slices.Clip(g.asks.allowed), g.asks.base)}); g.asks.base != "" && !to.allows(r.URL) {
		return nil, asError(g.asks.app, wrongHost(r.URL))
	}
	var header mandate.Fields
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			header = append(header, mandate.Field{Name: name, Value: value})
		}
	}
	res, err := g.asks.fetcher.Fetch(ctx, &mandate.FetchRequest{
		Method: r.Method, URL: r.URL.String(), Header: header, Body: string(body), Purpose: "profile", Trust: mandate.Operator, MaxBytes: maxProfile,
	})
	if err != nil {
		return nil, &Error{Kind: Unreachable, App: g.asks.app, Cause: fmt.Errorf("profile: %w", err)}
	}
	out := &Response{Status: res.Status, Header: http.Header{}, Raw: res.Body, ContentType: res.Header.Get("Content-Type"), app: g.asks.app}
	for _, f := range res.Header {
		out.Header.Add(f.Name, f.Value)
	}
	if g.asks.kind != "" {
		out.ContentType = g.asks.kind
	}
	return out, nil
}

// Refused returns the [*Error] that an answer without a profile is, with what can be read of it: [Unreachable] where trying again may help
// (429, 5xx), else [Provider].
func (g *Granted) Refused(res *Response) *Error {
	e := &Error{Kind: Provider, App: g.asks.app, Status: res.Status, Body: cut(res.Raw), Cause: errors.New("the profile is refused")}
	if said, ok := errors.AsType[*Error](res.Err()); ok {
		e.Code, e.Description, e.URI = said.Code, said.Description, said.URI
	}
	if res.Status == http.StatusTooManyRequests || res.Status/100 == 5 {
		e.Kind = Unreachable
	}
	return e
}

// bare returns a URL as errors may show it: tokens stand in queries.
func bare(rawURL string) string {
	rawURL, _, _ = strings.Cut(rawURL, "?")
	return rawURL
}

// cut bounds what an error holds of an answer.
func cut(body []byte) []byte { return body[:min(len(body), maxAnswer)] }

// folder returns what relative URLs of calls are resolved against.
func folder(rawURL string) (*url.URL, error) {
	base, err := url.Parse(rawURL)
	if err == nil && rawURL != "" && !strings.HasSuffix(base.Path, "/") {
		base = base.JoinPath("/")
	}
	return base, err
}

// profile returns who the token's user is.
func (a *oauth2App) profile(ctx context.Context, g *Granted) (Profile, error) {
	return g.profile(ctx, a.ProfileURL, a.Profile)
}

// asks is how the profile of tok's user is asked for.
func (a *oauth2App) asks(tok *oauth2.Token) asks {
	return asks{app: a.Name, base: a.APIURL, kind: a.APIContentType, allowed: append(slices.Clip(a.APIAllowed), a.ProfileURL), fetcher: a.w.Fetcher, prove: func(r *http.Request, _ string) error {
		r.Header.Set("Authorization", "Bearer "+tok.AccessToken)
		if a.BeforeCall == nil {
			return nil
		}
		return a.BeforeCall(r)
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
	case p.Subject == "" && read == nil:
		return p, &Error{Kind: Mismatch, App: g.asks.app, Cause: errors.New(`the answer of ProfileURL has no member "sub": set Profile, which reads it`)}
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
