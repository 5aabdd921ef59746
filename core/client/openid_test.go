package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
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
		for name, v := range p.token {
			m[name] = v
		}
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
	return &mandate.Request{Method: method, URL: target, Header: h}
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
