package docs

import (
	"context"
	"crypto/subtle"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// Statements takes software statements of one publisher.
func Statements(keys []byte) (*server.Registration, error) {
	// doc:start registration-statements
	set, err := jose.ParseKeySet(keys) // the publisher's JWKS
	if err != nil {
		return nil, err
	}
	registration := &server.Registration{Statements: []server.StatementIssuer{{
		Issuer: "https://publisher.example.com", Keys: set,
		Limits: server.RegistrationLimits{Scopes: "notes reports"},
	}}}
	// doc:end
	return registration, nil
}

// OwnToken takes one initial access token of the application's own.
func OwnToken(want string) *server.Registration {
	// doc:start registration-own-token
	registration := &server.Registration{Token: func(_ context.Context, token string) (server.RegistrationLimits, error) {
		if subtle.ConstantTimeCompare([]byte(token), []byte(want)) != 1 {
			return server.RegistrationLimits{}, mandate.InvalidToken
		}
		return server.RegistrationLimits{}, nil
	}}
	// doc:end
	return registration
}

// Block refuses a client that is known by its document.
func Block(ctx context.Context, clients store.ClientWriter) error {
	// doc:start registration-block
	err := clients.PutClient(ctx, &store.Client{ID: "https://evil.example.com/client.json", Disabled: true})
	// doc:end
	return err
}
