package local

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// StartOAuth1 starts a provider of OAuth 1.0a that knows the consumer "demo", whose callback is the one here, and one user: demo, password demo. It returns
// where it is; the user is at base + "/me", and his photos are at base + "/photos". It runs until the process ends.
func StartOAuth1(name, callback string) (base string, err error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	base = "http://" + l.Addr().String()
	srv, err := server.New(server.Config{
		Issuer: base, Store: memstore.New(), SignIn: checkPassword, OAuth1: &server.OAuth1{},
		Scopes: []server.Scope{{Name: "photos", Title: "See your photos"}},
		Clients: []*store.Client{{
			ID: "demo", Secrets: []store.Secret{server.ClearSecret(Secret)},
			Metadata: oauth2.ClientMetadata{Name: "Demo shop", RedirectURIs: []string{callback}, GrantTypes: []string{server.GrantTypeOAuth1}, Scope: "photos"},
		}},
	})
	if err != nil {
		return "", err
	}
	guard, err := resource.New(resource.Config{Verifiers: []resource.Verifier{resource.OAuth1{Server: srv}}})
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	auth := nethttp.New(guard)
	mux.Handle("GET /me", auth.With(me(name), "photos"))
	mux.Handle("GET /photos", auth.Require("photos")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`["sea.jpg","hills.jpg"]`))
	})))
	if err := nethttp.Mount(mux, srv); err != nil {
		return "", err
	}
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // until the process ends
	return base, nil
}
