package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// What clients register is served on every framework, and lives and dies through the same endpoint.
func TestRegistration(t *testing.T) {
	t.Parallel()
	const body = `{"redirect_uris":["` + redirectURI + `"],"grant_types":["authorization_code","client_credentials"],"scope":"read"}`
	for _, framework := range frameworkNames() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			content := basis()
			content["registration"] = map[string]any{"enabled": true, "initial_access_token": "let-me-in", "management": true, "trusted": true}
			v := newVisitor(t, start(t, framework, content, nil).addr)
			if a := v.send("POST", "/register", body, "Content-Type: application/json"); a.status != 401 {
				t.Errorf("without a token: status %d, %s", a.status, a.body)
			}
			a := v.send("POST", "/register", body, "Content-Type: application/json", "Authorization: Bearer let-me-in")
			var c struct {
				ID     string `json:"client_id"`
				Secret string `json:"client_secret"`
				Token  string `json:"registration_access_token"`
			}
			if err := json.Unmarshal([]byte(a.body), &c); err != nil || a.status != 201 {
				t.Fatalf("status %d, %s", a.status, a.body)
			}
			own := []string{"Content-Type: application/json", "Authorization: Bearer " + c.Token}
			form := "grant_type=client_credentials&scope=read&client_id=" + c.ID + "&client_secret=" + c.Secret
			if a := v.send("GET", "/register/"+c.ID, "", own...); a.status != 200 || strings.Contains(a.body, c.Secret) {
				t.Errorf("GET: status %d, %s", a.status, a.body)
			}
			if a := v.send("PUT", "/register/"+c.ID, `{"client_id":"`+c.ID+`","token_endpoint_auth_method":"client_secret_post",`+body[1:], own...); a.status != 200 {
				t.Errorf("PUT: status %d, %s", a.status, a.body)
			}
			if a := v.send("POST", "/token", form, "Content-Type: application/x-www-form-urlencoded"); a.status != 200 {
				t.Errorf("token: status %d, %s", a.status, a.body)
			}
			if a := v.send("DELETE", "/register/"+c.ID, "", own...); a.status != 204 {
				t.Errorf("DELETE: status %d, %s", a.status, a.body)
			}
			if a := v.send("POST", "/token", form, "Content-Type: application/x-www-form-urlencoded"); a.status != 400 {
				t.Errorf("token of a client that is gone: status %d, %s", a.status, a.body)
			}
		})
	}
}

// A client is known by a document, which the configuration has.
func TestClientDocument(t *testing.T) {
	t.Parallel()
	const id = "https://app.example.com/client.json"
	content := basis()
	content["auto_consent"] = true
	content["features"] = map[string]any{"cimd": true}
	content["outbound"] = map[string]any{"documents": map[string]any{id: map[string]any{"client_id": id, "redirect_uris": []any{redirectURI}}}}
	v := newVisitor(t, start(t, "nethttp", content, nil).addr)
	login := v.follow(v.send("GET", authorizeURL(id, redirectURI), "", navigation()...))
	code := v.code(v.follow(v.submit(login, "action", "login", "username", "foo", "password", "bar")))
	a := v.send("POST", "/token", redemption(code)+"&client_id="+id, "Content-Type: application/x-www-form-urlencoded")
	if a.status != 200 {
		t.Errorf("status %d, %s", a.status, a.body)
	}
	if a := v.send("GET", authorizeURL("https://other.example.com/client.json", redirectURI), ""); a.status != 400 {
		t.Errorf("without a document: status %d, %s", a.status, a.body)
	}
}

// dynamic.json is a configuration that starts.
func TestDynamicConfig(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("dynamic.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(strings.Replace(string(data), "https://localhost:9443", "http://127.0.0.1:9443", 1), `"tls": {"self_signed": true},`, "", 1)
	v := newVisitor(t, start(t, "nethttp", text, nil).addr)
	a := v.send("POST", "/register", `{"redirect_uris":["`+redirectURI+`"]}`, "Content-Type: application/json")
	if a.status != 201 || !strings.Contains(a.body, "registration_client_uri") {
		t.Errorf("status %d, %s", a.status, a.body)
	}
}
