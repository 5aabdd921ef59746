package client_test

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// through begins a login with app, changes the provider's answer and finishes it. It returns the URL of the request, too.
func through(t *testing.T, app client.OAuth2, s server, answer url.Values) (*client.SignIn, *url.URL, error) {
	t.Helper()
	reg := newRegistry(t, client.Config{Apps: []client.App{app}, Fetcher: s})
	r := reg.App(app.Name)
	resp, err := r.Begin(t.Context(), browser(""), client.Begin{})
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Set("state", at.Query().Get("state"))
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	req := browser(cookie)
	req.Path, req.RawQuery = "/auth/"+app.Name+"/callback", answer.Encode()
	in, _, err := r.Finish(t.Context(), req)
	return in, at, err
}

func TestTheUserSaysNoInManyWords(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]client.Kind{
		"access_denied": client.Denied, "ACCESS_DENIED": client.Denied, "user_cancelled_authorize": client.Denied, "user_cancelled_login": client.Denied,
		"server_error": client.Provider, "": client.Malformed,
	} {
		_, _, err := through(t, plain("one"), nil, url.Values{"error": {code}})
		e, ok := errors.AsType[*client.Error](err)
		if !ok || e.Kind != kind || string(e.Code) != code {
			t.Errorf("%q: error = %+v, want %q", code, err, kind)
		}
	}
}

func TestWithoutPKCE(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]bool{"with": false, "without": true} {
		app := plain("one")
		app.InsecureNoPKCE = without
		var sent url.Values
		in, at, err := through(t, app, func(_ *mandate.FetchRequest, form url.Values) *mandate.Response {
			sent = form
			return saysJSON(200, `{"access_token":"at","scope":["a","b"]}`)
		}, url.Values{"code": {"c"}})
		if err != nil {
			t.Fatal(err)
		}
		q := at.Query()
		if q.Has("code_challenge") == without || q.Has("code_challenge_method") == without || sent.Has("code_verifier") == without || sent.Get("code") != "c" {
			t.Errorf("%s: asked %v, sent %v", name, q, sent)
		}
		if !reflect.DeepEqual(in.Scopes, []string{"a", "b"}) {
			t.Errorf("%s: scopes = %q", name, in.Scopes)
		}
	}
}
