// Package op has an OpenID provider for examples, so that they run offline: on loopback, with one user who is always signed in and says yes to everything.
package op

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/oidc"
)

// The one client.
const (
	ClientID = "demo"
	Secret   = "a-secret-for-examples-alone"
)

// provider is an OpenID provider.
type provider struct {
	issuer, app string // app is where the client is, with the prefix of its endpoints
	key         *jose.Key

	mu    sync.Mutex            // guards codes
	codes map[string]url.Values // authentication requests
}

// Start starts a provider whose client has its endpoints below app: "http://127.0.0.1:8080/auth/corp". It returns its issuer, and runs until the process
// ends. GET issuer + "/leave" is the user who signs out there.
func Start(app string) (issuer string, err error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		return "", err
	}
	p := &provider{issuer: "http://" + l.Addr().String(), app: app, key: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.metadata)
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { write(w, 200, jose.NewKeySet(key.Public())) })
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /logout", p.logout)
	mux.HandleFunc("GET /leave", p.leave)
	go func() { log.Print((&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(l)) }()
	return p.issuer, nil
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who hung up does not hear
}

func (p *provider) metadata(w http.ResponseWriter, _ *http.Request) {
	write(w, 200, map[string]any{
		"issuer": p.issuer, "authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/keys",
		"end_session_endpoint": p.issuer + "/logout", "response_types_supported": []string{"code"}, "id_token_signing_alg_values_supported": []string{"ES256"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != ClientID || q.Get("redirect_uri") != p.app+"/callback" {
		http.Error(w, "unknown client or redirect URI", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = q
	p.mu.Unlock()
	http.Redirect(w, r, p.app+"/callback?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.issuer}}.Encode(), http.StatusSeeOther)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	p.mu.Lock()
	q := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	p.mu.Unlock()
	if id != ClientID || secret != Secret || q == nil || oauth2.Challenge(r.PostFormValue("code_verifier")) != q.Get("code_challenge") {
		write(w, 400, map[string]string{"error": "invalid_grant"})
		return
	}
	c := p.claims()
	access := rand.Text()
	c["nonce"], c["at_hash"], c["name"], c["email"] = q.Get("nonce"), oidc.Hash(p.key.Alg(), access), "Demo", "demo@example.com"
	raw, err := jose.Sign(p.key, "JWT", c)
	if err != nil {
		write(w, 500, map[string]string{"error": "server_error"})
		return
	}
	write(w, 200, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 600, "id_token": raw})
}

// claims are those of ID and logout tokens.
func (p *provider) claims() map[string]any {
	now := time.Now()
	return map[string]any{"iss": p.issuer, "aud": ClientID, "sub": "user-1", "sid": "session-1", "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix()}
}

// logout is the end of sessions that the application asks for.
func (p *provider) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("post_logout_redirect_uri") != p.app+"/logged-out" {
		http.Error(w, "unknown post_logout_redirect_uri", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, p.app+"/logged-out?"+url.Values{"state": {q.Get("state")}}.Encode(), http.StatusSeeOther)
}

// leave tells the application that the session has ended.
func (p *provider) leave(w http.ResponseWriter, r *http.Request) {
	c := p.claims()
	c["jti"], c["events"] = rand.Text(), map[string]any{oidc.LogoutEvent: map[string]any{}}
	raw, err := jose.Sign(p.key, oidc.LogoutType, c)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body := strings.NewReader(url.Values{"logout_token": {raw}}.Encode())
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, p.app+"/backchannel-logout", body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = resp.Body.Close() }() // nothing was read
	_, _ = fmt.Fprintf(w, "You have left. The application answered %d.", resp.StatusCode)
}
