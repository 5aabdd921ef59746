package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestControl(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworkNames() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			s := start(t, framework, basis(), nil)
			url := "http://" + s.addr
			want := func(what string, method, path, body string, status int, fields ...string) {
				t.Helper()
				if got, text := ask(t, http.DefaultClient, method, s.control+path, body, fields...); got != status {
					t.Errorf("%s: status %d, %s, want %d", what, got, text, status)
				}
			}
			want("healthz", "GET", "/healthz", "", 200)
			want("reset with GET", "GET", "/reset", "", 405)
			want("an unknown path", "POST", "/nothing", "", 404)
			want("a page in a browser", "POST", "/reset", "", 403, "Origin: http://evil.example")
			want("a page in a browser without Origin", "POST", "/reset", "", 403, "Sec-Fetch-Site: cross-site")
			for _, body := range []string{"", "{}", `{"offset_s":"1"}`, `{"offset":1}`, `{"offset_s":99999999999}`, "[]"} {
				want("clock with "+body, "POST", "/clock", body, 400)
			}

			token := clientToken(t, url, "web")
			wantResource(t, url, token, 200)
			want("clock", "POST", "/clock", `{"offset_s":3599}`, 204)
			wantResource(t, url, token, 200)
			want("clock", "POST", "/clock", `{"offset_s":3600}`, 204)
			wantResource(t, url, token, 401)
			want("clock", "POST", "/clock", `{"offset_s":0}`, 204)
			wantResource(t, url, token, 200)

			jwt := clientToken(t, url, "jwt")
			wantResource(t, url, jwt, 200)
			before := kids(t, url)
			want("rotate", "POST", "/rotate-keys", "", 204)
			if after := kids(t, url); len(before) != 1 || len(after) != 2 || after[0] != before[0] {
				t.Errorf("key set after the rotation has %v, before %v, want one more", after, before)
			}
			wantResource(t, url, jwt, 200) // the old key still counts

			want("reset", "POST", "/reset", "", 204)
			wantResource(t, url, token, 401)
			wantResource(t, url, jwt, 401)
			if after := kids(t, url); len(after) != 1 || after[0] == before[0] {
				t.Errorf("key set after the reset has %v, want one new key", after)
			}
			wantResource(t, url, clientToken(t, url, "web"), 200)
		})
	}
}

// Configured keys rotate too: the new one takes over ten minutes later.
func TestRotateConfiguredKeys(t *testing.T) {
	t.Parallel()
	content := basis()
	content["keys"] = []any{map[string]any{"kid": "one", "alg": "EdDSA"}}
	content["lifetimes"] = map[string]any{"access_token": 86400}
	s := start(t, "nethttp", content, nil)
	url := "http://" + s.addr
	post := func(path, body string) {
		t.Helper()
		if got, text := ask(t, http.DefaultClient, "POST", s.control+path, body); got != 204 {
			t.Fatalf("%s: status %d, %s", path, got, text)
		}
	}
	old := clientToken(t, url, "jwt")
	opaque := clientToken(t, url, "web")
	post("/rotate-keys", "")
	if k := kids(t, url); len(k) != 2 || k[0] != "one" {
		t.Fatalf("key set has %v, want the configured key and another", k)
	}
	wantResource(t, url, opaque, 200) // the state stays
	post("/clock", `{"offset_s":601}`)
	next := clientToken(t, url, "jwt")
	if head(t, old) == head(t, next) {
		t.Errorf("both tokens have the header %s, want another key ten minutes after the rotation", head(t, old))
	}
	wantResource(t, url, old, 200)
	wantResource(t, url, next, 200)
	post("/clock", `{"offset_s":87001}`) // ten minutes of publication, and a day
	if k := kids(t, url); len(k) != 1 || k[0] == "one" {
		t.Errorf("key set a day later has %v, want the new key alone", k)
	}
}

func head(t *testing.T, token string) string {
	t.Helper()
	header, _, ok := strings.Cut(token, ".")
	if !ok {
		t.Fatalf("%q is no JWT", token)
	}
	return header
}

func clientToken(t *testing.T, url, client string) string {
	t.Helper()
	status, body := ask(t, http.DefaultClient, "POST", url+"/token", "grant_type=client_credentials&scope=read",
		basicOf(client), "Content-Type: application/x-www-form-urlencoded")
	var got struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
		t.Fatalf("token: status %d, %s", status, body)
	}
	return got.Access
}

func wantResource(t *testing.T, url, token string, status int) {
	t.Helper()
	if got, body := ask(t, http.DefaultClient, "GET", url+"/resource", "", "Authorization: Bearer "+token); got != status {
		t.Errorf("resource: status %d, %s, want %d", got, body, status)
	}
}

func kids(t *testing.T, url string) []string {
	t.Helper()
	_, body := get(t, http.DefaultClient, url+"/jwks")
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.Unmarshal([]byte(body), &set); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, k := range set.Keys {
		all = append(all, k.ID)
	}
	return all
}
