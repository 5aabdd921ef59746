// OpenID signs users in with OpenID Connect, on Echo, and out again: here and at the provider, whichever comes first. The provider runs in the same
// process, so that it works offline:
//
//	go run ./examples/openid-echo
package main

import (
	"flag"
	"fmt"
	"html"
	"log"
	"net/http"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
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
	reg, err := client.NewRegistry(client.Config{
		BaseURL: base, // as browsers see it; beyond loopback it is https, and Secret is required
		Apps: []client.App{client.OpenID{
			Name: "corp", Issuer: issuer, Credentials: client.Credentials{ID: op.ClientID, Secret: op.Secret},
		}},
		BackChannelLogout: all.Ended, // the provider says that sessions have ended
		Replay:            memstore.New(),
	})
	if err != nil {
		return err
	}
	r := echo.New()
	r.HideBanner, r.HidePort = true, true
	r.GET("/", func(c echo.Context) error { return c.HTMLBlob(200, page(all.Get(cookie(c)), issuer)) })
	// doc:start openid-mount-echo
	err = mandateecho.MountLogin(r, "/auth", reg, func(c echo.Context, in *client.SignIn) error {
		sid, _ := in.IDToken["sid"].(string)
		id, _ := in.Token.Extra("id_token").(string)
		session := sessions.Session{Name: in.Profile.Name, App: in.App, Subject: in.Profile.Subject, SID: sid, IDToken: id}
		c.SetCookie(&http.Cookie{Name: sessions.Cookie, Value: all.Add(session), Path: "/", HttpOnly: true, Secure: c.IsTLS(), SameSite: http.SameSiteLaxMode}) //nolint:gosec // on loopback there is no TLS
		return c.Redirect(303, in.ReturnTo)
	}, mandateecho.LoginConfig{Logout: func(c echo.Context) client.Logout {
		ended := all.Remove(cookie(c))
		c.SetCookie(&http.Cookie{Name: sessions.Cookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: c.IsTLS(), SameSite: http.SameSiteLaxMode}) //nolint:gosec // on loopback there is no TLS
		return client.Logout{IDToken: ended.IDToken, ReturnTo: "/"}
	}})
	// doc:end
	if err != nil {
		return err
	}
	fmt.Printf("Open %s and sign in.\n", base)
	return r.Start(addr)
}

// cookie returns the id of the browser's session.
func cookie(c echo.Context) string {
	session, err := c.Cookie(sessions.Cookie)
	if err != nil {
		return ""
	}
	return session.Value
}

// page shows who is signed in. The button is a form, so that no link of another site signs anybody out.
func page(s sessions.Session, issuer string) []byte {
	if s.Subject == "" {
		return []byte(`<!doctype html><title>OpenID</title><p>Nobody is signed in.<p><a href="/auth/corp/login?return_to=/">Sign in</a>`)
	}
	return []byte("<!doctype html><title>OpenID</title><p>Hello " + html.EscapeString(s.Name) +
		`.<form method="post" action="/auth/corp/logout"><button>Sign out</button></form><p><a href="` + html.EscapeString(issuer) + `/leave">Leave the provider</a>`)
}
