package docs

import (
	"context"
	"crypto"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// Server is the smallest server that is for real.
func Server(checkPassword func(ctx context.Context, name, password string) (server.User, error)) (*server.Server, error) {
	// doc:start server
	secret, err := mandate.ParseSecret(os.Getenv("MANDATE_SECRET")) // openssl rand -base64 32
	if err != nil {
		return nil, err
	}
	srv, err := server.New(server.Config{
		Issuer: "https://app.example.com", Prefix: "/oauth", // the public URL, and what is put before the endpoints' paths
		Store: memstore.New(), Secret: secret,
		Scopes: []server.Scope{{Name: "invoices", Title: "Read your invoices"}},
		Clients: []*store.Client{{
			ID: "books", Secrets: []store.Secret{server.HashSecret(os.Getenv("BOOKS_SECRET"))},
			Metadata: oauth2.ClientMetadata{
				Name: "Bookkeeper", RedirectURIs: []string{"https://books.example.com/callback"},
				GrantTypes: []string{"authorization_code", "refresh_token"},
			},
		}},
		SignIn: checkPassword, // func(ctx, name, password) (server.User, error): the built-in pages ask
	})
	// doc:end
	return srv, err
}

// Clients are the kinds of clients.
func Clients() []*store.Client {
	// doc:start clients
	secret, kept := server.NewClientSecret() // show secret to the client's owner once; only kept is stored
	clients := []*store.Client{
		{ // a web application: it has a server that can keep a secret
			ID: "books", Secrets: []store.Secret{kept},
			Metadata: oauth2.ClientMetadata{
				Name: "Bookkeeper", RedirectURIs: []string{"https://books.example.com/callback"},
				GrantTypes: []string{"authorization_code", "refresh_token"},
			},
		},
		{ // an app on a phone or desktop, or a page of scripts: it can keep none
			ID: "phone",
			Metadata: oauth2.ClientMetadata{
				Name: "Invoices for phones", AuthMethod: "none", ApplicationType: "native",
				RedirectURIs: []string{"com.example.invoices:/callback", "http://127.0.0.1/callback"}, // any port on loopback
				GrantTypes:   []string{"authorization_code", "refresh_token"},
			},
		},
		{ // a program that acts for itself, and asks about the tokens that it is shown
			ID: "report-job", Secrets: []store.Secret{kept},
			Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}, Scope: "invoices"},
			Policy:   store.Policy{Serves: "https://api.example.com", TokenTTL: 10 * time.Minute},
		},
	}
	// doc:end
	_ = secret
	return clients
}

// PutClient stores a client while the server runs.
func PutClient(ctx context.Context, w store.ClientWriter, kept store.Secret) error {
	// doc:start put-client
	err := w.PutClient(ctx, &store.Client{
		ID: "books", Secrets: []store.Secret{kept},
		Metadata: oauth2.ClientMetadata{RedirectURIs: []string{"https://books.example.com/callback"}},
	})
	if errors.Is(err, store.ErrExists) {
		return errors.New("there is a client called books already")
	}
	// doc:end
	return err
}

// Lifetimes are all that can be said of how long things live.
func Lifetimes(c server.Config) server.Config {
	// doc:start lifetimes
	c.CodeTTL = time.Minute             // a code, until it is exchanged
	c.TokenTTL = time.Hour              // an opaque access token
	c.JWTTTL = 10 * time.Minute         // a JWT, which guards elsewhere honour although it was revoked
	c.RefreshIdle = 30 * 24 * time.Hour // between two refreshes
	c.RefreshTTL = 365 * 24 * time.Hour // from the approval to the last refresh
	c.Rotation = server.RotateAlways    // every refresh token is good for one use ...
	c.Grace = 30 * time.Second          // ... and answered again for this long, with the same successor
	c.SessionIdle = 12 * time.Hour      // the built-in pages' sign-in
	c.SessionTTL = 7 * 24 * time.Hour   //
	c.KeyRotation = 90 * 24 * time.Hour // signing keys
	// doc:end
	return c
}

// JWT makes access tokens that anybody can check.
func JWT(c server.Config) server.Config {
	// doc:start jwt
	c.TokenFormat = server.JWT                              // or for one client: Policy.TokenFormat = "jwt"
	c.DefaultAudience = []string{"https://api.example.com"} // who they are for where the client names no resource
	c.Resources = []string{"https://api.example.com", "https://files.example.com"}
	// doc:end
	return c
}

// Keys are signing keys from a file or a KMS.
func Keys(c server.Config, signer crypto.Signer) (server.Config, error) {
	// doc:start keys
	key, err := jose.NewKey(jose.ES256, signer, "2026-01") // of a KMS, an HSM or x509.ParsePKCS8PrivateKey
	if err != nil {
		return c, err
	}
	c.Keys = jose.RingOf(key) // all are published; of those with one algorithm the first signs
	// doc:end
	return c, nil
}

// Rotation puts a new root secret in front.
func Rotation() (mandate.Secret, error) {
	// doc:start rotate-secret
	secret, err := mandate.ParseSecret(os.Getenv("MANDATE_SECRET"), os.Getenv("MANDATE_SECRET_BEFORE"))
	// doc:end
	return secret, err
}

// Hooks hear what happens.
func Hooks() mandate.Hooks {
	// doc:start hooks
	hooks := mandate.JoinHooks(
		mandate.LogHooks(slog.Default()), // what went wrong, what was refused, what was issued: never a secret
		mandate.Hooks{On: func(_ context.Context, e mandate.Event) {
			if e.Name == mandate.GrantReused {
				fmt.Fprintln(os.Stderr, "a code or refresh token of", e.ClientID, "was stolen; grant", e.GrantID, "is over")
			}
		}},
	)
	// doc:end
	return hooks
}

// Limit bounds guessing.
func Limit(c server.Config) (server.Config, error) {
	// doc:start limit
	limiter, err := server.NewLimiter(server.LimiterConfig{Free: 3, MaxWait: time.Minute})
	if err != nil {
		return c, err
	}
	c.Limiter = limiter
	c.RemoteAddr = func(r *mandate.Request) string { return r.Header.Get("X-Real-IP") } // only if your proxy sets it, whatever clients send
	// doc:end
	return c, nil
}

// Maintain closes the server for a while.
func Maintain(srv *server.Server, migrate func() error) error {
	// doc:start maintain
	srv.Pause(2 * time.Minute) // 503 temporarily_unavailable, Retry-After: 120
	defer srv.Resume()
	err := migrate()
	// doc:end
	return err
}

// Around is what a server has around its endpoints.
func Around(c server.Config) server.Config {
	// doc:start around
	c.Deadlines = map[string]time.Duration{"": 10 * time.Second, "token": 3 * time.Second}
	c.AllowOrigin = func(origin string) bool { return origin == "https://spa.example.com" } // default: any, never with cookies
	// doc:end
	return c
}

// Machines is a server for machines alone: nobody signs in, so there is no SignIn and there are no pages.
func Machines(st store.Store, secret mandate.Secret, kept store.Secret) (*server.Server, error) {
	// doc:start machines
	srv, err := server.New(server.Config{
		Issuer: "https://app.example.com", Prefix: "/oauth", Store: st, Secret: secret,
		GrantTypes: []server.GrantType{server.ClientCredentials()}, // without the code grant there is no authorization endpoint
		Scopes:     []server.Scope{{Name: "invoices"}},
		Clients: []*store.Client{{
			ID: "report-job", Secrets: []store.Secret{kept},
			Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}},
		}},
	})
	// doc:end
	return srv, err
}

// AuthMethods turns two of the ways in which clients authenticate off.
func AuthMethods(c server.Config) server.Config {
	// doc:start auth-methods
	c.ClientAuthMethods = []string{"client_secret_basic"} // no secrets in forms, no public clients
	// doc:end
	return c
}

// Proxied is a server behind a proxy that strips a path.
func Proxied(st store.Store, secret mandate.Secret) server.Config {
	// doc:start proxy
	config := server.Config{
		Issuer:   "https://example.com/shop", // what clients see
		BasePath: "/shop",                    // what the proxy strips: the application serves /oauth/token
		Prefix:   "/oauth",
		Store:    st, Secret: secret,
	}
	// doc:end
	return config
}

// Pages changes the built-in pages.
func Pages() (*pages.Set, error) {
	// doc:start pages
	set, err := pages.New(pages.Options{
		Brand: "Example",
		Lang:  "de",
		Texts: pages.Texts{LoginTitle: "Anmelden"}, // what is left out stays English
		CSS:   pages.DefaultCSS() + ":root { --accent: #0b6b3a }",
	})
	// doc:end
	return set, err
}

// doc:start claims

// withRoles is a grant type that adds a claim to the access tokens of another.
type withRoles struct {
	server.GrantType

	rolesOf func(ctx context.Context, subject string) ([]string, error)
}

// Token lets the grant type decide, and adds to what it decided.
func (w withRoles) Token(ctx context.Context, r *server.TokenRequest) (*server.Issue, error) {
	issue, err := w.GrantType.Token(ctx, r)
	if err != nil || issue.Grant.Subject == "" {
		return issue, err
	}
	roles, err := w.rolesOf(ctx, issue.Grant.Subject)
	if issue.Claims == nil {
		issue.Claims = make(map[string]any)
	}
	issue.Claims["roles"] = roles // RFC 9068, 2.2.3.1: what RequireRole asks
	return issue, err
}

// doc:end

// Roles puts roles into access tokens.
func Roles(c server.Config, rolesOf func(ctx context.Context, subject string) ([]string, error)) server.Config {
	// doc:start claims-config
	c.GrantTypes = []server.GrantType{
		withRoles{server.AuthorizationCode(), rolesOf}, withRoles{server.RefreshToken(), rolesOf}, server.ClientCredentials(),
	}
	// doc:end
	return c
}

// Extension is one that does a little of everything.
func Extension(plans func(subject string) string) server.Extension {
	// doc:start extension
	plan := server.Extension{
		Name: "plan",
		// More in the token response.
		Issued: func(_ context.Context, _ *server.Issue, t *mandate.Token, r *server.TokenResponse) error {
			if r.Members == nil {
				r.Members = make(map[string]any)
			}
			r.Members["plan"] = plans(t.Subject())
			return nil
		},
		// An endpoint, at https://app.example.com/oauth/plan, advertised as plan_endpoint.
		Endpoints: func(s *server.Server) []mandate.Endpoint {
			return []mandate.Endpoint{{
				Name: "plan", Path: "/plan", Methods: []string{"POST"},
				Handle: func(ctx context.Context, r *mandate.Request) *mandate.Response {
					client, err := s.AuthenticateClient(ctx, r)
					if err != nil {
						return s.Refuse(err)
					}
					return server.JSON(200, map[string]string{"client": client.ID})
				},
			}}
		},
		// More in the metadata document.
		Metadata: func(members map[string]json.RawMessage) error {
			members["plans_supported"] = json.RawMessage(`["free","paid"]`)
			return nil
		},
		// A check of authorization requests; the error goes back to the client.
		Begin: func(_ context.Context, a *server.Ask, _ mandate.Params) error {
			if a.Client.ID == "old-app" {
				return mandate.Errorf(mandate.UnauthorizedClient, nil, "update the app")
			}
			return nil
		},
	}
	// doc:end
	return plan
}

// StepUp is a requirement of a recent sign-in.
func StepUp() mandate.Requirement {
	// doc:start requirement
	need := mandate.AnyOf(
		mandate.AllOf(mandate.Scope("payouts"), mandate.MaxAge(5*time.Minute), mandate.ACR("gold")),
		mandate.Func("is the night job", func(t *mandate.Token) bool { return t.ClientID() == "night-job" }),
	)
	// doc:end
	return need
}

// OwnClients reads clients from the application's own table first.
func OwnClients(base store.Store, db *sql.DB) store.Store {
	// doc:start own-clients
	st := store.ClientsFunc(base, func(ctx context.Context, id string) (*store.Client, error) {
		var redirectURI string
		var digest []byte // of the secret: server.HashSecret(secret).Value
		err := db.QueryRowContext(ctx, "SELECT redirect_uri, secret FROM apps WHERE id = ?", id).Scan(&redirectURI, &digest)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil, store.ErrNotFound // base is asked
		case err != nil:
			return nil, err // an outage: nobody is
		}
		return &store.Client{
			ID: id, Secrets: []store.Secret{{Form: store.SHA256, Value: digest}},
			Metadata: oauth2.ClientMetadata{RedirectURIs: []string{redirectURI}},
		}, nil
	})
	// doc:end
	return st
}

// Parts puts stores together, and takes one apart.
func Parts(base, quick store.Store) (whole, tenant store.Store) {
	// doc:start parts
	whole = store.Override(base, store.Parts{Tickets: quick, Replay: quick}) // what is short-lived elsewhere
	tenant = store.Namespace(base, "https://id.example.com/acme")            // several issuers in one store never meet
	// doc:end
	return whole, tenant
}

// Prune removes what nobody can need any more, once a minute.
func Prune(ctx context.Context, st store.Store) error {
	// doc:start prune
	for range time.Tick(time.Minute) {
		if _, err := st.Prune(ctx, time.Now(), 1000); err != nil {
			slog.ErrorContext(ctx, "prune", "err", err)
		}
	}
	// doc:end
	return nil
}

// Check reads the error of a call.
func Check(ctx context.Context, guard *resource.Guard, tok *mandate.Token) {
	// doc:start errors
	_, err := guard.User(ctx, tok)
	switch {
	case errors.Is(err, mandate.ErrNoUser): // a client acts for itself
	case errors.Is(err, mandate.InvalidToken): // the code is the sentinel
	}
	if err != nil {
		slog.ErrorContext(ctx, "refused", "err", err) // code, description and cause; err.Error() is what the peer may see
	}
	// doc:end
}
