package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/internal/kept"
	wire "github.com/go-mandate/mandate/core/oauth2"
)

// metadata is what an issuer says about itself (RFC 8414), fetched when it is first needed, kept, and fetched anew in the background.
type metadata struct {
	kept.Value[wire.ServerMetadata]
}

// How metadata is kept.
const (
	freshMetadata   = time.Hour
	metadataOutage  = 7 * 24 * time.Hour
	metadataTimeout = 10 * time.Second
)

// newMetadata returns the metadata of issuer. suffix puts wellKnown behind the issuer's path, as OpenID Connect Discovery does;
// RFC 8414 puts it before.
func newMetadata(w *Wiring, app, issuer, wellKnown string, suffix bool) *metadata {
	u, _ := url.Parse(issuer) // it was checked
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	document := u.Scheme + "://" + u.Host + wellKnown + path
	if suffix {
		document = u.Scheme + "://" + u.Host + path + wellKnown
	}
	m := &metadata{}
	m.Value = kept.Value[wire.ServerMetadata]{
		Fetch: func(ctx context.Context, _ *wire.ServerMetadata) (*wire.ServerMetadata, time.Duration, error) {
			resp, err := w.Fetcher.Fetch(ctx, &mandate.FetchRequest{URL: document, Purpose: "metadata", Trust: mandate.Operator, MaxBytes: 256 << 10})
			if err != nil {
				return nil, 0, err
			}
			if resp.Status != 200 {
				return nil, 0, fmt.Errorf("%s answered %d", document, resp.Status)
			}
			parsed, err := wire.ParseServerMetadata(resp.Body, issuer)
			return &parsed, freshMetadata, err
		},
		Failed: func(err error, until time.Time) {
			w.Hooks.Tell(context.Background(), mandate.Event{Name: mandate.Fault, Endpoint: "login", ClientID: app, Err: fmt.Errorf("metadata of %s, used on until %v: %w", issuer, until, err)})
		},
		Now: w.Now, Timeout: metadataTimeout, Patience: metadataTimeout, Interval: time.Minute, Outage: metadataOutage,
	}
	return m
}

// endpoints are the provider's URLs.
type endpoints struct {
	auth, token, revocation, introspection, device string
	iss                                            bool // answers of the authorization endpoint name the issuer
	metadata                                       *wire.ServerMetadata
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
	e.iss, e.metadata = m.IssParameter, m
	if e.auth == "" || e.token == "" {
		return nil, &Error{Kind: Unreachable, App: a.Name, Cause: errors.New("the metadata of " + a.Issuer + " has no authorization_endpoint or no token_endpoint: set AuthURL and TokenURL")}
	}
	return e, nil
}
