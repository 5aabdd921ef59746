package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oidc"
)

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// fixed are keys that never change.
type fixed struct{ set *jose.KeySet }

func (f fixed) KeySet(context.Context, *jose.KeySet) (*jose.KeySet, error) { return f.set, nil }

// away are keys that nobody can have.
type away struct{}

func (away) KeySet(context.Context, *jose.KeySet) (*jose.KeySet, error) {
	return nil, errors.Join(errors.New("the issuer is away"), jose.ErrInvalid)
}

func key(tb testing.TB, alg jose.Alg) *jose.Key {
	tb.Helper()
	k, err := jose.Generate(alg)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func verifier(tb testing.TB, k *jose.Key, change func(c *oidc.Config)) *oidc.Verifier {
	tb.Helper()
	c := oidc.Config{Issuer: "https://id.example.com", ClientID: "shop", Keys: fixed{jose.NewKeySet(k.Public())}, Algs: []jose.Alg{k.Alg()}}
	if change != nil {
		change(&c)
	}
	v, err := oidc.NewVerifier(c)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// claims returns those of a good ID token, changed. A nil one is left out.
func claims(change map[string]any) map[string]any {
	c := map[string]any{
		"iss": "https://id.example.com", "sub": "alice", "aud": "shop", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nonce": "n-1",
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func sign(tb testing.TB, k *jose.Key, typ string, c any) string {
	tb.Helper()
	raw, err := jose.Sign(k, typ, c)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func TestIDToken(t *testing.T) {
	t.Parallel()
	k := key(t, jose.ES256)
	expect := oidc.Expect{Now: now, Nonce: "n-1"}
	type set = map[string]any
	for sentence, tc := range map[string]struct {
		claims set
		config func(c *oidc.Config)
		expect func(e *oidc.Expect)
		want   string // in the error; "": it is taken
	}{
		"a good one":                              {},
		"an audience among several, with azp":     {claims: set{"aud": []string{"bank", "shop"}, "azp": "shop"}},
		"an audience among several that we trust": {claims: set{"aud": []string{"bank", "shop"}}, config: func(c *oidc.Config) { c.Audiences = []string{"bank"} }},
		"an audience among several that we do not": {
			claims: set{"aud": []string{"bank", "shop", "mail"}}, config: func(c *oidc.Config) { c.Audiences = []string{"bank"} },
			want: "mail",
		},
		"azp of another, though we are trusted with": {
			claims: set{"aud": []string{"bank", "shop"}, "azp": "bank"}, config: func(c *oidc.Config) { c.Audiences = []string{"bank"} },
			want: "azp",
		},
		"an azp that is no string":         {claims: set{"azp": []string{"shop"}}, want: "azp"},
		"the last moment":                  {claims: set{"exp": now.Unix() + 1}},
		"the moment after":                 {claims: set{"exp": now.Unix()}, want: "expired"},
		"the last moment of the leeway":    {claims: set{"exp": now.Unix() - 9}, config: leeway},
		"the moment after the leeway":      {claims: set{"exp": now.Unix() - 10}, config: leeway, want: "expired"},
		"issued in a second":               {claims: set{"iat": now.Unix() + 1}, want: "future"},
		"issued in a second, with leeway":  {claims: set{"iat": now.Unix() + 10}, config: leeway},
		"issued in eleven, with leeway":    {claims: set{"iat": now.Unix() + 11}, config: leeway, want: "future"},
		"exp as a string":                  {claims: set{"exp": "1"}, want: "exp"},
		"a nonce that is a prefix":         {claims: set{"nonce": "n-"}, want: "nonce"},
		"a nonce of a list":                {claims: set{"nonce": []string{"n-1"}}, want: "nonce"},
		"nobody looks at the nonce":        {claims: set{"nonce": nil}, expect: func(e *oidc.Expect) { e.Nonce, e.NoNonce = "", true }},
		"the quirk, with its word":         {claims: set{"nonce": nil, "nonce_supported": false}, expect: quirk},
		"the quirk, without its word":      {claims: set{"nonce": nil}, expect: quirk, want: "nonce"},
		"the quirk, and it has a nonce":    {claims: set{"nonce": "other", "nonce_supported": false}, expect: quirk, want: "nonce"},
		"at_hash":                          {claims: set{"at_hash": oidc.Hash(jose.ES256, "at")}, expect: func(e *oidc.Expect) { e.AccessToken = "at" }},
		"at_hash of another":               {claims: set{"at_hash": oidc.Hash(jose.ES256, "other")}, expect: func(e *oidc.Expect) { e.AccessToken = "at" }, want: "at_hash"},
		"at_hash of another algorithm":     {claims: set{"at_hash": oidc.Hash(jose.ES512, "at")}, expect: func(e *oidc.Expect) { e.AccessToken = "at" }, want: "at_hash"},
		"an empty at_hash, of the browser": {claims: set{"at_hash": ""}, expect: func(e *oidc.Expect) { e.AccessToken, e.Hashes = "at", true }, want: "at_hash"},
		"no at_hash, from the issuer":      {expect: func(e *oidc.Expect) { e.AccessToken = "at" }},
		"c_hash":                           {claims: set{"c_hash": oidc.Hash(jose.ES256, "co")}, expect: func(e *oidc.Expect) { e.Code, e.Hashes = "co", true }},
		"c_hash of another":                {claims: set{"c_hash": oidc.Hash(jose.ES256, "other")}, expect: func(e *oidc.Expect) { e.Code = "co" }, want: "c_hash"},
		"no c_hash, of the browser":        {expect: func(e *oidc.Expect) { e.Code, e.Hashes = "co", true }, want: "c_hash"},
		"signed in just in time":           {claims: set{"auth_time": now.Unix()}, expect: func(e *oidc.Expect) { e.AuthAfter = now.Add(500 * time.Millisecond) }},
		"signed in too early":              {claims: set{"auth_time": now.Unix() - 1}, expect: func(e *oidc.Expect) { e.AuthAfter = now }, want: "max_age"},
		"nobody knows when":                {expect: func(e *oidc.Expect) { e.AuthAfter = now }, want: "auth_time"},
		"a logout token (RFC 8725, 3.12)":  {claims: set{"events": set{oidc.LogoutEvent: set{}}}, want: "logout"},
		"other events":                     {claims: set{"events": set{"https://x": set{}}}},
		"a subject with a NUL":             {claims: set{"sub": "alice\x00"}, want: "sub"},
		"a subject that is not text":       {claims: set{"sub": json.RawMessage(`"alice\ud800"`)}, want: "sub"},
		"null is nothing":                  {claims: set{"acr": json.RawMessage("null"), "azp": json.RawMessage("null")}},
		"a class that will do":             {claims: set{"acr": "b"}, expect: func(e *oidc.Expect) { e.ACR = []string{"a", "b"} }},
		"a class that will not":            {claims: set{"acr": "c"}, expect: func(e *oidc.Expect) { e.ACR = []string{"a", "b"} }, want: "acr"},
		"an issuer that somebody else knows": {claims: set{"iss": "https://x"}, config: func(c *oidc.Config) {
			c.CheckIssuer = func(t *oidc.Token) error {
				if t.Issuer != "https://x" {
					return errors.New("not x")
				}
				return nil
			}
		}},
		"an issuer that somebody else does not know": {config: func(c *oidc.Config) {
			c.CheckIssuer = func(*oidc.Token) error { return errors.New("not x") }
		}, want: "not x"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			e := expect
			if tc.expect != nil {
				tc.expect(&e)
			}
			v := verifier(t, k, tc.config)
			tok, err := v.IDToken(t.Context(), sign(t, k, "JWT", claims(tc.claims)), e)
			switch {
			case tc.want == "" && err != nil:
				t.Fatalf("IDToken: %v", err)
			case tc.want == "":
				if tok.Subject != "alice" || tok.Claims()["sub"] != "alice" {
					t.Errorf("IDToken = %+v", tok)
				}
			case !errors.Is(err, jose.ErrInvalid) || !strings.Contains(err.Error(), tc.want) || tok != nil:
				t.Errorf("IDToken: %v, %v, want ErrInvalid that says %q", tok, err, tc.want)
			}
		})
	}
	if _, err := verifier(t, k, nil).IDToken(t.Context(), sign(t, k, "", claims(nil)), oidc.Expect{Now: now}); err == nil || errors.Is(err, jose.ErrInvalid) {
		t.Errorf("without a nonce to expect: %v", err)
	}
}

func leeway(c *oidc.Config) { c.Leeway = 10 * time.Second }
func quirk(e *oidc.Expect)  { e.NonceQuirk = true }
func secret(c *oidc.Config) {
	c.Keys, c.Algs, c.Secret = nil, []jose.Alg{jose.HS256}, strings.Repeat("s", 32)
}
func anyType(c *oidc.Config) { c.AnyLogoutType = true }

func TestSharedSecret(t *testing.T) {
	t.Parallel()
	k := key(t, jose.ES256)
	v := verifier(t, k, secret)
	e := oidc.Expect{Now: now, Nonce: "n-1"}
	raw, err := jose.SignHMAC(jose.HS256, []byte(strings.Repeat("s", 32)), "JWT", claims(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.IDToken(t.Context(), raw, e); err != nil {
		t.Errorf("HS256 where it is asked for: %v", err)
	}
	if _, err := v.IDToken(t.Context(), sign(t, k, "JWT", claims(nil)), e); !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("ES256 where HS256 is asked for: %v", err)
	}
	if _, err := verifier(t, k, nil).IDToken(t.Context(), raw, e); !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("HS256 where nobody asked for it: %v", err)
	}
}

func TestKeysOutOfReachAreNoVerdict(t *testing.T) {
	t.Parallel()
	k := key(t, jose.ES256)
	v := verifier(t, k, func(c *oidc.Config) { c.Keys = away{} })
	if _, err := v.IDToken(t.Context(), sign(t, k, "", claims(nil)), oidc.Expect{Now: now, Nonce: "n-1"}); err == nil || errors.Is(err, jose.ErrInvalid) {
		t.Errorf("IDToken: %v, want an error that is not ErrInvalid", err)
	}
	if _, err := v.LogoutToken(t.Context(), sign(t, k, oidc.LogoutType, claims(nil)), now); err == nil || errors.Is(err, jose.ErrInvalid) {
		t.Errorf("LogoutToken: %v, want an error that is not ErrInvalid", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	_, err := oidc.NewVerifier(oidc.Config{Leeway: time.Hour, Algs: []jose.Alg{"none", jose.HS256}})
	for _, want := range []string{"Issuer", "ClientID", "Leeway", `"none"`, "do not mix", "Keys is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewVerifier: %v, want it to say %q", err, want)
		}
	}
	if _, err := oidc.NewVerifier(oidc.Config{Issuer: "i", ClientID: "c", Algs: []jose.Alg{jose.HS256}, Secret: "short"}); err == nil || !strings.Contains(err.Error(), "32") {
		t.Errorf("NewVerifier took a short secret: %v", err)
	}
	k := key(t, jose.ES256)
	v, err := oidc.NewVerifier(oidc.Config{Issuer: "https://id.example.com", ClientID: "shop", Keys: fixed{jose.NewKeySet(k.Public())}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.IDToken(t.Context(), sign(t, k, "", claims(nil)), oidc.Expect{Now: now, Nonce: "n-1"}); !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("ES256 where nothing is said, so that RS256 alone is taken: %v", err)
	}
}

// TestHash has the values of OpenID Connect Core, appendix A, and of the working group for EdDSA.
func TestHash(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		alg         jose.Alg
		value, want string
	}{
		{jose.RS256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "77QmUPtjPfzWtF2AnpK9RQ"},
		{jose.RS256, "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk", "LDktKdoQak3Pk0cnXxCltA"},
		{jose.HS384, "dNZX1hEZ9wBCzNL40Upu646bdzQA", "phZaPQJosyg-qi-OIYyQ3xJB9wsHYEEz"},
		{jose.EdDSA, "dNZX1hEZ9wBCzNL40Upu646bdzQA", "8xltSlOGYrWy8W9yNvRlEth1i_bXW-JROWPLvCv5zog"},
		{"none", "x", ""},
	} {
		if got := oidc.Hash(tc.alg, tc.value); got != tc.want {
			t.Errorf("Hash(%s, %s) = %s, want %s", tc.alg, tc.value, got, tc.want)
		}
	}
}

func TestTenants(t *testing.T) {
	t.Parallel()
	const template = "https://login.example.com/{tenantid}/v2.0"
	for issuer, want := range map[string]bool{
		template: true, "https://login.example.com/a-b_1/v2.0": true, "https://login.example.com//v2.0": false, "https://login.example.com/v2.0": false,
		"https://login.example.com/a/b/v2.0": false, "https://login.example.com/a?/v2.0": false, "https://evil.example.com/a/v2.0": false, "": false,
	} {
		if got := oidc.IsTenantIssuer(template, issuer); got != want {
			t.Errorf("IsTenantIssuer(%q) = %v", issuer, got)
		}
	}
	if oidc.IsTenantIssuer("https://x", "https://x/") || !oidc.IsTenantIssuer("https://x", "https://x") {
		t.Error("an issuer without tenants is not compared to the letter")
	}
}

func TestUserInfoOf(t *testing.T) {
	t.Parallel()
	u, err := oidc.UserInfoOf(map[string]any{
		"sub": "alice", "email": "a@example.com", "email_verified": "true", "phone_number_verified": false, "address": map[string]any{"country": "FR"}, "x": 1,
	})
	if err != nil || u.Subject != "alice" || !u.EmailVerified || u.PhoneVerified || u.Address.Country != "FR" {
		t.Errorf("UserInfoOf = %+v, %v", u, err)
	}
	for name, v := range map[string]any{"email_verified": "yes", "phone_number_verified": 1, "name": 7, "address": "Paris"} {
		if u, err := oidc.UserInfoOf(map[string]any{"sub": "alice", name: v}); err == nil || u.Subject != "" {
			t.Errorf("UserInfoOf with %s %v = %+v, %v", name, v, u, err)
		}
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	k := key(t, jose.ES256)
	raw := sign(t, k, "", claims(map[string]any{"aud": []string{"shop", "bank"}, "azp": "shop", "amr": "pwd", "id": json.Number("12345678901234567890"), "nest": map[string]any{"a": []int{1}}}))
	tok, err := verifier(t, k, nil).IDToken(t.Context(), raw, oidc.Expect{Now: now, Nonce: "n-1"})
	if err != nil {
		t.Fatal(err)
	}
	all, err := json.Marshal(tok.Claims())
	want := `{"amr":"pwd","aud":["shop","bank"],"azp":"shop","exp":1772629200,"iat":1772625600,"id":12345678901234567890,"iss":"https://id.example.com",` +
		`"nest":{"a":[1]},"nonce":"n-1","sub":"alice"}`
	if err != nil || string(all) != want {
		t.Errorf("Claims = %s, %v", all, err)
	}
	var nest struct{ A []int }
	if ok, err := tok.Read("nest", &nest); !ok || err != nil || len(nest.A) != 1 {
		t.Errorf("Read = %v, %v, %v", nest, ok, err)
	}
	if ok, err := tok.Read("nest", new(string)); !ok || !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("Read of another type = %v, %v", ok, err)
	}
	if ok, err := tok.Read("none", &nest); ok || err != nil || tok.Text("sub") != "alice" || tok.Text("nest") != "" {
		t.Errorf("Read of nothing = %v, %v, Text = %q", ok, err, tok.Text("sub"))
	}
}
