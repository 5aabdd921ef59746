// OpenID signs users in with OpenID Connect, on Gin, and out again: here and at the provider, whichever comes first. The provider runs in the same
// process, so that it works offline:
//
//	go run ./examples/openid-gin
package main

import (
	"flag"
	"fmt"
	"html"
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/examples/internal/op"
	"github.com/go-mandate/mandate/examples/internal/sessions"
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
	issuer, err := op.Start(base + "/auth/corp")
	if err != nil {
		return err
	}
	all := new(sessions.All)
	// doc:start openid-registry
	reg, err := client.NewRegistry(client.Config{
		BaseURL: base, // as browsers see it; beyond loopback it is https, and Secret is required
		Apps: []client.App{client.OpenID{
			Name: "corp", Issuer: issuer, Credentials: client.Credentials{ID: op.ClientID, Secret: op.Secret},
		}},
		BackChannelLogout: all.Ended, // the provider says that sessions have ended
		Replay:            memstore.New(),
	})
	// doc:end
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.UseRawPath = true
	r.GET("/", func(c *gin.Context) {
		id, _ := c.Cookie(sessions.Cookie)
		c.Data(200, "text/html; charset=utf-8", page(all.Get(id), issuer))
	})
	// doc:start openid-mount-gin
	err = mandategin.MountLogin(r, "/auth", reg, func(c *gin.Context, in *client.SignIn) {
		sid, _ := in.IDToken["sid"].(string)
		id, _ := in.Token.Extra("id_token").(string)
		session := sessions.Session{Name: in.Profile.Name, App: in.App, Subject: in.Profile.Subject, SID: sid, IDToken: id}
		c.SetSameSite(http.SameSiteLaxMode)
		c.SetCookie(sessions.Cookie, all.Add(session), 0, "/", "", false, true)
		c.Redirect(303, in.ReturnTo)
	}, mandategin.LoginConfig{Logout: func(c *gin.Context) client.Logout {
		id, _ := c.Cookie(sessions.Cookie)
		c.SetCookie(sessions.Cookie, "", -1, "/", "", false, true)
		return client.Logout{IDToken: all.Remove(id).IDToken, ReturnTo: "/"}
	}})
	// doc:end
	if err != nil {
		return err
	}
	fmt.Printf("Open %s and sign in.\n", base)
	return r.Run(addr)
}

// page shows who is signed in. The button is a form, so that no link of another site signs anybody out.
func page(s sessions.Session, issuer string) []byte {
	if s.Subject == "" {
		return []byte(`<!doctype html><title>OpenID</title><p>Nobody is signed in.<p><a href="/auth/corp/login?return_to=/">Sign in</a>`)
	}
	return []byte("<!doctype html><title>OpenID</title><p>Hello " + html.EscapeString(s.Name) +
		`.<form method="post" action="/auth/corp/logout"><button>Sign out</button></form><p><a href="` + html.EscapeString(issuer) + `/leave">Leave the provider</a>`)
}
