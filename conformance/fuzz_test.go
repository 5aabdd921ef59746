package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// everything is a server with all that can be turned on, and its endpoints.
type everything struct {
	endpoints []mandate.Endpoint
	used      int
}

// nowhere is a Fetcher that reaches nothing.
type nowhere struct{}

// Fetch implements mandate.Fetcher.
func (nowhere) Fetch(context.Context, *mandate.FetchRequest) (*mandate.Response, error) {
	return &mandate.Response{Status: 404}, nil
}

// fuzzKey signs what a client sends.
func fuzzKey(tb testing.TB) *jose.Key {
	tb.Helper()
	key, err := jose.Generate(jose.EdDSA)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func newEverything(tb testing.TB, key *jose.Key) *everything {
	tb.Helper()
	now := func() time.Time { return time.Unix(1_800_000_000, 0) }
	keys, err := json.Marshal(jose.NewKeySet(key.Public()))
	if err != nil {
		tb.Fatal(err)
	}
	signIn := func(_ context.Context, name, password string) (server.User, error) {
		if name != "alice" || password != "password" {
			return server.User{}, mandate.AccessDenied
		}
		return server.User{Subject: "alice", AuthTime: now()}, nil
	}
	allow := func(context.Context, *server.Exchange) error { return nil }
	password := func(ctx context.Context, _ server.Client, name, password string) (server.User, error) {
		return signIn(ctx, name, password)
	}
	all := []string{"authorization_code", "refresh_token", "client_credentials", "implicit", "password", oauth2.GrantDeviceCode, "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer"}
	metadata := func(method string) oauth2.ClientMetadata {
		return oauth2.ClientMetadata{
			AuthMethod: method, GrantTypes: slices.Clone(all), ResponseTypes: []string{"code", "token", "code token"}, RedirectURIs: []string{"https://app.example.com/cb", "http://127.0.0.1/cb"}, JWKS: keys,
		}
	}
	machine := metadata("client_secret_basic")
	public := metadata("none")
	public.GrantTypes = slices.DeleteFunc(public.GrantTypes, func(g string) bool { return g == "client_credentials" || strings.Contains(g, "exchange") })
	srv, err := server.New(server.Config{
		Issuer: "https://as.example.com", Store: memstore.New(), Secret: mandate.NewRandomSecret(), Now: now, Fetcher: nowhere{}, Limiter: server.InsecureUnlimited(),
		Scopes: []server.Scope{{Name: "read", Title: "Read", Public: true}, {Name: "write"}}, DefaultScopes: "read", Resources: []string{"https://api.example.com"}, DefaultAudience: []string{"https://api.example.com"},
		GrantTypes: []server.GrantType{
			server.AuthorizationCode(), server.RefreshToken(), server.ClientCredentials(), server.InsecurePassword(password),
			server.TokenExchange(server.TokenExchangeConfig{Policy: allow}), server.JWTBearer(server.JWTBearerConfig{Clients: true, User: func(_ context.Context, _ server.Client, t *mandate.Token) (server.User, error) {
				return server.User{Subject: t.Subject()}, nil
			}}),
		},
		InsecureImplicit: true, Device: &server.Device{}, PushedRequests: &server.PushedRequests{},
		Registration: &server.Registration{Open: true, Management: true}, ClientDocuments: &server.ClientDocuments{}, SignedIntrospection: &server.SignedIntrospection{},
		RequestObjects: &server.RequestObjects{ByReference: true}, ResponseModes: []string{"query", "fragment", "form_post", "jwt"},
		RichTypes: []server.RichType{{Name: "account", Public: true, Describe: func(json.RawMessage) (string, string) { return "Accounts", "" }}}, AccountPage: true,
		ImportedRefreshTokens: true, SignIn: signIn,
		Clients: []*store.Client{
			{ID: "app", Metadata: public},
			{ID: "machine", Secrets: []store.Secret{server.HashSecret("0123456789abcdef0123456789abcdef")}, Metadata: machine},
			{ID: "signer", Metadata: metadata("private_key_jwt")},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	endpoints, err := srv.Endpoints(server.Mounting{})
	if err != nil {
		tb.Fatal(err)
	}
	return &everything{endpoints: endpoints}
}

// hostileRequest is one request as a stranger makes it.
type hostileRequest struct {
	endpoint             uint8
	post                 bool
	query, body, kind    string
	authorization, other string // header fields
}

// serve sends r to its endpoint and checks that the answer blames the one who asked.
func (e *everything) serve(t *testing.T, r hostileRequest) {
	t.Helper()
	endpoint := e.endpoints[int(r.endpoint)%len(e.endpoints)]
	header := http.Header{}
	if r.kind != "" {
		header.Set("Content-Type", r.kind)
	}
	if r.authorization != "" {
		header.Set("Authorization", r.authorization)
	}
	header.Set("Accept", r.other)
	header.Set("Cookie", "__Host-mandate-browser="+r.other)
	method := http.MethodGet
	if r.post {
		method = http.MethodPost
	}
	path := strings.ReplaceAll(endpoint.Path, "{id}", "app")
	req := &mandate.Request{Method: method, Origin: endpoint.Origin, Path: path, RawQuery: r.query, Header: header, Body: r.body, PathID: "app"}
	done := make(chan *mandate.Response, 1)
	go func() { done <- endpoint.Serve(t.Context(), req) }()
	select {
	case resp := <-done:
		if resp.Status >= 500 && !errors.Is(resp.Err, mandate.TemporarilyUnavailable) || resp.Status < 200 { // too much was asked for at once
			t.Fatalf("%s %s = %d %s: %v", method, endpoint.Name, resp.Status, resp.Body, resp.Err)
		}
		for _, f := range resp.Header {
			if strings.ContainsAny(f.Name+f.Value, "\r\n\x00") {
				t.Fatalf("%s %s: header field %s is %q", method, endpoint.Name, f.Name, f.Value)
			}
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%s %s hangs", method, endpoint.Name)
	}
}

// FuzzEndpoints sends anything to every endpoint of a server that has everything on: nothing is a fault, nothing hangs, no answer
// has a header field that was not meant.
func FuzzEndpoints(f *testing.F) {
	key := fuzzKey(f)
	names := newEverything(f, key)
	at := func(name string) uint8 {
		i := slices.IndexFunc(names.endpoints, func(e mandate.Endpoint) bool { return e.Name == name })
		if i < 0 {
			f.Fatalf("no endpoint %q", name)
		}
		return uint8(i)
	}
	const form, basic = "application/x-www-form-urlencoded", "Basic bWFjaGluZTowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg=="
	const pkce = "&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	assertion, err := jose.Sign(key, "JWT", map[string]any{"iss": "signer", "sub": "signer", "aud": "https://as.example.com", "exp": 1_800_000_060, "jti": "1"})
	if err != nil {
		f.Fatal(err)
	}
	object, err := jose.Sign(key, "oauth-authz-req+jwt", map[string]any{
		"iss": "signer", "aud": "https://as.example.com", "client_id": "signer", "response_type": "code", "redirect_uri": "https://app.example.com/cb", "exp": 1_800_000_060, "jti": "2",
		"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256",
	})
	if err != nil {
		f.Fatal(err)
	}
	signed := "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=" + assertion
	for _, r := range []hostileRequest{
		{at("authorization"), false, "client_id=app&response_type=code&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&scope=read&state=s" + pkce, "", "", "", "text/html"},
		{at("authorization"), true, "", "client_id=app&response_type=code+token&redirect_uri=http%3A%2F%2F127.0.0.1%3A80%2Fcb&response_mode=form_post&nonce=n&prompt=none&max_age=1" + pkce, form, "", ""},
		{at("authorization"), false, "client_id=https%3A%2F%2Fclient.example%2Fapp.json&response_type=token&request=a.b.c&request_uri=urn%3Ax&claims=%7B%7D&authorization_details=%5B%7B%7D%5D", "", "", "", "*/*"},
		{at("authorization"), false, "client_id=signer&request=" + object, "", "", "", ""},
		{at("pushed_authorization_request"), true, "", "client_id=app&response_type=code&response_mode=form_post.jwt&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&authorization_details=%5B%7B%22type%22%3A%22account%22%7D%5D" + pkce, form, "", ""},
		{at("authorization"), false, "handle=AAAA&csrf=x", "", "", "", "text/html"},
		{at("pushed_authorization_request"), true, "", "client_id=app&response_type=code&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&scope=read&resource=https%3A%2F%2Fapi.example.com&resource=https%3A%2F%2Fapi.example.com%2F" + pkce, form, "", ""},
		{at("token"), true, "", "grant_type=client_credentials&scope=read", form, basic, ""},
		{at("token"), true, "", "grant_type=password&client_id=app&username=alice&password=password", form, "", ""},
		{at("token"), true, "", "grant_type=authorization_code&client_id=app&code=mdc_x&code_verifier=y", form, "", ""},
		{at("token"), true, "", "grant_type=client_credentials" + signed, form, "", ""},
		{at("token"), true, "", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + assertion, form, basic, ""},
		{at("token"), true, "", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=x&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&actor_token=y", form, basic, ""},
		{at("token"), true, "", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=mdd_x&client_id=app", form, "", ""},
		{at("token"), true, "", "grant_type=refresh_token&refresh_token=mdr_x&client_id=app", form, "", ""},
		{at("device_authorization"), true, "", "client_id=app&scope=read", form, "", ""},
		{at("device"), true, "", "user_code=BCDF-GHJK&csrf=x", form, "", "text/html"},
		{at("device"), false, "user_code=bcdfghjk", "", "", "", "text/html"},
		{at("login"), true, "", "handle=AAAA&csrf=x&username=alice&password=password&action=login", form, "", "text/html"},
		{at("consent"), false, "handle=AAAA", "", "", "", "text/html"},
		{at("revocation"), true, "", "token=x&token_type_hint=refresh_token", form, basic, ""},
		{at("introspection"), true, "", "token=a.b.c", form, basic, "application/token-introspection+jwt"},
		{at("registration"), true, "", `{"redirect_uris":["https://app.example.com/cb"],"jwks":{"keys":[]},"scope":"read","contacts":["a"],"client_name#de":"x","default_max_age":1}`, "application/json", "", ""},
		{at("registration"), true, "", `{"software_statement":"a.b.c","token_endpoint_auth_method":"private_key_jwt","grant_types":["implicit"],"redirect_uris":[1]}`, "application/json", "Bearer mdi_x", ""},
		{at("registration_management"), false, "", "", "", "Bearer mdm_x", ""},
		{at("jwks"), false, "x=%zz", "", "", "", ""},
		{at("metadata"), false, "", "", "", "", ""},
	} {
		f.Add(r.endpoint, r.post, r.query, r.body, r.kind, r.authorization, r.other)
	}
	var mu sync.Mutex // guards e: one server takes some thousand requests, then another begins with an empty store
	var e *everything
	f.Fuzz(func(t *testing.T, endpoint uint8, post bool, query, body, kind, authorization, other string) {
		mu.Lock()
		if e == nil || e.used >= 20_000 {
			e = newEverything(t, key)
		}
		e.used++
		mine := e
		mu.Unlock()
		mine.serve(t, hostileRequest{endpoint, post, query, body, kind, authorization, other})
	})
}
