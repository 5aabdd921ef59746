package docs

import (
	"crypto/x509"
	"time"

	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// RemoteKeys are an issuer's keys that are found and kept otherwise than by default.
func RemoteKeys() (resource.Verifier, error) {
	// doc:start remote-keys
	keys, err := resource.NewRemoteKeys(resource.RemoteConfig{
		JWKS:   "https://id.example.com/oauth/jwks", // an issuer without metadata
		Outage: time.Hour,                           // rather 503 than keys that are older
	})
	if err != nil {
		return nil, err
	}
	verifier := resource.JWT{Issuer: "https://id.example.com", Keys: keys}
	// doc:end
	return verifier, nil
}

// RemoteIntrospection asks with a key, and for signed answers.
func RemoteIntrospection(key *jose.Key) resource.Verifier {
	// doc:start remote-introspection
	verifier := resource.Introspection{
		Endpoint: "https://id.example.com/oauth/introspect", // or Issuer alone, whose metadata names it
		Issuer:   "https://id.example.com",
		ClientID: "orders-api",
		Key:      key, // a *jose.Key: private_key_jwt
		Signed:   true,
		Remember: 5 * time.Second,
	}
	// doc:end
	return verifier
}

// RemoteFetcher reaches an issuer on a closed network.
func RemoteFetcher(pool *x509.CertPool) (*resource.RemoteKeys, error) {
	// doc:start remote-fetcher
	fetcher, err := fetch.New(fetch.Config{RootCAs: pool}) // or AllowInsecureHTTP, for http://keycloak:8080
	if err != nil {
		return nil, err
	}
	keys, err := resource.NewRemoteKeys(resource.RemoteConfig{Issuer: "https://id.internal", Fetcher: fetcher})
	// doc:end
	return keys, err
}
