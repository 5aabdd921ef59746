package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// asking returns an app whose profile is asked for with one call, and a provider that answers it with res.
func asking(c client.Call, res *mandate.Response) (client.OAuth2, server, *[]*mandate.FetchRequest) {
	app := plain("one")
	app.APIURL = "https://api.example.com/v2"
	app.Profile = func(ctx context.Context, g *client.Granted) (client.Profile, error) {
		res, err := g.Do(ctx, c)
		if err != nil {
			return client.Profile{}, err
		}
		if !res.OK() {
			return client.Profile{}, g.Refused(res)
		}
		var me struct{ ID string }
		err = res.Read(&me)
		return client.Profile{Subject: res.Header.Get("Prefix") + me.ID}, err
	}
	var calls []*mandate.FetchRequest
	return app, func(r *mandate.FetchRequest, _ url.Values) *mandate.Response {
		if r.Purpose == "token" {
			return saysJSON(200, granted)
		}
		calls = append(calls, r)
		return res
	}, &calls
}

func TestTheCallOfAProfile(t *testing.T) {
	t.Parallel()
	res := saysJSON(200, `{"id": "7"}`)
	res.Header = append(res.Header, mandate.Field{Name: "Prefix", Value: "user-"})
	app, s, calls := asking(client.Call{Method: "POST", URL: "me", Query: url.Values{"a": {"1"}}, Body: map[string]int{"b": 2}}, res)
	app.BeforeCall = func(r *http.Request) error {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "Bearer", "OAuth2", 1))
		r.URL.RawQuery += "&c=3"
		return nil
	}
	in, _, err := through(t, app, s, url.Values{"code": {"c"}})
	if err != nil || in.Profile.Subject != "user-7" {
		t.Fatalf("%+v, error = %v", in, err)
	}
	got := (*calls)[0]
	for name, pair := range map[string][2]string{
		"method": {got.Method, "POST"}, "URL": {got.URL, "https://api.example.com/v2/me?a=1&c=3"}, "body": {got.Body, `{"b":2}`},
		"Authorization": {got.Header.Get("Authorization"), "OAuth2 at"}, "Content-Type": {got.Header.Get("Content-Type"), "application/json"},
		"Accept": {got.Header.Get("Accept"), "application/json"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s = %q, want %q", name, pair[0], pair[1])
		}
	}
}

func TestAProfileOfAnotherContentType(t *testing.T) {
	t.Parallel()
	for force, ok := range map[string]bool{"": false, "application/json": true} {
		app, s, _ := asking(client.Call{URL: "me"}, says(200, "text/plain", `{"id": "7"}`))
		app.APIContentType = force
		if in, _, err := through(t, app, s, url.Values{"code": {"c"}}); (err == nil) != ok || ok && in.Profile.Subject != "7" {
			t.Errorf("taken for %q: %+v, error = %v", force, in, err)
		}
	}
}

func TestAProfileThatIsRefused(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		call   client.Call
		before func(*http.Request) error
		res    *mandate.Response
		kind   client.Kind
		says   string
	}{
		"for the token":      {res: saysJSON(401, `{"message": "Bad credentials"}`), kind: client.Provider, says: "Bad credentials"},
		"with a code":        {res: saysJSON(403, `{"error": "insufficient_scope"}`), kind: client.Provider, says: "insufficient_scope"},
		"for the number":     {res: saysJSON(429, `{"detail": "slow down"}`), kind: client.Unreachable, says: "slow down"},
		"by an outage":       {res: says(503, "text/html", "<html>"), kind: client.Unreachable, says: "status 503"},
		"by the application": {before: func(*http.Request) error { return boom }, kind: client.Fault, says: "boom"},
		"for its URL":        {call: client.Call{URL: "http://api.example.com/me"}, kind: client.Fault, says: "not https"},
		"for a body":         {call: client.Call{Body: func() {}}, kind: client.Fault, says: "unsupported type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, s, calls := asking(tc.call, tc.res)
			app.BeforeCall = tc.before
			_, _, err := through(t, app, s, url.Values{"code": {"c"}})
			if !errors.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error = %v, want %q with %q", err, tc.kind, tc.says)
			}
			if tc.kind == client.Fault && len(*calls) > 0 {
				t.Error("it was sent all the same")
			}
		})
	}
}

// In OAuth 1.0a the call of a profile is signed as it goes out: after BeforeCall, with its form.
func TestTheCallOfAnOAuth1Profile(t *testing.T) {
	t.Parallel()
	app := photosApp()
	app.APIURL = "https://photos.example.com/v1"
	app.BeforeCall = func(r *http.Request) error {
		r.URL.RawQuery = "x=y"
		return nil
	}
	app.Profile = func(ctx context.Context, g *client.Granted) (client.Profile, error) {
		res, err := g.Do(ctx, client.Call{Method: "POST", URL: "me", Body: url.Values{"a": {"b c"}}})
		if err != nil {
			return client.Profile{}, err
		}
		return client.Profile{Subject: string(res.Raw)}, nil
	}
	p := &photos{}
	l, err := beginOld(t, p, app, client.Begin{})
	if err != nil {
		t.Fatal(err)
	}
	in, _, err := l.finish("oauth_token=tmp%2F1&oauth_verifier=v")
	if err != nil || in.Profile.Subject != `{"sub":"7","name":"Ann"}` {
		t.Fatalf("%+v, error = %v", in, err)
	}
	last := p.asked[len(p.asked)-1] // the signature was verified
	if last.Method != http.MethodPost || last.URL != "https://photos.example.com/v1/me?x=y" || last.Body != "a=b+c" {
		t.Errorf("%s %s: %s", last.Method, last.URL, last.Body)
	}
	app.BeforeCall = func(*http.Request) error { return errors.New("boom") }
	if l, err = beginOld(t, p, app, client.Begin{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.finish("oauth_token=tmp%2F1&oauth_verifier=v"); !errors.Is(err, client.Fault) {
		t.Errorf("error = %v, want Fault", err)
	}
}

// TestTheTokenOfAProfileStaysWithTheAPI has a profile function that goes where an answer leads.
func TestTheTokenOfAProfileStaysWithTheAPI(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		url  string
		fine bool
	}{
		"the API":          {"me", true},
		"in full":          {"https://API.example.com:443/v2/me", true},
		"an allowed one":   {"https://more.example.com/me", true},
		"the profile's":    {"https://id.example.com/me", true},
		"another":          {"https://evil.example.com/me", false},
		"in short":         {"//evil.example.com/me", false},
		"with a user":      {"https://api.example.com@evil.example.com/me", false},
		"on another port":  {"https://api.example.com:8443/me", false},
		"with a long name": {"https://api.example.com.evil.example.com/me", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, s, calls := asking(client.Call{URL: tc.url}, saysJSON(200, `{"id": "7"}`))
			app.APIAllowed, app.ProfileURL = []string{"https://more.example.com"}, "https://id.example.com/user"
			_, _, err := through(t, app, s, url.Values{"code": {"c"}})
			if tc.fine != (err == nil) || tc.fine != (len(*calls) == 1) || !tc.fine && !errors.Is(err, client.WrongHost) && !strings.Contains(tc.url, "@") {
				t.Errorf("%d calls, error = %v", len(*calls), err)
			}
		})
	}
}

func TestAProfileURLWithoutSubNamesTheWayOut(t *testing.T) {
	t.Parallel()
	app, s, _ := asking(client.Call{}, saysJSON(200, `{"id": "7"}`))
	app.Profile, app.APIURL, app.ProfileURL = nil, "", "https://api.example.com/me"
	_, _, err := through(t, app, s, url.Values{"code": {"c"}})
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || refused.Kind != client.Mismatch || refused.HTTPStatus() != 502 || !strings.Contains(err.Error(), "set Profile") {
		t.Errorf("error = %v, want a mismatch, 502, that names Profile", err)
	}
}
