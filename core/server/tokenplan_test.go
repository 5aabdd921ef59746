package server_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// TestTokenConfig: what no token can be like is refused when the server is made, by name.
func TestTokenConfig(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*server.Config)
		want   string
	}{
		"a negative life":                  {func(c *server.Config) { c.TokenTTL = -time.Second }, "InsecureNoEnd"},
		"a grant type without a life":      {func(c *server.Config) { c.Lifetimes = map[string]time.Duration{"refresh_token": 0} }, `Lifetimes["refresh_token"]`},
		"a grant type with a negative one": {func(c *server.Config) { c.Lifetimes = map[string]time.Duration{"refresh_token": -1} }, `Lifetimes["refresh_token"]`},
		"a grant type that is not served":  {func(c *server.Config) { c.Lifetimes = map[string]time.Duration{"password": time.Hour} }, `Lifetimes has "password"`},
		"implicit where it is off":         {func(c *server.Config) { c.Lifetimes = map[string]time.Duration{"implicit": time.Hour} }, `Lifetimes has "implicit"`},
		"JWTs without an end": {func(c *server.Config) {
			c.TokenFormat, c.DefaultAudience, c.Lifetimes = server.JWT, []string{"https://api.example.com"}, map[string]time.Duration{"refresh_token": server.InsecureNoEnd}
		}, "JWTs"},
		"a client's JWTs without an end": {func(c *server.Config) {
			c.DefaultAudience = []string{"https://api.example.com"}
			c.Clients = client(func(c *store.Client) { c.Policy.TokenFormat, c.Policy.TokenTTL = "jwt", server.InsecureNoEnd })
		}, `client "web": TokenTTL`},
		"a client's negative life":          {func(c *server.Config) { c.Clients = client(func(c *store.Client) { c.Policy.TokenTTL = -time.Minute }) }, `client "web": TokenTTL`},
		"JWTs for ever":                     {func(c *server.Config) { c.JWTTTL = server.InsecureNoEnd }, "JWTTTL"},
		"codes for ever":                    {func(c *server.Config) { c.CodeTTL = server.InsecureNoEnd }, "CodeTTL"},
		"a prefix of one letter":            {func(c *server.Config) { c.TokenPrefixes = []string{"m"} }, "TokenPrefixes"},
		"a long prefix":                     {func(c *server.Config) { c.TokenPrefixes = []string{strings.Repeat("m", 17)} }, "TokenPrefixes"},
		"a prefix in capitals":              {func(c *server.Config) { c.TokenPrefixes = []string{"Md"} }, "TokenPrefixes"},
		"a prefix with an underscore":       {func(c *server.Config) { c.TokenPrefixes = []string{"acme_"} }, "TokenPrefixes"},
		"a prefix that begins with a digit": {func(c *server.Config) { c.TokenPrefixes = []string{"1d"} }, "TokenPrefixes"},
		"an empty prefix":                   {func(c *server.Config) { c.TokenPrefixes = []string{"acme", ""} }, "TokenPrefixes"},
		"a prefix twice":                    {func(c *server.Config) { c.TokenPrefixes = []string{"acme", "acme"} }, "TokenPrefixes"},
		"an error URI that is relative":     {func(c *server.Config) { c.ErrorURIs = map[mandate.Code]string{mandate.InvalidScope: "/errors"} }, "ErrorURIs"},
		"an error URI that is a script": {func(c *server.Config) {
			c.ErrorURIs = map[mandate.Code]string{mandate.InvalidScope: "javascript:alert(1)"}
		}, "ErrorURIs"},
		"an error URI with a quote": {func(c *server.Config) { c.ErrorURIs = map[mandate.Code]string{mandate.InvalidScope: `https://a/"`} }, "ErrorURIs"},
		"an error URI with a space": {func(c *server.Config) { c.ErrorURIs = map[mandate.Code]string{mandate.InvalidScope: "https://a/b c"} }, "ErrorURIs"},
		"answers signed with a secret": {func(c *server.Config) {
			c.SignedIntrospection = &server.SignedIntrospection{Algs: []jose.Alg{jose.HS256}}
		}, "SignedIntrospection"},
		"answers signed twice": {func(c *server.Config) {
			c.SignedIntrospection = &server.SignedIntrospection{Algs: []jose.Alg{jose.ES256, jose.ES256}}
		}, "SignedIntrospection"},
		"answers signed with no key": {func(c *server.Config) {
			c.Keys, c.SignedIntrospection = ring(jose.ES256), &server.SignedIntrospection{Algs: []jose.Alg{jose.ES256, jose.EdDSA}}
		}, "Keys"},
		"a client's algorithm where answers are not signed": {func(c *server.Config) {
			c.Clients = client(func(c *store.Client) { c.Metadata.IntrospectionAlg = "ES256" })
		}, "Config.SignedIntrospection is nil"},
		"a client's algorithm that is not offered": {func(c *server.Config) {
			c.SignedIntrospection = &server.SignedIntrospection{}
			c.Clients = client(func(c *store.Client) { c.Metadata.IntrospectionAlg = "RS256" })
		}, "[ES256]"},
		"a client that wants answers encrypted": {func(c *server.Config) {
			c.SignedIntrospection = &server.SignedIntrospection{}
			c.Clients = client(func(c *store.Client) {
				c.Metadata.Extra = map[string]json.RawMessage{"introspection_encrypted_response_alg": json.RawMessage(`"RSA-OAEP"`)}
			})
		}, "encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := valid()
			tc.change(&c)
			if _, err := server.New(c); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New error = %v, want one that names %q", err, tc.want)
			}
		})
	}
}

// TestTokenConfigTaken: what has a loud name or an example in the documentation is no error, and what was handed over stays as it is.
func TestTokenConfigTaken(t *testing.T) {
	t.Parallel()
	c := valid()
	c.TokenTTL, c.TokenPrefixes = server.InsecureNoEnd, []string{"acme", "md", "a1"}
	c.Lifetimes = map[string]time.Duration{"client_credentials": time.Minute, "implicit": time.Minute}
	c.InsecureImplicit = true
	c.ErrorURIs = map[mandate.Code]string{"app_specific": "http://localhost:8080/errors?a=b#c"}
	c.SignedIntrospection = &server.SignedIntrospection{}
	c.Clients = client(func(c *store.Client) { c.Policy.TokenTTL = server.InsecureNoEnd })
	if _, err := server.New(c); err != nil {
		t.Error(err)
	}
	if c.SignedIntrospection.Algs != nil {
		t.Errorf("the application's own value now has %v", c.SignedIntrospection.Algs)
	}
}
