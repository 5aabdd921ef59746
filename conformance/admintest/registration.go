package admintest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/admin"
	"github.com/go-mandate/mandate/core/store"
)

// registrations: who has an initial access token registers clients, as many as it says; the operator sees them, and takes them away.
func registrations(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	ran := func(args ...string) string {
		t.Helper()
		var out strings.Builder
		if err := admin.Run(t.Context(), admin.Config{Server: w.srv}, args, &out); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out.String()
	}
	issue := func(args ...string) (token string) {
		t.Helper()
		var made struct{ Token string }
		if err := json.Unmarshal([]byte(ran(append([]string{"registration", "token", "-json"}, args...)...)), &made); err != nil || made.Token == "" {
			t.Fatalf("token = %+v, %v", made, err)
		}
		return made.Token
	}
	send := func(method, path, token, body string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		return rec
	}
	register := func(token string, want int) (id, manage string) {
		t.Helper()
		rec := send(http.MethodPost, "/register", token, `{"client_name":"Stranger","grant_types":["client_credentials"],"scope":"read"}`)
		if rec.Code != want {
			t.Fatalf("status = %d, want %d; %s", rec.Code, want, rec.Body)
		}
		var made struct {
			ID     string `json:"client_id"`
			Manage string `json:"registration_access_token"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &made); err != nil {
			t.Fatal(err)
		}
		return made.ID, made.Manage
	}

	two := issue("-uses", "2", "-scope", "read", "-grant", "client_credentials")
	first, manage := register(two, 201)
	second, _ := register(two, 201)
	register(two, 401)
	revoked := issue()
	if out := ran("registration", "revoke", revoked); !strings.Contains(out, "token ended") {
		t.Errorf("revoke wrote %q", out)
	}
	register(revoked, 401)
	if out := ran("registration", "revoke", revoked); !strings.Contains(out, "before") {
		t.Errorf("revoke again wrote %q", out)
	}

	for origin, want := range map[string][]bool{"registered": {true, true, false}, "operator": {false, false, true}} {
		out := ran("client", "list", "-origin", origin)
		for i, id := range []string{first, second, "fixed"} {
			if strings.Contains(out, id) != want[i] {
				t.Errorf("-origin %s: %s in %q, want %v", origin, id, out, want[i])
			}
		}
	}
	if out := ran("client", "show", first); !strings.Contains(out, "registered") || strings.Contains(out, manage) {
		t.Errorf("show wrote %q", out)
	}
	if out := ran("client", "export"); strings.Contains(out, first) {
		t.Errorf("export wrote %q", out)
	}

	ran("client", "disable", first)
	if rec := send(http.MethodGet, "/register/"+first, manage, ""); rec.Code != 403 {
		t.Errorf("a disabled client reads itself: %d %s", rec.Code, rec.Body)
	}
	ran("client", "delete", first)
	if rec := send(http.MethodGet, "/register/"+first, manage, ""); rec.Code != 401 {
		t.Errorf("a deleted client reads itself: %d %s", rec.Code, rec.Body)
	}
}
