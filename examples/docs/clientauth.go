package docs

import (
	"context"
	"crypto/subtle"
	"errors"
	"os"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// SigningClient is a client that signs: file is its private key, a JWK, of jose.Generate(jose.ES256) and Key.MarshalJWK.
func SigningClient(file []byte) (*client.TokenRequester, []byte, error) {
	// doc:start signing-client
	key, err := jose.ParseJWK(file) // or ParsePEM, or NewKey with a KMS; made once: jose.Generate(jose.ES256), Key.MarshalJWK
	if err != nil {
		return nil, nil, err
	}
	jwks, err := jose.NewKeySet(key.Public()).MarshalJSON() // what jwks_uri serves, or the operator is given
	if err != nil {
		return nil, nil, err
	}
	tokens, err := client.NewTokenRequester(client.TokenConfig{
		Issuer: "https://id.example.com", TokenURL: "https://id.example.com/token", // the issuer is the assertion's aud
		Credentials: client.Credentials{ID: "ledger", Key: key}, // private_key_jwt, since there is a key
	})
	// doc:end
	return tokens, jwks, err
}

// SigningClients are clients that sign, and the server that takes that.
func SigningClients(c server.Config, jwks []byte) server.Config {
	// doc:start signing-clients
	c.ClientAuthMethods = []string{"client_secret_basic", "none", "private_key_jwt", "client_secret_jwt"}
	c.Clients = []*store.Client{
		{ // its public keys are at a URL: it rotates them when it likes
			ID: "ledger", Metadata: oauth2.ClientMetadata{
				AuthMethod: "private_key_jwt", JWKSURI: "https://ledger.example.com/jwks.json", GrantTypes: []string{"client_credentials"},
			},
		},
		{ // its public keys are here
			ID: "payroll", Metadata: oauth2.ClientMetadata{
				AuthMethod: "private_key_jwt", JWKS: jwks, AuthAlg: "ES256", GrantTypes: []string{"client_credentials"},
			},
		},
		{ // it signs with a secret, which the server must be able to read: New seals it
			ID: "bank", Secrets: []store.Secret{server.ClearSecret(os.Getenv("BANK_SECRET"))},
			Metadata: oauth2.ClientMetadata{AuthMethod: "client_secret_jwt", GrantTypes: []string{"client_credentials"}},
		},
	}
	// doc:end
	return c
}

// doc:start own-auth

// gatewayAuth is an authentication method: a gateway in front has asked for the client's certificate or badge, and says whose it was
// in a header field together with a word that nobody else knows.
type gatewayAuth struct{ word string }

// Name is the token_endpoint_auth_method of such clients.
func (gatewayAuth) Name() string { return "gateway" }

// Read says what the request claims. It proves nothing yet.
func (gatewayAuth) Read(r *mandate.Request) (server.ClientClaim, bool) {
	id := r.Header.Get("X-Gateway-Client")
	return server.ClientClaim{ClientID: id}, id != ""
}

// Prove is asked once the client is known, is not disabled and is registered for this method.
func (g gatewayAuth) Prove(_ context.Context, r *mandate.Request, _ *store.Client) (server.ClientProof, error) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Gateway-Word")), []byte(g.word)) != 1 {
		return server.ClientProof{}, mandate.Errorf(mandate.InvalidClient, errors.New("the gateway's word is wrong"), "the gateway does not vouch for this client")
	}
	return server.ClientProof{}, nil
}

// doc:end

// Gateway has an authentication method of its own.
func Gateway(c server.Config, word string) server.Config {
	// doc:start own-auth-config
	c.ClientAuth = []server.ClientAuthMethod{gatewayAuth{word}} // beside the built-in ones
	c.Clients = append(c.Clients, &store.Client{
		ID: "turnstile", Metadata: oauth2.ClientMetadata{AuthMethod: "gateway", GrantTypes: []string{"client_credentials"}},
	})
	// doc:end
	return c
}

// LateProof is an endpoint that may ask its client to try again.
func LateProof(s *server.Server, work func(ctx context.Context, c server.Client) error) func(context.Context, *mandate.Request) *mandate.Response {
	// doc:start late-proof
	handle := func(ctx context.Context, r *mandate.Request) *mandate.Response {
		c, err := s.ProveClient(ctx, r)
		if err != nil {
			return s.Refuse(err)
		}
		if r.Body == "" {
			return s.Refuse(mandate.Errorf(mandate.InvalidRequest, nil, "there is nothing to do")) // and the same assertion is still good
		}
		if err := s.SpendProof(ctx, c); err != nil { // from here on it is not
			return s.Refuse(err)
		}
		if err := work(ctx, c); err != nil {
			return s.Refuse(err)
		}
		return server.JSON(200, map[string]string{"client": c.ID})
	}
	// doc:end
	return handle
}
