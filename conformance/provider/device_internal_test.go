package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/go-mandate/mandate/core/oauth2"
)

// television adds the device grant and a client that uses it to c.
func television(c map[string]any) {
	c["features"] = map[string]any{"device": true}
	c["clients"] = append(c["clients"].([]any), map[string]any{
		"client_id": "tv", "client_name": "Living room television", "token_endpoint_auth_method": "none",
		"grant_types": []any{oauth2.GrantDeviceCode, "refresh_token"},
	})
}

// The pages of the device grant in Chromium, with every framework, on a large screen over http and a small one over https.
func TestDevicePagesInChromium(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	if b == nil {
		return
	}
	visits := map[string]func(v *tab){
		"a code that is typed": visitDeviceTyped,
		"a code from a QR code, and no": func(v *tab) {
			code := v.codes()
			v.open("/device?user_code="+code["user_code"], "page-device")
			v.press("device-confirm")
			v.see("page-login")
			v.enter("foo", "bar")
			v.see("page-consent")
			v.press("consent-deny")
			v.see("page-device-denied")
			v.look("device-denied")
			if got := v.poll(code["device_code"]); got["error"] != "access_denied" {
				v.Errorf("the device is told %v, want access_denied", got)
			}
			// Who is signed in sees whose code it is.
			code = v.codes()
			v.open("/device?user_code="+code["user_code"], "page-device")
			v.wantText("#client-name", "Living room television")
			v.look("device-confirm-client")
		},
	}
	for _, framework := range frameworkNames() {
		for _, s := range screens() {
			for name, visit := range maps.All(visits) {
				t.Run(framework+", "+s.name+", "+name, func(t *testing.T) {
					t.Parallel()
					visit(newTabWith(t, b, framework, s, television))
				})
			}
		}
	}
}

func visitDeviceTyped(v *tab) {
	code := v.codes()
	v.open("/device", "page-device")
	v.wantText("#page-device", "Connect a device")
	v.look("device")
	v.do(chromedp.SendKeys(chromedp.ID("user-code"), "no code"))
	v.press("device-submit")
	v.see("device-error")
	v.look("device-failed")
	v.open("/device", "page-device")
	v.do(chromedp.SendKeys(chromedp.ID("user-code"), strings.ToLower(strings.ReplaceAll(code["user_code"], "-", " "))))
	v.press("device-submit")
	v.see("device-confirm")
	v.wantText("#device-code", code["user_code"])
	v.look("device-confirm")
	v.press("device-confirm")
	v.see("page-login")
	v.enter("foo", "bar")
	v.see("page-consent")
	v.wantText("#device-code", code["user_code"])
	v.wantText("#client-name", "Living room television")
	v.look("device-consent")
	if got := v.poll(code["device_code"]); got["error"] != "authorization_pending" {
		v.Errorf("the device is told %v, want authorization_pending", got)
	}
	v.do(chromedp.DoubleClick(chromedp.ID("consent-allow")))
	v.see("page-device-done")
	v.look("device-done")
	if got := v.poll(code["device_code"]); got["access_token"] == nil || got["refresh_token"] == nil {
		v.Errorf("the device is told %v, want tokens", got)
	}
	v.back()
	v.see("page-error") // there is nothing to decide any more
}

// codes asks for codes as the television does.
func (v *tab) codes() map[string]string {
	v.Helper()
	codes := make(map[string]string)
	for name, value := range v.call("/device_authorization", url.Values{"client_id": {"tv"}, "scope": {"read write"}}) {
		codes[name] = fmt.Sprint(value)
	}
	if codes["user_code"] == "" {
		v.Fatalf("the device is told %v", codes)
	}
	return codes
}

func (v *tab) poll(code string) map[string]any {
	v.Helper()
	return v.call("/token", url.Values{"client_id": {"tv"}, "grant_type": {oauth2.GrantDeviceCode}, "device_code": {code}})
}

// call posts a form and returns the JSON of the answer.
func (v *tab) call(path string, form url.Values) map[string]any {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), http.MethodPost, v.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := lenient().Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	var m map[string]any
	if err != nil || json.Unmarshal(data, &m) != nil {
		v.Fatalf("%s: %d %s %v", path, resp.StatusCode, data, err)
	}
	return m
}

// The example serves devices as it is.
func TestDeviceExample(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(".", "oauth2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	c["issuer"] = "http://127.0.0.1:9999"
	delete(c, "tls")
	s := start(t, "nethttp", c, nil)
	form := url.Values{"client_id": {"tv"}, "scope": {"read"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/device_authorization", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("device authorization: status %d, want 200", resp.StatusCode)
	}
}
