// Package demo is what several examples need beside the thing that they show.
package demo

import (
	"context"
	"crypto/rand"
	"html"
	"io"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"github.com/go-mandate/mandate/core/server"
)

// Sessions is an application's own sign-in: who sits behind a cookie. The zero value has nobody.
type Sessions struct{ users sync.Map }

// Start signs user in and returns the value of the cookie.
func (s *Sessions) Start(user server.User) string {
	id := rand.Text()
	s.users.Store(id, user)
	return id
}

// User returns who signed in with the cookie.
func (s *Sessions) User(id string) (server.User, bool) {
	found, _ := s.users.Load(id)
	user, ok := found.(server.User)
	return user, ok
}

// Client is a client's site below /client: a link, and a page that says what the user allowed.
type Client struct{ config oauth2.Config }

// NewClient returns the site of the client called id at base, which asks for scopes.
func NewClient(base, id, secret string, scopes ...string) *Client {
	return &Client{oauth2.Config{
		ClientID: id, ClientSecret: secret, RedirectURL: base + "/client/callback", Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: base + "/oauth/authorize", TokenURL: base + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader},
	}}
}

// ServeHTTP implements http.Handler.
func (c *Client) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/client/login":
		state, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
		http.SetCookie(w, &http.Cookie{Name: "login", Value: state + "." + verifier, Path: "/client/", HttpOnly: true, SameSite: http.SameSiteLaxMode}) // #nosec G124 -- plain http, on loopback
		http.Redirect(w, r, c.config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)), http.StatusSeeOther)
	case "/client/callback":
		cookie, err := r.Cookie("login")
		if err != nil {
			cookie = &http.Cookie{} // which finish refuses
		}
		show(w, c.finish(r.Context(), cookie.Value, r.FormValue("state"), r.FormValue("code"), r.FormValue("error")))
	default:
		show(w, "Nobody is signed in.")
	}
}

func (c *Client) finish(ctx context.Context, cookie, state, code, refusal string) string {
	begun, verifier, _ := strings.Cut(cookie, ".")
	if begun == "" || begun != state {
		return "This sign-in was not begun in this browser."
	}
	if refusal != "" {
		return "The server refused: " + refusal
	}
	tok, err := c.config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return err.Error()
	}
	scope, _ := tok.Extra("scope").(string)
	return "The user allowed: " + scope
}

func show(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!doctype html><title>Client</title><p>"+html.EscapeString(text)+`<p><a href="/client/login">Sign in</a>`)
}
