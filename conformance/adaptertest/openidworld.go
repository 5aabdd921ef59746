package adaptertest

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
	wire "github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/oidc"
)

// idp is an OpenID provider that signs for real, in this process: it is behind a Fetcher. What a case wants to go wrong it sets before the login.
type idp struct {
	t      *testing.T
	issuer string
	clock  *Clock

	metadata func(m map[string]any) // changes the metadata
	claims   func(c map[string]any) // changes the claims of ID tokens
	sign     func(p *idp, c map[string]any) string
	answer   func(m map[string]any) // changes the answer of the token endpoint
	userInfo func() (kind, body string)
	down     map[string]bool // purposes that have no answer

	mu     sync.Mutex // guards what follows
	keys   []*jose.Key
	grants map[string]url.Values
	asked  map[string]int
}

const idpSecret = "secret-of-shop-0123456789abcdefgh"

func newIDP(t *testing.T, issuer string, clock *Clock) *idp {
	t.Helper()
	p := &idp{t: t, issuer: issuer, clock: clock, grants: map[string]url.Values{}, asked: map[string]int{}, down: map[string]bool{}}
	p.rotate(0)
	return p
}

// rotate makes a new key the one that signs, and forgets all but the newest ones of before.
func (p *idp) rotate(keep int) {
	k, err := jose.Generate(jose.ES256)
	if err != nil {
		p.t.Error(err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append([]*jose.Key{k}, p.keys[:min(keep, len(p.keys))]...)
}

func (p *idp) key() *jose.Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[0]
}

// count returns how often a purpose was asked for.
func (p *idp) count(purpose string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[purpose]
}

// approve is the authorization endpoint: alice is signed in, and says yes.
func (p *idp) approve(at *url.URL) *url.URL {
	p.t.Helper()
	q := at.Query()
	if !strings.HasPrefix(at.String(), p.issuer+"/authorize?") || q.Get("nonce") == "" || !strings.Contains(" "+q.Get("scope")+" ", " openid ") {
		p.t.Fatalf("this is no authentication request: %s", at)
	}
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		p.t.Fatal(err)
	}
	code := rand.Text()
	p.mu.Lock()
	p.grants[code] = q
	p.mu.Unlock()
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.issuer}}.Encode()
	return back
}

// standard returns the claims of an ID token for an authentication request.
func (p *idp) standard(q url.Values) map[string]any {
	now := p.clock.Now()
	return map[string]any{
		"iss": p.issuer, "sub": "alice", "aud": q.Get("client_id"), "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nonce": q.Get("nonce"), "sid": "session-1",
		"auth_time": now.Unix(), "name": "Alice", "email": "alice@example.com", "email_verified": true,
	}
}

// signed returns a JWT of claims with the key that signs.
func (p *idp) signed(typ string, claims any) string {
	raw, err := jose.Sign(p.key(), typ, claims)
	if err != nil {
		p.t.Error(err)
	}
	return raw
}

// idpIn sends what is asked of an issuer to its idp.
type idpIn []*idp

// Fetch implements mandate.Fetcher.
func (all idpIn) Fetch(_ context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	for _, p := range all {
		if strings.HasPrefix(r.URL, p.issuer+"/") {
			return p.fetch(r)
		}
	}
	return nil, fmt.Errorf("%s: nobody is there", r.URL)
}

func (p *idp) fetch(r *mandate.FetchRequest) (*mandate.Response, error) {
	p.mu.Lock()
	p.asked[r.Purpose]++
	down := p.down[r.Purpose]
	set := make([]*jose.PublicKey, len(p.keys))
	for i, k := range p.keys {
		set[i] = k.Public()
	}
	p.mu.Unlock()
	if down {
		return nil, fmt.Errorf("%s: the provider is away", r.URL)
	}
	switch strings.TrimPrefix(r.URL, p.issuer) {
	case "/.well-known/openid-configuration":
		m := map[string]any{
			"issuer": p.issuer, "authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/jwks",
			"userinfo_endpoint": p.issuer + "/userinfo", "end_session_endpoint": p.issuer + "/logout", "response_types_supported": []string{"code"},
			"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"}, "authorization_response_iss_parameter_supported": true,
		}
		if p.metadata != nil {
			p.metadata(m)
		}
		return jsonAnswer(200, m), nil
	case "/jwks":
		return jsonAnswer(200, jose.NewKeySet(set...)), nil
	case "/userinfo":
		if p.userInfo != nil {
			kind, body := p.userInfo()
			return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Content-Type", Value: kind}}, Body: []byte(body)}, nil
		}
		return jsonAnswer(200, map[string]any{"sub": "alice", "picture": "https://id.example.com/alice.png"}), nil
	case "/token":
		return p.token(r), nil
	}
	return jsonAnswer(404, map[string]any{}), nil
}

// token is the token endpoint. It redeems a code once, with the redirect URI, the verifier and the secret that belong to it.
func (p *idp) token(r *mandate.FetchRequest) *mandate.Response {
	form, _ := url.ParseQuery(r.Body)
	p.mu.Lock()
	q := p.grants[form.Get("code")]
	delete(p.grants, form.Get("code"))
	p.mu.Unlock()
	if q == nil || q.Get("redirect_uri") != form.Get("redirect_uri") || q.Get("code_challenge") != wire.Challenge(form.Get("code_verifier")) ||
		r.Header.Get("Authorization") != basic(q.Get("client_id"), idpSecret) {
		return jsonAnswer(400, map[string]any{"error": "invalid_grant"})
	}
	access := rand.Text()
	c := p.standard(q)
	alg := p.key().Alg()
	c["at_hash"], c["c_hash"] = oidc.Hash(alg, access), oidc.Hash(alg, form.Get("code"))
	if p.claims != nil {
		p.claims(c)
	}
	m := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600}
	if p.sign != nil {
		m["id_token"] = p.sign(p, c)
	} else {
		m["id_token"] = p.signed("JWT", c)
	}
	if p.answer != nil {
		p.answer(m)
	}
	return jsonAnswer(200, m)
}

func jsonAnswer(status int, v any) *mandate.Response {
	body, _ := json.Marshal(v) // maps of strings
	return &mandate.Response{Status: status, Header: mandate.Fields{{Name: "Content-Type", Value: "application/json"}}, Body: body}
}

// rawJWT returns a JWT with any header, whose signature is an HMAC under secret, or empty.
func rawJWT(header, claims map[string]any, secret []byte) string {
	part := func(v any) string {
		data, _ := json.Marshal(v) // maps of strings
		return base64.RawURLEncoding.EncodeToString(data)
	}
	message := part(header) + "." + part(claims)
	if secret == nil {
		return message + "."
	}
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(message))
	return message + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// openIDWorld is an application whose users sign in with two providers.
type openIDWorld struct {
	*tabs

	op, other *idp
	clock     *Clock
}

// openIDSetup is what a case changes before its openIDWorld begins.
type openIDSetup struct {
	client.Config
	LoginConfig

	op, other *idp
	home      client.OpenID // with op; "away" is with other
	routes    func(w *openIDWorld)
}

func newOpenIDWorld(t *testing.T, a Adapter, change func(s *openIDSetup)) *openIDWorld {
	t.Helper()
	clock := NewClock()
	w := &openIDWorld{op: newIDP(t, "https://id.example.com", clock), other: newIDP(t, "https://other.example.com", clock), clock: clock}
	l := &loginWorld{shop: newSite(t, a)}
	w.tabs = &tabs{t, l, map[string]string{}}
	app := func(name string, p *idp) client.OpenID {
		return client.OpenID{Name: name, Issuer: p.issuer, Credentials: client.Credentials{ID: "shop", Secret: idpSecret}}
	}
	s := &openIDSetup{op: w.op, other: w.other, home: app("home", w.op)}
	s.BaseURL, s.Now, s.Fetcher = l.shop.url, clock.Now, idpIn{w.op, w.other}
	if change != nil {
		change(s)
	}
	s.Apps = append(s.Apps, s.home, app("away", w.other))
	reg, err := client.NewRegistry(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	l.reg = reg
	if s.routes != nil {
		s.routes(w)
	} else if err := l.shop.app.MountLogin("/auth", reg, identified, s.LoginConfig); err != nil {
		t.Fatal(err)
	}
	l.shop.start(t)
	return w
}

// identified answers with who signed in.
func identified(c Ctx, in *client.SignIn) error {
	c.SetCookie("signed-in", in.Profile.Subject)
	email, verified := in.Profile.VerifiedEmail()
	id, _ := in.Token.Extra("id_token").(string)
	return c.JSON(200, map[string]any{
		"app": in.App, "sub": in.Profile.Subject, "name": in.Profile.Name, "email": email, "verified": verified, "picture": in.Profile.Picture,
		"sid": in.IDToken["sid"], "iss": in.IDToken["iss"], "token": in.Token.AccessToken, "id_token": id, "return_to": in.ReturnTo,
	})
}

// come runs a login up to the provider's answer. The world's browser may be another one.
func (w *openIDWorld) come(b *tabs) *url.URL {
	b.t.Helper()
	return w.op.approve(b.begin("home", ""))
}

// another returns another browser.
func (w *openIDWorld) another() *tabs { return &tabs{w.t, w.l, map[string]string{}} }

// logoutToken returns a logout token with other claims: a nil one is left out.
func (w *openIDWorld) logoutToken(typ string, change map[string]any) string {
	now := w.clock.Now()
	c := map[string]any{
		"iss": w.op.issuer, "aud": "shop", "sub": "alice", "sid": "session-1", "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"events": map[string]any{oidc.LogoutEvent: map[string]any{}},
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return w.op.signed(typ, c)
}
