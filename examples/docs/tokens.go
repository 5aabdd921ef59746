package docs

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
)

// Directory is where an application knows its users from.
type Directory interface {
	// Roles returns what a user may do.
	Roles(ctx context.Context, subject string) ([]string, error)
	// Name returns what a user is called.
	Name(ctx context.Context, subject string) (string, error)
}

// TokenLives says how long access tokens live.
func TokenLives(c server.Config) server.Config {
	// doc:start token-lives
	c.TokenTTL = time.Hour                  // opaque access tokens
	c.JWTTTL = 10 * time.Minute             // JWTs
	c.Lifetimes = map[string]time.Duration{ // by grant type, whatever the format
		"client_credentials": 5 * time.Minute,
	}
	// doc:end
	return c
}

// TokenLife says it by function.
func TokenLife(c server.Config) server.Config {
	// doc:start token-life
	c.Lifetime = func(_ context.Context, p server.TokenPlan) (time.Duration, error) {
		if p.Scopes.Has("payments") {
			return time.Minute, nil
		}
		return 0, nil // as the client's policy, Lifetimes and TokenTTL say
	}
	// doc:end
	return c
}

// TokenNoEnd makes tokens that live until they are revoked.
func TokenNoEnd(c server.Config) server.Config {
	// doc:start token-no-end
	c.Lifetimes = map[string]time.Duration{"client_credentials": server.InsecureNoEnd}
	// doc:end
	return c
}

// TokenPrefix makes tokens that begin with "acmea_".
func TokenPrefix(c server.Config) server.Config {
	// doc:start token-prefix
	c.TokenPrefixes = []string{"acme", "md"} // made with the first, taken with any: "md" is the default, of those that are out
	// doc:end
	return c
}

// TokenGenerator makes tokens of a form of the application's own.
func TokenGenerator(c server.Config) server.Config {
	// doc:start token-generator
	c.GenerateToken = func(_ context.Context, p server.TokenPlan) (string, error) {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails
		return "acme-eu-" + p.Client.ID + "-" + base64.RawURLEncoding.EncodeToString(b[:]), nil
	}
	// doc:end
	return c
}

// TokenClaims puts roles into access tokens.
func TokenClaims(c server.Config, directory Directory) server.Config {
	// doc:start token-claims
	c.Claims = func(ctx context.Context, p server.TokenPlan) (map[string]any, error) {
		if p.Grant.Subject == "" {
			return map[string]any{"tenant": "eu"}, nil // a client that acts for itself
		}
		roles, err := directory.Roles(ctx, p.Grant.Subject)
		return map[string]any{"tenant": "eu", "roles": roles}, err
	}
	// doc:end
	return c
}

// TokenMembers answers the user beside the token.
func TokenMembers(c server.Config, directory Directory) server.Config {
	// doc:start token-members
	c.Extensions = append(c.Extensions, server.Extension{
		Name: "user",
		Issued: func(ctx context.Context, _ *server.Issue, t *mandate.Token, r *server.TokenResponse) error {
			if t.Subject() == "" {
				return nil
			}
			name, err := directory.Name(ctx, t.Subject())
			if err != nil {
				return err
			}
			if r.Members == nil {
				r.Members = make(map[string]any)
			}
			r.Members["user"] = map[string]string{"id": t.Subject(), "name": name}
			return nil
		},
	})
	// doc:end
	return c
}

// Introspected changes what the introspection endpoint says.
func Introspected(c server.Config, directory Directory) server.Config {
	// doc:start token-introspect
	c.Introspect = func(ctx context.Context, a *server.Introspected) error {
		if a.Client.ID == "statistics" {
			delete(a.Members, "sub") // it learns that a token is good, and not whose it is
			return nil
		}
		subject, _ := a.Members["sub"].(string)
		name, err := directory.Name(ctx, subject)
		a.Members["username"] = name
		return err
	}
	// doc:end
	return c
}

// SignedAnswers signs what the introspection endpoint says.
func SignedAnswers(c server.Config) server.Config {
	// doc:start token-signed
	c.SignedIntrospection = &server.SignedIntrospection{Algs: []jose.Alg{jose.ES256, jose.RS256}}
	// doc:end
	return c
}

// ErrorPages links errors to what an application says about them.
func ErrorPages(c server.Config) server.Config {
	// doc:start token-error-uris
	c.ErrorURIs = map[mandate.Code]string{
		mandate.InvalidScope: "https://developers.example.com/oauth/scopes",
		mandate.InvalidGrant: "https://developers.example.com/oauth/codes-and-refresh-tokens",
	}
	// doc:end
	return c
}
