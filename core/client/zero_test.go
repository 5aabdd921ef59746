package client_test

import (
	"net/http"
	"testing"

	"golang.org/x/oauth2"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/oidc"
)

// TestNothingPanicsForWantOfAValue calls what has not been made, or is nil.
func TestNothingPanicsForWantOfAValue(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.test/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	var none *client.Remote
	tok := &oauth2.Token{AccessToken: "at"}
	for name, call := range map[string]func() error{
		"Remote.Name":          func() error { none.Name(); return nil },
		"Remote.Protocol":      func() error { none.Protocol(); return nil },
		"Remote.Source":        func() error { _, err := none.Source("a").Token(); return err },
		"Remote.API":           func() error { _, err := none.API("a").Get(ctx, "x", nil); return err },
		"Remote.APIWith":       func() error { _, err := none.APIWith(static()).Get(ctx, "x", nil); return err },
		"Remote.APIWithOAuth1": func() error { _, err := none.APIWithOAuth1(nil).Get(ctx, "x", nil); return err },
		"Remote.HTTP":          func() error { _, err := none.API("a").HTTP().Do(r); return err }, //nolint:bodyclose // there is none
		"Remote.Keep":          func() error { return none.Keep(ctx, "a", tok) },
		"Remote.KeepOAuth1":    func() error { return none.KeepOAuth1(ctx, "a", nil) },
		"Remote.Disconnect":    func() error { return none.Disconnect(ctx, "a") },
		"Remote.Requester":     func() error { none.Requester(); return nil },
		"Remote.UserInfo":      func() error { _, err := none.UserInfo(ctx, tok, "s"); return err },
		"Remote.VerifyIDToken": func() error { _, err := none.VerifyIDToken(ctx, "x", oidc.Expect{}); return err },
		"Remote.Finish":        func() error { _, _, err := none.Finish(ctx, browser("")); return err },
		"Remote.Logout":        func() error { _, err := none.Logout(ctx, browser(""), client.Logout{}); return err },
		"Remote.LoggedOut":     func() error { _, _, err := none.LoggedOut(ctx, browser("")); return err },
		"Registry.App":         func() error { (*client.Registry)(nil).App("x"); return nil },
		"Registry{}.App":       func() error { (&client.Registry{}).App("x"); return nil },
		"SignIn.Keep":          func() error { return (&client.SignIn{Token: tok}).Keep(ctx, "a") },
		"SignIn.Keep, OAuth 1": func() error { return (&client.SignIn{OAuth1: &client.OAuth1Token{}}).Keep(ctx, "a") },
		"Source":               func() error { _, err := (&client.Source{}).Token(); return err },
		"API":                  func() error { _, err := (&client.API{}).Get(ctx, "x", nil); return err },
		"API.With":             func() error { _, err := (&client.API{}).With(static()).Get(ctx, "x", nil); return err },
		"Granted":              func() error { return (&client.Granted{}).JSON(ctx, "https://api.test/x", new(any)) },
		"Granted.Claims":       func() error { (&client.Granted{}).Claims(); return nil },
		"Transport without Base": func() error {
			_, err := (&client.Transport{Source: static(), Allowed: []string{"https://api.test"}}).RoundTrip(r) //nolint:bodyclose // there is none
			return err
		},
		"DeviceToken": func() error { _, err := requester(t, nil).DeviceToken(ctx, nil); return err },
		"Revoke":      func() error { return requester(t, nil).Revoke(ctx, nil) },
		"Scopes":      func() error { client.Scopes(nil); return nil },
		"NewRefreshing": func() error {
			_, err := client.NewRefreshing(requester(t, nil), nil, nil, client.SourceConfig{}).Token()
			return err
		},
		"Verifier":      func() error { _, err := new(oidc.Verifier).IDToken(ctx, "a.b.c", oidc.Expect{}); return err },
		"oidc.Token":    func() error { new(oidc.Token).Claims(); return nil },
		"VerifiedEmail": func() error { new(client.Profile).VerifiedEmail(); return nil },
		"Error":         func() error { _ = (&client.Error{}).Error(); return nil },
		"Response":      func() error { _, err := new(client.Response).Data(); _ = err; return nil },
		"Response.Read": func() error { var x any; _ = new(client.Response).Decode(&x); return nil },
		"OAuth2 in none": func() error {
			_, err := client.NewRegistry(client.Config{Apps: []client.App{client.OAuth2{}, client.OpenID{}, client.OAuth1{}, nil}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("panic: %v", p)
				}
			}()
			t.Log(call())
		})
	}
}
