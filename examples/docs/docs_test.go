package docs_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/mandatetest"
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
	if err := docs.StepUp().Err(); err != nil {
		t.Error(err)
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

// TestOwnClients signs in with a client that only the application's table knows.
func TestOwnClients(t *testing.T) {
	t.Parallel()
	asked := ""
	st := docs.OwnClients(memstore.New(), func(_ context.Context, id string) (*store.Client, error) {
		asked = id
		return nil, store.ErrNotFound
	})
	p := mandatetest.NewProvider(t, st)
	form := url.Values{"client_id": {"theirs"}, "grant_type": {"client_credentials"}}
	req := httptest.NewRequest(http.MethodPost, "https://id.test/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	p.Handler.ServeHTTP(rec, req)
	if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), "invalid_client") {
		t.Errorf("token endpoint = %d %s, want 400 invalid_client", rec.Code, rec.Body)
	}
	if asked != "theirs" {
		t.Errorf("the table was asked for %q", asked)
	}
}

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
