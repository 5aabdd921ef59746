package providers_test

import (
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/client/providers"
)

// Twitch's API wants the client id beside the token.
func TestCallsOfTwitch(t *testing.T) {
	t.Parallel()
	app := providers.Twitch(creds)
	for own, want := range map[string]string{"": creds.ID, "another": "another"} {
		var got *http.Request
		api, err := client.NewAPI(client.APIConfig{BaseURL: app.APIURL, Before: app.BeforeCall, Base: trip(func(r *http.Request) { got = r })})
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		if own != "" {
			header.Set("Client-Id", own)
		}
		source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "at"})
		if _, err := api.With(source).Do(t.Context(), client.Call{URL: "users", Header: header}); err != nil {
			t.Fatal(err)
		}
		if got.URL.String() != "https://api.twitch.tv/helix/users" || got.Header.Get("Client-Id") != want || got.Header.Get("Authorization") != "Bearer at" {
			t.Errorf("%s with %v, want the client id %q", got.URL, got.Header, want)
		}
	}
}

// Where user info is refused without a body the challenge says why, in whatever form.
func TestChallengesOfUserInfo(t *testing.T) {
	t.Parallel()
	for challenge, want := range map[string]client.Error{
		`Bearer error="invalid_token", error_description="The token expired"`: {Code: mandate.InvalidToken, Description: "The token expired"},
		`error="invalid_token",error_description="x"`:                         {Code: mandate.InvalidToken, Description: "x"},
		`Bearer realm="a", no_error="b", error="invalid_token"`:               {Code: mandate.InvalidToken},
		`Bearer realm="error", last_error="b`:                                 {},
		`Bearer error="cut off`:                                               {Code: "cut off"},
		`Bearer`:                                                              {},
		"":                                                                    {},
	} {
		s := readScenario(t, filepath.Join("testdata", "yahoo", "login.txt"))
		answers := s.all("answer")
		answers[3] = "401\nWWW-Authenticate: " + challenge + "\n\n"
		_, _, err := run(t, newWorld(t, answers, signed("", forge{})), providers.Yahoo(creds), s.one("callback"))
		if e, ok := errors.AsType[*client.Error](err); !ok || e.Kind != client.Provider || e.Status != 401 || e.Code != want.Code || e.Description != want.Description {
			t.Errorf("%q: error = %+v, want %q and %q", challenge, err, want.Code, want.Description)
		}
	}
}

// The secret is sent once, with the code.
func TestTheSecretIsSentOnce(t *testing.T) {
	t.Parallel()
	for _, p := range openids() {
		s := readScenario(t, filepath.Join("testdata", p.app.AppName(), "login.txt"))
		w := newWorld(t, s.all("answer"), p.fill)
		authorize, _, err := run(t, w, p.app, s.one("callback"))
		if err != nil {
			t.Fatal(err)
		}
		app := p.app.(client.OpenID)
		secret := app.Credentials.Secret
		if app.Credentials.SecretFunc != nil {
			secret, _ = app.Credentials.SecretFunc(now)
		}
		sent := 0
		for _, r := range append([]string{authorize}, w.requests...) {
			if strings.Contains(r, secret) || strings.Contains(r, url.QueryEscape(secret)) {
				sent++
			}
		}
		if sent != 1 {
			t.Errorf("%s: %d requests have the secret, want the one for the token", app.Name, sent)
		}
	}
}
