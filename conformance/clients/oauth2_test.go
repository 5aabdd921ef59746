package clients_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// testXOAuth2 is golang.org/x/oauth2 as it is.
func testXOAuth2(t *testing.T, p provider) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, provider){
		"code and PKCE, with every style and the guess":      testCode,
		"client credentials, with every style and the guess": testClientCredentials,
		"a device, with every style and the guess":           testDevice,
		"a device that somebody refuses":                     testDeviceDenied,
		"a wrong secret":                                     testWrongSecret,
		"a wrong verifier costs nothing":                     testWrongVerifier,
		"a revoked token":                                    testRevoked,
		"JWT access tokens":                                  testJWT,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// app is what an application that uses the package writes.
func app(p provider, id, secret string, style oauth2.AuthStyle) *oauth2.Config {
	return &oauth2.Config{
		ClientID: id, ClientSecret: secret, RedirectURL: callback, Scopes: []string{"read"},
		Endpoint: oauth2.Endpoint{AuthURL: p.issuer + "/authorize", TokenURL: p.issuer + "/token", AuthStyle: style},
	}
}

// signIn goes through the code flow up to the exchange.
func signIn(t *testing.T, p provider, c *oauth2.Config) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	back := browse(t, c.AuthCodeURL("a state & more", oauth2.S256ChallengeOption(verifier)))
	if back.Get("state") != "a state & more" || back.Get("iss") != p.issuer {
		t.Fatalf("the client is told %v, want its state and the issuer (RFC 9207)", back)
	}
	tok, err := c.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("%s, style %d: Exchange: %v", c.ClientID, c.Endpoint.AuthStyle, err)
	}
	return tok
}

func testCode(t *testing.T, p provider) {
	t.Helper()
	for id, styles := range map[string][]oauth2.AuthStyle{
		"basic":     {oauth2.AuthStyleAutoDetect, oauth2.AuthStyleInHeader},
		"post":      {oauth2.AuthStyleAutoDetect, oauth2.AuthStyleInParams},
		"public":    {oauth2.AuthStyleAutoDetect, oauth2.AuthStyleInParams},
		"odd:+%/&=": {oauth2.AuthStyleAutoDetect, oauth2.AuthStyleInHeader},
	} {
		for _, style := range styles {
			c := app(p, id, secret, style)
			if id == "public" {
				c.ClientSecret = ""
			}
			tok := signIn(t, p, c)
			if tok.Type() != "Bearer" || tok.RefreshToken == "" || tok.Extra("scope") != "read" || time.Until(tok.Expiry) < 59*time.Minute || !tok.Valid() {
				t.Errorf("%s, style %d: token is %q, refresh %t, scope %v, until %v", id, style, tok.Type(), tok.RefreshToken != "", tok.Extra("scope"), tok.Expiry)
			}
			wantResource(t, p, c.Client(t.Context(), tok), 200, `{"subject":"user-foo","client":`+quote(id)+`,"scope":"read"}`)
			again, err := c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
			if err != nil || again.AccessToken == tok.AccessToken || again.RefreshToken == tok.RefreshToken {
				t.Errorf("%s, style %d: refresh: %v, want another access and refresh token", id, style, err)
			}
		}
	}
}

func testClientCredentials(t *testing.T, p provider) {
	t.Helper()
	for id, styles := range map[string][]oauth2.AuthStyle{
		"basic":     {oauth2.AuthStyleAutoDetect, oauth2.AuthStyleInHeader},
		"post":      {oauth2.AuthStyleAutoDetect, oauth2.AuthStyleInParams},
		"odd:+%/&=": {oauth2.AuthStyleAutoDetect, oauth2.AuthStyleInHeader},
	} {
		for _, style := range styles {
			c := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: p.issuer + "/token", Scopes: []string{"read", "write"}, AuthStyle: style}
			tok, err := c.Token(t.Context())
			if err != nil {
				t.Errorf("%s, style %d: %v", id, style, err)
				continue
			}
			if tok.RefreshToken != "" || tok.Extra("scope") != "read write" {
				t.Errorf("%s: refresh token %t, scope %v, want none (RFC 6749, 4.4.3) and both scopes", id, tok.RefreshToken != "", tok.Extra("scope"))
			}
			wantResource(t, p, c.Client(t.Context()), 200, `{"subject":"","client":`+quote(id)+`,"scope":"read write"}`)
		}
	}
}

func testWrongSecret(t *testing.T, p provider) {
	t.Helper()
	for _, tc := range []struct {
		client string
		style  oauth2.AuthStyle
		status int
	}{
		{"basic", oauth2.AuthStyleInHeader, 401}, // RFC 6749, section 5.2
		{"post", oauth2.AuthStyleInParams, 400},
		{"basic", oauth2.AuthStyleInParams, 400}, // not the registered method
		{"nobody", oauth2.AuthStyleInHeader, 401},
	} {
		c := clientcredentials.Config{ClientID: tc.client, ClientSecret: "wrong", TokenURL: p.issuer + "/token", Scopes: []string{"read"}, AuthStyle: tc.style}
		_, err := c.Token(t.Context())
		e := wantError(t, err, "invalid_client", tc.status)
		if challenge := e.Response.Header.Get("WWW-Authenticate"); (tc.status == 401) != strings.HasPrefix(challenge, "Basic ") {
			t.Errorf("status %d with the challenge %q, want one of Basic exactly with 401", tc.status, challenge)
		}
	}
	// With the style named: the guess takes any refusal for a wrong style, tries the other one, and returns the error of that.
	c := clientcredentials.Config{
		ClientID: "basic", ClientSecret: secret, TokenURL: p.issuer + "/token", Scopes: []string{"admin"}, AuthStyle: oauth2.AuthStyleInHeader,
	}
	_, err := c.Token(t.Context())
	wantError(t, err, "invalid_scope", 400)
}

func testWrongVerifier(t *testing.T, p provider) {
	t.Helper()
	c := app(p, "basic", secret, oauth2.AuthStyleInHeader)
	verifier := oauth2.GenerateVerifier()
	code := browse(t, c.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier))).Get("code")
	for _, options := range [][]oauth2.AuthCodeOption{nil, {oauth2.VerifierOption(oauth2.GenerateVerifier())}} {
		_, err := c.Exchange(t.Context(), code, options...)
		wantError(t, err, "invalid_grant", 400)
	}
	tok, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("the right verifier: %v", err)
	}
	_, err = c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	wantError(t, err, "invalid_grant", 400)
	wantResource(t, p, c.Client(t.Context(), &oauth2.Token{AccessToken: tok.AccessToken}), 401, "") // RFC 6749, 4.1.2
}

func testRevoked(t *testing.T, p provider) {
	t.Helper()
	c := app(p, "basic", secret, oauth2.AuthStyleAutoDetect)
	tok := signIn(t, p, c)
	static := oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(tok))
	wantResource(t, p, static, 200, "")
	revoke := func(token string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.issuer+"/revoke", strings.NewReader(url.Values{"token": {token}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(url.QueryEscape("basic"), url.QueryEscape(secret))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("revoke: status %d, want 200", resp.StatusCode)
		}
	}
	revoke(tok.AccessToken)
	wantResource(t, p, static, 401, "")
	next, err := c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
	if err != nil {
		t.Fatalf("the refresh token went with the access token: %v", err)
	}
	revoke(next.RefreshToken)
	wantResource(t, p, oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(next)), 401, "")
	_, err = c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: next.RefreshToken}).Token()
	wantError(t, err, "invalid_grant", 400)
}

func testJWT(t *testing.T, p provider) {
	t.Helper()
	c := app(p, "jwt", secret, oauth2.AuthStyleAutoDetect)
	tok := signIn(t, p, c)
	if strings.Count(tok.AccessToken, ".") != 2 {
		t.Errorf("access token is no JWT")
	}
	if left := time.Until(tok.Expiry); left < 9*time.Minute || left > 10*time.Minute {
		t.Errorf("a JWT lives for %v, want ten minutes", left)
	}
	wantResource(t, p, c.Client(t.Context(), tok), 200, `{"subject":"user-foo","client":"jwt","scope":"read"}`)
}

// testRefresh comes last: it moves the clock.
func testRefresh(t *testing.T, p provider) {
	t.Helper()
	c := app(p, "public", "", oauth2.AuthStyleAutoDetect)
	first := signIn(t, p, c)
	p.later(t, 7200)
	wantResource(t, p, oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(first)), 401, "")
	over := *first
	over.Expiry = time.Now().Add(-time.Minute)
	source := c.TokenSource(context.Background(), &over)
	second, err := source.Token()
	if err != nil || second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken {
		t.Fatalf("refresh: %v, want new tokens", err)
	}
	wantResource(t, p, oauth2.NewClient(t.Context(), source), 200, "")
	if third, err := source.Token(); err != nil || third.AccessToken != second.AccessToken {
		t.Errorf("the second question: %v, want the token that is still good", err)
	}
	// Lost in the network: the same successor again, for 30 seconds.
	if repeat, err := c.TokenSource(t.Context(), &over).Token(); err != nil || repeat.RefreshToken != second.RefreshToken {
		t.Errorf("a repeat at once: %v, want the same refresh token", err)
	}
	p.later(t, 7200+31)
	_, err = c.TokenSource(t.Context(), &over).Token()
	wantError(t, err, "invalid_grant", 400)
	_, err = c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: second.RefreshToken}).Token()
	wantError(t, err, "invalid_grant", 400) // a used one after the grace ends the family (RFC 9700, 4.14.2)
}

// wantError returns what the package made of the provider's refusal.
func wantError(t *testing.T, err error, code string, status int) *oauth2.RetrieveError {
	t.Helper()
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		t.Fatalf("error = %v, want a RetrieveError", err)
	}
	if e.ErrorCode != code || e.ErrorDescription == "" || e.Response.StatusCode != status {
		t.Errorf("error = %q %q with status %d, want %s, a description and %d", e.ErrorCode, e.ErrorDescription, e.Response.StatusCode, code, status)
	}
	return e
}

func wantResource(t *testing.T, p provider, c *http.Client, status int, body string) {
	t.Helper()
	resp, err := c.Get(p.issuer + "/resource")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || body != "" && string(data) != body {
		t.Errorf("resource: status %d, %s, want %d, %s", resp.StatusCode, data, status, body)
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always can be
	return string(b)
}
