package mandatetest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/mandatetest"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

// get asks a handler that needs the scope "profile" with an Authorization header field.
func get(guard *resource.Guard, authorization string) *httptest.ResponseRecorder {
	h := nethttp.New(guard).With(func(w http.ResponseWriter, _ *http.Request, tok *mandate.Token) {
		_, _ = w.Write([]byte(tok.Subject() + "," + tok.ClientID()))
	}, "profile")
	req := httptest.NewRequest(http.MethodGet, "/profile", nil)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

// want reports an answer that has another status or does not say text.
func want(t *testing.T, rec *httptest.ResponseRecorder, status int, text string) {
	t.Helper()
	if rec.Code != status || !strings.Contains(rec.Body.String(), text) {
		t.Errorf("answer = %d %s, want %d with %s", rec.Code, rec.Body, status, text)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	guard, tokens := mandatetest.Guard(t)
	revoked := tokens.Bearer(mandate.TokenInfo{Subject: "u1", Scopes: "profile"})
	tokens.Revoke(revoked)
	for name, tc := range map[string]struct {
		authorization string
		status        int
		says          string
	}{
		"good":                     {tokens.Bearer(mandate.TokenInfo{Subject: "u1", Scopes: "profile"}), 200, "u1," + mandatetest.ClientID},
		"client acting for itself": {tokens.Bearer(mandate.TokenInfo{ClientID: "robot", Scopes: "profile"}), 200, ",robot"},
		"none":                     {"", 401, "missing_authorization"},
		"unknown":                  {"Bearer mandatetest_x", 401, "invalid_token"},
		"revoked":                  {revoked, 401, "invalid_token"},
		"expired":                  {tokens.Bearer(mandate.TokenInfo{Scopes: "profile", Expires: time.Now().Add(-time.Second)}), 401, "invalid_token"},
		"another audience":         {tokens.Bearer(mandate.TokenInfo{Scopes: "profile", Audience: []string{"https://other.test"}}), 401, "invalid_token"},
		"another scope":            {tokens.Bearer(mandate.TokenInfo{Scopes: "email"}), 403, "insufficient_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want(t, get(guard, tc.authorization), tc.status, tc.says)
		})
	}
}

func TestGuardKeepsTheApplicationsConfig(t *testing.T) {
	t.Parallel()
	guard, tokens := mandatetest.Guard(t, resource.Config{
		Audience: "https://shop.test",
		User:     func(_ context.Context, t *mandate.Token) (any, error) { return "user " + t.Subject(), nil },
	})
	if got := guard.Audience(); got != "https://shop.test" {
		t.Errorf("Audience = %q", got)
	}
	want(t, get(guard, tokens.Bearer(mandate.TokenInfo{Subject: "u1", Scopes: "profile"})), 200, "u1")
	user, err := guard.User(t.Context(), mandate.NewToken(mandate.TokenInfo{Subject: "u1"}))
	if err != nil || user != "user u1" {
		t.Errorf("User = %v, %v", user, err)
	}
}

func TestTokensBelongToOneGuard(t *testing.T) {
	t.Parallel()
	_, tokens := mandatetest.Guard(t)
	_, err := resource.New(resource.Config{Audience: "https://other.test", Verifiers: []resource.Verifier{tokens}})
	if err == nil || !strings.Contains(err.Error(), "belong to one guard") {
		t.Errorf("New = %v, want an error", err)
	}
}

func TestIssuer(t *testing.T) {
	t.Parallel()
	issuer := mandatetest.NewIssuer(t)
	guard, err := resource.New(resource.Config{Audience: mandatetest.Audience, Verifiers: []resource.Verifier{issuer.Verifier()}})
	if err != nil {
		t.Fatal(err)
	}
	good := mandate.TokenInfo{Subject: "u1", Scopes: "profile"}
	with := func(change func(*mandate.TokenInfo)) string {
		info := good
		change(&info)
		return issuer.Issue(info)
	}
	claims := map[string]any{
		"iss": issuer.URL(), "sub": "u1", "aud": mandatetest.Audience, "client_id": "c", "jti": "1", "scope": "profile",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	for name, tc := range map[string]struct {
		token  string
		status int
		says   string
	}{
		"good":                             {issuer.Issue(good), 200, "u1," + mandatetest.ClientID},
		"client acting for itself":         {with(func(i *mandate.TokenInfo) { i.Subject = "" }), 200, "," + mandatetest.ClientID},
		"another scope":                    {with(func(i *mandate.TokenInfo) { i.Scopes = "email" }), 403, "insufficient_scope"},
		"expired":                          {with(func(i *mandate.TokenInfo) { i.Expires = time.Now().Add(-time.Second) }), 401, "invalid_token"},
		"another audience":                 {with(func(i *mandate.TokenInfo) { i.Audience = []string{"https://other.test"} }), 401, "invalid_token"},
		"another issuer":                   {with(func(i *mandate.TokenInfo) { i.Issuer = "https://other.test" }), 401, "invalid_token"},
		"bound to a key":                   {with(func(i *mandate.TokenInfo) { i.Confirmed.JKT = "x" }), 401, "invalid_token"},
		"signed by another":                {mandatetest.NewIssuer(t).Issue(good), 401, "invalid_token"},
		"forged":                           {issuer.Forge(good), 401, "invalid_token"},
		"claims of one's own":              {issuer.Sign("at+jwt", claims), 200, "u1,c"},
		"ID token (RFC 9068, section 2.1)": {issuer.Sign("JWT", claims), 401, "invalid_token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want(t, get(guard, "Bearer "+tc.token), tc.status, tc.says)
		})
	}
}

func TestIssuerOfAnotherKind(t *testing.T) {
	t.Parallel()
	issuer := mandatetest.NewIssuer(t, mandatetest.IssuerConfig{URL: "https://sso.test", Audience: "shop", Alg: jose.EdDSA})
	guard, err := resource.New(resource.Config{Audience: "shop", Verifiers: []resource.Verifier{issuer.Verifier()}})
	if err != nil {
		t.Fatal(err)
	}
	token := issuer.Issue(mandate.TokenInfo{
		Subject: "u1", ACR: "gold", AuthTime: time.Unix(1000, 0), Claims: `{"roles":["admin"]}`,
	})
	tok, refusal := guard.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + token}, guard.Rule(mandate.Role("admin"), false))
	if refusal != nil {
		t.Fatalf("Check refuses: %v", refusal.Err)
	}
	if tok.Issuer() != "https://sso.test" || tok.ACR() != "gold" || tok.AuthTime().Unix() != 1000 || tok.ID() == "" {
		t.Errorf("token = %+v", tok.Info())
	}
}
