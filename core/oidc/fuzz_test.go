package oidc_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oidc"
)

// FuzzIDToken signs any claims, and holds what is believed against go-jose's reading of them and a check by hand.
func FuzzIDToken(f *testing.F) {
	good, _ := json.Marshal(claims(nil))
	logout, _ := json.Marshal(logoutClaims(nil))
	for _, seed := range []string{
		string(good), string(logout), `{}`, `null`, `{"iss":"https://id.example.com","sub":"a","aud":["shop"],"exp":1e99,"iat":1}`,
		`{"iss":"https://id.example.com","sub":"a","aud":["shop","bank"],"azp":"shop","exp":1772629200.5,"iat":1772625600,"nonce":"n-1"}`,
		`{"iss":"https://id.example.com","iss":"x","sub":"a","aud":"shop","exp":1772629200,"iat":1772625600,"nonce":"n-1"}`,
		`{"iss":"https://id.example.com","sub":"a","aud":"shop","exp":1772629200,"iat":1772625600,"nonce":"n-1","auth_time":"x"}`,
		`{"iss":"https://id.example.com","sub":"\u0000","aud":"shop","exp":1772629200,"iat":1772625600,"nonce":"n-1"}`,
	} {
		f.Add([]byte(seed))
	}
	k := key(f, jose.EdDSA)
	v := verifier(f, k, func(c *oidc.Config) { c.AnyLogoutType = true })
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw, err := jose.Sign(k, "JWT", json.RawMessage(payload))
		if err != nil {
			return
		}
		out, err := v.LogoutToken(t.Context(), raw, now)
		if err != nil && !errors.Is(err, jose.ErrInvalid) || err == nil && (out.ID == "" || out.Subject == "" && out.SessionID == "") {
			t.Errorf("LogoutToken = %+v, %v", out, err)
		}
		tok, idErr := v.IDToken(t.Context(), raw, oidc.Expect{Now: now, Nonce: "n-1"})
		if idErr != nil {
			if tok != nil && !errors.Is(idErr, jose.ErrInvalid) || !errors.Is(idErr, jose.ErrInvalid) {
				t.Errorf("IDToken = %+v, %v", tok, idErr)
			}
			return
		}
		if err == nil {
			t.Error("it is an ID token and a logout token at once")
		}
		parsed, err := jwt.ParseSigned(raw, []gojose.SignatureAlgorithm{gojose.EdDSA})
		if err != nil {
			t.Fatalf("go-jose does not parse it: %v", err)
		}
		var std jwt.Claims
		var more struct {
			Nonce string `json:"nonce"`
			AZP   string `json:"azp"`
		}
		if err := parsed.Claims(k.Public().Key(), &std, &more); err != nil {
			t.Fatalf("go-jose does not read it: %v", err)
		}
		if err := std.ValidateWithLeeway(jwt.Expected{Issuer: "https://id.example.com", AnyAudience: jwt.Audience{"shop"}, Time: now}, time.Second); err != nil {
			t.Errorf("go-jose does not believe it: %v", err)
		}
		if more.Nonce != "n-1" || more.AZP != "" && more.AZP != "shop" || std.Subject != tok.Subject || !slices.Equal([]string(std.Audience), tok.Audience) {
			t.Errorf("go-jose reads %+v %+v, and we %+v", std, more, tok)
		}
		if sub, _ := tok.Claims()["sub"].(string); sub != tok.Subject {
			t.Errorf("Claims has the subject %q, the token %q", sub, tok.Subject)
		}
	})
}
