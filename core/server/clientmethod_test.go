package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

const longSecret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// named is an authentication method that nobody uses.
type named string

func (n named) Name() string                                   { return string(n) }
func (named) Read(*mandate.Request) (server.ClientClaim, bool) { return server.ClientClaim{}, false }

func (named) Prove(context.Context, *mandate.Request, *store.Client) (server.ClientProof, error) {
	return server.ClientProof{}, mandate.InvalidClient
}

func TestClientAuthConfig(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(c *server.Config)
		want   string // of the error; "" for none
	}{
		"all built-in ones": {func(c *server.Config) {
			c.ClientAuthMethods = []string{"client_secret_basic", "client_secret_post", "none", "private_key_jwt", "client_secret_jwt"}
		}, ""},
		"one of its own": {func(c *server.Config) { c.ClientAuth = []server.ClientAuthMethod{named("x")} }, ""},
		"one that is named besides": {func(c *server.Config) {
			c.ClientAuth, c.ClientAuthMethods = []server.ClientAuthMethod{named("x")}, []string{"x"}
		}, ""},
		"a nil one":                      {func(c *server.Config) { c.ClientAuth = []server.ClientAuthMethod{nil} }, "ClientAuth[0] is nil"},
		"one without a name":             {func(c *server.Config) { c.ClientAuth = []server.ClientAuthMethod{named("")} }, `ClientAuth[0] has the name ""`},
		"one with a space":               {func(c *server.Config) { c.ClientAuth = []server.ClientAuthMethod{named("a b")} }, `has the name "a b"`},
		"one that is built in":           {func(c *server.Config) { c.ClientAuth = []server.ClientAuthMethod{named("private_key_jwt")} }, `ClientAuth has "private_key_jwt"`},
		"one twice":                      {func(c *server.Config) { c.ClientAuth = []server.ClientAuthMethod{named("x"), named("x")} }, `ClientAuth has "x"`},
		"a name twice":                   {func(c *server.Config) { c.ClientAuthMethods = []string{"none", "none"} }, `ClientAuthMethods has "none" twice`},
		"an algorithm that is unknown":   {func(c *server.Config) { c.ClientAuthAlgs = []jose.Alg{"none"} }, `ClientAuthAlgs has "none"`},
		"no algorithm means all of them": {func(c *server.Config) { c.ClientAuthAlgs = nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := valid()
			tc.change(&c)
			wantNamed(t, second(server.New(c)), tc.want)
		})
	}
}

// second returns the error.
func second(_ *server.Server, err error) error { return err }

func wantNamed(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
		t.Errorf("error = %v, want one that says %q", err, want)
	}
}

func TestCheckSigningClients(t *testing.T) {
	t.Parallel()
	c := valid()
	c.ClientAuthMethods = []string{"client_secret_basic", "private_key_jwt", "client_secret_jwt"}
	c.ClientAuthAlgs = []jose.Alg{jose.ES256, jose.EdDSA, jose.HS256, jose.HS512}
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	keys := json.RawMessage(keySet(t, newKey(t, "one")))
	private, err := newKey(t, "one").MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	rsa, err := jose.Generate(jose.RS256)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		d       oauth2.ClientMetadata
		secrets []store.Secret
		want    string // of the error; "" for none
	}{
		"inline keys":             {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: keys}, nil, ""},
		"an algorithm of its own": {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: keys, AuthAlg: "ES256"}, nil, ""},
		"keys at a URL":           {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKSURI: "https://a.example.com/jwks?x=1"}, nil, ""},
		"no keys":                 {oauth2.ClientMetadata{AuthMethod: "private_key_jwt"}, nil, "has no keys: give it jwks or jwks_uri"},
		"both":                    {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: keys, JWKSURI: "https://a.example.com"}, nil, "both jwks and jwks_uri"},
		"http":                    {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKSURI: "http://a.example.com"}, nil, "want an https URL"},
		"a URL with a user":       {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKSURI: "https://a@b.example.com"}, nil, "want an https URL"},
		"a URL with a fragment":   {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKSURI: "https://b.example.com/#"}, nil, "want an https URL"},
		"a file":                  {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKSURI: "file:///etc/passwd"}, nil, "want an https URL"},
		"keys that are none":      {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: json.RawMessage(`[]`)}, nil, "has a jwks that is none"},
		"a private key":           {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: json.RawMessage(`{"keys":[` + string(private) + `]}`)}, nil, "without a public key"},
		"a key of another family": {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: json.RawMessage(keySet(t, rsa))}, nil, "without a public key"},
		"another's algorithm":     {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: keys, AuthAlg: "EdDSA"}, nil, "without a public key"},
		"a symmetric algorithm":   {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: keys, AuthAlg: "HS256"}, nil, `token_endpoint_auth_signing_alg "HS256"`},
		"no algorithm at all":     {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: keys, AuthAlg: "none"}, nil, `token_endpoint_auth_signing_alg "none"`},
		"one that is off":         {oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: keys, AuthAlg: "PS256"}, nil, `token_endpoint_auth_signing_alg "PS256"`},

		"a sealed secret":         {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt"}, []store.Secret{s.SealSecret("c", longSecret)}, ""},
		"one for HS512":           {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt", AuthAlg: "HS512"}, []store.Secret{s.SealSecret("c", longSecret)}, ""},
		"a hashed secret":         {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt"}, []store.Secret{server.HashSecret(longSecret)}, "it needs a new secret"},
		"one of both":             {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt"}, []store.Secret{s.SealSecret("c", longSecret), server.HashSecret(longSecret)}, "it needs a new secret"},
		"a secret in clear":       {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt"}, []store.Secret{server.ClearSecret(longSecret)}, "Server.SealSecret"},
		"in clear and unneeded":   {oauth2.ClientMetadata{}, []store.Secret{server.ClearSecret(longSecret)}, "Server.SealSecret"},
		"sealed and unneeded":     {oauth2.ClientMetadata{}, []store.Secret{s.SealSecret("c", longSecret)}, ""},
		"another client's secret": {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt"}, []store.Secret{s.SealSecret("d", longSecret)}, "it needs a new secret"},
		"a short secret":          {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt"}, []store.Secret{s.SealSecret("c", longSecret[:31])}, "31 bytes, want at least 32 for HS256"},
		"one too short for HS512": {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt", AuthAlg: "HS512"}, []store.Secret{s.SealSecret("c", longSecret[:63])}, "63 bytes, want at least 64 for HS512"},
		"an HMAC that is off":     {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt", AuthAlg: "HS384"}, []store.Secret{s.SealSecret("c", longSecret)}, `token_endpoint_auth_signing_alg "HS384"`},
		"an asymmetric one":       {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt", AuthAlg: "ES256"}, []store.Secret{s.SealSecret("c", longSecret)}, `token_endpoint_auth_signing_alg "ES256"`},
		"no secret":               {oauth2.ClientMetadata{AuthMethod: "client_secret_jwt"}, nil, "has no secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.d.GrantTypes = []string{"client_credentials"}
			wantNamed(t, s.CheckClient(&store.Client{ID: "c", Metadata: tc.d, Secrets: tc.secrets}), tc.want)
		})
	}
}

func TestNewSecretFor(t *testing.T) {
	t.Parallel()
	c := valid()
	c.ClientAuthMethods = []string{"client_secret_basic", "client_secret_jwt"}
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for method, form := range map[string]store.SecretForm{"": store.SHA256, "client_secret_basic": store.SHA256, "client_secret_jwt": store.Sealed} {
		client := &store.Client{ID: "c", Metadata: oauth2.ClientMetadata{AuthMethod: method, GrantTypes: []string{"client_credentials"}}}
		if form == store.Sealed {
			client.Metadata.AuthAlg = "HS512"
		}
		secret, kept := s.NewSecretFor(client)
		if kept.Form != form || strings.Contains(string(kept.Value), secret) {
			t.Errorf("%q: form = %q, want %q, and nothing in clear", method, kept.Form, form)
		}
		client.Secrets = []store.Secret{kept}
		if err := s.CheckClient(client); err != nil {
			t.Errorf("%q: %v", method, err)
		}
	}
}

// assertingServer is a server with a client that signs with key.
func assertingServer(tb testing.TB, key *jose.Key) *server.Server {
	tb.Helper()
	public, err := json.Marshal(jose.NewKeySet(key.Public()))
	if err != nil {
		tb.Fatal(err)
	}
	c := valid()
	c.Clients = []*store.Client{{ID: "signed", Metadata: oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: public, GrantTypes: []string{"client_credentials"}}}}
	s, err := server.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func assertionOf(tb testing.TB, s *server.Server, key *jose.Key) string {
	tb.Helper()
	now := time.Now()
	text, err := jose.Sign(key, "client-authentication+jwt", jose.Claims{
		Issuer: "signed", Subject: "signed", Audience: []string{s.Issuer()}, IssuedAt: now, Expires: now.Add(50 * time.Minute), ID: "a-jti-of-some-length-0123456789",
	})
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func assertionRequest(assertion string) *mandate.Request {
	return &mandate.Request{
		Method: "POST", Header: mandate.Fields{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}},
		Body: "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=" + assertion,
	}
}

// What an assertion costs with warm keys, beside its signature alone. Using it up is the store's cost, and not in it.
func BenchmarkAssertion(b *testing.B) {
	for _, alg := range []jose.Alg{jose.ES256, jose.EdDSA, jose.RS256} {
		key, err := jose.Generate(alg)
		if err != nil {
			b.Fatal(err)
		}
		s := assertingServer(b, key)
		assertion, set := assertionOf(b, s, key), jose.NewKeySet(key.Public())
		b.Run(fmt.Sprintf("%s/signature", alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := jose.Verify(assertion, set, jose.Asymmetric()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%s/client", alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.ProveClient(b.Context(), assertionRequest(assertion)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Whatever an assertion is, the answer is a client or a refusal.
func FuzzAssertion(f *testing.F) {
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		f.Fatal(err)
	}
	s := assertingServer(f, key)
	f.Add(assertionOf(f, s, key), `{"iss":"signed","sub":"signed"}`)
	f.Add("a.b.c", `{"iss":"signed","sub":"signed","aud":["http://localhost"],"exp":9e9,"jti":"x"}`)
	f.Add("", `{"sub":"signed\u0000"}`)
	f.Fuzz(func(t *testing.T, assertion, payload string) {
		signed, err := jose.Sign(key, "JWT", []byte(payload))
		if err != nil {
			t.Skip()
		}
		for _, text := range []string{assertion, signed} {
			if strings.ContainsAny(text, "&+%") {
				continue
			}
			c, err := s.ProveClient(t.Context(), assertionRequest(text))
			if err == nil && c.ID != "signed" || err != nil && !errors.Is(err, mandate.InvalidClient) && !errors.Is(err, mandate.InvalidRequest) {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
