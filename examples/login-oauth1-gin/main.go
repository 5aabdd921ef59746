// Login-oauth1 signs users in with a provider of OAuth 1.0a and calls its API for them, on Gin. The provider runs in the same process, so that it works
// offline:
//
//	go run ./examples/login-oauth1-gin
//
// -provider is another one, with the same paths, for the consumer "demo" with the same secret.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"html"
	"log"
	"strings"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/examples/internal/local"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	provider := flag.String("provider", "", "where the provider is; one of this process where it is empty")
	method := flag.String("method", "HMAC-SHA1", "signature method")
	flag.Parse()
	log.Fatal(run(*addr, *provider, oauth1.Standard(*method)))
}

// run serves on addr, which is on loopback, until that fails.
func run(addr, provider string, method oauth1.Method) error {
	base := "http://" + addr
	if provider == "" {
		var err error
		if provider, err = local.StartOAuth1("West", base+"/auth/west/callback"); err != nil {
			return err
		}
	}
	reg, err := newRegistry(base, provider, method)
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.UseRawPath = true
	r.GET("/", func(c *gin.Context) { show(c, 200, "Nobody is signed in.") })
	// doc:start oauth1-login-gin
	err = mandategin.MountLogin(r, "/auth", reg, func(c *gin.Context, in *client.SignIn) {
		photos, err := photosOf(mandategin.Context(c), in)
		if err != nil {
			show(c, 502, explain(err))
			return
		}
		show(c, 200, fmt.Sprintf("Hello %s, you are %s of %s. Your photos: %s.", in.Profile.Name, in.Profile.Subject, in.App, photos))
	}, mandategin.LoginConfig{
		Error: func(c *gin.Context, err *client.Error) { show(c, err.HTTPStatus(), explain(err)) },
	})
	// doc:end
	if err != nil {
		return err
	}
	fmt.Printf("Open %s and sign in as demo, password demo.\n", base)
	return r.Run(addr)
}

// newRegistry returns what signs users in with a provider of OAuth 1.0a.
func newRegistry(base, west string, method oauth1.Method) (*client.Registry, error) {
	// doc:start oauth1-registry
	return client.NewRegistry(client.Config{
		BaseURL: base, // as browsers see it; beyond loopback it is https, and Secret is required
		Tokens:  memstore.New(),
		Apps: []client.App{client.OAuth1{
			Name: "west", Credentials: client.Credentials{ID: "demo", Secret: local.Secret}, Method: method,
			RequestTokenURL: west + "/oauth1/request_token", AuthURL: west + "/oauth1/authorize", TokenURL: west + "/oauth1/access_token",
			Scopes: []string{"photos"}, // as the realm; most providers have none
			APIURL: west, ProfileURL: west + "/me",
		}},
	})
	// doc:end
}

// photosOf keeps what the user granted, and calls the API with it.
func photosOf(ctx context.Context, in *client.SignIn) (string, error) {
	// doc:start oauth1-kept
	account := in.App + "/" + in.Profile.Subject // your own name of the user
	if err := in.Keep(ctx, account); err != nil {
		return "", err
	}
	// From now on, and in every process, calls of this account are signed with what is kept.
	resp, err := in.Remote().API(account).Get(ctx, "/photos", nil)
	if err != nil {
		return "", err
	}
	var photos []string
	err = resp.Decode(&photos)
	return strings.Join(photos, ", "), err
	// doc:end
}

// explain is for the user. The log gets the error itself, which says more and holds no secret.
func explain(err error) string {
	log.Print(err)
	switch {
	case errors.Is(err, client.Denied):
		return "You said no. That is fine."
	case errors.Is(err, client.StateMissing), errors.Is(err, client.Expired):
		return "That sign-in is over. Please begin again."
	default:
		return "The provider could not sign you in. Please try again later."
	}
}

func show(c *gin.Context, status int, text string) {
	c.Data(status, "text/html; charset=utf-8", []byte("<!doctype html><title>Login</title><p>"+html.EscapeString(text)+link))
}

const link = `<p><a href="/auth/west/login">Sign in with West</a>`
