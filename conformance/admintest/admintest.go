// Package admintest holds core/admin and Server.Rewrap against a store: what an operator does on day one works on it, and
// what was taken away is dead.
package admintest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/admin"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// Open opens a new and empty store, which is a [store.ClientWriter], until the test ends.
type Open func(t *testing.T) store.Store

// Run runs all cases. Each opens a store of its own.
func Run(t *testing.T, open Open) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, store.Store){
		"register":                register,
		"update":                  update,
		"secrets overlap":         overlap,
		"secrets that are sealed": sealedSecrets,
		"keys instead of secrets": signingClients,
		"delete kills tokens":     deleteKills,
		"a delete that stops":     deleteStops,
		"a delete that stops when the client is gone":       deleteStopsLate,
		"a write whose answer is lost":                      answerLost,
		"an apply that stops":                               applyStops,
		"disabled while it is served":                       disableBetween,
		"apply beside another":                              applyBeside,
		"disable kills tokens, enable does not revive them": disableKills,
		"apply is idempotent":                               applyTwice,
		"apply checks all before it writes":                 applyChecks,
		"two apply at once":                                 applyAtOnce,
		"grants in pages":                                   grantPages,
		"a token revoked":                                   tokenRevoked,
		"sessions and consents":                             people,
		"clients that register themselves":                  registrations,
		"signing keys":                                      signingKeys,
		"prune":                                             prune,
		"rewrap":                                            rewrap,
		"rewrap of token credentials of OAuth 1.0a":         rewrapGrants,
		"rewrap without the old root":                       rewrapTooLate,
		"rewrap beside a writer of the client":              rewrapBeside,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, open(t))
		})
	}
}

// issuer is the server's in all cases.
const issuer = "https://id.test"

// audience is whom its tokens are for.
const audience = "https://api.test"

// world is a server on a store, its endpoints, and who administers it.
type world struct {
	*admin.Admin
	srv     *server.Server
	store   store.Store
	handler http.Handler // the server's endpoints
	api     http.Handler // guarded: any valid token passes
	user    string       // who approves

	mu     sync.Mutex // guards events
	events map[mandate.EventName]int
}

// newWorld returns a world on st. Of several secrets the last counts; none: one of its own.
func newWorld(t *testing.T, st store.Store, secrets ...mandate.Secret) *world {
	t.Helper()
	c := server.Config{
		Issuer: issuer, Store: st, Secret: mandate.NewRandomSecret(), DefaultAudience: []string{audience},
		ClientAuthMethods: []string{"client_secret_basic", "client_secret_post", "none", "private_key_jwt", "client_secret_jwt"},
		Scopes:            []server.Scope{{Name: "read"}, {Name: "write"}},
		Clients:           []*store.Client{{ID: "fixed", Secrets: []store.Secret{server.HashSecret("fixed-secret")}, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}}}},
	}
	for _, s := range secrets {
		c.Secret = s
	}
	if _, ok := st.(store.ClientWriter); ok {
		c.Registration = &server.Registration{Management: true}
	}
	w := &world{store: st, user: "ada", events: make(map[mandate.EventName]int)}
	c.Hooks.On = func(_ context.Context, e mandate.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events[e.Name]++
	}
	srv, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	a, err := admin.New(admin.Config{Server: srv})
	if err != nil {
		t.Fatal(err)
	}
	w.Admin, w.srv = a, srv
	mux := http.NewServeMux()
	err = nethttp.Mount(mux, srv, nethttp.MountConfig{Decide: func(_ http.ResponseWriter, _ *http.Request, _ *server.Ask) (server.Answer, error) {
		return server.Approve(server.User{Subject: w.user}), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.handler = mux
	guard, err := resource.New(resource.Config{Audience: audience, Verifiers: []resource.Verifier{resource.Of(srv)}})
	if err != nil {
		t.Fatal(err)
	}
	w.api = nethttp.New(guard).With(func(http.ResponseWriter, *http.Request, *mandate.Token) {})
	return w
}

// machine registers a client that acts for itself, with changes, and returns its ID and secret.
func (w *world) machine(t *testing.T, change func(*store.Client)) (id, secret string) {
	t.Helper()
	c, err := admin.NewClient(admin.Machine)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(c)
	}
	c, secret, err = w.Create(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID, secret
}

// post sends a form to an endpoint as a client, and returns status and body.
func (w *world) post(t *testing.T, path, id, secret string, form url.Values) (status int, body string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, issuer+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

// token returns the access token that a client is issued for itself.
func (w *world) token(t *testing.T, id, secret string) string {
	t.Helper()
	status, body := w.post(t, "/token", id, secret, url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}})
	token := member(t, body, "access_token")
	if status != http.StatusOK || token == "" {
		t.Fatalf("token for %s = %d %s", id, status, body)
	}
	return token
}

// refused ends the test unless the token endpoint refuses the client with 401 invalid_client.
func (w *world) refused(t *testing.T, id, secret string) {
	t.Helper()
	status, body := w.post(t, "/token", id, secret, url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}})
	if status != http.StatusUnauthorized || member(t, body, "error") != string(mandate.InvalidClient) {
		t.Fatalf("token for %s = %d %s, want 401 invalid_client", id, status, body)
	}
}

// member returns a member of a JSON object that is text, or "".
func member(t *testing.T, body, name string) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	text, _ := all[name].(string)
	return text
}

// told holds how often the hooks were told of an event against n.
func (w *world) told(t *testing.T, name mandate.EventName, n int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.events[name] != n {
		t.Errorf("hooks were told of %s %d times, want %d", name, w.events[name], n)
	}
}

// now is the time by which stores forget, too.
func now() time.Time { return time.Now() } //nolint:forbidigo // servers and stores here go by the machine's clock

// callback is where clients of users get their codes.
const callback = "https://client.test/callback"

// signIn lets user approve a client and returns the tokens that come of it.
func (w *world) signIn(t *testing.T, id, secret, user string) (access, refresh string) {
	t.Helper()
	verifier := oauth2.NewVerifier()
	query := url.Values{
		"response_type": {"code"}, "client_id": {id}, "redirect_uri": {callback}, "scope": {"read"},
		"code_challenge": {oauth2.Challenge(verifier)}, "code_challenge_method": {oauth2.S256},
	}
	w.user = user
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, issuer+"/authorize?"+query.Encode(), nil)
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	back, err := url.Parse(rec.Header().Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("authorize = %d, to %q: %s", rec.Code, back, rec.Body)
	}
	status, body := w.post(t, "/token", id, secret, url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {callback}, "code_verifier": {verifier},
	})
	if status != http.StatusOK {
		t.Fatalf("token = %d %s", status, body)
	}
	return member(t, body, "access_token"), member(t, body, "refresh_token")
}

// guarded holds what the guard says about a token against status.
func (w *world) guarded(t *testing.T, token string, status int) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, audience, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	if rec.Code != status {
		t.Fatalf("guard = %d %s, want %d", rec.Code, rec.Body, status)
	}
	if status == http.StatusUnauthorized && member(t, rec.Body.String(), "error") != string(mandate.InvalidToken) {
		t.Fatalf("guard = %s, want invalid_token", rec.Body)
	}
}

// web registers a client of users.
func (w *world) web(t *testing.T) (id, secret string) {
	t.Helper()
	c, err := admin.NewClient(admin.Confidential)
	if err != nil {
		t.Fatal(err)
	}
	c.Metadata.RedirectURIs = []string{callback}
	c, secret, err = w.Create(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID, secret
}

// wantError fails the test unless err says all of parts, and is target where that is not nil.
func wantError(t *testing.T, err, target error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if target != nil && !errors.Is(err, target) {
		t.Errorf("error %q is not %q", err, target)
	}
}
