package docs_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/mandatetest"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	"github.com/go-mandate/mandate/examples/docs"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// TestConfigs builds what the documentation builds.
func TestConfigs(t *testing.T) {
	t.Parallel()
	config := docs.JWT(docs.Lifetimes(docs.Proxied(memstore.New(), mandate.NewRandomSecret())))
	config = docs.ErrorPages(docs.SignedAnswers(docs.TokenGenerator(docs.TokenPrefix(docs.TokenLife(docs.TokenLives(config))))))
	config = docs.Introspected(docs.TokenMembers(docs.TokenClaims(config, nil), nil), nil)
	config.Scopes = []server.Scope{{Name: "invoices"}}
	config.Clients = docs.Clients()
	set, err := docs.Pages()
	if err != nil {
		t.Fatal(err)
	}
	config.Pages = set
	srv, err := server.New(config)
	if err != nil {
		t.Fatal(err)
	}
	endless := docs.TokenNoEnd(docs.Lifetimes(docs.Proxied(memstore.New(), mandate.NewRandomSecret())))
	if _, err := server.New(endless); err != nil {
		t.Error(err)
	}
	if _, err := docs.GuardOf(srv); err != nil {
		t.Error(err)
	}
	issuer := mandatetest.NewIssuer(t)
	if _, err := docs.GuardSeveral(srv, issuer.Keys()); err != nil {
		t.Error(err)
	}
	if _, err := docs.GuardKeycloak(issuer.Keys()); err != nil {
		t.Error(err)
	}
	for name, guard := range map[string]func() (*resource.Guard, error){
		"Keycloak": docs.Keycloak, "Auth0": docs.Auth0, "Entra": docs.Entra, "Okta": docs.Okta, "Cognito": docs.Cognito, "Google": docs.Google,
	} {
		if _, err := guard(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := resource.New(resource.Config{Audience: "shop-api", Verifiers: []resource.Verifier{docs.Tuned(resource.FixedKeys(issuer.Keys()))}}); err != nil {
		t.Error(err)
	}
	if err := docs.StepUp().Err(); err != nil {
		t.Error(err)
	}
}

// TestMachines gets a token at a server that knows machines alone, until the address has asked too often.
func TestMachines(t *testing.T) {
	t.Parallel()
	secret, kept := server.NewClientSecret()
	srv, err := docs.Machines(memstore.New(), mandate.NewRandomSecret(), kept)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := nethttp.Mount(mux, srv); err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader("grant_type=client_credentials&scope=invoices"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("report-job", secret)
	rec := httptest.NewRecorder()
	if mux.ServeHTTP(rec, req); rec.Code != 200 || !strings.Contains(rec.Body.String(), "access_token") {
		t.Errorf("POST /oauth/token = %d %s, want a token", rec.Code, rec.Body)
	}
	rec = httptest.NewRecorder()
	if mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/oauth/authorize", nil)); rec.Code != 404 {
		t.Errorf("GET /oauth/authorize = %d, want 404", rec.Code)
	}
}

// TestProfiles makes a server of each.
func TestProfiles(t *testing.T) {
	t.Parallel()
	if _, err := docs.ProfileWeb(memstore.New(), mandate.NewRandomSecret()); err != nil {
		t.Error(err)
	}
	base := server.Config{
		Issuer: "https://app.example.com", Store: memstore.New(), Secret: mandate.NewRandomSecret(),
		SignIn: func(context.Context, string, string) (server.User, error) { return server.User{}, mandate.AccessDenied },
	}
	for _, c := range docs.Profiles(base) {
		if _, err := server.New(c); err != nil {
			t.Errorf("%s: %v", c.Profile, err)
		}
	}
}

// TestLimit guesses too often.
func TestLimit(t *testing.T) {
	t.Parallel()
	c, err := docs.Limit(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	guess := server.Attempt{What: server.PasswordAttempt, Account: "alice", At: time.Now()}
	for i := range 4 {
		wait, err := c.Limiter.Try(t.Context(), guess)
		if err != nil || (wait > 0) != (i == 3) {
			t.Errorf("attempt %d waits %v, %v", i, wait, err)
		}
	}
	if got := c.RemoteAddr(&mandate.Request{Header: http.Header{"X-Real-Ip": {"192.0.2.1"}}}); got != "192.0.2.1" {
		t.Errorf("RemoteAddr = %q", got)
	}
}

// TestPutClient stores a client twice.
func TestPutClient(t *testing.T) {
	t.Parallel()
	st := memstore.New()
	_, kept := server.NewClientSecret()
	if err := docs.PutClient(t.Context(), st, kept); err != nil {
		t.Error(err)
	}
	if err := docs.PutClient(t.Context(), st, kept); err == nil {
		t.Error("the second PutClient succeeds, want an error")
	}
}

// TestStores signs in over every composition.
func TestStores(t *testing.T) {
	t.Parallel()
	whole, tenant := docs.Parts(memstore.New(), memstore.New())
	files, err := docs.Cache(memstore.New(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, st := range map[string]store.Store{"whole": whole, "tenant": tenant, "files": files, "cached": docs.Cached(memstore.New())} {
		p := mandatetest.NewProvider(t, st)
		if got := p.Refresh(t, p.SignIn(t, "ada", "profile").RefreshToken); got.Scopes != "profile" {
			t.Errorf("%s: scope = %q", name, got.Scopes)
		}
	}
}

// TestRedis asks for a store where no Redis is.
func TestRedis(t *testing.T) {
	t.Parallel()
	if _, err := docs.Redis(t.Context(), "127.0.0.1:1"); err == nil {
		t.Error("Redis succeeds, want an error")
	}
}

// TestOwnClients asks for a client where the table is out of reach.
func TestOwnClients(t *testing.T) {
	t.Parallel()
	db := sql.OpenDB(broken{})
	t.Cleanup(func() { _ = db.Close() })
	if _, err := docs.OwnClients(memstore.New(), db).Client(t.Context(), "app"); !errors.Is(err, errBroken) {
		t.Errorf("Client = %v, want %v", err, errBroken)
	}
}

var errBroken = errors.New("out of reach")

// broken is a database that nobody can reach.
type broken struct{}

func (broken) Connect(context.Context) (driver.Conn, error) { return nil, errBroken }

func (broken) Driver() driver.Driver { return nil }

// TestExtension runs the extension and the roles.
func TestExtension(t *testing.T) {
	t.Parallel()
	config := docs.Roles(server.Config{
		Scopes:     []server.Scope{{Name: "profile"}},
		Extensions: []server.Extension{docs.Extension(func(string) string { return "free" })},
	}, func(context.Context, string) ([]string, error) { return []string{"manager"}, nil })
	p := mandatetest.NewProvider(t, memstore.New(), config)
	guard, err := resource.New(resource.Config{Audience: mandatetest.Audience, Verifiers: []resource.Verifier{resource.Of(p.Server)}})
	if err != nil {
		t.Fatal(err)
	}
	answer := p.SignIn(t, "ada", "profile")
	if got := string(answer.Members["plan"]); got != `"free"` {
		t.Errorf("plan = %s", got)
	}
	for name, token := range map[string]string{"code": answer.AccessToken, "refresh": p.Refresh(t, answer.RefreshToken).AccessToken} {
		tok, refusal := guard.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + token}, guard.Rule(mandate.Role("manager"), false))
		if refusal != nil {
			t.Errorf("%s: %v with claims %s", name, refusal.Err, tok.Claims())
		}
	}
}
