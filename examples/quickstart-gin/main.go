// Quickstart is an authorization server, an API that it guards and a browser client of both, in one process, on Gin:
//
//	go run ./examples/quickstart-gin
package main

import (
	"context"
	"flag"
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	wire "github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	log.Fatal(run(*addr))
}

// run serves on addr, which is on loopback, until that fails.
func run(addr string) error {
	base := "http://" + addr
	// The authorization server: one client, two scopes, the built-in pages.
	srv, err := server.New(server.Config{
		Issuer: base, Prefix: "/oauth", Store: memstore.New(), SignIn: checkPassword,
		Scopes: []server.Scope{{Name: "profile", Title: "See who you are"}, {Name: "reports", Title: "Read the reports"}},
		Clients: []*store.Client{{
			ID: "demo", Secrets: []store.Secret{server.HashSecret("demo-secret")},
			Metadata: wire.ClientMetadata{
				Name: "Demo client", RedirectURIs: []string{base + "/callback"}, GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"},
			},
		}},
	})
	if err != nil {
		return err
	}

	// The API, behind a guard that takes the server's tokens.
	guard, err := resource.New(resource.Config{Audience: base + "/api", Verifiers: []resource.Verifier{resource.Of(srv)}})
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.UseRawPath = true
	auth := mandategin.New(guard)
	r.GET("/api/me", auth.With(me, "profile"))
	r.GET("/api/reports", auth.Require("reports"), reports)

	// The client: a page with a link, and where the browser comes back to.
	app := &client{api: base + "/api/me", config: oauth2.Config{
		ClientID: "demo", ClientSecret: "demo-secret", RedirectURL: base + "/callback", Scopes: []string{"profile"},
		Endpoint: oauth2.Endpoint{AuthURL: base + "/oauth/authorize", TokenURL: base + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader},
	}}
	r.GET("/", func(c *gin.Context) { show(c, "Nobody is signed in.") })
	r.GET("/login", app.login)
	r.GET("/callback", app.callback)

	if err := mandategin.Mount(r, srv); err != nil {
		return err
	}
	fmt.Printf(hello, base)
	return r.Run(addr)
}

const hello = `Open %[1]s and sign in as demo, password demo. Or paste these: a token for the client itself, then the API with it (200), without it (401), and where another scope is needed (403):

  TOKEN=$(curl -s -u demo:demo-secret -d grant_type=client_credentials -d scope=reports %[1]s/oauth/token | sed 's/.*"access_token":"//; s/".*//')
  curl -iw '\n' -H "Authorization: Bearer $TOKEN" %[1]s/api/reports
  curl -iw '\n' %[1]s/api/reports
  curl -iw '\n' -H "Authorization: Bearer $TOKEN" %[1]s/api/me
`

func checkPassword(_ context.Context, name, password string) (server.User, error) {
	if name != "demo" || password != "demo" {
		return server.User{}, mandate.AccessDenied
	}
	return server.User{Subject: "user-1", Name: "Demo"}, nil
}

func me(c *gin.Context, tok *mandate.Token) {
	c.JSON(200, map[string]any{"user": tok.Subject(), "scope": tok.Scopes()})
}

func reports(c *gin.Context) { c.JSON(200, map[string]any{"reports": []string{"January", "February"}}) }

type client struct {
	config oauth2.Config
	api    string
}

func (a *client) login(c *gin.Context) {
	state, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	c.SetSameSite(http.SameSiteLaxMode)
	c.SetCookie("login", state+"."+verifier, 600, "/callback", "", false, true)
	c.Redirect(303, a.config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)))
}

func (a *client) callback(c *gin.Context) {
	cookie, _ := c.Cookie("login") // finish refuses an empty one
	show(c, a.finish(c.Request.Context(), cookie, c.Query("state"), c.Query("code"), c.Query("error")))
}

// finish trades the code for a token, asks the API with it and returns what it says.
func (a *client) finish(ctx context.Context, cookie, state, code, refusal string) string {
	begun, verifier, _ := strings.Cut(cookie, ".")
	if begun == "" || begun != state {
		return "This sign-in was not begun in this browser."
	}
	if refusal != "" {
		return "The server refused: " + refusal
	}
	tok, err := a.config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return err.Error()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.api, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := a.config.Client(ctx, tok).Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what arrived is shown
	return "The API says: " + string(body)
}

func show(c *gin.Context, text string) {
	c.Data(200, "text/html; charset=utf-8", []byte("<!doctype html><title>Quickstart</title><p>"+html.EscapeString(text)+`<p><a href="/login">Sign in</a>`))
}
