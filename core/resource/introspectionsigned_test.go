package resource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

func TestSignedIntrospection(t *testing.T) {
	t.Parallel()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	const jwt, typ = "application/token-introspection+jwt", "token-introspection+jwt"
	claims := func(change string, value any) map[string]any {
		c := map[string]any{"iss": remoteIssuer, "aud": "shop api", "iat": time.Now().Unix(), "token_introspection": json.RawMessage(activeAnswer)}
		c[change] = value
		if value == nil {
			delete(c, change)
		}
		return c
	}
	for name, tc := range map[string]struct {
		kind, typ string
		key       *jose.Key
		claims    func() map[string]any // made in the bubble, which has its own time
		status    int
		cause     string
	}{
		"as RFC 9701 has it":              {jwt, typ, key, func() map[string]any { return claims("jti", "x") }, 200, ""},
		"with parameters":                 {jwt + "; charset=utf-8", typ, key, func() map[string]any { return claims("jti", "x") }, 200, ""},
		"several audiences":               {jwt, typ, key, func() map[string]any { return claims("aud", []string{"x", "shop api"}) }, 200, ""},
		"not active":                      {jwt, typ, key, func() map[string]any { return claims("token_introspection", map[string]bool{"active": false}) }, 401, "not active"},
		"plain JSON":                      {"application/json", typ, key, func() map[string]any { return claims("jti", "x") }, 503, "RFC 9701"},
		"an access token (RFC 9701, 8.1)": {jwt, "at+jwt", key, func() map[string]any { return claims("jti", "x") }, 503, "typ is"},
		"without a type":                  {jwt, "", key, func() map[string]any { return claims("jti", "x") }, 503, "typ is"},
		"signed by a stranger":            {jwt, typ, stranger, func() map[string]any { return claims("jti", "x") }, 503, "no such key"},
		"of another issuer":               {jwt, typ, key, func() map[string]any { return claims("iss", "https://evil.example.com") }, 503, "iss is"},
		"for another client":              {jwt, typ, key, func() map[string]any { return claims("aud", "another") }, 503, "aud is"},
		"for nobody":                      {jwt, typ, key, func() map[string]any { return claims("aud", nil) }, 503, "aud is"},
		"of yesterday":                    {jwt, typ, key, func() map[string]any { return claims("iat", time.Now().Add(-24*time.Hour).Unix()) }, 503, "iat is"},
		"of tomorrow":                     {jwt, typ, key, func() map[string]any { return claims("iat", time.Now().Add(24*time.Hour).Unix()) }, 503, "iat is"},
		"without a time":                  {jwt, typ, key, func() map[string]any { return claims("iat", nil) }, 503, "iat is"},
		"with a subject of its own":       {jwt, typ, key, func() map[string]any { return claims("sub", "ann") }, 503, "sub or exp"},
		"with an end of its own":          {jwt, typ, key, func() map[string]any { return claims("exp", time.Now().Unix()+60) }, 503, "sub or exp"},
		"without an answer":               {jwt, typ, key, func() map[string]any { return claims("token_introspection", nil) }, 503, "token_introspection is missing"},
		"with an answer that is none":     {jwt, typ, key, func() map[string]any { return claims("token_introspection", "active") }, 503, "no JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t bubbled) {
				e, g := introspecting(t, func(i *resource.Introspection) {
					i.Issuer, i.Signed, i.Keys = remoteIssuer, true, resource.FixedKeys(jose.NewKeySet(key.Public()))
				})
				e.says(func(context.Context) (*mandate.Response, error) {
					raw, err := jose.Sign(tc.key, tc.typ, tc.claims())
					return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Content-Type", Value: tc.kind}}, Body: []byte(raw)}, err
				})
				got, tok := pass(t, g, "token")
				if got != tc.status || !strings.Contains(e.told(), tc.cause) {
					t.Errorf("status %d, want %d and the cause %q; log:\n%s", got, tc.status, tc.cause, e.told())
				}
				if got == 200 && tok.Subject() != "ann" {
					t.Errorf("subject %q, want ann", tok.Subject())
				}
				if accept := e.calls[0].Header.Get("Accept"); accept != jwt {
					t.Errorf("Accept %q, want %s", accept, jwt)
				}
			})
		})
	}
}

// TestIntrospectionByIssuer finds the endpoint and the keys of signed answers through the issuer.
func TestIntrospectionByIssuer(t *testing.T) {
	t.Parallel()
	bubble(t, func(t bubbled) {
		as := newIssuer(t, remoteIssuer)
		meta := body(fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"introspection_endpoint":%q}`, remoteIssuer, jwksURL, introspectURL))
		as.on(metadataURL, meta)
		as.on(introspectURL, func(context.Context) (*mandate.Response, error) {
			raw, err := jose.Sign(as.keys[0], "token-introspection+jwt", map[string]any{
				"iss": remoteIssuer, "aud": "shop", "iat": time.Now().Unix(), "token_introspection": json.RawMessage(activeAnswer),
			})
			return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Content-Type", Value: "application/token-introspection+jwt"}}, Body: []byte(raw)}, err
		})
		g := newGuard(t, func(c *resource.Config) {
			c.Verifiers = []resource.Verifier{resource.Introspection{Issuer: remoteIssuer, ClientID: "shop", Secret: "s", Signed: true, Fetcher: as}}
		})
		if as.asked(metadataURL) != 0 {
			t.Error("New did I/O")
		}
		if got, _ := pass(t, g, "one"); got != 200 {
			t.Errorf("status %d, want 200", got)
		}
		as.on(metadataURL, down)
		time.Sleep(24 * time.Hour)
		if got, _ := pass(t, g, "two"); got != 200 {
			t.Errorf("with the metadata out of reach: %d, want 200", got)
		}
		as.rotate(t, "k2")
		as.on(metadataURL, meta)
		time.Sleep(time.Minute)
		if got, _ := pass(t, g, "three"); got != 200 {
			t.Errorf("after a rotation: %d, want 200", got)
		}
		as.on(metadataURL, body(fmt.Sprintf(`{"issuer":%q}`, remoteIssuer)))
		g = newGuard(t, func(c *resource.Config) {
			c.Verifiers = []resource.Verifier{resource.Introspection{Issuer: remoteIssuer, ClientID: "shop", Secret: "s", Fetcher: as}}
		})
		if got, _ := pass(t, g, "one"); got != 503 {
			t.Errorf("without an endpoint: %d, want 503", got)
		}
	})
}

func TestIntrospectionRefuses(t *testing.T) {
	t.Parallel()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*resource.Introspection)
		want   string
	}{
		"neither issuer nor endpoint": {func(i *resource.Introspection) { i.Endpoint = "" }, "Issuer and Endpoint"},
		"an issuer that is no URL":    {func(i *resource.Introspection) { i.Endpoint, i.Issuer, i.Fetcher = "", "id", &endpoint{} }, "Issuer"},
		"http":                        {func(i *resource.Introspection) { i.Endpoint = "http://id.example.com/" }, "AllowInsecureHTTP"},
		"no client":                   {func(i *resource.Introspection) { i.ClientID = "" }, "ClientID"},
		"no secret":                   {func(i *resource.Introspection) { i.Secret = "" }, "Secret"},
		"secret and key":              {func(i *resource.Introspection) { i.Key = key }, "no Secret"},
		"a method of a key":           {func(i *resource.Introspection) { i.Method = "private_key_jwt" }, "Key"},
		"a method of nobody":          {func(i *resource.Introspection) { i.Method = "none" }, "client_secret_basic"},
		"a short secret for HMAC":     {func(i *resource.Introspection) { i.Method = "client_secret_jwt" }, "32"},
		"a certificate and a secret":  {func(i *resource.Introspection) { i.Method = "tls_client_auth" }, "neither Secret"},
		"a certificate from nowhere":  {func(i *resource.Introspection) { i.Method, i.Secret = "self_signed_tls_client_auth", "" }, "Fetcher"},
		"two ways": {func(i *resource.Introspection) {
			i.Authenticate = func(context.Context, *mandate.FetchRequest) error { return nil }
		}, "Authenticate"},
		"a negative timeout": {func(i *resource.Introspection) { i.Timeout = -1 }, "Timeout"},
		"a negative memory":  {func(i *resource.Introspection) { i.Remember = -1 }, "NeverRemember"},
		"a long memory":      {func(i *resource.Introspection) { i.Remember = time.Hour + 1 }, "Remember"},
		"a negative size":    {func(i *resource.Introspection) { i.Size = -1 }, "Size"},
		"a long leeway":      {func(i *resource.Introspection) { i.Leeway = time.Hour }, "Leeway"},
		"signed by nobody":   {func(i *resource.Introspection) { i.Signed = true }, "Issuer"},
		"signed by a secret": {func(i *resource.Introspection) {
			i.Signed, i.Issuer, i.Algs = true, remoteIssuer, []jose.Alg{jose.HS256}
		}, "HS256"},
		"a claim without a name": {func(i *resource.Introspection) { i.RolesClaims = []string{""} }, "RolesClaims"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := resource.Introspection{Endpoint: introspectURL, ClientID: "shop", Secret: "s3cr3t"}
			tc.change(&i)
			_, err := resource.New(resource.Config{Audience: api, Verifiers: []resource.Verifier{i}})
			if err == nil || !strings.Contains(err.Error(), "Introspection.") || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("New = %v, want an error that names %s", err, tc.want)
			}
		})
	}
	i := resource.Introspection{Endpoint: introspectURL, ClientID: "shop", Secret: "s3cr3t"}
	for _, text := range []string{fmt.Sprint(i), fmt.Sprintf("%+v", i), fmt.Sprintf("%#v", i), i.LogValue().String()} {
		if strings.Contains(text, "s3cr3t") || !strings.Contains(text, "shop") {
			t.Errorf("printed: %s", text)
		}
	}
}

// TestIntrospectionBeside puts it behind another verifier, which gets what is its own.
func TestIntrospectionBeside(t *testing.T) {
	t.Parallel()
	bubble(t, func(t bubbled) {
		as, e := newIssuer(t, remoteIssuer), &endpoint{answer: body(activeAnswer)}
		keys, err := resource.NewRemoteKeys(resource.RemoteConfig{JWKS: jwksURL, Fetcher: as})
		if err != nil {
			t.Fatal(err)
		}
		g := newGuard(t, func(c *resource.Config) {
			c.Verifiers = []resource.Verifier{
				resource.JWT{Issuer: remoteIssuer, Keys: keys},
				resource.Introspection{Issuer: remoteIssuer, Endpoint: introspectURL, ClientID: "shop", Secret: "s", Fetcher: e},
			}
		})
		foreign := newIssuer(t, "https://other.example.com")
		for raw, want := range map[string]int{as.good(t): 200, "opaque": 200, foreign.good(t): 401} {
			if got, _ := pass(t, g, raw); got != want {
				t.Errorf("%.20s: %d, want %d", raw, got, want)
			}
		}
		if e.asked() != 1 {
			t.Errorf("%d tokens were sent to the endpoint, want the opaque one alone", e.asked())
		}
	})
}

// TestRemoteKeysAllocate nothing that local keys do not: keys are asked for with every token.
func TestRemoteKeysAllocate(t *testing.T) { //nolint:paralleltest // counts allocations
	as := newIssuer(t, remoteIssuer)
	keys, err := resource.NewRemoteKeys(resource.RemoteConfig{Issuer: remoteIssuer, Fetcher: as})
	if err != nil {
		t.Fatal(err)
	}
	g := newGuard(t, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{resource.JWT{Issuer: remoteIssuer, Keys: keys}}
	})
	rule, creds := g.Rule(mandate.Scope(), false), resource.Credentials{Authorization: "Bearer " + as.good(t)}
	check := func() {
		if _, resp := g.Check(t.Context(), creds, rule); resp != nil {
			t.Fatal(show(resp))
		}
	}
	check()
	if n := testing.AllocsPerRun(100, check); n != 0 {
		t.Errorf("%v allocations for a token that is remembered, want 0", n)
	}
}

// TestRememberedIntrospectionAllocates nothing: it is what a busy API does most.
func TestRememberedIntrospectionAllocates(t *testing.T) { //nolint:paralleltest // counts allocations
	e := &endpoint{answer: body(activeAnswer)}
	g := newGuard(t, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{resource.Introspection{Endpoint: introspectURL, ClientID: "shop", Secret: "s", Fetcher: e}}
	})
	rule, creds := g.Rule(mandate.Scope("profile"), false), resource.Credentials{Authorization: "Bearer token"}
	check := func() {
		if _, resp := g.Check(t.Context(), creds, rule); resp != nil {
			t.Fatal(show(resp))
		}
	}
	check()
	if n := testing.AllocsPerRun(100, check); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
