package main

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const redirectURI = "https://app.example.com/cb"

var basic = basicOf("web")

func basicOf(client string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(client+":"+secretOfWeb))
}

// Whatever the framework, the bytes are the same.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	var first *visitor
	for _, framework := range frameworkNames() {
		v := newVisitor(t, start(t, framework, basis(), nil).addr)
		visit(v)
		if first == nil {
			first = v
			continue
		}
		same(t, framework, v, frameworkNames()[0], first)
	}
}

// same checks that two visitors, who did the same, saw the same.
func same(t *testing.T, name string, v *visitor, other string, first *visitor) {
	t.Helper()
	if len(v.dump) != len(first.dump) {
		t.Fatalf("%s was asked %d times, %s %d times", name, len(v.dump), other, len(first.dump))
	}
	for i := range first.dump {
		if got, want := apart(v.dump[i], first.dump[i]); got != want {
			request, _, _ := strings.Cut(first.dump[i], "\n")
			t.Errorf("%d: %s: %s answers %q, %s %q", i, request, name, got, other, want)
		}
	}
}

// apart returns the lines in which a and b differ.
func apart(a, b string) (onlyA, onlyB string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	without := func(x, y []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(x), func(l string) bool { return slices.Contains(y, l) }), "\n")
	}
	onlyA, onlyB = without(x, y), without(y, x)
	if a != b && onlyA == onlyB {
		return a, b // the same lines in another order
	}
	return onlyA, onlyB
}

// visit makes every kind of request.
func visit(v *visitor) {
	documents(v)
	mistakes(v)
	code := signIn(v)
	tokens(v, code)
}

func documents(v *visitor) {
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/jwks"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
			v.send(method, path, "")
		}
		v.send("OPTIONS", path, "", "Origin: https://spa.example.com", "Access-Control-Request-Method: GET")
		v.send("GET", path, "", "Origin: https://spa.example.com")
	}
	for _, path := range []string{
		"/", "/nothing", "/token/", "/Token", "//token", "/a/../token", "/token/x", "/.well-known/openid-configuration",
		"/error", "/error?error=access_denied&error_description=No%20<b>thanks</b>", "/error?error=made_up&error_description=Call%20us", "/error?%zz",
		"/.well-known/oauth-authorization-server/x", "/interaction", "/interaction/", "/%74oken", "/resource/", "/nothing?x=%zz", "/par", "/userinfo",
	} {
		v.send("GET", path, "")
		v.send("POST", path, "a=b")
	}
}

func mistakes(v *visitor) {
	for _, body := range []string{
		"", "grant_type=password", "grant_type=client_credentials&grant_type=client_credentials", "grant_type=client_credentials&scope=admin",
		"grant_type=authorization_code", "grant_type=authorization_code&code=nonsense", "grant_type=refresh_token&refresh_token=mdr_nonsense",
		"grant_type=client_credentials&x=%zz", "grant_type=client_credentials&scope=%00", "grant_type=client_credentials&scope=%ff", strings.Repeat("x", 70<<10),
		"grant_type=client_credentials&client_id=other", "grant_type=client_credentials&client_secret=x", strings.Repeat("x", 5<<20),
	} {
		v.send("POST", "/token", body, basic)
	}
	v.send("POST", "/token", "grant_type=client_credentials")
	v.send("POST", "/token", "grant_type=client_credentials", "Authorization: Basic d2ViOndyb25n")
	v.send("POST", "/token", "grant_type=client_credentials", "Authorization: Basic !!!")
	v.send("POST", "/token", "grant_type=client_credentials", "Authorization: Bearer x")
	v.send("POST", "/token", "grant_type=client_credentials", basic, basic)
	v.send("POST", "/token", "grant_type=client_credentials&client_id=web&client_secret=wrong")
	v.send("POST", "/token", `{"grant_type":"client_credentials"}`, basic, "Content-Type: application/json")
	v.send("POST", "/token", "grant_type=client_credentials&scope=read", basic, "Origin: https://spa.example.com")
	for _, path := range []string{"/token", "/revoke", "/introspect", "/authorize", "/interaction/login", "/interaction/consent"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "OPTIONS"} {
			v.send(method, path, "")
		}
		v.send("OPTIONS", path, "", "Origin: https://spa.example.com", "Access-Control-Request-Method: POST")
		v.send("POST", path, "a=b")
		v.send("POST", path, "a=b", navigation()...)
	}
	for _, target := range []string{
		authorizeURL("nobody", redirectURI), authorizeURL("web", "https://evil.example.com/cb"), authorizeURL("web", redirectURI, "response_type", ""),
		authorizeURL("web", redirectURI, "scope", "admin"), authorizeURL("web", redirectURI, "code_challenge", ""), authorizeURL("web", redirectURI, "prompt", "none"),
		authorizeURL("web", redirectURI, "response_mode", "form_post"), authorizeURL("web", redirectURI, "state", "\x00"), authorizeURL("web", redirectURI) + "&state=2",
		authorizeURL("web", redirectURI) + "&client_id=web", authorizeURL("web", redirectURI, "request", "x"), "/authorize?%zz", "/interaction/login?handle=x",
		authorizeURL("web", redirectURI, "claims", strings.Repeat("x", 8<<10)), // a long request: Fiber reads 4 KiB by default
	} {
		v.send("GET", target, "")
		v.send("GET", target, "", navigation()...)
		v.send("HEAD", target, "", navigation()...)
	}
}

// signIn goes through the pages and returns a code.
func signIn(v *visitor) string {
	clear(v.cookies)
	path, query, _ := strings.Cut(authorizeURL("web", redirectURI), "?")
	posted := v.send("POST", path, query, append(navigation(), "Sec-Fetch-Site: cross-site", "Origin: https://app.example.com")...)
	login := v.follow(posted)
	v.submit(login, "action", "login", "username", "foo", "password", "wrong")
	v.submit(login, "action", "cancel")
	login = v.follow(v.send("GET", authorizeURL("web", redirectURI, "login_hint", `f"o<o`), "", navigation()...))
	consent := v.follow(v.submit(login, "action", "login", "username", "foo", "password", "bar"))
	v.submit(consent, "action", "deny")
	consent = v.follow(v.send("GET", authorizeURL("web", redirectURI, "prompt", "consent"), "", navigation()...))
	v.submit(consent, "action", "allow", "csrf", "wrong")
	allowed := v.submit(consent, "action", "allow")
	v.submit(consent, "action", "allow") // a double click: the same code
	v.send("GET", authorizeURL("web", redirectURI, "prompt", "none"), "", navigation()...)
	return v.code(allowed)
}

func tokens(v *visitor, code string) {
	form := func(pairs ...string) string {
		q := url.Values{}
		for pair := range slices.Chunk(pairs, 2) {
			q.Set(pair[0], pair[1])
		}
		return q.Encode()
	}
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	token := func(body string, fields ...string) {
		v.t.Helper()
		a := v.send("POST", "/token", body, fields...)
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
			v.t.Fatalf("status %d: %s", a.status, a.body)
		}
	}
	redeem := form("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI, "code_verifier", verifier)
	v.send("POST", "/token", form("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI, "code_verifier", verifier+"x"), basic)
	token(redeem, basic)
	old := got.Refresh
	token(form("grant_type", "refresh_token", "refresh_token", old), basic)
	v.send("POST", "/token", form("grant_type", "refresh_token", "refresh_token", old), basic) // within the grace: the same
	bearer := "Authorization: Bearer " + got.Access
	for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "DELETE"} {
		v.send(method, "/resource", "", bearer)
		v.send(method, "/resource", "")
	}
	v.send("GET", "/resource", "", "Authorization: Bearer x")
	v.send("GET", "/resource", "", "Authorization: Bearer")
	v.send("GET", "/resource", "", bearer, bearer)
	v.send("GET", "/resource?access_token="+got.Access, "")
	v.send("POST", "/jwt", "x", bearer)
	v.send("POST", "/introspect", form("token", got.Access), basic)
	v.send("POST", "/introspect", form("token", got.Refresh), basic)
	v.send("POST", "/revoke", form("token", got.Access), basic)
	v.send("POST", "/introspect", form("token", got.Access), basic)
	v.send("GET", "/resource", "", bearer)
	v.send("POST", "/token", redeem, basic) // the code again: the family is over
	v.send("POST", "/token", form("grant_type", "refresh_token", "refresh_token", got.Refresh), basic)

	token(form("grant_type", "client_credentials", "scope", "write"), basicOf("jwt"))
	bearer = "Authorization: Bearer " + got.Access
	v.send("POST", "/jwt", "x", bearer)
	v.send("POST", "/jwt", strings.Repeat("x", 2<<20), bearer)
	v.send("GET", "/jwt", "", bearer)
	v.send("GET", "/resource", "", bearer)
}
