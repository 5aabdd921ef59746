package resource_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

const (
	remoteIssuer = "https://id.example.com"
	metadataURL  = remoteIssuer + "/.well-known/oauth-authorization-server"
	openidURL    = remoteIssuer + "/.well-known/openid-configuration"
	jwksURL      = remoteIssuer + "/jwks"
)

// issuer is an authorization server without a network.
type issuer struct {
	name string
	jwks string

	mu     sync.Mutex // guards all below
	keys   []*jose.Key
	pages  map[string]func(ctx context.Context) (*mandate.Response, error) // in place of what it would answer, by URL
	header mandate.Fields
	calls  map[string]int
}

func newIssuer(tb testing.TB, name string) *issuer {
	tb.Helper()
	i := &issuer{name: name, jwks: name + "/jwks", pages: map[string]func(context.Context) (*mandate.Response, error){}, calls: map[string]int{}}
	i.rotate(tb, "k1")
	return i
}

// rotate makes kid the only key.
func (i *issuer) rotate(tb testing.TB, kid string) *jose.Key {
	tb.Helper()
	fresh, err := jose.Generate(jose.EdDSA)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := fresh.MarshalPEM()
	if err != nil {
		tb.Fatal(err)
	}
	key, err := jose.ParsePEM(jose.EdDSA, der, kid)
	if err != nil {
		tb.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []*jose.Key{key}
	return key
}

// on answers url with f until it is nil again.
func (i *issuer) on(url string, f func(ctx context.Context) (*mandate.Response, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if f == nil {
		delete(i.pages, url)
	} else {
		i.pages[url] = f
	}
}

func (i *issuer) asked(url string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls[url]
}

// Fetch implements mandate.Fetcher. An answer takes 100 ms.
func (i *issuer) Fetch(ctx context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	i.mu.Lock()
	i.calls[r.URL]++
	page, header := i.pages[r.URL], i.header
	i.mu.Unlock()
	if r.Trust != mandate.Operator {
		return nil, errors.New("not the operator's URL")
	}
	if page != nil {
		return page(ctx)
	}
	select {
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	var body any
	switch r.URL {
	case i.name + "/.well-known/oauth-authorization-server":
		body = map[string]string{"issuer": i.name, "jwks_uri": i.jwks}
	case i.jwks:
		var public []*jose.PublicKey
		for _, k := range i.keys {
			public = append(public, k.Public())
		}
		body = jose.NewKeySet(public...)
	default:
		return &mandate.Response{Status: 404}, nil
	}
	data, err := json.Marshal(body)
	return &mandate.Response{Status: 200, Header: header, Body: data}, err
}

// token returns a token that key signed now.
func (i *issuer) token(tb testing.TB, key *jose.Key) string {
	tb.Helper()
	now := time.Now()
	raw, err := jose.Sign(key, "at+jwt", map[string]any{
		"iss": i.name, "aud": api, "sub": "ann", "client_id": "web", "iat": now.Unix(), "exp": now.Add(24 * time.Hour).Unix(), "jti": now.String(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func (i *issuer) good(tb testing.TB) string {
	tb.Helper()
	i.mu.Lock()
	key := i.keys[0]
	i.mu.Unlock()
	return i.token(tb, key)
}

// bubble runs a test with its own time, and fails if anything still runs a minute after it.
func bubble(t *testing.T, run func(t bubbled)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		run(bubbled{t})
		time.Sleep(time.Minute)
	})
}

// bubbled is a test in a bubble.
type bubbled struct{ *testing.T }

func status(code int) func(context.Context) (*mandate.Response, error) {
	return func(context.Context) (*mandate.Response, error) { return &mandate.Response{Status: code}, nil }
}

func body(text string) func(context.Context) (*mandate.Response, error) {
	return func(context.Context) (*mandate.Response, error) {
		return &mandate.Response{Status: 200, Body: []byte(text)}, nil
	}
}

func down(context.Context) (*mandate.Response, error) { return nil, errors.New("connection refused") }

func hangs(ctx context.Context) (*mandate.Response, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// remote is a guard over an issuer's remote keys, and what it tells.
type remote struct {
	*issuer

	guard *resource.Guard
	mu    sync.Mutex // guards log
	log   strings.Builder
}

func newRemote(tb testing.TB, change func(*resource.RemoteConfig)) *remote {
	tb.Helper()
	r := &remote{issuer: newIssuer(tb, remoteIssuer)}
	hooks := resource.LogRefusals(slog.New(slog.NewTextHandler(r, nil)))
	c := resource.RemoteConfig{Issuer: r.name, Fetcher: r.issuer, Hooks: hooks}
	if change != nil {
		change(&c)
	}
	keys, err := resource.NewRemoteKeys(c)
	if err != nil {
		tb.Fatal(err)
	}
	r.guard = newGuard(tb, func(c *resource.Config) {
		c.Verifiers, c.Hooks = []resource.Verifier{resource.JWT{Issuer: r.name, Keys: keys, Remember: -1}}, hooks
	})
	return r
}

// Write takes lines of the log.
func (r *remote) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *remote) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// check returns the status of a request with raw, 200 if it passed, and how long it took.
func (r *remote) check(tb testing.TB, raw string) (int, time.Duration) {
	tb.Helper()
	began := time.Now()
	_, resp := r.guard.Check(tb.Context(), resource.Credentials{Authorization: "Bearer " + raw}, r.guard.Rule(mandate.Scope(), false))
	took := time.Since(began)
	if resp == nil {
		return 200, took
	}
	code := map[int]mandate.Code{401: mandate.InvalidToken, 503: mandate.TemporarilyUnavailable}[resp.Status]
	if code == "" || !errors.Is(resp.Err, code) {
		tb.Errorf("status %d with %v", resp.Status, resp.Err)
	}
	return resp.Status, took
}

// want checks the status, and that nobody waited.
func (r *remote) want(tb testing.TB, raw string, status int) {
	tb.Helper()
	if got, took := r.check(tb, raw); got != status || took != 0 {
		tb.Errorf("status %d after %v, want %d at once; log:\n%s", got, took, status, r.told())
	}
}

// warm has the keys fetched.
func (r *remote) warm(tb testing.TB) {
	tb.Helper()
	if got, _ := r.check(tb, r.good(tb)); got != 200 {
		tb.Fatalf("the first token: status %d, want 200; log:\n%s", got, r.told())
	}
}
