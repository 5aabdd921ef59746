// Registration is an authorization server whose clients register themselves: everybody for what a person must approve, a partner with an initial
// access token for more, and those that are known by a document on their own site. On net/http:
//
//	go run ./examples/registration
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/server"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	log.Fatal(run(context.Background(), *addr))
}

// run serves on addr until that fails.
func run(ctx context.Context, addr string) error {
	base := "http://" + addr
	// doc:start registration-config
	srv, err := server.New(server.Config{
		Issuer: base, Store: memstore.New(), SignIn: signIn,
		Scopes: []server.Scope{
			{Name: "notes", Title: "Read your notes", Public: true}, // strangers' clients may ask for it
			{Name: "reports", Title: "Read all reports"},
		},
		Registration: &server.Registration{
			Open:       true, // without a token: what a person must approve, and public scopes
			Management: true, // RFC 7592
			Policy:     names,
		},
		ClientDocuments: &server.ClientDocuments{Allow: hosts},
	})
	// doc:end
	if err != nil {
		return err
	}
	// doc:start registration-token
	token, err := srv.NewRegistrationToken(ctx, server.RegistrationToken{
		Uses: 3, TTL: 7 * 24 * time.Hour,
		Limits: server.RegistrationLimits{Scopes: "reports", GrantTypes: []string{"client_credentials"}},
	})
	// doc:end
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	if err := nethttp.Mount(mux, srv); err != nil {
		return err
	}
	fmt.Printf(lines, base, token)
	return (&http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
}

const lines = `These are answered with 201, 201, 400 and 401:

  curl -iw '\n' -H 'Content-Type: application/json' -d '{"client_name":"Notes","redirect_uris":["https://app.example.com/cb"]}' %[1]s/register
  curl -iw '\n' -H 'Content-Type: application/json' -H 'Authorization: Bearer %[2]s' -d '{"client_name":"Partner","grant_types":["client_credentials"],"scope":"reports"}' %[1]s/register
  curl -iw '\n' -H 'Content-Type: application/json' -d '{"client_name":"Bank of Ada","redirect_uris":["https://app.example.com/cb"]}' %[1]s/register
  curl -iw '\n' -H 'Content-Type: application/json' -H 'Authorization: Bearer wrong' -d '{}' %[1]s/register
`

// doc:start registration-policy

// names keeps clients from calling themselves what people would take for ours, and gives who came without a token shorter tokens.
func names(_ context.Context, r *server.Registering) error {
	if strings.Contains(strings.ToLower(r.Client.Metadata.Name), "bank") {
		return mandate.Errorf(mandate.InvalidClientMetadata, nil, "client_name must not say that you are a bank")
	}
	if r.Via == "open" {
		r.Client.Policy.TokenTTL = 10 * time.Minute
	}
	return nil
}

// hosts says whose documents are read.
func hosts(_ context.Context, id *url.URL) error {
	if !strings.HasSuffix(id.Hostname(), ".example.com") {
		return mandate.Errorf(mandate.AccessDenied, nil, "not a partner")
	}
	return nil
}

// doc:end

// signIn lets ada in.
func signIn(_ context.Context, name, password string) (server.User, error) {
	if name != "ada" || password != "lovelace" {
		return server.User{}, mandate.AccessDenied
	}
	return server.User{Subject: "1", Name: "Ada"}, nil
}
