package subject

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/go-mandate/mandate/bench/internal/measure"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

const (
	issuer      = "https://as.example.com"
	redirectURI = "https://app.example.com/cb"
	machine     = "machine" // the confidential client
	app         = "app"     // the public one
	secret      = "0123456789abcdef0123456789abcdef0123456789a"
	verifier    = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	clientForm  = "grant_type=client_credentials&scope=read"
)

// Mandate returns the server on net/http over a memory store, with all its features on and a decision function that approves at once.
func Mandate() http.Handler {
	srv := must(server.New(server.Config{
		Issuer: issuer, Store: memstore.New(), Secret: mandate.NewRandomSecret(), Scopes: []server.Scope{{Name: scope}},
		GrantTypes: []server.GrantType{
			server.AuthorizationCode(), server.RefreshToken(), server.ClientCredentials(),
			server.TokenExchange(server.TokenExchangeConfig{Policy: func(context.Context, *server.Exchange) error { return nil }}),
		},
		Device: &server.Device{}, PushedRequests: &server.PushedRequests{}, RequestObjects: &server.RequestObjects{}, Registration: &server.Registration{Open: true, Management: true},
		ClientDocuments: &server.ClientDocuments{}, SignedIntrospection: &server.SignedIntrospection{}, OAuth1: &server.OAuth1{},
		ResponseModes: []string{"query", "fragment", "form_post", "jwt"},
		Clients: []*store.Client{
			{ID: machine, Secrets: []store.Secret{server.HashSecret(secret)}, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}}},
			{ID: app, Metadata: oauth2.ClientMetadata{AuthMethod: "none", RedirectURIs: []string{redirectURI}, GrantTypes: []string{"authorization_code", "refresh_token"}}},
		},
	}))
	mux := http.NewServeMux()
	check(nethttp.Mount(mux, srv, nethttp.MountConfig{Decide: func(http.ResponseWriter, *http.Request, *server.Ask) (server.Answer, error) {
		return server.Approve(server.User{Subject: "u"}), nil
	}}))
	return mux
}

// Signed returns the server like Mandate, whose access tokens are JWTs signed with alg.
func Signed(alg jose.Alg) http.Handler {
	srv := must(server.New(server.Config{
		Issuer: issuer, Store: memstore.New(), Secret: mandate.NewRandomSecret(), Scopes: []server.Scope{{Name: scope}},
		TokenFormat: server.JWT, DefaultAudience: []string{"https://api.example.com"}, SigningAlg: alg,
		Clients: []*store.Client{
			{ID: machine, Secrets: []store.Secret{server.HashSecret(secret)}, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}}},
		},
	}))
	mux := http.NewServeMux()
	check(nethttp.Mount(mux, srv, nethttp.MountConfig{Decide: func(http.ResponseWriter, *http.Request, *server.Ask) (server.Answer, error) {
		return server.Deny(), nil
	}}))
	return mux
}

// RawSignature makes one signature with alg as the standard library does, over a message as long as that of an access token.
func RawSignature(alg jose.Alg) func() {
	message := make([]byte, 400)
	if alg == jose.EdDSA {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		check(err)
		return func() { ed25519.Sign(key, message) }
	}
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return func() {
		digest := sha256.Sum256(message)
		must(ecdsa.SignASN1(rand.Reader, key, digest[:]))
	}
}

// Fixed answers like a token endpoint that need not think: what net/http itself costs. The answer has the fields and the length of one of ours.
func Fixed() http.Handler {
	body := []byte(`{"access_token":"mda_` + strings.Repeat("a", 43) + `","token_type":"Bearer","expires_in":3600,"scope":"read"}`)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Content-Type"], h["Cache-Control"], h["Pragma"] = kindField, noStore, noCache
		_, _ = w.Write(body)
	})
	return mux
}

// endpoint sends requests to a server in process. Request and header are new each time, the writer is not.
type endpoint struct {
	h     http.Handler
	w     *measure.Writer
	proto *http.Request
}

func newEndpoint(h http.Handler) *endpoint {
	return &endpoint{h: h, w: measure.NewWriter(), proto: httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/token", nil)}
}

type body struct{ strings.Reader }

func (*body) Close() error { return nil }

//nolint:gochecknoglobals // constants by nature
var noStore, noCache = []string{"no-store"}, []string{"no-cache"}

//nolint:gochecknoglobals // constant by nature
var basic = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(machine+":"+secret))}

// post sends form and returns the answer, which must be 200.
func (e *endpoint) post(form string, authorization []string) []byte {
	r, b := *e.proto, &body{}
	b.Reset(form)
	r.Body, r.ContentLength = b, int64(len(form))
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if authorization != nil {
		r.Header["Authorization"] = authorization
	}
	e.w.Clear()
	e.h.ServeHTTP(e.w, &r)
	if e.w.Status != http.StatusOK {
		panic(fmt.Sprint(e.w.Status, " ", string(e.w.Body)))
	}
	return e.w.Body
}

// code sends an authorization request and returns the code that comes back.
func (e *endpoint) code(target string) string {
	r := *e.proto
	r.Method = http.MethodGet
	r.URL = must(url.Parse(target))
	r.Header = http.Header{}
	e.w.Clear()
	e.h.ServeHTTP(e.w, &r)
	location := e.w.Header().Get("Location")
	_, query, _ := strings.Cut(location, "?")
	for p := range strings.SplitSeq(query, "&") {
		if c, ok := strings.CutPrefix(p, "code="); ok {
			return c
		}
	}
	panic(fmt.Sprint(e.w.Status, " ", location, string(e.w.Body)))
}

func authorize() string {
	sum := sha256.Sum256([]byte(verifier))
	return "/authorize?response_type=code&client_id=" + app + "&redirect_uri=" + url.QueryEscape(redirectURI) + "&scope=read&state=0123456789abcdef&code_challenge=" +
		base64.RawURLEncoding.EncodeToString(sum[:]) + "&code_challenge_method=S256"
}

func redeem() string {
	return "&grant_type=authorization_code&client_id=" + app + "&redirect_uri=" + url.QueryEscape(redirectURI) + "&code_verifier=" + verifier
}

// ClientCredentials returns one such request to the server h (RFC 6749, section 4.4).
func ClientCredentials(h http.Handler) func() {
	e := newEndpoint(h)
	return func() { e.post(clientForm, basic) }
}

// IssueCode returns an authorization request to h that is approved at once.
func IssueCode(h http.Handler) func() {
	e, target := newEndpoint(h), authorize()
	return func() { e.code(target) }
}

// IssueAndRedeem returns an authorization request to h and the redemption of its code with PKCE.
func IssueAndRedeem(h http.Handler) func() {
	e, target, tail := newEndpoint(h), authorize(), redeem()
	return func() { e.post("code="+e.code(target)+tail, nil) }
}

// Refresh returns a refresh at h with the refresh token that the last one returned.
func Refresh(h http.Handler) func() {
	e := newEndpoint(h)
	next := refreshToken(e.post("code="+e.code(authorize())+redeem(), nil))
	return func() {
		next = refreshToken(e.post("grant_type=refresh_token&client_id="+app+"&refresh_token="+next, nil))
	}
}

// refreshToken cuts the refresh token out of an answer.
func refreshToken(answer []byte) string {
	_, tail, ok := strings.Cut(string(answer), `"refresh_token":"`)
	token, _, _ := strings.Cut(tail, `"`)
	if !ok {
		panic(string(answer))
	}
	return token
}

// Raw returns the request of [ClientCredentials] as it goes over the wire.
func Raw() []byte {
	return fmt.Appendf(nil, "POST /token HTTP/1.1\r\nHost: as.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s",
		basic[0], len(clientForm), clientForm)
}
