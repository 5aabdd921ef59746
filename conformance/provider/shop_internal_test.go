package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/go-mandate/mandate/adapters/echo/echotest"
	"github.com/go-mandate/mandate/adapters/fiber/fibertest"
	"github.com/go-mandate/mandate/adapters/gin/gintest"
	"github.com/go-mandate/mandate/conformance/adaptertest"
	"github.com/go-mandate/mandate/conformance/nethttptest"
	mandate "github.com/go-mandate/mandate/core"
	mandateclient "github.com/go-mandate/mandate/core/client"
)

// applications makes applications of each framework.
var applications = map[string]func(*testing.T) adaptertest.App{"gin": gintest.New, "echo": echotest.New, "fiber": fibertest.New, "nethttp": nethttptest.New}

// shop is an application whose users sign in with a provider. It is on localhost and the provider on 127.0.0.1: to a browser they
// are two sites.
type shop struct {
	framework, url string

	reg *mandateclient.Registry
	app adaptertest.App
	l   net.Listener

	// At a provider that serves many shops.
	title  string
	screen screen
	visit  func(v *tab, s *shop)

	ahead atomic.Int64 // how far its clock is ahead, in nanoseconds

	mu      sync.Mutex // guards the rest
	last    *mandateclient.SignIn
	notices []mandateclient.LogoutNotice
}

// newShop returns a shop that has an address, and does not serve yet.
func newShop(t *testing.T, framework, scheme string) *shop {
	t.Helper()
	s := &shop{framework: framework, app: applications[framework](t), l: listen(t)}
	s.url = scheme + "://" + strings.Replace(s.l.Addr().String(), "127.0.0.1", "localhost", 1)
	return s
}

// open registers the logins of c's apps, and serves until the test is over.
func (s *shop) open(t *testing.T, c mandateclient.Config) {
	t.Helper()
	c.BaseURL, c.Secret = s.url, mandate.NewRandomSecret()
	c.Now = func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	reg, err := mandateclient.NewRegistry(c)
	if err != nil {
		t.Fatal(err)
	}
	s.reg = reg
	steps := adaptertest.LoginConfig{}
	if c.BackChannelLogout != nil {
		steps.Logout = s.leaving
	}
	if err := s.app.MountLogin("/auth", reg, s.done, steps); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/cart"} {
		pattern := path
		if path == "/" && s.framework == "nethttp" {
			pattern = "/{$}" // without it every path is meant, which the logins' own routes do not go with
		}
		s.app.Handle("GET", pattern, s.app.Route(func(c adaptertest.Ctx) error {
			user, session, _ := strings.Cut(c.Cookie("shop-user"), ".")
			if user == "" || s.ended(session) {
				user = "nobody"
			}
			return c.HTML(200, s.page(user+" at "+path))
		}))
	}
	l := s.l
	if strings.HasPrefix(s.url, "https:") {
		l = secured(t, l, s.url)
	}
	s.app.Serve(t, l)
}

// page is the shop's page: it says who is signed in, and has a link for each app.
func (s *shop) page(text string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<!doctype html><meta name="viewport" content="width=device-width"><title>Shop</title><h1 id="shop">%s</h1>`, html.EscapeString(text))
	b.WriteString(`<form method="post" action="/auth/home/logout"><button id="sign-out">Sign out</button></form>`)
	for _, r := range s.reg.Apps() {
		fmt.Fprintf(&b, `<p><a id="sign-in-%s" href="/auth/%s/login?return_to=/cart">Sign in</a>`, r.Name(), r.Name())
	}
	return b.String()
}

// done signs the user in.
func (s *shop) done(c adaptertest.Ctx, in *mandateclient.SignIn) error {
	s.mu.Lock()
	s.last = in
	s.mu.Unlock()
	session, _ := in.IDToken["sid"].(string)
	c.SetCookie("shop-user", in.App+"/"+in.Profile.Subject+"."+session)
	if in.ReturnTo == "/stay" { // the page is at the callback itself
		return c.HTML(200, s.page(in.App+"/"+in.Profile.Subject+" stays"))
	}
	return c.Redirect(303, in.ReturnTo)
}

// leaving ends the session of a user who signs out.
func (s *shop) leaving(c adaptertest.Ctx) mandateclient.Logout {
	c.SetCookie("shop-user", "")
	id, _ := s.signedIn().Token.Extra("id_token").(string)
	return mandateclient.Logout{IDToken: id, ReturnTo: "/cart"}
}

// hear keeps what a provider says about sessions that have ended.
func (s *shop) hear(_ context.Context, n *mandateclient.LogoutNotice) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, *n)
	return nil
}

// ended reports whether the provider said that a session has ended.
func (s *shop) ended(session string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return session != "" && slices.ContainsFunc(s.notices, func(n mandateclient.LogoutNotice) bool { return n.SessionID == session })
}

// signedIn returns what the last login brought.
func (s *shop) signedIn() *mandateclient.SignIn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// errorOf returns the client's error that err is.
func errorOf(err error) (*mandateclient.Error, bool) { return errors.AsType[*mandateclient.Error](err) }

// visit opens a page of the shop.
func (v *tab) visit(s *shop, path string) {
	v.Helper()
	v.do(chromedp.Navigate(s.url + path))
}

// shows waits for the shop's page, and for what it says.
func (v *tab) shows(want string) {
	v.Helper()
	v.see("shop")
	v.wantText("#shop", want)
}

// fails waits for the page of a login that failed, and for what it says.
func (v *tab) fails(want string) {
	v.Helper()
	v.see("login-failed")
	if got := v.text("main"); !strings.Contains(got, want) {
		v.Errorf("the page says %q, want %q", got, want)
	}
}

// logins returns the cookies of logins that the browser has for s.
func (v *tab) logins(s *shop) []*network.Cookie {
	v.Helper()
	all, err := chromedp.Call(v.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{s.url}})
	if err != nil {
		v.Fatal(err)
	}
	var list []*network.Cookie
	for _, c := range all.Cookies {
		if strings.Contains(c.Name, "mandate-login-") {
			list = append(list, c)
		}
	}
	return list
}

// leavesNothing fails the test if the browser has a cookie of a login left.
func (v *tab) leavesNothing(s *shop) {
	v.Helper()
	if left := v.logins(s); len(left) != 0 {
		v.Errorf("cookies are left: %v", left)
	}
}
