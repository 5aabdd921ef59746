// Package provider_test shows how code is tested that needs a whole authorization server.
package provider_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/mandatetest"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// doc:start provider

func TestSignIn(t *testing.T) {
	t.Parallel()
	p := mandatetest.NewProvider(t, memstore.New())
	guard, err := resource.New(resource.Config{Audience: mandatetest.Audience, Verifiers: []resource.Verifier{resource.Of(p.Server)}})
	if err != nil {
		t.Fatal(err)
	}
	tokens := p.SignIn(t, "ada", "profile") // authorization request, approval, code, token request
	if got := get(guard, "profile", tokens.AccessToken); got.Code != 200 || got.Body.String() != "ada" {
		t.Errorf("GET = %d %s", got.Code, got.Body)
	}
	tokens = p.Refresh(t, tokens.RefreshToken)
	if got := get(guard, "email", tokens.AccessToken); got.Code != 403 {
		t.Errorf("GET with another scope = %d %s, want 403", got.Code, got.Body)
	}
}

// doc:end

// get asks a handler that needs scope.
func get(guard *resource.Guard, scope, token string) *httptest.ResponseRecorder {
	h := nethttp.New(guard).With(func(w http.ResponseWriter, _ *http.Request, tok *mandate.Token) {
		_, _ = w.Write([]byte(tok.Subject()))
	}, scope)
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	p := mandatetest.NewProvider(t, memstore.New(), server.Config{
		Scopes: []server.Scope{{Name: "orders"}}, TokenFormat: server.JWT, DefaultAudience: []string{mandatetest.Audience},
	})
	guard, err := resource.New(resource.Config{Audience: mandatetest.Audience, Verifiers: []resource.Verifier{resource.Of(p.Server)}})
	if err != nil {
		t.Fatal(err)
	}
	tokens := p.ClientCredentials(t, "orders")
	if got := get(guard, "orders", tokens.AccessToken); got.Code != 200 || got.Body.String() != "" || tokens.ExpiresIn > 600 || tokens.Scopes != "orders" {
		t.Errorf("GET = %d %q with scope %q for %d s, want 200, nobody and orders", got.Code, got.Body, tokens.Scopes, tokens.ExpiresIn)
	}
}

// TestBehindAProxy signs in at a server whose proxy strips a path.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	p := mandatetest.NewProvider(t, memstore.New(), server.Config{Issuer: "https://example.com/shop", BasePath: "/shop", Prefix: "/oauth"})
	if got := p.SignIn(t, "ada", "profile"); got.Scopes != "profile" || got.TokenType != "Bearer" {
		t.Errorf("SignIn = %d with scope %q", got.Status, got.Scopes)
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	p := mandatetest.NewProvider(t, memstore.New())
	p.Decide = func(context.Context, *server.Ask) (server.Answer, error) { return server.Deny(), nil }
	back := p.Authorize(t, url.Values{
		"response_type": {"code"}, "client_id": {mandatetest.ClientID}, "scope": {"profile"},
		"code_challenge": {oauth2.Challenge(oauth2.NewVerifier())}, "code_challenge_method": {oauth2.S256},
	})
	if got := back.Get("error"); got != "access_denied" {
		t.Errorf("error = %q, want access_denied: %v", got, back)
	}
}

func TestTokenEndpointRefuses(t *testing.T) {
	t.Parallel()
	p := mandatetest.NewProvider(t, memstore.New())
	tokens := p.SignIn(t, "ada", "profile")
	for name, tc := range map[string]struct {
		form url.Values
		want mandate.Code
	}{
		"unknown grant type": {url.Values{"grant_type": {"magic"}}, mandate.UnsupportedGrantType},
		"unknown code":       {url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {mandatetest.RedirectURI}}, mandate.InvalidGrant},
		"wider refresh":      {url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken}, "scope": {"profile email"}}, mandate.InvalidScope},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := p.Token(t, tc.form); got.Status != 400 || got.Error != tc.want {
				t.Errorf("Token = %d %s, want 400 %s", got.Status, got.Error, tc.want)
			}
		})
	}
}

// doc:start stored

func TestStoredToken(t *testing.T) {
	t.Parallel()
	st := memstore.New()
	p := mandatetest.NewProvider(t, st) // or the application's own server with the store st
	guard, err := resource.New(resource.Config{Audience: mandatetest.Audience, Verifiers: []resource.Verifier{resource.Of(p.Server)}})
	if err != nil {
		t.Fatal(err)
	}
	token := mandatetest.StoreToken(t, st, mandate.TokenInfo{Subject: "ada", Scopes: "profile"})
	if got := get(guard, "profile", token); got.Code != 200 {
		t.Errorf("GET = %d %s", got.Code, got.Body)
	}
}

// doc:end

// doc:start issuer

func TestTokensOfAnIssuer(t *testing.T) {
	t.Parallel()
	issuer := mandatetest.NewIssuer(t, mandatetest.IssuerConfig{URL: "https://id.example.com", Audience: "shop"})
	guard, err := resource.New(resource.Config{Audience: "shop", Verifiers: []resource.Verifier{issuer.Verifier()}})
	if err != nil {
		t.Fatal(err)
	}
	good := mandate.TokenInfo{Subject: "ada", Scopes: "orders"}
	elsewhere := good
	elsewhere.Audience = []string{"another API"}
	for name, tc := range map[string]struct {
		token  string
		status int
	}{
		"good":               {issuer.Issue(good), 200},
		"for another API":    {issuer.Issue(elsewhere), 401},
		"forged":             {issuer.Forge(good), 401},
		"not a token at all": {"nonsense", 401},
	} {
		if got := get(guard, "orders", tc.token); got.Code != tc.status {
			t.Errorf("%s: GET = %d %s, want %d", name, got.Code, got.Body, tc.status)
		}
	}
}

// doc:end
