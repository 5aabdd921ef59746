package server_test

import (
	"context"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// TestOAuth1Slips looks at what people get wrong, who have served OAuth 1.0a with something else: each is refused when the server is made.
func TestOAuth1Slips(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(c *server.Config, one *store.Client)
		want   string // in the error; none: it is right
	}{
		"nothing": {func(*server.Config, *store.Client) {}, ""},
		"a method misspelt": {func(c *server.Config, _ *store.Client) {
			c.OAuth1.Methods = []oauth1.Method{oauth1.Standard("HMAC-SHA-1")}
		}, "use its constants"},
		"PLAINTEXT":            {func(c *server.Config, _ *store.Client) { c.OAuth1.Methods = []oauth1.Method{oauth1.Plaintext} }, "InsecurePlaintext"},
		"no secret":            {func(_ *server.Config, one *store.Client) { one.Secrets = nil }, "server.ClearSecret(...)"},
		"a hashed secret":      {func(_ *server.Config, one *store.Client) { one.Secrets = []store.Secret{server.HashSecret("s")} }, "which nobody can read"},
		"a realm misspelt":     {func(_ *server.Config, one *store.Client) { one.Policy.Default = "photo" }, "Policy.Default"},
		"oob as a callback":    {func(_ *server.Config, one *store.Client) { one.Metadata.RedirectURIs = []string{"oob"} }, "registers none"},
		"a script, too":        {func(_ *server.Config, one *store.Client) { one.Metadata.RedirectURIs = []string{"javascript:alert(1)"} }, "scheme"},
		"it is off":            {func(c *server.Config, _ *store.Client) { c.OAuth1 = nil }, "set Config.OAuth1"},
		"tokens to be guessed": {func(c *server.Config, _ *store.Client) { c.OAuth1.Length = 10 }, "128 random bits"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := &store.Client{ID: "printer", Secrets: []store.Secret{server.ClearSecret("s")}, Metadata: oauth2.ClientMetadata{
				GrantTypes: []string{server.GrantTypeOAuth1}, RedirectURIs: []string{"https://printer.example.com/cb"},
			}}
			c := server.Config{
				Issuer: "https://id.example.com", Store: nowhere{}, Secret: mandate.NewRandomSecret(), OAuth1: &server.OAuth1{},
				SignIn:  func(context.Context, string, string) (server.User, error) { return server.User{}, nil },
				Clients: []*store.Client{one}, Scopes: []server.Scope{{Name: "photos"}},
			}
			tc.change(&c, one)
			_, err := server.New(c)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want %q", err, tc.want)
			}
		})
	}
}
