package docs_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/examples/docs"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// TestClientAuth has the documented clients authenticate.
func TestClientAuth(t *testing.T) {
	t.Setenv("BANK_SECRET", strings.Repeat("s", 32))
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := json.Marshal(jose.NewKeySet(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	config := docs.Gateway(docs.SigningClients(server.Config{
		Issuer: "https://app.example.com", Store: memstore.New(), Secret: mandate.NewRandomSecret(),
		GrantTypes: []server.GrantType{server.ClientCredentials()}, Scopes: []server.Scope{{Name: "read"}}, DefaultScopes: "read",
	}, jwks), "open sesame")
	srv, err := server.New(config)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := nethttp.Mount(mux, srv); err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]int{"open sesame": 200, "open barley": 400, "": 400} {
		r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader("grant_type=client_credentials"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Gateway-Client", "turnstile")
		r.Header.Set("X-Gateway-Word", word)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("word %q: %d %s, want %d", word, w.Code, w.Body, want)
		}
	}
	if docs.LateProof(srv, nil) == nil {
		t.Error("there is no endpoint")
	}
}
