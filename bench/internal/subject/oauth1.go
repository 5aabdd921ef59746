package subject

import (
	"context"
	_ "embed" // the peer's program
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"time"

	dghubble "github.com/dghubble/oauth1"
	mrjones "github.com/mrjones/oauth"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

const (
	consumerKey, consumerSecret = "consumerkey0001abcdefg", "consumer-secret-0001-abcdef"
	tokenKey, tokenSecret       = "token0001abcdefghijklmn", "token-secret-0001-abcdef"
	photosPath, photosQuery     = "/photos", "file=vacation.jpg&size=original"
	photos                      = "http://api.example" + photosPath + "?" + photosQuery
)

// wire is a transport that answers at once, and keeps what it was sent.
type wire struct {
	sent   *http.Request
	answer http.Response
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.sent = r
	return &w.answer, nil
}

func newWire() *wire {
	return &wire{answer: http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}}}
}

// sending returns a call of a transport with a request to be signed.
func sending(t http.RoundTripper) func() {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, photos, nil)
	check(err)
	return func() {
		delete(r.Header, "Authorization")
		res, err := t.RoundTrip(r)
		check(err)
		check(res.Body.Close())
	}
}

func signer(token, secret string) *oauth1.Signer {
	s, err := oauth1.NewSigner(oauth1.SignerConfig{
		ConsumerKey: consumerKey, Token: token, Keys: oauth1.Keys{ClientSecret: consumerSecret, TokenSecret: secret},
	})
	check(err)
	return s
}

// Sign is one request through the transport of core/client.
func Sign() func() {
	return sending(&client.OAuth1Transport{Signer: signer(tokenKey, tokenSecret), Base: newWire()})
}

// SignDghubble is one through that of dghubble/oauth1.
func SignDghubble() func() {
	ctx := context.WithValue(context.Background(), dghubble.HTTPClient, &http.Client{Transport: newWire()})
	return sending(dghubble.NewClient(ctx, dghubble.NewConfig(consumerKey, consumerSecret), dghubble.NewToken(tokenKey, tokenSecret)).Transport)
}

// mostSigned is how many requests Verify can check: each is good once.
const mostSigned = 250_000

// Verify is what a guard asks a server about one request: the client, the timestamp, the signature and the nonce, which is remembered.
func Verify() func() {
	srv := must(server.New(server.Config{
		Issuer: issuer, Store: memstore.New(), Secret: mandate.NewRandomSecret(), Scopes: []server.Scope{{Name: scope}}, OAuth1: &server.OAuth1{},
		Clients: []*store.Client{{
			ID: consumerKey, Secrets: []store.Secret{server.ClearSecret(consumerSecret)},
			Metadata: oauth2.ClientMetadata{GrantTypes: []string{server.GrantTypeOAuth1, "client_credentials"}},
		}},
	}))
	now := time.Now()
	s := must(oauth1.NewSigner(oauth1.SignerConfig{ConsumerKey: consumerKey, Keys: oauth1.Keys{ClientSecret: consumerSecret}, Now: func() time.Time { return now }}))
	signed := make([]string, mostSigned)
	for i := range signed {
		signed[i] = must(s.Sign(oauth1.Outgoing{Method: http.MethodGet, URL: photos})).Authorization
	}
	header := http.Header{}
	return func() {
		header["Authorization"] = signed[:1:1]
		signed = signed[1:]
		must(srv.VerifySigned(context.Background(), &mandate.Request{Method: http.MethodGet, Path: photosPath, RawQuery: photosQuery, Header: header}, "http://api.example", now))
	}
}

// VerifyMrjones is that of mrjones/oauth, which knows requests without a token alone.
func VerifyMrjones() func() {
	w := newWire()
	service := mrjones.ServiceProvider{SignQueryParams: true}
	t, err := mrjones.NewCustomHttpClientConsumer(consumerKey, consumerSecret, service, &http.Client{Transport: w}).MakeRoundTripper(&mrjones.AccessToken{})
	check(err)
	sending(t)()
	p := mrjones.NewProvider(func(string, map[string]string) (*mrjones.Consumer, error) {
		return mrjones.NewConsumer(consumerKey, consumerSecret, service), nil
	})
	r := httptest.NewRequest(http.MethodGet, photos, nil)
	r.Header = w.sent.Header
	return func() {
		_, err := p.IsAuthorized(r)
		check(err)
	}
}

//go:embed oauthlib.py
var oauthlib string

// VerifyOauthlib returns how long oauthlib needs for that, in nanoseconds. It is an error if there is no Python with oauthlib.
func VerifyOauthlib() (float64, error) {
	var last error
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		out, err := exec.Command(python, "-c", oauthlib).Output()
		if err != nil {
			last = fmt.Errorf("%s: %w", python, err)
			continue
		}
		return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	}
	return 0, last
}
