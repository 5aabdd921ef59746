package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	wire "github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/oidc"
)

// OAuth2 is an app of OAuth 2 without OpenID Connect. Name, Credentials and either Issuer or the URLs are required.
type OAuth2 struct {
	Name        string
	Credentials Credentials

	// Issuer is the issuer identifier of the authorization server. Where AuthURL or TokenURL is empty its metadata (RFC 8414) has what is empty
	// here; it is fetched when it is first needed, and kept fresh. With an Issuer, answers that name another one are refused (RFC 9207).
	Issuer string
	// AuthURL and TokenURL are the provider's authorization and token endpoint.
	AuthURL, TokenURL string
	// RevocationURL, IntrospectionURL and DeviceURL are further endpoints. Default: those of the metadata, or none.
	RevocationURL, IntrospectionURL, DeviceURL string
	// APIURL is what relative URLs of calls are resolved against.
	APIURL string

	// APIAllowed are more origins to which tokens may go: "https://uploads.example.com".
	APIAllowed []string
	// APIContentType is taken for that of every answer of the API, whatever it says.
	APIContentType string
	// BeforeCall may change each call of the API right before it is sent, those of the profile included: see [Transport.Before].
	BeforeCall func(r *http.Request) error

	// Scopes are asked for at each login. Default: the provider's own.
	Scopes []string
	// ScopeSeparator stands between scopes in requests. Default: a space, as RFC 6749 has it; some providers want a comma.
	ScopeSeparator string
	// AuthParams and TokenParams are sent to the authorization and the token endpoint besides.
	AuthParams, TokenParams mandate.Params
	// TokenHeader are fields of requests to the token endpoint besides. Accept: application/json is always sent.
	TokenHeader mandate.Fields
	// TokenEncoding is how parameters are sent to the token endpoint. Default: [EncodeForm].
	TokenEncoding Encoding
	// TokenAnswer may change each answer of the token endpoint before it is read, for providers that answer in a way of their own.
	TokenAnswer func(res *mandate.Response)
	// RevocationRequest makes the request that revokes a token, for providers without RFC 7009: [TokenConfig.RevocationRequest]. Its URL may be relative to
	// APIURL.
	RevocationRequest func(c Credentials, tok *oauth2.Token) (*mandate.FetchRequest, error)
	// Declined reports whether an answer in the browser's hands is the user's no, for providers that do not say so with access_denied.
	Declined func(answer mandate.Params) bool
	// InsecureNoPKCE leaves PKCE (RFC 7636) out, for a provider that refuses requests with it. What is left against a code that was stolen
	// and brought into another login is the nonce, with OpenID Connect, where the provider returns it.
	InsecureNoPKCE bool
	// FormPost asks that the answer be posted (response_mode=form_post).
	FormPost bool
	// Callback is where the provider sends browsers back: a path, which is resolved against Config.BaseURL, or a URL. Default: what
	// MountLogin registers, and for routes made by hand "/auth/<name>/callback".
	Callback string

	// ProfileURL has the user as a JSON object. Profile reads it, and may ask more. Default: the members that OpenID Connect calls sub,
	// name, preferred_username, email, email_verified, picture and locale. With neither there is no profile: a sign-in then
	// has a token, and an empty Subject.
	ProfileURL string
	Profile    func(ctx context.Context, g *Granted) (Profile, error)
}

var _ App = OAuth2{}

// AppName implements [App].
func (o OAuth2) AppName() string { return o.Name }

// Connect implements [App].
func (o OAuth2) Connect(w *Wiring) (Protocol, error) {
	a, faults := o.connect(w, o.Issuer == "")
	if (o.AuthURL == "" || o.TokenURL == "") && len(faults) == 0 {
		a.meta = newMetadata(w, o.Name, metadataURL(o.Issuer, "/.well-known/oauth-authorization-server", false), func(body []byte) (*described, error) {
			m, err := wire.ParseServerMetadata(body, o.Issuer)
			return &described{ServerMetadata: m}, err
		})
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return a, nil
}

// oauth2App is an OAuth2 that is connected.
type oauth2App struct {
	OAuth2

	w      *Wiring
	tokens *TokenRequester
	meta   *metadata // nil: all is written down
	fixed  string    // the parameters that every authorization request has, encoded

	anyIssuer bool // what answers say of their issuer is compared with the ID token alone
}

// connect returns the app without metadata. written says that the URLs must be written down.
func (o OAuth2) connect(w *Wiring, written bool) (*oauth2App, []error) {
	a := &oauth2App{OAuth2: o, w: w}
	faults := o.Credentials.faults()
	check := func(field, value string, required bool) {
		if value == "" && !required {
			return
		}
		if err := checkURL(field, value); err != nil {
			faults = append(faults, err)
		}
	}
	if err := o.TokenEncoding.check(); err != nil {
		faults = append(faults, fmt.Errorf("Token%w", err))
	}
	check("Issuer", o.Issuer, false)
	check("AuthURL", o.AuthURL, written)
	check("TokenURL", o.TokenURL, written)
	check("RevocationURL", o.RevocationURL, false)
	check("IntrospectionURL", o.IntrospectionURL, false)
	check("DeviceURL", o.DeviceURL, false)
	check("APIURL", o.APIURL, false)
	check("ProfileURL", o.ProfileURL, false)
	if strings.Contains(o.Issuer, "?") {
		faults = append(faults, fmt.Errorf("the Issuer %q has a query", o.Issuer))
	}
	for _, p := range slices.Concat(o.AuthParams, o.TokenParams) {
		if reserved(p.Name) {
			faults = append(faults, fmt.Errorf("AuthParams or TokenParams has %q, which belongs to the library", p.Name))
		}
	}
	for _, s := range o.Scopes {
		if s == "" || strings.ContainsAny(s, " \"\\") {
			faults = append(faults, fmt.Errorf("among the Scopes is %q, which is not one scope", s))
		}
	}
	if a.ScopeSeparator == "" {
		a.ScopeSeparator = " "
	}
	a.tokens = a.requester()
	var b strings.Builder
	param(&b, "response_type", "code")
	param(&b, "client_id", o.Credentials.ID)
	if !o.InsecureNoPKCE {
		param(&b, "code_challenge_method", wire.S256)
	}
	if o.FormPost {
		param(&b, "response_mode", "form_post")
	}
	a.fixed = b.String()
	return a, faults
}

// reserved reports whether a parameter is the library's own: what another value of it would undo.
func reserved(name string) bool {
	switch name {
	case "client_id", "client_secret", "redirect_uri", "response_type", "response_mode", "state", "nonce", "code", "code_verifier",
		"code_challenge", "code_challenge_method", "grant_type", "scope", "request", "request_uri", "refresh_token":
		return true
	}
	return false
}

// Callback implements [Protocol].
func (a *oauth2App) Callback() string { return a.OAuth2.Callback }

// CrossSite implements [Protocol].
func (a *oauth2App) CrossSite() bool { return a.FormPost }

// Begin implements [Protocol].
func (a *oauth2App) Begin(ctx context.Context, f *Flow) (string, error) {
	return a.authorize(ctx, f, false)
}

// authorize returns the URL of an authorization request (RFC 6749, section 4.1.1).
func (a *oauth2App) authorize(ctx context.Context, f *Flow, nonce bool) (string, error) {
	e, err := a.endpoints(ctx)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.Grow(len(e.auth) + len(a.fixed) + len(f.RedirectURI) + 384)
	b.WriteString(e.auth)
	if strings.Contains(e.auth, "?") {
		b.WriteByte('&')
	} else {
		b.WriteByte('?')
	}
	b.WriteString(a.fixed)
	scopes := a.Scopes
	if f.Scopes != nil {
		scopes = f.Scopes
	}
	if len(scopes) > 0 {
		param(&b, "scope", strings.Join(scopes, a.ScopeSeparator))
	}
	param(&b, "redirect_uri", f.RedirectURI)
	param(&b, "state", f.State)
	if !a.InsecureNoPKCE {
		param(&b, "code_challenge", wire.Challenge(f.Verifier))
	}
	if nonce {
		param(&b, "nonce", f.Nonce)
	}
	for _, p := range a.AuthParams {
		if !slices.ContainsFunc(f.Params, func(own mandate.Field) bool { return own.Name == p.Name }) {
			param(&b, p.Name, p.Value)
		}
	}
	for _, p := range f.Params {
		if reserved(p.Name) {
			return "", &Error{Kind: Fault, App: a.Name, Cause: fmt.Errorf("Begin.Params has %q, which belongs to the library", p.Name)}
		}
		param(&b, p.Name, p.Value)
	}
	return b.String(), nil
}

// param appends one parameter to a query that ends in "?" or in another parameter.
func param(b *strings.Builder, name, value string) {
	if s := b.String(); s != "" && s[len(s)-1] != '?' && s[len(s)-1] != '&' {
		b.WriteByte('&')
	}
	b.WriteString(url.QueryEscape(name))
	b.WriteByte('=')
	b.WriteString(url.QueryEscape(value))
}

// Finish implements [Protocol].
func (a *oauth2App) Finish(ctx context.Context, f *Flow, answer mandate.Params) (*SignIn, error) {
	tok, err := a.exchange(ctx, f, answer)
	if err != nil {
		return nil, err
	}
	in := &SignIn{Token: tok}
	a.scopes(in, f)
	in.Profile, err = a.profile(ctx, &Granted{Token: tok, Params: answer, asks: a.asks(tok)})
	return in, err
}

// exchange redeems the code of an answer (RFC 6749, section 4.1.3), after its issuer was checked (RFC 9207, section 2.4).
func (a *oauth2App) exchange(ctx context.Context, f *Flow, answer mandate.Params) (*oauth2.Token, error) {
	e, err := a.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.checkIssuer(e, answer); err != nil {
		return nil, err
	}
	if declined := a.Declined != nil && a.Declined(answer); declined || answer.Get("error") != "" {
		err := answered(a.Name, answer)
		if declined {
			err.Kind = Denied
		}
		return nil, err
	}
	code := answer.Get("code")
	if code == "" {
		return nil, &Error{Kind: Malformed, App: a.Name, Cause: errors.New("the answer has neither a code nor an error")}
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {f.RedirectURI}}
	if !a.InsecureNoPKCE {
		form.Set("code_verifier", f.Verifier)
	}
	return a.tokens.Token(ctx, form)
}

// checkIssuer refuses an answer of another server than the one that was asked (RFC 9207, section 2.4).
func (a *oauth2App) checkIssuer(e *endpoints, answer mandate.Params) error {
	iss := answer.Get("iss")
	switch {
	case a.anyIssuer: // the ID token says who it is
	case a.Issuer != "" && iss != "" && !oidc.IsTenantIssuer(a.Issuer, iss):
		return &Error{Kind: Mismatch, App: a.Name, Cause: fmt.Errorf("the answer is of the issuer %.200q, want %q", iss, a.Issuer)}
	case e.iss && iss == "":
		return &Error{Kind: Mismatch, App: a.Name, Cause: fmt.Errorf("the answer names no issuer, which those of %q do", a.Issuer)}
	}
	return nil
}

// answered is the error that the provider sent by way of the browser (RFC 6749, section 4.1.2.1).
func answered(app string, answer mandate.Params) *Error {
	err := &Error{Kind: Provider, App: app, Code: mandate.Code(short(answer.Get("error"))), Description: short(answer.Get("error_description")), URI: short(answer.Get("error_uri"))}
	if denies(err.Code) {
		err.Kind = Denied
	}
	return err
}

// denies reports whether code says that the user said no: RFC 6749 in small letters, LINE in capital ones, Apple and LinkedIn in words
// of their own.
func denies(code mandate.Code) bool {
	switch strings.ToLower(string(code)) {
	case string(mandate.AccessDenied), "user_cancelled_authorize", "user_cancelled_login":
		return true
	}
	return false
}

// short bounds a stranger's text.
func short(s string) string { return s[:min(len(s), 1024)] }

// scopes says what was granted, and what not: more or less than was asked is no error.
func (a *oauth2App) scopes(in *SignIn, f *Flow) {
	asked := a.Scopes
	if f.Scopes != nil {
		asked = f.Scopes
	}
	if in.Scopes = Scopes(in.Token); len(in.Scopes) == 0 {
		in.Scopes = slices.Clone(asked)
	}
	for _, s := range asked {
		if !slices.Contains(in.Scopes, s) {
			in.Missing = append(in.Missing, s)
		}
	}
}
