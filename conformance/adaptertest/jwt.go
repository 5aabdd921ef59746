package adaptertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// jwts are the cases of RFC 9068.
func jwts() cases {
	return cases{
		"it says what the standard wants": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.login(jwtWeb(), "scope", "read write")
			if got.ExpiresIn != 10*time.Minute {
				t.Errorf("expires_in = %v, want 10m", got.ExpiresIn)
			}
			head, claims := part(t, got.Access, 0), part(t, got.Access, 1)
			if head["typ"] != "at+jwt" || head["alg"] != "ES256" || !strings.Contains(w.get(t, "/jwks").Body, fmt.Sprintf(`"kid":%q`, head["kid"])) {
				t.Errorf("header = %v", head)
			}
			now := float64(w.clock.Now().Unix())
			for name, want := range map[string]any{"iss": w.issuer, "sub": "alice", "client_id": "jwt", "scope": "read write", "iat": now, "exp": now + 600, "auth_time": now} {
				if claims[name] != want {
					t.Errorf("%s = %v, want %v", name, claims[name], want)
				}
			}
			if id, _ := claims["jti"].(string); len(id) < 16 {
				t.Errorf("jti = %q", id)
			}
		},
		"a client that acts for itself is the subject": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.token(jwtWeb(), with(refreshing(""), "grant_type", "client_credentials", "scope", "read")).tokens(t)
			if claims := part(t, got.Access, 1); claims["sub"] != "jwt" || claims["client_id"] != "jwt" {
				t.Errorf("claims = %v", claims)
			}
		},
		"a resource that was asked for is the audience": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.login(jwtWeb(), "resource", "https://one.example.com/")
			if aud := part(t, got.Access, 1)["aud"]; aud != "https://one.example.com" {
				if list := words(aud); len(list) != 1 || list[0] != "https://one.example.com" {
					t.Errorf("aud = %v", aud)
				}
			}
			w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
		},
		"it ends": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.login(jwtWeb())
			w.clock.Pass(10*time.Minute - time.Second)
			w.alive(got.Access)
			w.clock.Pass(time.Second)
			w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
			if ans := w.introspect(jwtWeb(), got.Access); ans.Body != notActive {
				t.Errorf("introspection = %s", ans.Body)
			}
		},
		"it dies with its grant": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.login(jwtWeb())
			if list, err := w.store.RevokeGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.ByAdmin, w.clock.Now()); err != nil || len(list) != 1 {
				t.Fatalf("revoked %v: %v", list, err)
			}
			w.dead(jwtWeb(), got.Access, got.Refresh)
		},
		"one that was changed, unsigned or made elsewhere is refused": func(t *testing.T, a Adapter) {
			w, elsewhere := newWorld(t, a, nil), newWorld(t, a, nil)
			got := w.login(jwtWeb())
			parts := strings.Split(got.Access, ".")
			encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
			for name, token := range map[string]string{
				"another payload":   parts[0] + "." + encode(`{"iss":"`+w.issuer+`","sub":"root"}`) + "." + parts[2],
				"no signature":      parts[0] + "." + parts[1] + ".",
				"alg none":          encode(`{"alg":"none","typ":"at+jwt"}`) + "." + parts[1] + ".",
				"another signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
				"another issuer's":  elsewhere.login(jwtWeb()).Access,
				"a part too many":   got.Access + ".x",
			} {
				if ans := w.get(t, "/api", "Authorization", "Bearer "+token); ans.Status != 401 {
					t.Errorf("%s: status = %d, want 401", name, ans.Status)
				}
				if ans := w.introspect(jwtWeb(), token); ans.Body != notActive {
					t.Errorf("%s: introspection = %s", name, ans.Body)
				}
			}
			w.alive(got.Access)
		},
	}
}

// part returns a part of a JWT, decoded.
func part(t *testing.T, token string, n int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
