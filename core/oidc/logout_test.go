package oidc_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oidc"
)

func logoutClaims(change map[string]any) map[string]any {
	c := map[string]any{"nonce": nil, "exp": nil, "jti": "j-1", "events": map[string]any{oidc.LogoutEvent: map[string]any{}}}
	maps.Copy(c, change)
	return claims(c)
}

func TestLogoutTokenTimes(t *testing.T) {
	t.Parallel()
	k := key(t, jose.ES256)
	for sentence, tc := range map[string]struct {
		at   time.Duration // after iat
		good bool
	}{
		"at once":                  {0, true},
		"in the last moment":       {oidc.LogoutWindow + 9*time.Second, true},
		"the moment after":         {oidc.LogoutWindow + 10*time.Second, false},
		"a little before its time": {-10 * time.Second, true},
		"before its time":          {-11 * time.Second, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			tok, err := verifier(t, k, leeway).LogoutToken(t.Context(), sign(t, k, oidc.LogoutType, logoutClaims(nil)), now.Add(tc.at))
			if tc.good != (err == nil) || err != nil && !errors.Is(err, jose.ErrInvalid) {
				t.Fatalf("LogoutToken: %v", err)
			}
			if err == nil && (tok.ID != "j-1" || tok.Subject != "alice" || !tok.Until.Equal(now.Add(oidc.LogoutWindow+10*time.Second))) {
				t.Errorf("LogoutToken = %+v", tok)
			}
		})
	}
}

func TestLogoutTokenTypes(t *testing.T) {
	t.Parallel()
	k := key(t, jose.ES256)
	for typ, want := range map[string][2]bool{ // as it is, and with AnyLogoutType
		"logout+jwt": {true, true}, "Application/Logout+JWT": {true, true}, "": {false, true}, "JWT": {false, true}, "at+jwt": {}, "secevent+jwt": {},
	} {
		raw := sign(t, k, typ, logoutClaims(nil))
		for i, change := range []func(*oidc.Config){nil, anyType} {
			if _, err := verifier(t, k, change).LogoutToken(t.Context(), raw, now); (err == nil) != want[i] {
				t.Errorf("typ %q: %v, want it taken: %v", typ, err, want[i])
			}
		}
	}
	// Neither is the other, even where types are not looked at.
	if _, err := verifier(t, k, anyType).LogoutToken(t.Context(), sign(t, k, "JWT", claims(nil)), now); !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("an ID token as a logout token: %v", err)
	}
	if _, err := verifier(t, k, nil).IDToken(t.Context(), sign(t, k, oidc.LogoutType, claims(nil)), oidc.Expect{Now: now, Nonce: "n-1"}); !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("a logout token as an ID token: %v", err)
	}
}
