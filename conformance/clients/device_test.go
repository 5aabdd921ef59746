package clients_test

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// testDevice is the device grant (RFC 8628): codes, a user in a browser, and a poll.
func testDevice(t *testing.T, p provider) {
	t.Helper()
	for id, styles := range map[string][]oauth2.AuthStyle{
		"post":   {oauth2.AuthStyleAutoDetect, oauth2.AuthStyleInParams},
		"public": {oauth2.AuthStyleInParams},
	} {
		for _, style := range styles {
			t.Run(fmt.Sprintf("%s, style %d", id, style), func(t *testing.T) {
				t.Parallel() // they wait for seconds
				c := app(p, id, secret, style)
				c.Endpoint.DeviceAuthURL = p.issuer + "/device_authorization"
				var authenticate []oauth2.AuthCodeOption
				if id == "public" {
					c.ClientSecret = ""
				} else {
					// The package leaves it to the application to authenticate here (RFC 8628, section 3.1).
					_, err := c.DeviceAuth(t.Context())
					wantError(t, err, "invalid_client", 400)
					authenticate = append(authenticate, oauth2.SetAuthURLParam("client_secret", secret))
				}
				codes, err := c.DeviceAuth(t.Context(), authenticate...)
				if err != nil {
					t.Fatalf("DeviceAuth: %v", err)
				}
				if codes.VerificationURI != p.issuer+"/device" || !strings.HasPrefix(codes.VerificationURIComplete, codes.VerificationURI+"?") ||
					codes.Interval != 5 || codes.UserCode == "" || time.Until(codes.Expiry) < 9*time.Minute {
					t.Errorf("codes = %+v", codes)
				}
				browse(t, codes.VerificationURIComplete)
				tok, err := c.DeviceAccessToken(t.Context(), codes)
				if err != nil || tok.RefreshToken == "" || tok.Extra("scope") != "read" {
					t.Fatalf("DeviceAccessToken: %v, %v", tok, err)
				}
				wantResource(t, p, c.Client(t.Context(), tok), 200, `{"subject":"user-foo","client":`+quote(id)+`,"scope":"read"}`)
				codes.Interval = 1
				_, err = c.DeviceAccessToken(t.Context(), codes)
				wantError(t, err, "invalid_grant", 400)
				wantResource(t, p, oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(tok)), 401, "")
			})
		}
	}
}

// testDeviceDenied enters the code by hand, and says no.
func testDeviceDenied(t *testing.T, p provider) {
	t.Helper()
	c := app(p, "public", "", oauth2.AuthStyleInParams)
	c.Endpoint.DeviceAuthURL = p.issuer + "/device_authorization"
	codes, err := c.DeviceAuth(t.Context())
	if err != nil {
		t.Fatalf("DeviceAuth: %v", err)
	}
	deny := maps.Clone(answers)
	deny["device-form"], deny["consent-form"] = url.Values{"user_code": {strings.ToLower(codes.UserCode)}}, url.Values{"action": {"deny"}}
	browseAs(t, codes.VerificationURI, deny)
	_, err = c.DeviceAccessToken(t.Context(), codes)
	wantError(t, err, "access_denied", 400)
}
