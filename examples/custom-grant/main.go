// Custom-grant is an authorization server with a grant type of its own: a person's API key buys a short-lived token. On net/http:
//
//	go run ./examples/custom-grant
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// doc:start grant

// apiKey is the grant type: it trades an API key for an access token.
type apiKey struct{ users map[mandate.Digest]string }

// Name is the grant_type.
func (apiKey) Name() string { return "urn:example:grant-type:api-key" }

// Token says what the request entitles its client to. The client is authenticated and may use this grant; the server does the
// rest: it stores the grant, makes the token, runs the extensions and answers.
func (k apiKey) Token(_ context.Context, r *server.TokenRequest) (*server.Issue, error) {
	key, err := r.Require("api_key")
	if err != nil {
		return nil, err
	}
	user, ok := k.users[mandate.DigestOf(key)]
	if !ok {
		return nil, mandate.Errorf(mandate.InvalidGrant, nil, "the API key is unknown")
	}
	scopes, err := r.Scopes() // those asked for, if the client may have them
	if err != nil {
		return nil, err
	}
	return &server.Issue{Grant: r.NewGrant(user, scopes), New: true, Scopes: scopes, TTL: 5 * time.Minute}, nil
}

// doc:end

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	log.Fatal(run(*addr))
}

// run serves on addr until that fails.
func run(addr string) error {
	base := "http://" + addr
	grant := apiKey{users: map[mandate.Digest]string{mandate.DigestOf("key-of-ada"): "ada"}}
	// doc:start grant-config
	srv, err := server.New(server.Config{
		Issuer: base, Prefix: "/oauth", Store: memstore.New(),
		GrantTypes: []server.GrantType{server.ClientCredentials(), grant}, // no code, so nobody is ever asked anything
		Scopes:     []server.Scope{{Name: "orders"}},
		Clients: []*store.Client{{
			ID: "cli", Secrets: []store.Secret{server.HashSecret("cli-secret")},
			Metadata: oauth2.ClientMetadata{GrantTypes: []string{grant.Name()}},
		}},
	})
	// doc:end
	if err != nil {
		return err
	}
	guard, err := resource.New(resource.Config{Audience: base + "/orders", Verifiers: []resource.Verifier{resource.Of(srv)}})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", nethttp.New(guard).With(orders, "orders"))
	if err := nethttp.Mount(mux, srv); err != nil {
		return err
	}
	fmt.Printf(lines, base)
	return (&http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
}

const lines = `These are answered with 200 and, for a wrong key, 400:

  TOKEN=$(curl -s -u cli:cli-secret -d grant_type=urn:example:grant-type:api-key -d api_key=key-of-ada -d scope=orders %[1]s/oauth/token | sed 's/.*"access_token":"//; s/".*//')
  curl -iw '\n' -H "Authorization: Bearer $TOKEN" %[1]s/orders
  curl -iw '\n' -u cli:cli-secret -d grant_type=urn:example:grant-type:api-key -d api_key=wrong -d scope=orders %[1]s/oauth/token
`

func orders(w http.ResponseWriter, _ *http.Request, tok *mandate.Token) {
	_, _ = fmt.Fprintf(w, "orders of %s\n", tok.Subject())
}
