package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oidc"
)

// provider is an OpenID provider behind a Fetcher. What it answers with may be changed between requests.
type provider struct {
	t      *testing.T
	issuer string
	key    *jose.Key

	mu       sync.Mutex
	asked    map[string]int // by purpose
	metadata map[string]any
	claims   map[string]any // of the ID token
	raw      string         // the ID token, instead
	userinfo any            // an object, or the text of a JWT
	status   int            // of the user info
	token    map[string]any // more members of the token answer
	form     url.Values     // of the last request for a token
}

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newProvider(t *testing.T, change func(p *provider)) *provider {
	t.Helper()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, issuer: "https://id.example.com", key: key, asked: map[string]int{}, status: 200}
	p.claims = map[string]any{
		"iss": p.issuer, "sub": "alice", "aud": "shop", "exp": testTime.Add(time.Hour).Unix(), "iat": testTime.Unix(), "name": "Alice", "email": "alice@example.com",
	}
	p.metadata = map[string]any{
		"issuer": p.issuer, "authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/jwks",
		"userinfo_endpoint": p.issuer + "/userinfo", "end_session_endpoint": p.issuer + "/logout", "response_types_supported": []string{"code"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	}
	p.userinfo = map[string]any{"sub": "alice", "picture": "https://id.example.com/alice.png"}
	if change != nil {
		change(p)
	}
	return p
}

// Fetch implements mandate.Fetcher.
func (p *provider) Fetch(_ context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[r.Purpose]++
	answer := func(status int, kind string, v any) (*mandate.Response, error) {
		body, ok := v.([]byte)
		if !ok {
			body, _ = json.Marshal(v)
		}
		return &mandate.Response{Status: status, Header: mandate.Fields{{Name: "Content-Type", Value: kind}}, Body: body}, nil
	}
	switch r.Purpose {
	case "metadata":
		return answer(200, "application/json", p.metadata)
	case "jwks":
		return answer(200, "application/json", jose.NewKeySet(p.key.Public()))
	case "userinfo":
		if raw, ok := p.userinfo.(string); ok {
			return answer(p.status, "application/jwt; charset=utf-8", []byte(raw))
		}
		return answer(p.status, "application/json", p.userinfo)
	case "token":
		p.form, _ = url.ParseQuery(r.Body)
		m := map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "rt"}
		if m["id_token"] = p.raw; p.raw == "" {
			m["id_token"] = p.sign(p.claims)
		}
		maps.Copy(m, p.token)
		return answer(200, "application/json", m)
	}
	return nil, errors.New("nobody is there")
}

func (p *provider) sign(claims any) string {
	raw, err := jose.Sign(p.key, "JWT", claims)
	if err != nil {
		p.t.Error(err)
	}
	return raw
}

// login runs a login up to its end.
func (p *provider) login(change func(o *client.OpenID), begin client.Begin) (*client.SignIn, *url.URL, error) {
	p.t.Helper()
	o := client.OpenID{Name: "corp", Issuer: p.issuer, Credentials: client.Credentials{ID: "shop", Secret: "secret"}}
	if change != nil {
		change(&o)
	}
	reg, err := client.NewRegistry(client.Config{
		BaseURL: "https://shop.example.com", Secret: mandate.NewRandomSecret(), Apps: []client.App{o}, Fetcher: p, Now: func() time.Time { return testTime },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	app := reg.App("corp")
	resp, err := app.Begin(p.t.Context(), request("GET", "https://shop.example.com/auth/corp/login", ""), begin)
	if err != nil {
		return nil, nil, err
	}
	at, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		p.t.Fatal(err)
	}
	if _, ok := p.claims["nonce"]; !ok {
		p.claims["nonce"] = at.Query().Get("nonce")
	}
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	in, _, err := app.Finish(p.t.Context(), request("GET", "https://shop.example.com/auth/corp/callback?code=c0de&state="+at.Query().Get("state"), cookie))
	return in, at, err
}

func request(method, target, cookie string) *mandate.Request {
	h := mandate.Fields{}
	if cookie != "" {
		h = append(h, mandate.Field{Name: "Cookie", Value: cookie})
	}
	r := &mandate.Request{Method: method, Origin: "https://shop.example.com", Header: h}
	r.Path, r.RawQuery, _ = strings.Cut(strings.TrimPrefix(target, r.Origin), "?")
	return r
}

func TestOpenIDLogin(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	in, at, err := p.login(nil, client.Begin{})
	if err != nil {
		t.Fatal(err)
	}
	q := at.Query()
	if q.Get("scope") != "openid profile email" || len(q.Get("nonce")) != 22 || q.Get("code_challenge_method") != "S256" {
		t.Errorf("the request is %s", at)
	}
	if in.Profile.Subject != "alice" || in.Profile.Name != "Alice" || in.IDToken["iss"] != p.issuer || in.UserInfo != nil {
		t.Errorf("signed in: %+v", in)
	}
	if p.asked["userinfo"] != 0 || p.asked["metadata"] != 1 || p.asked["jwks"] != 1 {
		t.Errorf("asked: %v", p.asked)
	}
}

func TestOpenIDUserInfoIsAskedWhereItAdds(t *testing.T) {
	t.Parallel()
	for sentence, tc := range map[string]struct {
		change func(o *client.OpenID)
		claims func(c map[string]any)
		asked  int
	}{
		"nothing is missing":                {nil, func(map[string]any) {}, 0},
		"the name is":                       {nil, func(c map[string]any) { delete(c, "name") }, 1},
		"the address is":                    {nil, func(c map[string]any) { delete(c, "email") }, 1},
		"what was not asked for is":         {func(o *client.OpenID) { o.Scopes = []string{"openid"} }, func(c map[string]any) { delete(c, "email") }, 0},
		"always":                            {func(o *client.OpenID) { o.UserInfo = client.UserInfoAlways }, func(map[string]any) {}, 1},
		"never":                             {func(o *client.OpenID) { o.UserInfo = client.UserInfoNever }, func(c map[string]any) { delete(c, "email") }, 0},
		"an endpoint that is written down":  {func(o *client.OpenID) { o.UserInfoURL = o.Issuer + "/me" }, func(c map[string]any) { delete(c, "email") }, 1},
		"no endpoint, and all written down": {written, func(c map[string]any) { delete(c, "email") }, 0},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, func(p *provider) { tc.claims(p.claims) })
			in, _, err := p.login(tc.change, client.Begin{})
			if err != nil {
				t.Fatal(err)
			}
			if p.asked["userinfo"] != tc.asked || (in.UserInfo != nil) != (tc.asked == 1) || in.Profile.Subject != "alice" {
				t.Errorf("asked %d times, want %d; %+v", p.asked["userinfo"], tc.asked, in)
			}
		})
	}
}

// written writes every URL down that is needed.
func written(o *client.OpenID) {
	o.AuthURL, o.TokenURL, o.JWKSURL, o.Algs = o.Issuer+"/authorize", o.Issuer+"/token", o.Issuer+"/jwks", []jose.Alg{jose.ES256}
}

func TestOpenIDMaxAgeOfOneLogin(t *testing.T) {
	t.Parallel()
	begin := client.Begin{Params: mandate.Params{{Name: "max_age", Value: "0"}}}
	p := newProvider(t, func(p *provider) { p.claims["auth_time"] = testTime.Unix() })
	if _, at, err := p.login(nil, begin); err != nil || at.Query().Get("max_age") != "0" {
		t.Errorf("login: %v, the request is %s", err, at)
	}
	p = newProvider(t, func(p *provider) { p.claims["auth_time"] = testTime.Add(-time.Hour).Unix() })
	if _, _, err := p.login(nil, begin); !errors.Is(err, client.Mismatch) {
		t.Errorf("a user who signed in an hour ago: %v", err)
	}
	begin.Params[0].Value = "soon"
	if _, _, err := newProvider(t, nil).login(nil, begin); !errors.Is(err, client.Fault) {
		t.Errorf("a max_age that is no number: %v", err)
	}
}

func TestOpenIDFaultsAreNamed(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]client.OpenID{
		"Issuer is empty":                  {},
		"Issuer and MetadataURL are empty": {CheckIssuer: func(*oidc.Token) error { return nil }},
		"MetadataURL is empty":             {Issuer: "https://id.example.com/{tenantid}"},
		"in braces":                        {Issuer: "https://id.example.com/{tenant}", MetadataURL: "https://id.example.com/x"},
		"JWKSURL":                          {Issuer: "https://id.example.com", JWKSURL: "http://id.example.com/jwks"},
		"MaxAge":                           {Issuer: "https://id.example.com", MaxAge: -time.Second},
		"ClockSkew":                        {Issuer: "https://id.example.com", ClockSkew: time.Hour},
		"max_age":                          {Issuer: "https://id.example.com", AuthParams: mandate.Params{{Name: "max_age", Value: "1"}}},
		`UserInfo is "sometimes"`:          {Issuer: "https://id.example.com", UserInfo: "sometimes"},
		"do not mix":                       {Issuer: "https://id.example.com", Algs: []jose.Alg{jose.ES256, jose.HS256}},
		"at least 32":                      {Issuer: "https://id.example.com", Algs: []jose.Alg{jose.HS256}},
		"LogoutCallback":                   {Issuer: "https://id.example.com", LogoutCallback: "http://shop.example.com/left"},
	} {
		o.Name, o.Credentials = "corp", client.Credentials{ID: "shop", Secret: "secret"}
		_, err := client.NewRegistry(client.Config{BaseURL: "https://shop.example.com", Secret: mandate.NewRandomSecret(), Apps: []client.App{o}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewRegistry: %v, want it to say %q", err, want)
		}
	}
	_, err := client.NewRegistry(client.Config{
		BaseURL: "https://shop.example.com", Secret: mandate.NewRandomSecret(), BackChannelLogout: func(context.Context, *client.LogoutNotice) error { return nil },
		Apps: []client.App{client.OpenID{Name: "corp", Issuer: "https://id.example.com", Credentials: client.Credentials{ID: "shop"}}},
	})
	if err == nil || !strings.Contains(err.Error(), "needs Config.Replay") {
		t.Errorf("NewRegistry: %v", err)
	}
}

// A refresh that answers with an ID token about somebody else is the end of the grant; one whose ID token proves nothing is good without it.
func TestOpenIDRefresh(t *testing.T) {
	t.Parallel()
	for sentence, tc := range map[string]struct {
		claims func(c map[string]any)
		kept   string // "new", "old": which ID token; "": the grant is lost
	}{
		"the same user":    {func(c map[string]any) { delete(c, "nonce") }, "new"},
		"another user":     {func(c map[string]any) { c["sub"] = "mallory" }, ""},
		"another issuer":   {func(c map[string]any) { c["iss"] = "https://evil.example.com" }, ""},
		"one that is over": {func(c map[string]any) { c["exp"] = testTime.Add(-time.Hour).Unix() }, "old"},
		"another client":   {func(c map[string]any) { c["aud"] = "bank" }, "old"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, nil)
			s := &rows{}
			reg, err := client.NewRegistry(client.Config{
				BaseURL: "https://shop.example.com", Secret: mandate.NewRandomSecret(), Tokens: s, Fetcher: p, Now: func() time.Time { return testTime },
				Apps: []client.App{client.OpenID{Name: "corp", Issuer: p.issuer, Credentials: client.Credentials{ID: "shop", Secret: "secret"}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			app, old := reg.App("corp"), p.sign(p.claims)
			tok := (&oauth2.Token{AccessToken: "first", RefreshToken: "rt", Expiry: testTime.Add(-time.Hour)}).WithExtra(map[string]any{"id_token": old})
			if err := app.Keep(t.Context(), "7", tok); err != nil {
				t.Fatal(err)
			}
			tc.claims(p.claims)
			got, err := app.Source("7").Token()
			if tc.kept == "" {
				if !errors.Is(err, client.Mismatch) {
					t.Errorf("Token: %v, want Mismatch", err)
				}
				if _, err := reg.Tokens().Stored(t.Context(), "corp", "7"); !errors.Is(err, client.GrantLost) {
					t.Errorf("Stored: %v, want GrantLost", err)
				}
				return
			}
			if err != nil || got.AccessToken != "at" {
				t.Fatalf("Token = %v, %v", got, err)
			}
			kept, err := reg.Tokens().Stored(t.Context(), "corp", "7")
			if err != nil {
				t.Fatal(err)
			}
			if id, _ := kept.Extra("id_token").(string); (id == old) != (tc.kept == "old") || id == "" {
				t.Errorf("the ID token that is kept is the old one: %v, want %s", id == old, tc.kept)
			}
		})
	}
}

func TestErrorStatus(t *testing.T) {
	t.Parallel()
	for kind, want := range map[client.Kind]int{
		client.Denied: 403, client.GrantLost: 401, client.NoToken: 401, client.Expired: 400, client.Fault: 500, client.Mismatch: 502, client.Unreachable: 502,
	} {
		if got := (&client.Error{Kind: kind}).HTTPStatus(); got != want {
			t.Errorf("HTTPStatus of %s = %d, want %d", kind, got, want)
		}
	}
}

// Who signs in with another user of the provider has nothing of the one before: no refresh token, that is, which would make him that one in an hour.
func TestKeepMixesNoUsers(t *testing.T) {
	t.Parallel()
	for sentence, tc := range map[string]struct{ subject, refresh string }{
		"the same user again": {"alice", "rt"}, "another user": {"bob", ""},
	} {
		p, s := newProvider(t, nil), &rows{}
		reg := newRegistry(t, client.Config{
			Tokens: s, Fetcher: p, Now: func() time.Time { return testTime },
			Apps: []client.App{client.OpenID{Name: "corp", Issuer: p.issuer, Credentials: client.Credentials{ID: "shop", Secret: "secret"}}},
		})
		for _, tok := range []*oauth2.Token{{AccessToken: "first", RefreshToken: "rt"}, {AccessToken: "second"}} {
			if tok.AccessToken == "second" {
				p.claims["sub"] = tc.subject
			}
			if err := reg.App("corp").Keep(t.Context(), "7", tok.WithExtra(map[string]any{"id_token": p.sign(p.claims)})); err != nil {
				t.Fatal(err)
			}
		}
		if tok, err := reg.Tokens().Stored(t.Context(), "corp", "7"); err != nil || tok.AccessToken != "second" || tok.RefreshToken != tc.refresh {
			t.Errorf("%s: %+v, %v, want the refresh token %q", sentence, tok, err, tc.refresh)
		}
	}
}

// What a provider's metadata names is the provider's word: it leads nobody to this machine's own ports, unless the provider is there, too.
func TestMetadataLeadsNobodyToLoopback(t *testing.T) {
	t.Parallel()
	for _, member := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"} {
		p := newProvider(t, func(p *provider) {
			p.metadata[member] = "http://127.0.0.1:6379/"
			delete(p.claims, "email") // so that user info is asked
		})
		if in, _, err := p.login(nil, client.Begin{}); !errors.Is(err, client.Unreachable) || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %+v, error = %v, want Unreachable for loopback", member, in, err)
		}
		p.issuer = "http://localhost:8080"
		p.metadata["issuer"], p.claims["iss"] = p.issuer, p.issuer
		if _, _, err := p.login(nil, client.Begin{}); err != nil && strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s of a provider on loopback: %v", member, err)
		}
	}
}
