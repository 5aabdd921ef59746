package conformance_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// process is one of several that share a store and a secret.
type process struct{ *http.ServeMux }

// processes returns n that share everything, each after its change.
func processes(t *testing.T, changes ...func(*server.Config)) []process {
	t.Helper()
	shared, secret := memstore.New(), mandate.NewRandomSecret()
	list := make([]process, 0, len(changes))
	for _, change := range changes {
		c := server.Config{
			Issuer: "https://id.example.com", Store: shared, Secret: secret, Scopes: []server.Scope{{Name: "read"}},
			Clients: []*store.Client{
				{ID: "machine", Secrets: []store.Secret{server.HashSecret("0123456789abcdef0123456789abcdef")}, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}}},
				{ID: "app", Metadata: oauth2.ClientMetadata{AuthMethod: "none", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code", "refresh_token"}}},
			},
		}
		change(&c)
		srv, err := server.New(c)
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		err = nethttp.Mount(mux, srv, nethttp.MountConfig{Decide: func(http.ResponseWriter, *http.Request, *server.Ask) (server.Answer, error) {
			return server.Approve(server.User{Subject: "alice"}), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, process{mux})
	}
	return list
}

func (p process) send(t *testing.T, method, target, form string, fields ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form))
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

// TestPrefixesChange: what was handed out under another prefix is taken as long as that is on the list, and what is made new has the
// first one.
func TestPrefixesChange(t *testing.T) {
	t.Parallel()
	prefixes := func(list ...string) func(*server.Config) { return func(c *server.Config) { c.TokenPrefixes = list } }
	list := processes(t, prefixes(), prefixes("acme", "md"), prefixes("acme"))
	before, both, after := list[0], list[1], list[2]
	code := func() string {
		location := before.send(t, http.MethodGet, authorization(), "").Header().Get("Location")
		_, rest, _ := strings.Cut(location, "code=")
		text, _, _ := strings.Cut(rest, "&")
		return text
	}
	redeem := func(p process, form string) (access, refresh string, status int) {
		w := p.send(t, http.MethodPost, "/token", form)
		body := w.Body.String()
		if w.Code != http.StatusOK {
			return "", "", w.Code
		}
		return member(body, "access_token"), member(body, "refresh_token"), w.Code
	}
	_, old, _ := redeem(before, "code="+code()+redemption())
	_, other, _ := redeem(before, "code="+code()+redemption())
	if !strings.HasPrefix(old, "mdr_") || !strings.HasPrefix(other, "mdr_") {
		t.Fatalf("refresh tokens %.6s, %.6s", old, other)
	}
	access, refresh, status := redeem(both, "code="+code()+redemption())
	if status != http.StatusOK || !strings.HasPrefix(access, "acmea_") || !strings.HasPrefix(refresh, "acmer_") {
		t.Errorf("an old code: status %d, %.7s, %.7s", status, access, refresh)
	}
	const refreshing = "grant_type=refresh_token&client_id=app&refresh_token="
	if _, next, status := redeem(both, refreshing+old); status != http.StatusOK || !strings.HasPrefix(next, "acmer_") {
		t.Errorf("an old refresh token: status %d, %.7s", status, next)
	}
	if _, _, status := redeem(after, refreshing+other); status != http.StatusBadRequest {
		t.Errorf("a prefix that is off the list: status %d, want 400", status)
	}
	if _, _, status := redeem(both, refreshing+other); status != http.StatusOK { // that revoked nothing
		t.Errorf("status %d, want 200", status)
	}
	if _, _, status := redeem(after, refreshing+refresh); status != http.StatusOK {
		t.Errorf("status %d, want 200", status)
	}
}

// TestKeysOnDemand: of many that need a key for one more algorithm at once, in two processes, one makes it, and all know it.
func TestKeysOnDemand(t *testing.T) {
	t.Parallel()
	signed := func(c *server.Config) {
		c.SignedIntrospection = &server.SignedIntrospection{Algs: []jose.Alg{jose.EdDSA}}
	}
	list := processes(t, signed, signed)
	answers := make([]string, 64)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			w := list[i%2].send(t, http.MethodPost, "/introspect", "token=x", "Authorization", "Basic bWFjaGluZTowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==", "Accept", "application/token-introspection+jwt")
			if w.Code != http.StatusOK {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			answers[i] = w.Body.String()
		})
	}
	all.Wait()
	for _, p := range list {
		text := p.send(t, http.MethodGet, "/jwks", "").Body.Bytes()
		keys, err := jose.ParseKeySet(text)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), `"alg":"EdDSA"`); n != 1 {
			t.Errorf("%d keys for EdDSA, want one: %s", n, text)
		}
		for _, answer := range answers {
			if _, _, err := jose.Verify(answer, keys, []jose.Alg{jose.EdDSA}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// either is a grant type of an application's own: a code where it is good, and otherwise the client acts for itself.
type either struct{}

func (either) Name() string { return "urn:example:either" }

func (either) Token(ctx context.Context, r *server.TokenRequest) (*server.Issue, error) {
	if i, err := server.AuthorizationCode().Token(ctx, r); err == nil {
		return i, nil
	}
	if i, err := server.RefreshToken().Token(ctx, r); err == nil {
		return i, nil
	}
	return server.ClientCredentials().Token(ctx, r)
}

// TestRefusedLeavesNothing: whoever goes on after a built-in grant type has refused finds nothing of what that did not prove.
func TestRefusedLeavesNothing(t *testing.T) {
	t.Parallel()
	p := processes(t, func(c *server.Config) {
		c.GrantTypes = []server.GrantType{server.AuthorizationCode(), server.RefreshToken(), either{}}
		c.Clients[0].Metadata.GrantTypes = []string{either{}.Name()}
	})[0]
	const basic = "Basic bWFjaGluZTowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg=="
	_, code, _ := strings.Cut(p.send(t, http.MethodGet, authorization(), "").Header().Get("Location"), "code=")
	code, _, _ = strings.Cut(code, "&")
	own := func(form string) {
		t.Helper()
		w := p.send(t, http.MethodPost, "/token", "scope=read&grant_type="+either{}.Name()+form, "Authorization", basic)
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "refresh_token") {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		w = p.send(t, http.MethodPost, "/introspect", "token="+member(w.Body.String(), "access_token"), "Authorization", basic)
		if body := w.Body.String(); member(body, "client_id") != "machine" || strings.Contains(body, "alice") {
			t.Errorf("token of %s, want machine's own", body)
		}
	}
	own("&code=" + code)
	w := p.send(t, http.MethodPost, "/token", "code="+code+redemption())
	if w.Code != http.StatusOK {
		t.Fatalf("another client's attempt spent the code: status %d: %s", w.Code, w.Body)
	}
	refresh := member(w.Body.String(), "refresh_token")
	own("&refresh_token=" + refresh)
	if w = p.send(t, http.MethodPost, "/token", "grant_type=refresh_token&client_id=app&refresh_token="+refresh); w.Code != http.StatusOK {
		t.Errorf("another client's attempt spent the refresh token: status %d: %s", w.Code, w.Body)
	}
}
