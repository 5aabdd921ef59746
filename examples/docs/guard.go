// Package docs has the code of the documentation that is part of no program: what stands between doc:start and doc:end is copied
// into README.md and docs/.
package docs

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// User is an account of an application.
type User struct{ ID, Name string }

// GuardJWT is a guard for the tokens of an issuer elsewhere.
func GuardJWT() (*resource.Guard, error) {
	// doc:start guard-jwt
	guard, err := resource.New(resource.Config{
		Audience:  "https://api.example.com",                                           // who a token must be for: this API
		Verifiers: []resource.Verifier{resource.JWT{Issuer: "https://id.example.com"}}, // its keys are found, kept and renewed
	})
	// doc:end
	return guard, err
}

// GuardOf is a guard for the tokens of a server in the same process.
func GuardOf(srv *server.Server) (*resource.Guard, error) {
	// doc:start guard-of
	guard, err := resource.New(resource.Config{
		Audience:  "https://api.example.com",
		Verifiers: []resource.Verifier{resource.Of(srv)},
	})
	// doc:end
	return guard, err
}

// GuardKeycloak is a guard for the tokens of an issuer that has its own ideas.
func GuardKeycloak(keys *jose.KeySet) (*resource.Guard, error) {
	// doc:start guard-dialect
	guard, err := resource.New(resource.Config{
		Audience: "shop-api",
		Verifiers: []resource.Verifier{resource.JWT{
			Issuer: "https://sso.example.com/realms/shop", Keys: resource.FixedKeys(keys),
			AnyType:      true,                            // it sends typ "JWT", not "at+jwt"
			ClientClaims: []string{"azp"},                 // it calls client_id "azp"
			RolesClaims:  []string{"/realm_access/roles"}, // a JSON pointer; they become what RequireRole asks
		}},
	})
	// doc:end
	return guard, err
}

// GuardSeveral is a guard for several kinds of tokens at once.
func GuardSeveral(srv *server.Server, keys *jose.KeySet) (*resource.Guard, error) {
	// doc:start guard-several
	guard, err := resource.New(resource.Config{
		Audience: "https://api.example.com",
		Verifiers: []resource.Verifier{ // the first that knows a token by its shape and issuer decides
			resource.JWT{Issuer: "https://partner.example", Keys: resource.FixedKeys(keys)},
			resource.Of(srv),
		},
	})
	// doc:end
	return guard, err
}

// GuardUser is a guard that loads users and tells the developer why it refuses.
func GuardUser(srv *server.Server, db *sql.DB) (*resource.Guard, error) {
	// doc:start guard-user
	guard, err := resource.New(resource.Config{
		Audience:  "https://api.example.com",
		Verifiers: []resource.Verifier{resource.Of(srv)},
		User: func(ctx context.Context, tok *mandate.Token) (any, error) { // at most once for a request, and only if asked for
			u := &User{ID: tok.Subject()}
			err := db.QueryRowContext(ctx, "SELECT name FROM users WHERE id = ?", u.ID).Scan(&u.Name)
			if errors.Is(err, sql.ErrNoRows) {
				return nil, mandate.InvalidToken // the account is gone: 401. Any other error is a fault: 500
			}
			return u, err
		},
		Hooks: resource.LogRefusals(slog.Default()), // one line for each refusal, with the cause
	})
	// doc:end
	return guard, err
}

// GuardMetadata is a guard that tells clients where tokens for it come from.
func GuardMetadata(srv *server.Server, key *jose.Key) (*resource.Guard, error) {
	// doc:start guard-metadata
	guard, err := resource.New(resource.Config{
		Audience:  "https://api.example.com/v1",
		Verifiers: []resource.Verifier{resource.Of(srv)},
		Metadata: &oauth2.ResourceMetadata{ // RFC 9728; Resource is the Audience
			AuthorizationServers: []string{"https://id.example.com"},
			Scopes:               []string{"orders", "profile"},
			Name:                 "Shop", Documentation: "https://docs.example.com/api",
		},
		MetadataKey: key, // also as a JWT of this API's own: signed_metadata. Leave it out where nobody asks for that
	})
	// doc:end
	return guard, err
}

// GuardChecks is a guard that asks the application, too.
func GuardChecks(srv *server.Server, gateway func(*mandate.Request) bool, dead func(context.Context, string) (bool, error), suspended func(string) bool) (*resource.Guard, error) {
	// doc:start guard-checks
	guard, err := resource.New(resource.Config{
		Audience:  "https://api.example.com",
		Verifiers: []resource.Verifier{resource.Of(srv)},
		CheckRequestWithSecrets: func(_ context.Context, r *mandate.Request) error { // before the token: r has credentials, do not log it
			if !gateway(r) {
				return mandate.Errorf(mandate.InvalidRequest, nil, "the request did not come through the gateway")
			}
			return nil
		},
		Revoked: func(ctx context.Context, tok *mandate.Token) (bool, error) { // each time, also for a token that is remembered
			return dead(ctx, tok.ID())
		},
		CheckToken: func(_ context.Context, tok *mandate.Token) error { // the last word, after scopes and roles
			if suspended(tok.Subject()) {
				return mandate.Errorf(mandate.AccessDenied, nil, "the account is suspended") // 403
			}
			return nil
		},
	})
	// doc:end
	return guard, err
}

// GuardSchemes is a guard that takes API keys beside bearer tokens.
func GuardSchemes(srv *server.Server, findKey func(context.Context, string, time.Time) (*mandate.Token, error)) (*resource.Guard, error) {
	// doc:start guard-schemes
	guard, err := resource.New(resource.Config{
		Audience: "https://api.example.com",
		Verifiers: []resource.Verifier{
			resource.Of(srv), // Authorization: Bearer ...
			resource.Scheme("ApiKey", resource.Lookup(findKey)), // Authorization: ApiKey ...
		},
	})
	// doc:end
	return guard, err
}

// work is what a handler calls.
func work(ctx context.Context, tok *mandate.Token) map[string]any {
	return map[string]any{"client": tok.ClientID(), "known deeper down": mandate.TokenFrom(ctx) != nil}
}

// doc:start problem

// problem is RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// doc:end
