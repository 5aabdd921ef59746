package clients_test

import (
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// testDevice is the device grant (RFC 8628): codes, a user who says yes or no in a browser, and a poll.
func testDevice(t *testing.T, p provider) {
	t.Helper()
	for verdict, want := range map[string]string{"allow": "", "deny": "access_denied"} {
		c := app(p, "tv", "", oauth2.AuthStyleInParams)
		c.Endpoint.DeviceAuthURL = p.issuer + "/device_authorization"
		codes, err := c.DeviceAuth(t.Context())
		if err != nil {
			t.Fatalf("DeviceAuth: %v", err)
		}
		if codes.VerificationURI != p.issuer+"/device" || codes.Interval != 5 || codes.UserCode == "" || codes.Expiry.IsZero() {
			t.Errorf("codes = %+v", codes)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		connect(t, codes, verdict)
		tok, err := c.DeviceAccessToken(ctx, codes)
		if want != "" {
			wantError(t, err, want, 400)
			continue
		}
		if err != nil || tok.RefreshToken == "" || tok.Extra("scope") != "read" {
			t.Fatalf("DeviceAccessToken: %v, %v", tok, err)
		}
		wantResource(t, p, c.Client(t.Context(), tok), 200, `{"subject":"user-foo","client":"tv","scope":"read"}`)
		codes.Interval = 1
		_, err = c.DeviceAccessToken(ctx, codes)
		wantError(t, err, "invalid_grant", 400)
		wantResource(t, p, oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(tok)), 401, "")
	}
}

// connect enters the code in a browser, and says verdict.
func connect(t *testing.T, codes *oauth2.DeviceAuthResponse, verdict string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	resp, err := browser.Get(codes.VerificationURI)
	for _, fields := range []url.Values{
		{"user_code": {strings.ToLower(codes.UserCode)}}, {"action": {"confirm"}},
		{"username": {"foo"}, "password": {"bar"}, "action": {"login"}}, {"action": {verdict}}, nil,
	} {
		if err != nil {
			t.Fatal(err)
		}
		page, fail := io.ReadAll(resp.Body)
		if err := errors.Join(fail, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s, %v", resp.Request.URL, resp.StatusCode, page, err)
		}
		if fields == nil {
			break
		}
		to := action.FindStringSubmatch(string(page))
		if to == nil {
			t.Fatalf("no form at %s: %s", resp.Request.URL, page)
		}
		for _, m := range hidden.FindAllStringSubmatch(string(page), -1) {
			fields.Set(m[1], html.UnescapeString(m[2]))
		}
		target, fail := resp.Request.URL.Parse(html.UnescapeString(to[1]))
		if fail != nil {
			t.Fatal(fail)
		}
		resp, err = browser.PostForm(target.String(), fields)
	}
}
