package main

import (
	"bufio"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	mandate "github.com/go-mandate/mandate/core"
	mandateclient "github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// strangers is the program that runs oidc-provider from npm as an OpenID provider, or "": conformance/clients/run.sh installs it, and says where it is.
func strangers() string { return os.Getenv("OIDC_PROVIDER") }

// stranger is an OpenID provider of other people.
type stranger struct{ issuer string }

// startStranger starts one that knows clients, until the test is over.
func startStranger(t *testing.T, clients []map[string]any) stranger {
	t.Helper()
	data, err := json.Marshal(clients)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "node", strangers(), name) // #nosec G204 -- what run.sh says
	cmd.Env = append(os.Environ(), "NODE_TLS_REJECT_UNAUTHORIZED=0")                          // the shops' certificates are of nobody
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("oidc-provider: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	issuer, ok := strings.CutPrefix(strings.TrimSpace(line), "READY ")
	if !ok {
		t.Fatalf("oidc-provider says %q, %v", line, err)
	}
	return stranger{issuer}
}

// rotate gives the provider new keys to sign with.
func (s stranger) rotate(t *testing.T) {
	t.Helper()
	if status, _ := ask(t, http.DefaultClient, "POST", s.issuer+"/control/rotate-keys", ""); status != 204 {
		t.Fatalf("rotate: status %d", status)
	}
}

// The apps of a shop at a stranger: what each client is registered for besides its redirect URI, and what the shop knows.
func strangeApps(key *jose.Key) map[string]struct {
	client map[string]any
	app    mandateclient.OpenID
} {
	return map[string]struct {
		client map[string]any
		app    mandateclient.OpenID
	}{
		"home": {
			client: map[string]any{"client_secret": secretOfWeb},
			app:    mandateclient.OpenID{Credentials: mandateclient.Credentials{Secret: secretOfWeb}},
		},
		"posted": {
			client: map[string]any{
				"client_secret": secretOfWeb, "token_endpoint_auth_method": "client_secret_post",
				"id_token_signed_response_alg": "ES256", "userinfo_signed_response_alg": "ES256",
			},
			app: mandateclient.OpenID{Credentials: mandateclient.Credentials{Secret: secretOfWeb, Method: mandateclient.MethodPost}, FormPost: true, Algs: []jose.Alg{jose.ES256}},
		},
		"signed": {
			client: map[string]any{
				"token_endpoint_auth_method": "private_key_jwt", "id_token_signed_response_alg": "EdDSA", "userinfo_signed_response_alg": "RS256",
				"jwks": map[string]any{"keys": []any{key.Public()}},
			},
			app: mandateclient.OpenID{Credentials: mandateclient.Credentials{Key: key}, UserInfo: mandateclient.UserInfoAlways},
		},
		"wrong": {
			client: map[string]any{"client_secret": secretOfWeb},
			app:    mandateclient.OpenID{Credentials: mandateclient.Credentials{Secret: "not the secret"}},
		},
	}
}

// Logins in Chromium with oidc-provider, which other people wrote, with every framework, on a large screen over http and a small one over https.
func TestOpenIDLogins(t *testing.T) { //nolint:tparallel // the visits are parallel to each other, in a test that waits for them
	t.Parallel()
	if strangers() == "" {
		t.Log("logins with oidc-provider are not tested here: conformance/clients/run.sh does")
		return
	}
	b := newBrowser(t)
	if b == nil {
		t.Fatal("there is no Chromium")
	}
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	everywhere := map[string]func(v *tab, s *shop){
		"sign in":             visitStrangeLogin,
		"sign out":            visitStrangeLogout,
		"the provider's end":  visitBackChannel,
		"an answer by a form": func(v *tab, s *shop) { visitStrangeApp(v, s, "posted") },
	}
	large := map[string]func(v *tab, s *shop){
		"a private key":     func(v *tab, s *shop) { visitStrangeApp(v, s, "signed") },
		"no":                visitStrangeNo,
		"a wrong secret":    visitWrongSecret,
		"new keys":          visitNewKeys,
		"it took too long":  visitStrangeExpired,
		"back and two tabs": visitStrangeTabs,
	}
	var shops []*shop
	var clients []map[string]any
	for _, framework := range frameworkNames() {
		for i, screen := range screens() {
			visits := maps.Clone(everywhere)
			if i == 0 {
				maps.Copy(visits, large)
			}
			for name, visit := range visits {
				s := newShop(t, framework, screen.scheme)
				s.title, s.screen, s.visit = framework+", "+screen.name+", "+name, screen, visit
				shops = append(shops, s)
				clients = append(clients, s.registrations(key)...)
			}
		}
	}
	p := startStranger(t, clients)
	for _, s := range shops {
		s.openAt(t, p, key)
	}
	t.Run("visits", func(t *testing.T) { // the provider and the shops wait for all of them
		for _, s := range shops {
			t.Run(s.title, func(t *testing.T) {
				t.Parallel()
				v := &tab{T: t, screen: s.screen, issuer: p.issuer}
				v.attach(b.ctx, chromedp.WithNewBrowserContext())
				s.visit(v, s)
			})
		}
	})
}

// id is the client id of an app at a stranger.
func (s *shop) id(app string) string { return app + " of " + s.url }

// registrations returns what the shop's clients are registered with.
func (s *shop) registrations(key *jose.Key) []map[string]any {
	var list []map[string]any
	for name, a := range strangeApps(key) {
		c := map[string]any{
			"client_id": s.id(name), "redirect_uris": []string{s.url + "/auth/" + name + "/callback"},
			"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
			"post_logout_redirect_uris": []string{s.url + "/auth/" + name + "/logged-out"},
			"backchannel_logout_uri":    s.url + "/auth/" + name + "/backchannel-logout", "backchannel_logout_session_required": true,
		}
		maps.Copy(c, a.client)
		list = append(list, c)
	}
	return list
}

// openAt opens the shop, whose users sign in with p.
func (s *shop) openAt(t *testing.T, p stranger, key *jose.Key) {
	t.Helper()
	var apps []mandateclient.App
	for name, a := range strangeApps(key) {
		a.app.Name, a.app.Issuer, a.app.Credentials.ID = name, p.issuer, s.id(name)
		a.app.Scopes, a.app.AuthParams = []string{"openid", "profile", "email", "offline_access"}, mandate.Params{{Name: "prompt", Value: "consent"}}
		apps = append(apps, a.app)
	}
	s.open(t, mandateclient.Config{Apps: apps, BackChannelLogout: s.hear, Replay: memstore.New()})
}

// beginAt begins a login with a stranger, up to the page that asks for consent.
func (v *tab) beginAt(s *shop, app string) {
	v.Helper()
	v.visit(s, "/")
	v.press("sign-in-" + app)
	v.see("page-login")
	v.do(chromedp.SendKeys(chromedp.ID("username"), "foo"), chromedp.SendKeys(chromedp.ID("password"), "bar"))
	v.press("go")
	v.see("page-consent")
}

func visitStrangeLogin(v *tab, s *shop) {
	v.beginAt(s, "home")
	v.checkCookie(s, network.CookieSameSiteLax)
	v.press("go")
	v.shows("home/foo at /cart")
	in := s.signedIn()
	v.checkProfile(in)
	if in.IDToken["nonce"] == "" || in.IDToken["iss"] != v.issuer || in.IDToken["name"] != nil || in.UserInfo["name"] == nil {
		v.Errorf("the ID token says %v, the UserInfo endpoint %v", in.IDToken, in.UserInfo)
	}
	// Refresh, which brings another ID token, and revocation.
	r := in.Remote().Requester()
	tok, err := r.Refresh(v.Context(), in.Token.RefreshToken, mandateclient.Want{})
	if err != nil || tok.AccessToken == in.Token.AccessToken || tok.Extra("id_token") == nil {
		v.Fatalf("refresh: %v, %v", tok, err)
	}
	if err := r.Revoke(v.Context(), tok); err != nil {
		v.Errorf("revoke: %v", err)
	}
	_, err = r.Refresh(v.Context(), tok.RefreshToken, mandateclient.Want{})
	if e, ok := errorOf(err); !ok || e.Kind != mandateclient.GrantLost || e.Code != mandate.InvalidGrant {
		v.Errorf("refresh of what is revoked: %v, want %q", err, mandateclient.GrantLost)
	}
}

// checkProfile checks who foo is.
func (v *tab) checkProfile(in *mandateclient.SignIn) {
	v.Helper()
	p := in.Profile
	if email, ok := p.VerifiedEmail(); p.Subject != "foo" || p.Name != "Foo Bar" || p.Username != "foo" || email != "foo@example.com" || !ok || p.Picture == "" || p.Locale != "en" {
		v.Errorf("the profile is %+v", p)
	}
}

func visitStrangeApp(v *tab, s *shop, app string) {
	v.beginAt(s, app)
	v.press("go")
	v.shows(app + "/foo at /cart")
	v.checkProfile(s.signedIn())
	v.leavesNothing(s)
}

func visitStrangeNo(v *tab, s *shop) {
	v.beginAt(s, "home")
	v.press("no")
	v.fails("You or the provider declined.")
	v.press("login-home")
	v.shows("nobody at /")
}

func visitWrongSecret(v *tab, s *shop) {
	v.beginAt(s, "wrong")
	v.press("go")
	v.fails("The provider's answer could not be used.")
	v.visit(s, "/")
	v.shows("nobody at /")
}

func visitNewKeys(v *tab, s *shop) {
	visitStrangeApp(v, s, "home") // the shop knows the keys now
	stranger{v.issuer}.rotate(v.T)
	s.ahead.Store(int64(2 * time.Minute)) // keys are not fetched for every name that a stranger makes up
	v.press("sign-in-home")
	v.see("page-consent")
	v.press("go")
	v.shows("home/foo at /cart")
}

func visitStrangeExpired(v *tab, s *shop) {
	v.beginAt(s, "home")
	s.ahead.Store(int64(11 * time.Minute))
	v.press("go")
	v.fails("This sign-in took too long.")
}

func visitStrangeTabs(v *tab, s *shop) {
	v.beginAt(s, "home")
	w := v.another()
	w.visit(s, "/")
	w.press("sign-in-posted")
	w.see("page-consent") // who it is, is known
	v.press("go")
	v.shows("home/foo at /cart")
	w.press("go")
	w.shows("posted/foo at /cart")
	v.back()
	v.visit(s, "/")
	v.shows("posted/foo at /")
}

func visitStrangeLogout(v *tab, s *shop) {
	visitStrangeApp(v, s, "home")
	in := s.signedIn()
	v.press("sign-out")
	v.see("page-logout")
	v.press("logout-yes")
	v.shows("nobody at /cart")
	v.leavesNothing(s)
	// The provider says so by itself, too.
	v.hears(s, mandateclient.LogoutNotice{App: "home", Issuer: v.issuer, Subject: "foo", SessionID: in.IDToken["sid"].(string)})
	// Its session is over: it asks who comes.
	v.press("sign-in-home")
	v.see("page-login")
}

// hears checks that the provider told the shop.
func (v *tab) hears(s *shop, want mandateclient.LogoutNotice) {
	v.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); tellOf(v, chromedp.Location()) { // a round trip
		if s.ended(want.SessionID) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !slices.Contains(s.notices, want) {
				v.Errorf("the provider says %+v, want %+v", s.notices, want)
			}
			return
		}
	}
	v.Errorf("the provider does not say that the session of %s has ended", want.App)
}

// Somebody signs out at the provider: every application that was signed in to is told.
func visitBackChannel(v *tab, s *shop) {
	visitStrangeApp(v, s, "home")
	home := s.signedIn()
	v.press("sign-in-posted")
	v.see("page-consent")
	v.press("go")
	v.shows("posted/foo at /cart")
	posted := s.signedIn()
	v.do(chromedp.Navigate(v.issuer + "/session/end"))
	v.see("page-logout")
	v.press("logout-yes")
	v.see("page-signed-out")
	for _, in := range []*mandateclient.SignIn{home, posted} {
		v.hears(s, mandateclient.LogoutNotice{App: in.App, Issuer: v.issuer, Subject: "foo", SessionID: in.IDToken["sid"].(string)})
	}
	v.visit(s, "/")
	v.shows("nobody at /")
}
