package adaptertest

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// goldens are the reviewed answers, a file for each kind of verifier. GOLDEN=write in the environment rewrites them.
//
//go:embed testdata
var goldens embed.FS

// states are what the Authorization field may hold, in the order of the files.
func states() []string {
	return []string{"none", "malformed", "unknown", "expired", "revoked", "too little scope", "good"}
}

func goldenCases() cases {
	all := cases{}
	for kind, tokens := range map[string]func(t *testing.T, a Adapter, clock *Clock) (resource.Config, map[string]string){
		"stored": storedTokens, "jwt": jwtTokens, "introspection": introspectedTokens,
	} {
		all["every state of a token has the answer that was reviewed: "+kind] = func(t *testing.T, a Adapter) {
			t.Helper()
			testGolden(t, a, kind, tokens)
		}
	}
	return all
}

func testGolden(t *testing.T, a Adapter, kind string, tokens func(t *testing.T, a Adapter, clock *Clock) (resource.Config, map[string]string)) {
	t.Helper()
	s, clock := newSite(t, a), NewClock()
	config, raw := tokens(t, a, clock)
	config.Audience, config.Realm, config.Now = guardedAPI, "shop", clock.Now
	config.Metadata = &oauth2.ResourceMetadata{AuthorizationServers: []string{vaultIssuer}}
	guard, err := resource.New(config)
	if err != nil {
		t.Fatal(err)
	}
	auth := s.app.Auth(guard, AuthConfig{})
	h := s.app.Route(func(c Ctx) error {
		return c.HTML(http.StatusOK, fmt.Sprintf("subject %q, client %q, anonymous %t", c.Token().Subject(), c.Token().ClientID(), c.Token() == nil))
	})
	s.app.Handle(http.MethodGet, "/required", h, auth.Require("profile", "email"))
	s.app.Handle(http.MethodGet, "/optional", h, auth.Optional("profile", "email"))
	s.start(t)
	var got strings.Builder
	for _, path := range []string{"required", "optional"} {
		for _, state := range states() {
			var fields []string
			if state != "none" {
				fields = as(raw[state])
			}
			ask := func() string {
				return strings.ReplaceAll(s.get(t, "/"+path, fields...).exact(t), "charset=UTF-8", "charset=utf-8")
			}
			cell := ask()
			fmt.Fprintf(&got, "=== %s, %s\n%s\n\n", path, state, cell)
			if again := ask(); again != cell { // where something was remembered
				t.Errorf("%s, %s: the second answer is another:\n%s\nafter\n%s", path, state, again, cell)
			}
		}
	}
	compareGolden(t, kind+".golden", got.String())
}

// compareGolden holds got against a reviewed file.
func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	if os.Getenv("GOLDEN") == "write" { //nolint:forbidigo // of tests
		_, here, _, _ := runtime.Caller(0)
		if err := os.WriteFile(filepath.Join(filepath.Dir(here), "testdata", name), []byte(got), 0o644); err != nil { // #nosec G306 -- part of the repository
			t.Fatal(err)
		}
		return
	}
	want, err := goldens.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	cells := strings.Split(string(want), "\n\n=== ")
	for i, cell := range strings.Split(got, "\n\n=== ") {
		if i >= len(cells) || cell != cells[i] {
			t.Errorf("%s: got\n%s", name, cell)
			if i < len(cells) {
				t.Errorf("want\n%s", cells[i])
			}
		}
	}
	if got != string(want) && !t.Failed() {
		t.Errorf("%s has other cells than these", name)
	}
}

// storedTokens are those of a real server, in a store.
func storedTokens(t *testing.T, a Adapter, clock *Clock) (resource.Config, map[string]string) {
	t.Helper()
	s, now := a.NewStore(t), clock.Now()
	srv, err := server.New(server.Config{Issuer: vaultIssuer, Store: s, Secret: mandate.NewRandomSecret(), Now: clock.Now, Scopes: []server.Scope{{Name: "profile"}, {Name: "email"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateGrant(t.Context(), store.Grant{ID: "g1", Key: mandate.DigestOf("key"), ClientID: "web", Subject: "ann", Created: now, Expires: now.Add(24 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	put := func(raw string, scopes mandate.Scopes, life time.Duration) string {
		t.Helper()
		info := mandate.TokenInfo{Subject: "ann", ClientID: "web", GrantID: "g1", Scopes: scopes, Audience: []string{guardedAPI}, IssuedAt: now, Expires: now.Add(life)}
		if err := s.PutToken(t.Context(), mandate.DigestOf(raw), mandate.NewToken(info)); err != nil {
			t.Fatal(err)
		}
		return raw
	}
	tokens := map[string]string{
		"malformed": "a b", "unknown": "mda_unknown", "expired": put("mda_expired", "profile email", time.Minute), "revoked": put("mda_revoked", "profile email", time.Hour),
		"too little scope": put("mda_little", "profile", time.Hour), "good": put("mda_good", "profile email", time.Hour),
	}
	if err := s.RevokeToken(t.Context(), mandate.DigestOf("mda_revoked"), now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	clock.Pass(time.Minute)
	return resource.Config{Verifiers: []resource.Verifier{resource.Of(srv)}}, tokens
}

// jwtTokens are signed ones; what is revoked an application knows.
func jwtTokens(t *testing.T, _ Adapter, clock *Clock) (resource.Config, map[string]string) {
	t.Helper()
	s, stranger := newSigner(t, clock.Now()), newSigner(t, clock.Now())
	config := resource.Config{
		Verifiers: []resource.Verifier{resource.JWT{Issuer: vaultIssuer, Keys: s.keys()}},
		Revoked:   func(_ context.Context, tok *mandate.Token) (bool, error) { return tok.ID() == "dead", nil },
	}
	return config, map[string]string{
		"malformed": "a b", "unknown": stranger.sign(t, "at+jwt", nil), "expired": s.sign(t, "at+jwt", func(c *jose.Claims) { c.Expires = s.now }),
		"revoked": s.sign(t, "at+jwt", func(c *jose.Claims) { c.ID = "dead" }), "too little scope": s.sign(t, "at+jwt", nil, "scope", "profile"),
		"good": s.sign(t, "at+jwt", nil),
	}
}

// introspectedTokens are those that another server answers for.
func introspectedTokens(_ *testing.T, _ Adapter, clock *Clock) (resource.Config, map[string]string) {
	const endpoint = vaultIssuer + "/introspect"
	answer := answering(func(token string) map[string]any {
		told := map[string]any{
			"active": true, "token_type": "Bearer", "iss": vaultIssuer, "sub": "ann", "client_id": "web", "scope": "profile email", "aud": guardedAPI,
			"iat": clock.Now().Unix(), "exp": clock.Now().Add(time.Hour).Unix(),
		}
		switch token {
		case "little":
			told["scope"] = "profile"
		case "expired": // by the clock of this side
			told["exp"] = clock.Now().Unix()
		case "good":
		default: // what is revoked is inactive, and what is unknown as well
			return map[string]any{"active": false}
		}
		return told
	})
	verifier := resource.Introspection{Issuer: vaultIssuer, Endpoint: endpoint, ClientID: "shop", Secret: "of no interest", Fetcher: answer, Now: clock.Now}
	return resource.Config{Verifiers: []resource.Verifier{verifier}},
		map[string]string{"malformed": "a b", "unknown": "unknown", "expired": "expired", "revoked": "revoked", "too little scope": "little", "good": "good"}
}

// answering is a server elsewhere that answers for tokens (RFC 7662).
type answering func(token string) map[string]any

var _ mandate.Fetcher = answering(nil)

// Fetch implements mandate.Fetcher.
func (f answering) Fetch(_ context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(f(form.Get("token")))
	if err != nil {
		return nil, err
	}
	return &mandate.Response{Status: http.StatusOK, Header: mandate.Fields{{Name: "Content-Type", Value: "application/json"}}, Body: body}, nil
}
