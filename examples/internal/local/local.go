// Package local has providers for the examples of logins, so that they run offline: authorization servers on loopback, each with one user.
package local

import (
	"context"
	"fmt"
	"net"
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

// Secret is the secret of every client at every provider.
const Secret = "a-secret-for-examples-alone"

// Start starts a provider that knows the client "demo", whose callback is redirectURI, and one user: demo, password demo. It returns its
// issuer; the user is at issuer + "/me". It runs until the process ends.
func Start(name, redirectURI string) (issuer string, err error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	issuer = "http://" + l.Addr().String()
	srv, err := server.New(server.Config{
		Issuer: issuer, Store: memstore.New(), SignIn: checkPassword,
		Scopes: []server.Scope{{Name: "profile", Title: "See who you are"}},
		Clients: []*store.Client{{
			ID: "demo", Secrets: []store.Secret{server.HashSecret(Secret)},
			Metadata: oauth2.ClientMetadata{Name: "Demo shop", RedirectURIs: []string{redirectURI}, GrantTypes: []string{"authorization_code", "refresh_token"}},
		}},
	})
	if err != nil {
		return "", err
	}
	guard, err := resource.New(resource.Config{Audience: issuer, Verifiers: []resource.Verifier{resource.Of(srv)}})
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /me", nethttp.New(guard).With(me(name), "profile"))
	if err := nethttp.Mount(mux, srv); err != nil {
		return "", err
	}
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // until the process ends
	return issuer, nil
}

func me(name string) func(w http.ResponseWriter, r *http.Request, tok *mandate.Token) {
	return func(w http.ResponseWriter, _ *http.Request, tok *mandate.Token) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"sub":%q,"name":"Demo of %s","email":"demo@example.com","email_verified":true}`, tok.Subject(), name)
	}
}

func checkPassword(_ context.Context, name, password string) (server.User, error) {
	if name != "demo" || password != "demo" {
		return server.User{}, mandate.AccessDenied
	}
	return server.User{Subject: "user-1", Name: "Demo"}, nil
}
