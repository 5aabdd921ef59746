package resource_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// FuzzAuthorization holds the parser against the grammar of RFC 6750, section 2.1.
func FuzzAuthorization(f *testing.F) {
	for _, seed := range []string{
		"", " ", "Bearer", "Bearer ", "Bearer good", "bEARER good", "Bearer  good", "Bearer a=", "Bearer a=b", "Bearer a, Bearer b", "Basic YTpi",
		`Digest realm="a, b c", nonce="x"`, "Basic YTpi, Bearer good", "Bearer good,", ",", "\"", "Bearer \x00", "Bearer ö", `x "\`, "DPoP good",
	} {
		f.Add(seed)
	}
	grammar := regexp.MustCompile(`^(?i:bearer) ([A-Za-z0-9\-._~+/]+=*)$`)
	var seen string
	guard, err := resource.New(resource.Config{Verifiers: []resource.Verifier{resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
		seen = strings.Clone(raw)
		return mandate.NewToken(mandate.TokenInfo{ClientID: "c"}), nil
	})}})
	if err != nil {
		f.Fatal(err)
	}
	rule := guard.Rule(mandate.Requirement{}, false)
	f.Fuzz(func(t *testing.T, header string) {
		seen = ""
		tok, resp := guard.Check(t.Context(), resource.Credentials{Authorization: header}, rule)
		want := ""
		if parts := grammar.FindStringSubmatch(header); parts != nil && len(parts[1]) <= 16<<10 {
			want = parts[1]
		}
		if seen != want || (tok != nil) != (want != "") {
			t.Errorf("%q: verified %q, want %q", header, seen, want)
		}
		if tok == nil && (resp == nil || resp.Status != 400 && resp.Status != 401) {
			t.Errorf("%q: neither token nor a refusal of 400 or 401", header)
		}
	})
}

// FuzzClaims signs whatever the fuzzer writes: the mapping of claims must neither panic nor let in what is bound, over, or
// for somebody else.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		goodClaims, "{}", "[]", "null", `{"aud":[]}`, strings.Replace(goodClaims, `"jti"`, `"cnf":null,"jti"`, 1), strings.Replace(goodClaims, `"jti"`, `"cnf":{"jkt":"x"},"jti"`, 1),
		strings.Replace(goodClaims, `"profile"`, `["a",null]`, 1), strings.Replace(goodClaims, `"jti"`, `"realm_access":{"roles":[{}]},"jti"`, 1),
		strings.Replace(goodClaims, `1800000600`, `1e400`, 1), strings.Replace(goodClaims, `"ann"`, `"web"`, 1),
	} {
		f.Add(seed)
	}
	key, err := jose.NewKey(jose.EdDSA, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), "k")
	if err != nil {
		f.Fatal(err)
	}
	guard, err := resource.New(resource.Config{
		Audience: api, Now: func() time.Time { return today },
		Verifiers: []resource.Verifier{resource.JWT{
			Issuer: foreignIssuer, Keys: resource.FixedKeys(jose.NewKeySet(key.Public())),
			ScopeClaims: []string{"scope", "scp"}, RolesClaims: []string{"/realm_access/roles"}, ClientClaims: []string{"client_id", "azp"},
		}},
	})
	if err != nil {
		f.Fatal(err)
	}
	rule := guard.Rule(mandate.Requirement{}, false)
	f.Fuzz(func(t *testing.T, claims string) {
		raw, err := jose.Sign(key, "at+jwt", []byte(claims))
		if err != nil {
			return // no JSON object: nobody can sign it
		}
		tok, resp := guard.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, rule)
		if tok == nil {
			if resp == nil || resp.Status != 401 {
				t.Fatalf("refused with %s, want 401", show(resp))
			}
			return
		}
		var said map[string]any
		if err := json.Unmarshal([]byte(claims), &said); err != nil {
			t.Fatalf("claims that are no JSON object were taken: %v", err)
		}
		_, bound := said["cnf"]
		if bound || said["iss"] != foreignIssuer || tok.ExpiredAt(today) || tok.ClientID() == "" || tok.ID() == "" || tok.Subject() == tok.ClientID() {
			t.Errorf("taken: %s", claims)
		}
		if text := tok.Claims(); text != "" && !json.Valid([]byte(text)) {
			t.Errorf("claims %q are no JSON", text)
		}
	})
}
