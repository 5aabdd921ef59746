package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium returns the path of the browser: that of the variable CHROMIUM, or what is installed.
func chromium(t *testing.T) string {
	t.Helper()
	path, wanted := os.LookupEnv("CHROMIUM")
	if path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if wanted || os.Getenv("CI") == "true" {
		t.Fatal("Chromium is missing: install it, or set CHROMIUM to its path")
	}
	t.Log("the pages are not tested: there is no Chromium")
	return ""
}

// browser is a running Chromium, in which tabs are opened.
type browser struct{ ctx context.Context }

// newBrowser starts Chromium, or returns nil where there is none.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := chromium(t)
	if path == "" {
		return nil
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,BackForwardCache")) // back asks the server
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &browser{ctx}
}

// screen is what a person looks at.
type screen struct {
	name          string
	width, height int64
	scheme        string // of the issuer
}

func screens() []screen {
	return []screen{{"desktop", 1280, 800, "http"}, {"phone", 360, 740, "https"}}
}

// tab is a browser of its own as far as cookies go, at a provider and a client.
type tab struct {
	*testing.T
	screen
	ctx    context.Context
	issuer string
	app    *app
	at     *started
	roots  *x509.CertPool // whose certificates the provider's is among; nil over http

	mu     sync.Mutex // guards the rest
	sent   []string   // the URLs that were requested, without those of a page's own
	left   []string   // the Locations of redirects
	failed []string   // what was refused, and what the console complained about
}

// newTab opens a tab in b and starts what it visits.
func newTab(t *testing.T, b *browser, framework string, s screen) *tab {
	t.Helper()
	return newTabWith(t, b, framework, s, func(map[string]any) {})
}

// newTabWith is newTab, at a provider whose configuration edit has changed.
func newTabWith(t *testing.T, b *browser, framework string, s screen, edit func(c map[string]any)) *tab {
	t.Helper()
	visits <- struct{}{}
	t.Cleanup(func() { <-visits })
	l := listen(t)
	v := &tab{T: t, screen: s, issuer: s.scheme + "://" + l.Addr().String(), app: newApp(t)}
	content := basis()
	content["issuer"] = v.issuer
	client0(content)["redirect_uris"] = []any{v.app.url + "/cb"}
	client0(content)["policy_uri"], client0(content)["tos_uri"] = "https://shop.example.com/privacy", "https://shop.example.com/terms"
	edit(content)
	listener := l
	if s.scheme == "https" {
		cert, err := selfSigned(v.issuer, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(cert.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		v.roots = x509.NewCertPool()
		v.roots.AddCert(leaf)
		content["tls"] = map[string]any{"self_signed": true}
		listener = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	v.at = start(t, framework, content, listener)

	v.attach(b.ctx, chromedp.WithNewBrowserContext())
	return v
}

// another opens one more tab of the same browser.
func (v *tab) another() *tab {
	v.Helper()
	n := &tab{T: v.T, screen: v.screen, issuer: v.issuer, app: v.app, at: v.at}
	n.attach(v.ctx)
	return n
}

// attach opens a tab of Chromium, until the test is over.
func (v *tab) attach(parent context.Context, options ...chromedp.ContextOption) {
	v.Helper()
	ctx, stop := chromedp.NewContext(parent, options...)
	v.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 2*time.Minute)
	v.Cleanup(stop)
	v.ctx = ctx
	if err := chromedp.Listen(ctx, v.note); err != nil {
		v.Fatal(err)
	}
	var touch []chromedp.EmulateViewportOption
	if v.width < 500 {
		touch = append(touch, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	v.do(chromedp.EmulateViewport(v.width, v.height, touch...)) //nolint:contextcheck // it is the tab's own
	_, err1 := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	_, err2 := chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
	_, err3 := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	if err := errors.Join(err1, err2, err3); err != nil {
		v.Fatal(err)
	}
	v.Cleanup(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		if len(v.failed) > 0 {
			v.Errorf("the browser complained: %s", strings.Join(v.failed, "; "))
		}
	})
}

func (v *tab) note(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		v.sent = append(v.sent, e.Request.URL)
	case *network.EventResponseReceivedExtraInfo:
		for name, value := range e.Headers {
			if strings.EqualFold(name, "Location") {
				v.left = append(v.left, fmt.Sprint(value))
			}
		}
	case *network.EventLoadingFailed:
		if e.ErrorText != "net::ERR_ABORTED" || e.BlockedReason != "" { // aborted: another page was asked for
			v.failed = append(v.failed, e.ErrorText+" "+string(e.BlockedReason))
		}
	case *log.EventEntryAdded:
		if e.Entry.Source == log.EntrySourceSecurity { // others speak of statuses, and of what they would do better
			v.failed = append(v.failed, string(e.Entry.Source)+": "+e.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		v.failed = append(v.failed, "console "+string(e.Type))
	case *runtime.EventExceptionThrown:
		v.failed = append(v.failed, "exception "+e.ExceptionDetails.Text)
	}
}

func (v *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	v.Helper()
	if err := chromedp.Do(v.ctx, actions...); err != nil {
		v.Fatalf("%v, %s", err, v.place())
	}
}

// place says where the browser is, for a failure.
func (v *tab) place() string {
	ctx, stop := context.WithTimeout(v.ctx, 5*time.Second)
	defer stop()
	where, err1 := chromedp.Run(ctx, chromedp.Location())
	body, err2 := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	return fmt.Sprintf("at %s: %s (%v)", where, body, errors.Join(err1, err2))
}

// tellOf returns what a tells of the page.
func tellOf[T any](v *tab, a chromedp.Action[T]) T {
	v.Helper()
	value, err := chromedp.Run(v.ctx, a)
	if err != nil {
		v.Fatalf("%v, %s", err, v.place())
	}
	return value
}

// open goes to an authorization request, and waits for the heading with that id.
func (v *tab) open(target, heading string) {
	v.Helper()
	v.do(chromedp.Navigate(v.issuer + target))
	v.see(heading)
}

func (v *tab) see(id string) {
	v.Helper()
	ctx, stop := context.WithTimeout(v.ctx, 30*time.Second)
	defer stop()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.ID(id))); err != nil {
		v.Fatalf("no #%s (%v), %s", id, err, v.place())
	}
}

// text is what stands in the first element that fits.
func (v *tab) text(selector string) string {
	v.Helper()
	return strings.TrimSpace(tellOf(v, chromedp.Text(chromedp.CSS(selector))))
}

func (v *tab) wantText(selector, want string) {
	v.Helper()
	if got := v.text(selector); got != want {
		v.Errorf("%s says %q, want %q", selector, got, want)
	}
}

// press clicks what leads to another page.
func (v *tab) press(id string) {
	v.Helper()
	v.do(chromedp.Click(chromedp.ID(id)))
}

func (v *tab) enter(name, password string) {
	v.Helper()
	v.do(chromedp.Clear(chromedp.ID("username")), chromedp.SendKeys(chromedp.ID("username"), name),
		chromedp.SendKeys(chromedp.ID("password"), password))
	v.press("login-submit")
}

// arrived waits until the client shows that it was come back to, and returns what it was told.
func (v *tab) arrived() url.Values {
	v.Helper()
	v.see("app")
	u, err := url.Parse(tellOf(v, chromedp.Location()))
	if err != nil {
		v.Fatal(err)
	}
	q := u.Query()
	if q.Get("state") != "s-1" || q.Get("iss") != v.issuer {
		v.Errorf("the client is told state %q and iss %q, want s-1 and %q", q.Get("state"), q.Get("iss"), v.issuer)
	}
	return q
}

// redeem exchanges a code at the token endpoint.
func (v *tab) redeem(code string) int {
	v.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {v.app.url + "/cb"}, "code_verifier": {verifier}}
	status, _ := ask(v.T, lenient(), "POST", v.issuer+"/token", form.Encode(), basic, "Content-Type: application/x-www-form-urlencoded")
	return status
}

// lenient returns a client that takes any certificate.
func lenient() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
}

// look checks that a page fits the screen and can be used with a finger, and keeps a picture where SCREENSHOTS names a folder.
func (v *tab) look(name string) {
	v.Helper()
	type facts struct {
		Width, Inner float64
		Small        []string
		Script       int
	}
	found := tellOf(v, chromedp.Evaluate[facts](`({
		Width: document.documentElement.scrollWidth, Inner: innerWidth,
		Small: [...document.querySelectorAll("button, input:not([type=hidden]), a")].filter(e => e.getBoundingClientRect().height < 44).map(e => e.id),
		Script: document.scripts.length})`))
	if found.Width > found.Inner || len(found.Small) > 0 || found.Script > 0 {
		v.Errorf("page %s is %v wide on a screen of %v, has %v under 44 pixels, and %d scripts", name, found.Width, found.Inner, found.Small, found.Script)
	}
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	picture := tellOf(v, chromedp.CaptureScreenshot())
	file := filepath.Join(folder, fmt.Sprintf("%s-%s.png", name, v.name))
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		v.Fatal(err)
	}
}

// asked reports whether a URL with that beginning was requested.
func (v *tab) asked(prefix string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, u := range v.sent {
		if strings.HasPrefix(u, prefix) {
			return true
		}
	}
	return false
}

// back is the browser's own button. It does not wait for the page.
func (v *tab) back() {
	v.Helper()
	history, err := chromedp.Call(v.ctx, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		v.Fatal(err)
	}
	before := history.Entries[history.CurrentIndex-1]
	if _, err := chromedp.Call(v.ctx, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: before.ID}); err != nil {
		v.Fatal(err)
	}
}

// leavesFor waits until the browser was sent to a URL that it cannot open itself.
func (v *tab) leavesFor(prefix string) {
	v.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		v.mu.Lock()
		for _, to := range v.left {
			if strings.HasPrefix(to, prefix) {
				v.mu.Unlock()
				tellOf(v, chromedp.Location()) // what a policy blocks is told after the redirect
				return
			}
		}
		v.mu.Unlock()
		if time.Now().After(deadline) {
			v.Fatalf("the browser was not sent to %s", prefix)
		}
		tellOf(v, chromedp.Location()) // one round trip: what happened meanwhile is heard
	}
}
