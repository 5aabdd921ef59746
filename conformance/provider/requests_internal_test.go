package main

import (
	"net/url"
	"strings"
	"testing"
)

// What the members for authorization requests do.
func TestRequestFeatures(t *testing.T) {
	t.Parallel()
	content := basis()
	content["features"] = map[string]any{"par": true, "require_par": true, "jar": true, "jarm": true, "rar": true}
	content["lifetimes"] = map[string]any{"par": 90}
	s := start(t, "nethttp", content, nil)
	v := newVisitor(t, s.addr)
	for _, member := range []string{
		`"pushed_authorization_request_endpoint"`, `"require_pushed_authorization_requests":true`, `"request_parameter_supported":true`,
		`"authorization_details_types_supported":["payment_initiation","account_information"]`, `"form_post.jwt"`, `"authorization_signing_alg_values_supported"`,
	} {
		if a := v.send("GET", "/.well-known/oauth-authorization-server", ""); !strings.Contains(a.body, member) {
			t.Errorf("the metadata lack %s: %s", member, a.body)
		}
	}
	if a := v.send("GET", authorizeURL("web", redirectURI), "", navigation()...); !strings.Contains(a.location, "error=invalid_request") {
		t.Errorf("a request that was not pushed is sent to %q", a.location)
	}
	_, query, _ := strings.Cut(authorizeURL("web", redirectURI, "authorization_details", `[{"type":"payment_initiation"}]`, "response_mode", "jwt"), "?")
	a := v.send("POST", "/par", query, basic)
	_, rest, _ := strings.Cut(a.body, `"request_uri":"`)
	uri, _, ok := strings.Cut(rest, `"`)
	if a.status != 201 || !ok || !strings.Contains(a.body, `"expires_in":90`) {
		t.Fatalf("push: status %d, %s", a.status, a.body)
	}
	a = v.send("GET", "/authorize?client_id=web&request_uri="+url.QueryEscape(uri), "", navigation()...)
	if !strings.HasPrefix(a.location, "/interaction/login") {
		t.Errorf("the pushed request is sent to %q, want the sign-in", a.location)
	}
}
