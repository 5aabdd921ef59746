package docs

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// OAuth1Server serves clients of OAuth 1.0a.
func OAuth1Server(issuer string, st store.Store, secret mandate.Secret, signIn func(context.Context, string, string) (server.User, error), consumerSecret string, jwks []byte) (*server.Server, error) {
	// doc:start oauth1-server
	return server.New(server.Config{
		Issuer: issuer, Store: st, Secret: secret, SignIn: signIn,
		OAuth1: &server.OAuth1{},                                           // /oauth1/request_token, /oauth1/authorize, /oauth1/access_token
		Scopes: []server.Scope{{Name: "photos", Title: "See your photos"}}, // realms
		Clients: []*store.Client{
			{
				ID:      "printer", // the consumer key
				Secrets: []store.Secret{server.ClearSecret(consumerSecret)},
				Metadata: oauth2.ClientMetadata{
					Name: "Photo printer", GrantTypes: []string{server.GrantTypeOAuth1},
					RedirectURIs: []string{"https://printer.example.com/callback"}, Scope: "photos",
				},
				Policy: store.Policy{Default: "photos"}, // what it gets where it sends no realm
			},
			{
				ID: "archive", // signs with an RSA key
				Metadata: oauth2.ClientMetadata{
					Name: "Archive", GrantTypes: []string{server.GrantTypeOAuth1}, AuthMethod: "private_key_jwt", JWKS: jwks,
					RedirectURIs: []string{"https://archive.example.com/callback"}, Scope: "photos",
				},
			},
		},
	})
	// doc:end
}

// OAuth1Secret makes a client of OAuth 1.0a in a store.
func OAuth1Secret(ctx context.Context, srv *server.Server, st store.ClientWriter) (string, error) {
	// doc:start oauth1-register
	c := &store.Client{ID: "printer", Metadata: oauth2.ClientMetadata{
		Name: "Photo printer", GrantTypes: []string{server.GrantTypeOAuth1}, RedirectURIs: []string{"https://printer.example.com/callback"},
	}}
	secret, kept := srv.NewSecretFor(c) // sealed under Config.Secret: a signature needs it back
	c.Secrets = []store.Secret{kept}
	if err := srv.CheckClient(c); err != nil {
		return "", err
	}
	err := st.PutClient(ctx, c)
	// doc:end
	return secret, err
}

// OAuth1Options are what can be set.
func OAuth1Options(tenantOf func(clientID string) string) *server.OAuth1 {
	// doc:start oauth1-options
	options := &server.OAuth1{
		Methods: []oauth1.Method{oauth1.HMACSHA256, oauth1.HMACSHA1, oauth1.RSASHA1}, // in place of the default
		Length:  40, Alphabet: "abcdefghijklmnopqrstuvwxyz0123456789",
		Extra: func(_ context.Context, i server.OAuth1Issue) ([]mandate.Field, error) { // Flask-OAuthlib's extra credentials
			return []mandate.Field{{Name: "tenant", Value: tenantOf(i.Client.ID)}}, nil
		},
	}
	// doc:end
	return options
}

// DecideForOAuth1 is an application's own decision, which tells OAuth 1.0a apart where it wants to.
func DecideForOAuth1(ask *server.Ask, user server.User, page func(text string) error) server.Answer {
	// doc:start oauth1-decide
	if ask.OAuth1() && !ask.Submitted() {
		return server.Page(func() error {
			text := ask.ClientName() + " wants access until you take it back."
			if ask.RedirectHost() == "" {
				text += " You will get a code to type there."
			}
			return page(text)
		})
	}
	// doc:end
	return server.Approve(user)
}

// OAuth1Guard takes both generations.
func OAuth1Guard(srv *server.Server) (*resource.Guard, error) {
	// doc:start oauth1-guard
	guard, err := resource.New(resource.Config{
		Audience: "https://api.example.com",
		Verifiers: []resource.Verifier{
			resource.Of(srv), // Bearer tokens
			resource.OAuth1{Server: srv, BaseURL: "https://api.example.com"}, // signed requests, for the URL that clients call
		},
	})
	// doc:end
	return guard, err
}

// OAuth1Gin registers all of it with Gin.
func OAuth1Gin(r *gin.Engine, srv *server.Server, guard *resource.Guard, photos, launch gin.HandlerFunc) error {
	// doc:start oauth1-gin
	auth := mandategin.New(guard)
	r.GET("/photos", auth.Require("photos"), photos)
	r.POST("/lti/launch", auth.RequireClient(), launch)
	err := mandategin.Mount(r, srv)
	// doc:end
	return err
}

// OAuth1Echo registers all of it with Echo.
func OAuth1Echo(r *echo.Echo, srv *server.Server, guard *resource.Guard, photos, launch echo.HandlerFunc) error {
	// doc:start oauth1-echo
	auth := mandateecho.New(guard)
	r.GET("/photos", photos, auth.Require("photos"))
	r.POST("/lti/launch", launch, auth.RequireClient())
	err := mandateecho.Mount(r, srv)
	// doc:end
	return err
}

// OAuth1Fiber registers all of it with Fiber.
func OAuth1Fiber(r *fiber.App, srv *server.Server, guard *resource.Guard, photos, launch fiber.Handler) error {
	// doc:start oauth1-fiber
	auth := mandatefiber.New(guard)
	r.Get("/photos", auth.Require("photos"), photos)
	r.Post("/lti/launch", auth.RequireClient(), launch)
	err := mandatefiber.Mount(r, srv)
	// doc:end
	return err
}

// Launch is the handler of an LTI 1.x launch.
func Launch(c *gin.Context) {
	// doc:start oauth1-launch
	consumer := mandategin.Token(c).ClientID() // who signed it; there is no user in the sense of OAuth
	course, learner := c.PostForm("context_id"), c.PostForm("user_id")
	c.String(http.StatusOK, "%s sends %s to %s", consumer, learner, course)
	// doc:end
}

// OAuth1Consumer is the client of an LTI platform.
func OAuth1Consumer(secret string) *store.Client {
	// doc:start oauth1-lti
	platform := &store.Client{
		ID: "moodle", Secrets: []store.Secret{server.ClearSecret(secret)},
		Metadata: oauth2.ClientMetadata{Name: "Our Moodle", GrantTypes: []string{server.GrantTypeOAuth1, "client_credentials"}},
	}
	// doc:end
	return platform
}

// OldCredentials are token credentials in the table of another provider.
type OldCredentials struct{ Token, Secret, ClientKey, UserID, Realms string }

// ImportOAuth1 lets clients go on with the credentials that they have.
func ImportOAuth1(ctx context.Context, srv *server.Server, rows []OldCredentials) error {
	// doc:start oauth1-import
	for _, row := range rows { // of the table of access tokens
		err := srv.ImportOAuth1Token(ctx, server.ImportedOAuth1Token{
			Token: row.Token, Secret: row.Secret, ClientID: row.ClientKey, Subject: row.UserID, Realms: mandate.Scopes(row.Realms),
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) { // of a client that is gone
			return err
		}
	}
	return nil
	// doc:end
}
