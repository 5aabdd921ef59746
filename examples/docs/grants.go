package docs

import (
	"context"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// Users finds users.
type Users interface {
	ByPartner(ctx context.Context, subject string) (id string, err error)
}

// Vouched is a server for which a partner, and clients with keys of their own, vouch for users.
func Vouched(st store.Store, secret mandate.Secret, users Users) (*server.Server, error) {
	// doc:start grants-jwt
	srv, err := server.New(server.Config{
		Issuer: "https://app.example.com", Store: st, Secret: secret,
		Scopes: []server.Scope{{Name: "invoices"}},
		GrantTypes: []server.GrantType{server.JWTBearer(server.JWTBearerConfig{
			Issuers: []server.TrustedIssuer{{Issuer: "https://partner.example.com", JWKSURI: "https://partner.example.com/jwks", Scopes: "invoices"}},
			Clients: true, // and clients, with the keys that they registered
			User: func(ctx context.Context, _ server.Client, t *mandate.Token) (server.User, error) {
				id, err := users.ByPartner(ctx, t.Subject()) // mandate.AccessDenied: nobody
				return server.User{Subject: id}, err
			},
		})},
	})
	// doc:end
	return srv, err
}

// Implicit is a server for clients that take tokens from the address bar.
func Implicit(st store.Store, secret mandate.Secret) (*server.Server, error) {
	// doc:start grants-implicit
	srv, err := server.New(server.Config{
		Issuer: "https://app.example.com", Store: st, Secret: secret,
		Scopes:           []server.Scope{{Name: "invoices"}},
		InsecureImplicit: true,                                                                                        // response_type=token, for clients with the grant type "implicit"
		Extensions:       []server.Extension{{Name: "none", Responses: []server.ResponseType{server.NoneResponse()}}}, // response_type=none
	})
	// doc:end
	return srv, err
}
