package main

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	mandateclient "github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/fetch"
)

// secured returns l with TLS, under a certificate of its own.
func secured(t *testing.T, l net.Listener, address string) net.Listener {
	t.Helper()
	cert, err := selfSigned(address, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
}

// newVisit opens a tab, the provider, and a shop whose users sign in with it, on the same framework: with "home", whose answers are in the URL, and with
// "posted", whose answers the provider's page posts from the other site.
func newVisit(t *testing.T, b *browser, framework string, screen screen) (*tab, *shop) {
	t.Helper()
	s := newShop(t, framework, screen.scheme)
	v := newTabWith(t, b, framework, screen, func(c map[string]any) {
		client0(c)["redirect_uris"] = []any{s.url + "/auth/home/callback", s.url + "/auth/posted/callback"}
	})
	f, err := fetch.New(fetch.Config{RootCAs: v.roots})
	if err != nil {
		t.Fatal(err)
	}
	home := mandateclient.OAuth2{
		Name: "home", Credentials: mandateclient.Credentials{ID: "web", Secret: secretOfWeb}, Issuer: v.issuer, Scopes: []string{"read"},
		Profile: func(ctx context.Context, g *mandateclient.Granted) (mandateclient.Profile, error) {
			var me struct{ Subject string }
			err := g.JSON(ctx, v.issuer+"/resource", &me)
			return mandateclient.Profile{Subject: me.Subject}, err
		},
	}
	posted := home
	posted.Name, posted.FormPost = "posted", true
	s.open(t, mandateclient.Config{Apps: []mandateclient.App{home, posted}, Fetcher: f})
	return v, s
}

// Logins in Chromium with Mandate at both ends, with every framework, on a large screen over http and a small one over https.
func TestLoginsInChromium(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	if b == nil {
		return
	}
	everywhere := map[string]func(v *tab, s *shop){
		"sign in":                visitLogin,
		"an answer by a form":    visitPosted,
		"no":                     visitNo,
		"it took too long":       visitExpired,
		"the form of a stranger": visitStranger,
	}
	large := map[string]func(v *tab, s *shop){
		"back after the login":            visitBackAfterLogin,
		"two tabs":                        visitTwoLogins,
		"reload after the login":          visitReload,
		"an answer that nobody asked for": visitForged,
	}
	for _, framework := range frameworkNames() {
		for i, screen := range screens() {
			visits := maps.Clone(everywhere)
			if i == 0 {
				maps.Copy(visits, large)
			}
			for name, visit := range visits {
				t.Run(framework+", "+screen.name+", "+name, func(t *testing.T) {
					t.Parallel()
					visit(newVisit(t, b, framework, screen))
				})
			}
		}
	}
}

// begin begins a login at the shop, and signs foo in at the provider, up to the page that asks for consent.
func (v *tab) begin(s *shop, app string) {
	v.Helper()
	v.visit(s, "/")
	v.shows("nobody at /")
	v.press("sign-in-" + app)
	v.see("page-login")
	v.enter("foo", "bar")
	v.see("page-consent")
}

func visitLogin(v *tab, s *shop) {
	v.begin(s, "home")
	v.checkCookie(s, network.CookieSameSiteLax)
	v.press("consent-allow")
	v.shows("home/user-foo at /cart")
	v.leavesNothing(s)
	if in := s.signedIn(); in.Token.RefreshToken == "" || strings.Join(in.Scopes, " ") != "read" {
		v.Errorf("signed in with %v, %v", in.Token, in.Scopes)
	}
	v.press("sign-in-home") // the second time nobody is asked anything
	v.shows("home/user-foo at /cart")
}

// checkCookie checks what the browser keeps of a login.
func (v *tab) checkCookie(s *shop, same network.CookieSameSite) {
	v.Helper()
	list := v.logins(s)
	if len(list) != 1 {
		v.Fatalf("the browser has %d cookies of logins, want 1", len(list))
	}
	secure := v.scheme == "https"
	if c := list[0]; strings.HasPrefix(c.Name, "__Host-") != secure || c.Secure != secure || !c.HTTPOnly || c.SameSite != same || c.Path != "/" || c.Domain != "localhost" {
		v.Errorf("the cookie is %+v, want SameSite=%s", c, same)
	}
}

// Over https the cookie comes along with the form of the other site. Over http no browser sends it: the page that posts again does.
func visitPosted(v *tab, s *shop) {
	v.begin(s, "posted")
	same := network.CookieSameSiteLax
	if v.scheme == "https" {
		same = network.CookieSameSiteNone
	}
	v.checkCookie(s, same)
	v.press("consent-allow")
	v.shows("posted/user-foo at /cart")
	v.leavesNothing(s)
}

func visitNo(v *tab, s *shop) {
	v.begin(s, "home")
	v.press("consent-deny")
	v.fails("You or the provider declined.")
	v.look("login-denied")
	v.press("login-home")
	v.shows("nobody at /")
	v.leavesNothing(s)
}

func visitExpired(v *tab, s *shop) {
	v.begin(s, "home")
	s.ahead.Store(int64(11 * time.Minute))
	v.press("consent-allow")
	v.fails("This sign-in took too long.")
	v.look("login-expired")
	v.press("login-home")
	v.press("sign-in-home")
	v.shows("home/user-foo at /cart")
}

func visitBackAfterLogin(v *tab, s *shop) {
	v.begin(s, "home")
	v.press("consent-allow")
	v.shows("home/user-foo at /cart")
	v.back()
	v.see("page-consent")
	v.press("consent-allow")
	v.see("page-error") // of the provider: the code is spent
	v.visit(s, "/")
	v.shows("home/user-foo at /")
}

func visitReload(v *tab, s *shop) {
	v.visit(s, "/auth/home/login?return_to=/stay")
	v.see("page-login")
	v.enter("foo", "bar")
	v.see("page-consent")
	v.press("consent-allow")
	v.shows("home/user-foo stays")
	v.do(chromedp.Reload())
	v.fails("or was finished already")
	v.visit(s, "/")
	v.shows("home/user-foo at /")
}

func visitTwoLogins(v *tab, s *shop) {
	v.begin(s, "home")
	w := v.another()
	w.visit(s, "/")
	w.press("sign-in-posted")
	w.see("page-consent") // who it is, is known
	if n := len(v.logins(s)); n != 2 {
		v.Errorf("the browser has %d cookies of logins, want 2", n)
	}
	v.press("consent-allow")
	v.shows("home/user-foo at /cart")
	w.press("consent-allow")
	w.shows("posted/user-foo at /cart")
}

func visitForged(v *tab, s *shop) {
	v.visit(s, "/auth/home/callback?code=x&state=y")
	v.fails("does not belong to this browser")
	v.look("login-forged")
	v.begin(s, "home")
	v.forget(s) // as if the login had begun in another browser
	v.press("consent-allow")
	v.fails("does not belong to this browser")
	v.press("login-home")
	v.shows("nobody at /")
}

// forget deletes the cookies of logins, and returns the state of one.
func (v *tab) forget(s *shop) (state string) {
	v.Helper()
	for _, c := range v.logins(s) {
		if _, err := chromedp.Call(v.ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: c.Name, URL: s.url}); err != nil {
			v.Fatal(err)
		}
		state = c.Name[strings.LastIndexByte(c.Name[:len(c.Name)-20], '-')+1:]
	}
	if state == "" || len(v.logins(s)) > 0 {
		v.Fatalf("the state is %q, and there are %d cookies", state, len(v.logins(s)))
	}
	return state
}

// A stranger's page posts the answer to a login of the stranger: nobody is signed in, by the page that posts again either.
func visitStranger(v *tab, s *shop) {
	v.visit(s, "/auth/posted/login")
	v.see("page-login")
	state := v.forget(s)
	v.do(chromedp.Navigate(v.app.url + "/post?" + url.Values{"to": {s.url + "/auth/posted/callback"}, "state": {state}, "code": {"x"}}.Encode()))
	v.press("go")
	v.fails("does not belong to this browser")
	v.visit(s, "/")
	v.shows("nobody at /")
}
