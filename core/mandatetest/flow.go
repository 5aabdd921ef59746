package mandatetest

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
)

// Answer is what the token endpoint answered. Of tokens and Error one side is empty.
type Answer struct {
	Status       int            `json:"-"`
	AccessToken  string         `json:"access_token"`
	TokenType    string         `json:"token_type"`
	ExpiresIn    int64          `json:"expires_in"` // seconds
	RefreshToken string         `json:"refresh_token"`
	Scopes       mandate.Scopes `json:"scope"`
	Error        mandate.Code   `json:"error"`
	Description  string         `json:"error_description"`

	Members map[string]json.RawMessage `json:"-"` // all of them
}

// SignIn runs the code flow with PKCE for the test client, from the authorization request to the token response, as the
// user called subject.
func (p *Provider) SignIn(tb testing.TB, subject string, scopes ...string) Answer {
	tb.Helper()
	verifier, state := oauth2.NewVerifier(), rand.Text()
	back := p.Authorize(tb, url.Values{
		"response_type": {"code"}, "client_id": {ClientID}, "redirect_uri": {RedirectURI}, "state": {state}, "login_hint": {subject},
		"scope": {strings.Join(scopes, " ")}, "code_challenge": {oauth2.Challenge(verifier)}, "code_challenge_method": {oauth2.S256},
	})
	switch {
	case back.Get("error") != "":
		tb.Fatalf("mandatetest: sign in: %s: %s", back.Get("error"), back.Get("error_description"))
	case back.Get("state") != state:
		tb.Fatalf("mandatetest: sign in: state is %q, want %q", back.Get("state"), state)
	}
	return must(tb, p.Token(tb, url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Get("code")}, "redirect_uri": {RedirectURI}, "code_verifier": {verifier},
	}))
}

// Refresh trades a refresh token for new tokens.
func (p *Provider) Refresh(tb testing.TB, refreshToken string) Answer {
	tb.Helper()
	return must(tb, p.Token(tb, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}))
}

// ClientCredentials returns a token that stands for the test client itself.
func (p *Provider) ClientCredentials(tb testing.TB, scopes ...string) Answer {
	tb.Helper()
	return must(tb, p.Token(tb, url.Values{"grant_type": {"client_credentials"}, "scope": {strings.Join(scopes, " ")}}))
}

// Authorize sends an authorization request as a browser does, and returns the parameters that come back to the client: a code
// or an error. An answer that does not go back to the client ends the test.
func (p *Provider) Authorize(tb testing.TB, params url.Values) url.Values {
	tb.Helper()
	a := p.do(tb, http.MethodGet, "/authorize?"+params.Encode(), "")
	to, err := url.Parse(a.location)
	if err != nil || !strings.HasPrefix(a.location, RedirectURI) {
		tb.Fatalf("mandatetest: authorization request: %d, to %q, want a redirect to %s: %s", a.status, a.location, RedirectURI, a.body)
	}
	return to.Query()
}

// Token sends a request to the token endpoint as the test client, and returns the answer, good or bad.
func (p *Provider) Token(tb testing.TB, form url.Values) Answer {
	tb.Helper()
	got := p.do(tb, http.MethodPost, "/token", form.Encode())
	a := Answer{Status: got.status}
	for _, into := range []any{&a, &a.Members} {
		if err := json.Unmarshal(got.body, into); err != nil {
			tb.Fatalf("mandatetest: token response %q: %v", got.body, err)
		}
	}
	return a
}

// must ends the test for an answer that is not good.
func must(tb testing.TB, a Answer) Answer {
	tb.Helper()
	if a.Status != http.StatusOK {
		tb.Fatalf("mandatetest: token endpoint: %d %s: %s", a.Status, a.Error, a.Description)
	}
	return a
}

// answered is what an endpoint answered.
type answered struct {
	status   int
	location string
	body     []byte
}

func (p *Provider) do(tb testing.TB, method, path, form string) answered {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, p.base+path, strings.NewReader(form))
	if err != nil {
		tb.Fatalf("mandatetest: %v", err)
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(ClientID, ClientSecret)
	}
	resp, err := p.Client.Do(req)
	if err != nil {
		tb.Fatalf("mandatetest: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatalf("mandatetest: %v", err)
	}
	return answered{resp.StatusCode, resp.Header.Get("Location"), body}
}
