package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oidc"
)

// OpenID is an app of OpenID Connect. Name, Issuer and Credentials are required: the provider's metadata has the rest. It is fetched when it is first
// needed, and kept fresh, and so are the provider's keys. State and nonce are always sent.
type OpenID struct {
	Name        string
	Credentials Credentials

	// Issuer is the issuer identifier, which metadata, ID tokens and answers must name to the letter. It may have the part {tenantid} for a provider
	// with an issuer for each tenant: that is what an ID token says in "tid", "https://login.microsoftonline.com/{tenantid}/v2.0". Then
	// MetadataURL is needed, or all URLs.
	Issuer string
	// MetadataURL is where the metadata is. Default: Issuer and "/.well-known/openid-configuration".
	MetadataURL string
	// AuthURL, TokenURL and JWKSURL are the provider's authorization and token endpoint and its keys; the others are further endpoints. Default: those of
	// the metadata. With all three of the first no metadata is fetched, and an endpoint that is empty is one that the provider does not have.
	AuthURL, TokenURL, JWKSURL                                             string
	UserInfoURL, EndSessionURL, RevocationURL, IntrospectionURL, DeviceURL string
	// APIURL is what relative URLs of calls are resolved against.
	APIURL string

	// APIAllowed are more origins to which tokens may go: "https://uploads.example.com".
	APIAllowed []string
	// APIContentType is taken for that of every answer of the API, whatever it says.
	APIContentType string
	// BeforeCall may change each call of the API right before it is sent: see [Transport.Before].
	BeforeCall func(r *http.Request) error

	// Scopes are asked for at each login, "openid" always. Default: openid, profile and email.
	Scopes []string
	// AuthParams and TokenParams are sent to the authorization and the token endpoint besides.
	AuthParams, TokenParams mandate.Params
	// TokenHeader are fields of requests to the token endpoint besides. Accept: application/json is always sent.
	TokenHeader mandate.Fields
	// InsecureNoPKCE leaves PKCE (RFC 7636) out, for a provider that refuses requests with it. The nonce is then what is left against a code
	// that was stolen and brought into another login.
	InsecureNoPKCE bool
	// TokenAnswer may change each answer of the token endpoint before it is read, for providers that answer in a way of their own.
	TokenAnswer func(res *mandate.Response)
	// Declined reports whether an answer in the browser's hands is the user's no, for providers that do not say so with access_denied.
	Declined func(answer mandate.Params) bool
	// FormPost asks that the answer be posted (response_mode=form_post).
	FormPost bool
	// Callback is where the provider sends browsers back: a path, which is resolved against Config.BaseURL, or a URL. Default: what
	// MountLogin registers, and for routes made by hand "/auth/<name>/callback".
	Callback string

	// LogoutCallback is where the provider sends browsers back after a logout: a path or a URL, as for Callback. Default: what MountLogin registers, and
	// for routes made by hand "/auth/<name>/logged-out".
	LogoutCallback string

	// MaxAge is how long ago the user may have signed in with the provider, which asks again otherwise. The ID token must prove it. Zero: no
	// matter. A max_age among [Begin.Params] counts for one login, and is proven as well.
	MaxAge time.Duration
	// ACR are the authentication context classes that will do, the preferred one first: the ID token must name one. Empty: any.
	ACR []string

	// Algs are the signature algorithms of ID tokens. Default: those of the metadata that use public keys, or RS256. HS256, whose key is the client
	// secret, is taken only where it stands here, alone.
	Algs []jose.Alg
	// CheckIssuer decides instead of Issuer whether an authentic ID token is of the right issuer. An error refuses the sign-in.
	CheckIssuer func(t *oidc.Token) error
	// Audiences may stand in "aud" beside the client id.
	Audiences []string
	// ClockSkew is how far the provider's clock may be off, at most five minutes. Default: a minute. Less than zero: not at all.
	ClockSkew time.Duration
	// NonceQuirk takes an ID token without a nonce if it says "nonce_supported": false. Apple has such.
	NonceQuirk bool
	// InsecureNonceOptional takes any ID token without a nonce, for a provider that knows none (LinkedIn). One that is there must be right.
	InsecureNonceOptional bool

	// AnyLogoutType also takes logout tokens without a type and those of the type JWT, for providers that do not send "logout+jwt".
	AnyLogoutType bool

	// UserInfo says when the UserInfo endpoint is asked. Default: where the ID token lacks what the scopes promise.
	UserInfo UserInfoMode
	// Profile makes the profile of what was granted. Default: [ProfileOf] of [Granted.Claims].
	Profile func(ctx context.Context, g *Granted) (Profile, error)
}

// UserInfoMode says when the UserInfo endpoint is asked.
type UserInfoMode string

// The modes. An endpoint that there is not is never asked.
const (
	UserInfoNeeded UserInfoMode = ""       // where the ID token lacks what the granted scopes promise
	UserInfoAlways UserInfoMode = "always" // at each sign-in
	UserInfoNever  UserInfoMode = "never"
)

var _ App = OpenID{}

// AppName implements [App].
func (o OpenID) AppName() string { return o.Name }

// The clock of a provider.
const (
	defaultSkew = time.Minute
	maxSkew     = 5 * time.Minute
)

// Connect implements [App].
func (o OpenID) Connect(w *Wiring) (Protocol, error) {
	o.Scopes = withOpenID(o.Scopes)
	symmetric := len(o.Algs) > 0 && o.Algs[0].Symmetric()
	written := o.AuthURL != "" && o.TokenURL != "" && (o.JWKSURL != "" || symmetric)
	inner := OAuth2{
		Name: o.Name, Credentials: o.Credentials, Issuer: o.Issuer, AuthURL: o.AuthURL, TokenURL: o.TokenURL, RevocationURL: o.RevocationURL,
		IntrospectionURL: o.IntrospectionURL, DeviceURL: o.DeviceURL, APIURL: o.APIURL, APIAllowed: o.APIAllowed, APIContentType: o.APIContentType,
		BeforeCall: o.BeforeCall, Scopes: o.Scopes, AuthParams: slices.Clone(o.AuthParams), TokenParams: o.TokenParams, TokenHeader: o.TokenHeader,
		InsecureNoPKCE: o.InsecureNoPKCE, FormPost: o.FormPost, Callback: o.Callback,
		TokenAnswer: o.TokenAnswer, Declined: o.Declined, Profile: o.Profile,
	}
	if o.MaxAge > 0 {
		inner.AuthParams = append(inner.AuthParams, mandate.Field{Name: "max_age", Value: strconv.FormatInt(int64(o.MaxAge/time.Second), 10)})
	}
	if len(o.ACR) > 0 {
		inner.AuthParams = append(inner.AuthParams, mandate.Field{Name: "acr_values", Value: strings.Join(o.ACR, " ")})
	}
	base, faults := inner.connect(w, false)
	a := &openidApp{oauth2App: base, o: o}
	faults = append(faults, o.faults(written)...)
	switch {
	case o.ClockSkew == 0:
		a.o.ClockSkew = defaultSkew
	case o.ClockSkew < 0:
		a.o.ClockSkew = 0
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	base.anyIssuer = o.CheckIssuer != nil
	base.tokens.renewed = a.renewed
	if !symmetric {
		a.keys = a.remoteKeys()
	}
	if !written {
		at := o.MetadataURL
		if at == "" {
			at = metadataURL(o.Issuer, "/.well-known/openid-configuration", true)
		}
		base.meta = newMetadata(w, o.Name, at, a.describe)
		_, err := a.newVerifier(o.Issuer, oidc.Provider{}) // what is wrong with it is wrong now
		return a, err
	}
	var err error
	a.fixedVerifier, err = a.newVerifier(o.Issuer, oidc.Provider{})
	return a, err
}

// withOpenID returns scopes with openid.
func withOpenID(scopes []string) []string {
	switch {
	case len(scopes) == 0:
		return []string{"openid", "profile", "email"}
	case slices.Contains(scopes, "openid"):
		return scopes
	}
	return append([]string{"openid"}, scopes...)
}

// faults returns what is wrong with what OAuth2 does not know.
func (o OpenID) faults(written bool) []error {
	var faults []error
	for _, u := range []struct{ field, value string }{
		{"MetadataURL", o.MetadataURL}, {"JWKSURL", o.JWKSURL}, {"UserInfoURL", o.UserInfoURL}, {"EndSessionURL", o.EndSessionURL},
	} {
		if u.value == "" {
			continue
		}
		if err := checkURL(u.field, u.value); err != nil {
			faults = append(faults, err)
		}
	}
	template := strings.Contains(o.Issuer, oidc.TenantPart)
	switch {
	case o.Issuer == "" && o.CheckIssuer == nil:
		faults = append(faults, errors.New("OpenID.Issuer is empty: it is the issuer identifier that the provider's documentation names"))
	case o.Issuer == "" && o.MetadataURL == "" && !written:
		faults = append(faults, errors.New("OpenID.Issuer and MetadataURL are empty: set one, or AuthURL, TokenURL and JWKSURL"))
	case strings.ContainsAny(strings.Replace(o.Issuer, oidc.TenantPart, "", 1), "{}"):
		faults = append(faults, fmt.Errorf("the Issuer %q has a part in braces that is not %s", o.Issuer, oidc.TenantPart))
	case template && o.MetadataURL == "" && !written:
		faults = append(faults, fmt.Errorf("the Issuer %q is that of many tenants, and MetadataURL is empty", o.Issuer))
	}
	if o.MaxAge < 0 || o.MaxAge%time.Second != 0 {
		faults = append(faults, fmt.Errorf("MaxAge is %v, want whole seconds", o.MaxAge))
	}
	if o.ClockSkew > maxSkew {
		faults = append(faults, fmt.Errorf("ClockSkew is %v, want at most %v", o.ClockSkew, maxSkew))
	}
	for _, p := range o.AuthParams {
		if p.Name == "max_age" || p.Name == "acr_values" {
			faults = append(faults, fmt.Errorf("AuthParams has %q: set MaxAge or ACR, so that it is proven", p.Name))
		}
	}
	switch o.UserInfo {
	case UserInfoNeeded, UserInfoAlways, UserInfoNever:
	default:
		faults = append(faults, fmt.Errorf("UserInfo is %q, want %q, %q or nothing", o.UserInfo, UserInfoAlways, UserInfoNever))
	}
	return faults
}
