package resource_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// fixed answers every URL with one body.
type fixed struct{ body []byte }

// Fetch implements mandate.Fetcher.
func (f fixed) Fetch(context.Context, *mandate.FetchRequest) (*mandate.Response, error) {
	return &mandate.Response{Status: 200, Body: f.body}, nil
}

// FuzzIntrospection holds that of all that an endpoint can answer only a good token passes, and that it is never the token that is blamed
// for an answer that makes no sense.
func FuzzIntrospection(f *testing.F) {
	for _, seed := range []string{
		activeAnswer, `{"active":false}`, `{"active":"true"}`, `{"active":true}`, `{"active":true,"active":false}`, `{}`, `[]`, `null`, ``, `{"ACTIVE":true}`, `{"active":true,"token_type":"Bearer","aud":["https://api.example.com"],"exp":1e10,"scope":null}`,
		`{"active":true,"typ":"Refresh","aud":"https://api.example.com"}`, `{"active":true,"token_type":"Bearer","aud":"https://api.example.com","cnf":{"jkt":"x"}}`, `{"\u0061ctive":true,"token_type":"Bearer","aud":"https://api.example.com"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g := newGuard(t, func(c *resource.Config) {
			c.Now = func() time.Time { return today }
			c.Verifiers = []resource.Verifier{resource.Introspection{Endpoint: introspectURL, ClientID: "shop", Secret: "s", Fetcher: fixed{data}, NeverRemember: true}}
		})
		tok, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer token"}, g.Rule(mandate.Scope(), false))
		var said map[string]any
		err := json.Unmarshal(data, &said)
		if tok == nil {
			if resp.Status != 401 && resp.Status != 503 || resp.Status == 401 && err != nil {
				t.Fatalf("%q: %s", data, show(resp))
			}
			return
		}
		_, bound := said["cnf"]
		bound = bound && said["cnf"] != nil
		if err != nil || said["active"] != true || said["aud"] == nil || bound || tok.ExpiredAt(today) || tok.Subject() != "" && tok.Subject() == tok.ClientID() {
			t.Errorf("taken: %q", data)
		}
		if text := tok.Claims(); text != "" && !json.Valid([]byte(text)) {
			t.Errorf("claims %q are no JSON", text)
		}
	})
}

// FuzzIssuerDocuments serves what the fuzzer writes as metadata and as key set: nobody's token may pass, and it is never blamed.
func FuzzIssuerDocuments(f *testing.F) {
	for _, seed := range []string{
		`{"issuer":"https://id.example.com","jwks_uri":"https://id.example.com/jwks","keys":[]}`, `{"keys":[{"kty":"oct","k":"AAAA","kid":"k"}]}`,
		`{"issuer":"https://id.example.com","jwks_uri":"https://id.example.com/jwks","keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k"}]}`, `{"issuer":7}`, `{"keys":null}`, ``,
	} {
		f.Add([]byte(seed))
	}
	key, err := jose.Generate(jose.EdDSA)
	if err != nil {
		f.Fatal(err)
	}
	raw, err := jose.Sign(key, "at+jwt", map[string]any{"iss": remoteIssuer, "aud": api, "sub": "ann", "client_id": "web", "iat": today.Unix() - 1, "exp": today.Unix() + 60, "jti": "1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range []resource.RemoteConfig{{Issuer: remoteIssuer}, {JWKS: jwksURL}} {
			c.Fetcher = fixed{data}
			keys, err := resource.NewRemoteKeys(c)
			if err != nil {
				t.Fatal(err)
			}
			g := newGuard(t, func(c *resource.Config) {
				c.Now = func() time.Time { return today }
				c.Verifiers = []resource.Verifier{resource.JWT{Issuer: remoteIssuer, Keys: keys}}
			})
			tok, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, g.Rule(mandate.Scope(), false))
			set, keyErr := keys.KeySet(t.Context(), nil)
			switch {
			case tok != nil:
				t.Fatalf("taken: %q", data)
			case keyErr != nil && resp.Status != 503:
				t.Errorf("%q: %s without keys, want 503", data, show(resp))
			case keyErr == nil && (set.Len() == 0 || resp.Status != 401):
				t.Errorf("%q: %d keys, %s", data, set.Len(), show(resp))
			}
		}
	})
}
