package conformance_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

const (
	callback = "https://app.example.com/cb"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

func authorization() string {
	return "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {callback}, "scope": {"read"}, "state": {"0123456789abcdef"},
		"code_challenge": {oauth2.Challenge(verifier)}, "code_challenge_method": {oauth2.S256},
	}.Encode()
}

func redemption() string {
	return "&grant_type=authorization_code&client_id=app&redirect_uri=" + url.QueryEscape(callback) + "&code_verifier=" + verifier
}

// caller sends requests in process. It allocates for a request what is its own and nothing for the answer.
type caller struct {
	tb     testing.TB
	mux    *http.ServeMux
	proto  *http.Request
	header http.Header
	status int
	body   []byte
}

func newCaller(tb testing.TB, change ...func(*server.Config)) *caller {
	tb.Helper()
	config := server.Config{
		Issuer: "https://id.example.com", Store: memstore.New(), Secret: mandate.NewRandomSecret(), Scopes: []server.Scope{{Name: "read"}},
		Clients: []*store.Client{
			{ID: "machine", Secrets: []store.Secret{server.HashSecret("0123456789abcdef0123456789abcdef")}, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}}},
			{ID: "app", Metadata: oauth2.ClientMetadata{AuthMethod: "none", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code", "refresh_token"}}},
		},
	}
	for _, f := range change {
		f(&config)
	}
	srv, err := server.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	c := &caller{tb: tb, mux: http.NewServeMux(), proto: httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/token", nil), header: http.Header{}}
	err = nethttp.Mount(c.mux, srv, nethttp.MountConfig{Decide: func(http.ResponseWriter, *http.Request, *server.Ask) (server.Answer, error) {
		return server.Approve(server.User{Subject: "alice"}), nil
	}})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (c *caller) Header() http.Header    { return c.header }
func (c *caller) WriteHeader(status int) { c.status = status }
func (c *caller) Write(p []byte) (int, error) {
	c.body = append(c.body, p...)
	return len(p), nil
}

func (c *caller) serve(r *http.Request) {
	clear(c.header)
	c.status, c.body = http.StatusOK, c.body[:0]
	c.mux.ServeHTTP(c, r)
}

type body struct{ strings.Reader }

func (*body) Close() error { return nil }

// post sends form to the token endpoint and returns the answer, which must be 200.
func (c *caller) post(form, authorization string) string {
	r, b := *c.proto, &body{}
	b.Reset(form)
	r.Body, r.ContentLength = b, int64(len(form))
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if authorization != "" {
		r.Header["Authorization"] = []string{authorization}
	}
	if c.serve(&r); c.status != http.StatusOK {
		c.tb.Fatalf("status %d: %s", c.status, c.body)
	}
	return string(c.body)
}

// code sends an authorization request and returns the code that comes back.
func (c *caller) code(target string) string {
	r := *c.proto
	u, err := url.Parse(target)
	if err != nil {
		c.tb.Fatal(err)
	}
	r.Method, r.URL, r.Header = http.MethodGet, u, http.Header{}
	c.serve(&r)
	_, tail, ok := strings.Cut(c.header.Get("Location"), "code=")
	if !ok {
		c.tb.Fatalf("status %d: %s", c.status, c.body)
	}
	code, _, _ := strings.Cut(tail, "&")
	return code
}

// member returns a text member of a JSON object, found by its looks.
func member(object, name string) string {
	_, tail, _ := strings.Cut(object, `"`+name+`":"`)
	value, _, _ := strings.Cut(tail, `"`)
	return value
}
