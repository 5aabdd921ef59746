package mandatetest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// The client that a [Provider] knows beside those of its configuration.
const (
	ClientSecret = "test-secret"
	RedirectURI  = "https://client.test/callback"
)

// Provider is a whole authorization server in the process of the test, with one client ([ClientID], [ClientSecret],
// [RedirectURI]) that may use every grant type. Whoever asks is approved at once, as the user that login_hint names and "test-user" where
// it names none. It may be used by any number of goroutines.
type Provider struct {
	// Server is the authorization server: what [resource.Of] takes, and what the application's own code is given.
	Server *server.Server
	// Handler has the endpoints, for a test that listens: make the listener first, and name it in Config.Issuer.
	Handler http.Handler
	// Client reaches the endpoints without a network, below the issuer's URL. It follows no redirect.
	Client *http.Client
	// Decide takes the place of the approval, to deny or to approve in part. Set it before the first request.
	Decide func(ctx context.Context, ask *server.Ask) (server.Answer, error)

	base string // what the paths of endpoints are below
}

// NewProvider returns a server that keeps its state in st, memstore.New() for example. Of several configs the last counts. Its Store is
// replaced; the issuer is "https://id.test", the secret random and the scopes "profile" and "email" where it names none.
func NewProvider(tb testing.TB, st store.Store, config ...server.Config) *Provider {
	tb.Helper()
	var c server.Config
	if n := len(config); n > 0 {
		c = config[n-1]
	}
	c.Store = st
	if c.Issuer == "" {
		c.Issuer = "https://id.test"
	}
	if c.Secret.IsZero() {
		c.Secret = mandate.NewRandomSecret()
	}
	if c.Scopes == nil {
		c.Scopes = []server.Scope{{Name: "profile"}, {Name: "email"}}
	}
	c.Clients = append(slices.Clip(c.Clients), testClient(c))
	srv, err := server.New(c)
	if err != nil {
		tb.Fatalf("mandatetest: %v", err)
	}
	p := &Provider{Server: srv, base: c.Issuer + c.Prefix}
	mux := http.NewServeMux()
	err = nethttp.Mount(mux, srv, nethttp.MountConfig{
		Decide: func(_ http.ResponseWriter, r *http.Request, ask *server.Ask) (server.Answer, error) {
			if p.Decide != nil {
				return p.Decide(r.Context(), ask)
			}
			return approve(ask), nil
		},
	})
	if err != nil {
		tb.Fatalf("mandatetest: %v", err)
	}
	p.Handler = mux
	p.Client = &http.Client{
		Transport:     inProcess{mux, c.BasePath},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

// testClient returns the client that may use every grant type of c.
func testClient(c server.Config) *store.Client {
	grants := []string{"authorization_code", "refresh_token", "client_credentials"}
	for _, g := range c.GrantTypes {
		grants = append(grants, g.Name())
	}
	for _, e := range c.Extensions {
		for _, g := range e.GrantTypes {
			grants = append(grants, g.Name())
		}
	}
	return &store.Client{
		ID: ClientID, Secrets: []store.Secret{server.HashSecret(ClientSecret)},
		Metadata: oauth2.ClientMetadata{Name: "Test client", RedirectURIs: []string{RedirectURI}, GrantTypes: grants},
	}
}

func approve(ask *server.Ask) server.Answer {
	user := server.User{Subject: ask.Request.LoginHint, AuthTime: time.Now()} //nolint:forbidigo // the clock of a test, which synctest holds
	if user.Subject == "" {
		user.Subject = "test-user"
	}
	ask.Accepts(user)
	return server.Approve(user)
}

// inProcess answers requests with a handler, as a proxy in front of it would: without the path that it strips.
type inProcess struct {
	handler http.Handler
	strip   string
}

// RoundTrip implements http.RoundTripper.
func (x inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	http.StripPrefix(x.strip, x.handler).ServeHTTP(rec, in)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}
