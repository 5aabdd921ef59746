package server_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// FuzzClientMetadata: whatever a stranger says of itself, it is refused with a code of RFC 7591, or it can be stored and read back as it is, and
// has nothing that a stranger may not have.
func FuzzClientMetadata(f *testing.F) {
	srv, err := server.New(server.Config{
		Issuer: "https://id.example.com", Store: struct{ store.Store }{}, Secret: mandate.NewRandomSecret(),
		Scopes: []server.Scope{{Name: "open", Public: true}, {Name: "admin"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		`{"redirect_uris":["https://app.example.com/cb"],"scope":"open","client_name#de":"ä","grant_types":["authorization_code","refresh_token"]}`,
		`{"redirect_uris":["com.example.app:/cb"],"token_endpoint_auth_method":"none","response_types":["code"],"application_type":"native"}`,
		`{"jwks":{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]},"redirect_uris":["https://a/"],"default_max_age":1}`,
		`{"scope":"admin"}`, `{"a":null}`, `[]`, `{"redirect_uris":["https://a/"],"scope":null,"require_auth_time":true}`,
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, data string, lenient bool) {
		m, err := srv.ReadClientMetadata(data, lenient)
		if err != nil {
			if code := mandate.AsError(err).Code; code != mandate.InvalidClientMetadata && code != mandate.InvalidRedirectURI {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		if strings.Contains(m.Scope, "admin") || m.Allows("client_credentials") || m.Responds("token") || m.AuthMethod == "" {
			t.Fatalf("%q gives %+v", data, m)
		}
		text, err := json.Marshal(m)
		if err != nil || strings.Contains(string(text), `\u0000`) {
			t.Fatalf("%q is stored as %s, %v", data, text, err)
		}
		var again oauth2.ClientMetadata
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if twice, err := json.Marshal(again); err != nil || !reflect.DeepEqual(twice, text) {
			t.Fatalf("stored %s, read %s, %v", text, twice, err)
		}
	})
}
