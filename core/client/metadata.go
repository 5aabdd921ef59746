package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/internal/issuer"
	"github.com/go-mandate/mandate/core/internal/kept"
	wire "github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/oidc"
)

// described is what an issuer says about itself (RFC 8414).
type described struct {
	wire.ServerMetadata
	openid   oidc.Provider
	verifier *oidc.Verifier // nil without OpenID Connect
}

// metadata is what an issuer says about itself, fetched when it is first needed, kept, and fetched anew in the background.
type metadata struct {
	kept.Value[described]
}

// How metadata is kept.
const (
	maxMetadata     = 256 << 10
	freshMetadata   = time.Hour
	metadataOutage  = 7 * 24 * time.Hour
	metadataTimeout = 10 * time.Second
)

// newMetadata returns the metadata that is at document, as parse reads it.
func newMetadata(w *Wiring, app, document string, parse func(body []byte) (*described, error)) *metadata {
	m := &metadata{}
	m.Value = kept.Value[described]{
		Fetch: func(ctx context.Context, _ *described) (*described, time.Duration, error) {
			body, _, err := issuer.Document(ctx, w.Fetcher, document, "metadata", maxMetadata)
			if err != nil {
				return nil, 0, err
			}
			d, err := parse(body)
			if err == nil {
				err = d.local(document)
			}
			return d, freshMetadata, err
		},
		Failed: func(err error, until time.Time) { tellKept(w, app, "metadata", err, until) },
		Now:    w.Now, Timeout: metadataTimeout, Patience: metadataTimeout, Interval: time.Minute, Outage: metadataOutage,
	}
	return m
}

// local refuses metadata that leads to this machine's own ports, unless it is from there: plain http is for what the application wrote down.
func (d *described) local(document string) error {
	if wire.LoopbackURI(document) {
		return nil
	}
	for _, u := range [...]string{
		d.AuthorizationEndpoint, d.TokenEndpoint, d.RevocationEndpoint, d.IntrospectionEndpoint, d.DeviceEndpoint, d.JWKSURI, d.openid.UserInfoEndpoint, d.openid.EndSessionEndpoint,
	} {
		if wire.LoopbackURI(u) {
			return fmt.Errorf("the metadata leads to loopback, and is not from there: %.200q", u)
		}
	}
	return nil
}

// tellKept tells the hooks that something could not be fetched anew, and the old is used on.
func tellKept(w *Wiring, app, what string, err error, until time.Time) {
	w.Hooks.Tell(context.Background(), mandate.Event{Name: mandate.Fault, Endpoint: "login", ClientID: app, Err: fmt.Errorf("%s of %s, used on until %v: %w", what, app, until, err)})
}

// metadataURL returns where the metadata of an issuer is. suffix puts wellKnown behind the issuer's path, as OpenID Connect Discovery does;
// RFC 8414 puts it before.
func metadataURL(of, wellKnown string, suffix bool) string {
	u, _ := url.Parse(of) // it was checked
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	if suffix {
		return u.Scheme + "://" + u.Host + path + wellKnown
	}
	return u.Scheme + "://" + u.Host + wellKnown + path
}

// endpoints are the provider's URLs.
type endpoints struct {
	auth, token, revocation, introspection, device string
	iss                                            bool       // answers of the authorization endpoint name the issuer
	described                                      *described // nil: all is written down
}

// endpoints returns what is written down, and what the metadata has where that is empty.
func (a *oauth2App) endpoints(ctx context.Context) (*endpoints, error) {
	e := &endpoints{auth: a.AuthURL, token: a.TokenURL, revocation: a.RevocationURL, introspection: a.IntrospectionURL, device: a.DeviceURL}
	if a.meta == nil {
		return e, nil
	}
	m, err := a.meta.Get(ctx)
	if err != nil {
		return nil, &Error{Kind: Unreachable, App: a.Name, Cause: fmt.Errorf("metadata of %s: %w", a.Issuer, err)}
	}
	for _, x := range [...]struct {
		into  *string
		value string
	}{{&e.auth, m.AuthorizationEndpoint}, {&e.token, m.TokenEndpoint}, {&e.revocation, m.RevocationEndpoint}, {&e.introspection, m.IntrospectionEndpoint}, {&e.device, m.DeviceEndpoint}} {
		if *x.into == "" && x.value != "" {
			if err := checkURL("an endpoint in the metadata", x.value); err != nil {
				return nil, &Error{Kind: Unreachable, App: a.Name, Cause: err}
			}
			*x.into = x.value
		}
	}
	e.iss, e.described = m.IssParameter, m
	if e.auth == "" || e.token == "" {
		return nil, &Error{Kind: Unreachable, App: a.Name, Cause: errors.New("the metadata of " + a.Issuer + " has no authorization_endpoint or no token_endpoint: set AuthURL and TokenURL")}
	}
	return e, nil
}
