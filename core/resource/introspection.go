package resource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/internal/kept"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
)

// Introspection takes the tokens of an authorization server elsewhere, which it asks about each of them (RFC 7662) as a client of it. What
// the server says of a token is remembered for a short time. Where several verifiers are on a guard, it gets the JWTs of Issuer and all
// that are no JWT: put it behind verifiers that know theirs better.
//
// A token must say what it is: a server also answers for refresh tokens, which are no access tokens.
type Introspection struct {
	// Issuer is the server's issuer identifier: its metadata (RFC 8414, or OpenID Connect Discovery) names the endpoint, and an answer
	// that names another issuer is refused. It may be empty if Endpoint is set.
	Issuer string
	// Endpoint is the introspection endpoint. Default: that of the metadata.
	Endpoint string

	// ClientID is this API's own client id at the server.
	ClientID string
	// Secret is the client's secret.
	Secret string
	// Key signs the client's assertions, in place of Secret.
	Key *jose.Key
	// Method is how the client authenticates: client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth
	// or self_signed_tls_client_auth. For the last two the certificate is the Fetcher's. Default: private_key_jwt with a Key, else
	// client_secret_basic.
	Method string
	// AssertionAudience is the audience of assertions. Default: Issuer, or Endpoint where there is none.
	AssertionAudience string
	// Authenticate authenticates the request in any other way, such as with an access token, in place of all these. It changes Header or
	// Body. An error of it means that nobody could tell. It may be called by any number of goroutines.
	Authenticate func(ctx context.Context, r *mandate.FetchRequest) error
	// Fetcher reaches the network. Default: the guarded one of package fetch, which reaches private networks, and plain http on loopback
	// alone, over up to 32 connections that are kept open for the next token.
	Fetcher mandate.Fetcher
	// Timeout bounds one answer. Default: 5 seconds.
	Timeout time.Duration

	// Signed asks for answers that are JWTs signed by Issuer for ClientID, and takes no others (RFC 9701).
	Signed bool
	// Keys has the public keys for Signed. Default: [RemoteKeys] of Issuer.
	Keys KeySource
	// Algs are the signature algorithms taken for Signed. Default: ES256, EdDSA, PS256 and RS256.
	Algs []jose.Alg

	// Remember is how long the answer that a token is good counts: so much longer can a token be used that was revoked, unless
	// [Guard.Forget] is told. It never counts beyond the end of the token. Default: 30 seconds. At most one hour.
	Remember time.Duration
	// NeverRemember asks anew for each request.
	NeverRemember bool
	// Size bounds how many good tokens are remembered; it bounds bad ones as well, which are remembered for 5 seconds. Default: 10,000.
	Size int

	// MayLackAudience also takes tokens that name no audience: then all of the server's tokens that this client may introspect are good
	// here.
	MayLackAudience bool
	// AnyAudience takes tokens made for others: whoever gets a token of the server for another API may use it here.
	AnyAudience bool
	// AnyType takes tokens of which the server does not say what they are. Where it also answers for refresh tokens, those are taken then.
	AnyType bool
	// Leeway is how far the server's clock may be off, at most one minute. Default: not at all.
	Leeway time.Duration
	// ScopeClaims, RolesClaims and ClientClaims are those of [JWT].
	ScopeClaims, RolesClaims, ClientClaims []string
	// Now tells the time for what is kept of metadata and keys; for tokens the guard's clock counts. Default: time.Now.
	Now func() time.Time
}

// String names the server and the client, and no secret.
func (i Introspection) String() string {
	return "introspection of " + i.server() + " as " + i.ClientID
}

// GoString is String: printing with %#v leaks nothing either.
func (i Introspection) GoString() string { return i.String() }

// LogValue is String for package slog.
func (i Introspection) LogValue() slog.Value { return slog.StringValue(i.String()) }

func (i Introspection) server() string {
	if i.Issuer != "" {
		return i.Issuer
	}
	return i.Endpoint
}

const (
	maxRemember = time.Hour
	badFor      = 5 * time.Second
)

// matches reports whether the server is asked about raw, which is a JWT that claims to come from issuer, or none.
func (i Introspection) matches(raw, issuer string) bool {
	return !jwtShaped(raw) || i.Issuer == "" || issuer == i.Issuer
}

// Open implements [Verifier].
func (i Introspection) Open(s Settings) (Opened, error) {
	v, err := i.open(s)
	if err != nil {
		return Opened{}, err
	}
	rule := AudienceNamed
	switch {
	case i.AnyAudience:
		rule = AnyAudience
	case i.MayLackAudience:
		rule = AudienceOrNone
	}
	return Opened{
		Name:     i.String(),
		Issuer:   i.Issuer,
		Match:    func(raw string) bool { return i.matches(raw, issuerOf(raw)) },
		match:    i.matches,
		Verify:   v.verify,
		Forget:   v.forget,
		Audience: rule,
	}, nil
}

func (i Introspection) open(s Settings) (*introspector, error) {
	i, err := i.withDefaults()
	if err != nil {
		return nil, err
	}
	field, at := "Introspection.Endpoint", i.Endpoint
	if at == "" {
		field, at = "Introspection.Issuer", i.Issuer
	}
	const connections = 32
	if i.Fetcher, err = fetcherOf(i.Fetcher, fetch.Config{Timeout: i.Timeout, Concurrency: connections, PerHost: connections}, field, at); err != nil {
		return nil, err
	}
	v := &introspector{Introspection: i, answers: newAnswers(i.Size)}
	if v.read, err = newReader(i); err != nil {
		return nil, err
	}
	if i.Endpoint == "" {
		d, err := newFinder(i.Issuer, "Introspection.Issuer", i.Fetcher)
		if err != nil {
			return nil, err
		}
		v.metadata = newMetadata(d, s.Hooks, i)
	}
	if i.Signed && i.Keys == nil {
		keys, err := newRemoteKeys(RemoteConfig{Issuer: i.Issuer, Fetcher: i.Fetcher, Hooks: s.Hooks, Now: i.Now})
		if err != nil {
			return nil, fmt.Errorf("Introspection.Keys is nil, and its default: %w", err)
		}
		v.Keys = keys
	}
	return v, nil
}

func (i Introspection) withDefaults() (Introspection, error) {
	switch {
	case i.Issuer == "" && i.Endpoint == "":
		return i, errors.New("Introspection.Issuer and Endpoint are empty: name the server, or its endpoint")
	case i.Signed && i.Issuer == "":
		return i, errors.New("Introspection.Issuer is empty: with Signed it is whose answers are taken")
	case i.Signed && i.ClientID == "":
		return i, errors.New("Introspection.ClientID is empty: with Signed it is whom answers must be for")
	case i.Timeout < 0:
		return i, fmt.Errorf("Introspection.Timeout is %v: use more than 0, or 0 for the default", i.Timeout)
	case i.Remember < 0 || i.Remember > maxRemember:
		return i, fmt.Errorf("Introspection.Remember is %v: use up to %v, 0 for the default, or NeverRemember", i.Remember, maxRemember)
	case i.Size < 0:
		return i, fmt.Errorf("Introspection.Size is %d: use more than 0, 0 for the default, or NeverRemember", i.Size)
	case i.Leeway < 0 || i.Leeway > maxLeeway:
		return i, fmt.Errorf("Introspection.Leeway is %v: use 0 to %v, and set the clock", i.Leeway, maxLeeway)
	}
	if i.Now == nil {
		i.Now = time.Now
	}
	if i.Timeout == 0 {
		i.Timeout = 5 * time.Second
	}
	if i.Remember == 0 {
		i.Remember = 30 * time.Second
	}
	if i.Size == 0 {
		i.Size = 10_000
	}
	if len(i.Algs) == 0 {
		i.Algs = []jose.Alg{jose.ES256, jose.EdDSA, jose.PS256, jose.RS256}
	}
	for _, alg := range i.Algs {
		if !alg.Known() || alg.Symmetric() {
			return i, fmt.Errorf("Introspection.Algs has %q: use algorithms of public keys, for example ES256", string(alg))
		}
	}
	return i.withMethod()
}

// withMethod checks how the client authenticates.
func (i Introspection) withMethod() (Introspection, error) {
	if i.Authenticate != nil {
		if i.Secret != "" || i.Key != nil || i.Method != "" {
			return i, errors.New("Introspection.Authenticate is set, and so is Secret, Key or Method: use one of them")
		}
		return i, nil
	}
	if i.Method == "" {
		i.Method = "client_secret_basic"
		if i.Key != nil {
			i.Method = "private_key_jwt"
		}
	}
	if i.AssertionAudience == "" {
		i.AssertionAudience = i.server()
	}
	certificate := []string{"tls_client_auth", "self_signed_tls_client_auth"}
	secret := []string{"client_secret_basic", "client_secret_post", "client_secret_jwt"}
	switch {
	case i.ClientID == "":
		return i, errors.New("Introspection.ClientID is empty: introspection endpoints answer clients alone (RFC 7662, section 2.1)")
	case slices.Contains(secret, i.Method) && (i.Secret == "" || i.Key != nil):
		return i, fmt.Errorf("Introspection.Method is %s: set Secret, and no Key", i.Method)
	case i.Method == "client_secret_jwt" && len(i.Secret) < 32:
		return i, fmt.Errorf("Introspection.Secret has %d bytes: client_secret_jwt needs at least 32 (RFC 7518, section 3.2)", len(i.Secret))
	case slices.Contains(secret, i.Method):
	case i.Method == "private_key_jwt" && (i.Key == nil || i.Secret != ""):
		return i, errors.New("Introspection.Method is private_key_jwt: set Key, and no Secret")
	case i.Method == "private_key_jwt":
	case slices.Contains(certificate, i.Method) && (i.Secret != "" || i.Key != nil):
		return i, fmt.Errorf("Introspection.Method is %s: the certificate is the Fetcher's, set neither Secret nor Key", i.Method)
	case slices.Contains(certificate, i.Method) && i.Fetcher == nil:
		return i, fmt.Errorf("Introspection.Method is %s, and Fetcher is nil: hand over one that shows the certificate", i.Method)
	case slices.Contains(certificate, i.Method):
	default:
		return i, fmt.Errorf("Introspection.Method is %.40q: use one of %s, private_key_jwt, %s, or Authenticate", i.Method, strings.Join(secret, ", "), strings.Join(certificate, ", "))
	}
	return i, nil
}

// newMetadata keeps the metadata of an issuer.
func newMetadata(d *finder, hooks mandate.Hooks, i Introspection) *kept.Value[oauth2.ServerMetadata] {
	return &kept.Value[oauth2.ServerMetadata]{
		Fetch: func(ctx context.Context, _ *oauth2.ServerMetadata) (*oauth2.ServerMetadata, time.Duration, error) {
			m, fresh, err := d.find(ctx)
			if err == nil {
				err = d.checkURL(m.IntrospectionEndpoint, "introspection_endpoint")
			}
			return &m, fresh, err
		},
		Failed: func(err error, until time.Time) { tellKept(hooks.On, "metadata of "+d.issuer, err, until) },
		Now:    i.Now, Timeout: 2 * i.Timeout, Outage: maxOutage,
	}
}
