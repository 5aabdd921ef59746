package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
)

func errorCases() cases {
	return cases{"an error handler writes the body of a refusal, no more": testErrorHandler}
}

// testErrorHandler: status and header are set before; the application writes the body, another status, nothing at all, or
// leaves it to its framework.
func testErrorHandler(t *testing.T, a Adapter) {
	t.Helper()
	const secret = "a cause that nobody may see"
	g := newGuarded(t, a, nil, AuthConfig{ErrorHandler: func(c Ctx, err *mandate.Error) error {
		if c.Token() != nil && c.Path() != "/user" {
			t.Error("a refused request has a token")
		}
		switch c.Header("X-Handler") {
		case "own status":
			return c.HTML(http.StatusTeapot, string(err.Code))
		case "own field":
			c.SetHeader("WWW-Authenticate", "Mine")
		case "nothing":
			return nil
		case "error":
			return errors.New(secret)
		}
		return c.HTML(0, "<p>"+string(err.Code)+": "+err.Description)
	}})
	h := g.whoRoute()
	g.app.Handle(http.MethodGet, "/require", h, g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/for", h, g.auth.RequireFor(func(context.Context, *mandate.Request) mandate.Requirement { return mandate.Scope("profile") }))
	g.app.Handle(http.MethodGet, "/with", g.auth.With(func(c Ctx, _ *mandate.Token) error { return who(c) }, "profile"))
	g.app.Handle(http.MethodGet, "/user", g.auth.WithUser(func(c Ctx, _ *User) error { return who(c) }, "profile"))
	g.app.Handle(http.MethodOptions, "/with", g.auth.With(func(c Ctx, _ *mandate.Token) error { return who(c) }, "profile"))
	g.app.Handle(http.MethodGet, "/refuse", g.app.Route(func(c Ctx) error {
		_, err := g.auth.Acquire(c, "profile")
		return g.auth.Refuse(c, err)
	}))
	g.start(t)
	paths := []string{"/require", "/for", "/with", "/user", "/refuse"}
	for name, tc := range map[string]struct {
		token     string
		status    int
		challenge string
		retry     string
		text      string
	}{
		"no credentials":  {"", 401, `Bearer scope="profile"`, "", "missing_authorization: send an access token: Authorization: Bearer"},
		"malformed":       {"a,b", 400, `Bearer error="invalid_request", error_description="` + malformedText + `"`, "", "invalid_request: " + malformedText},
		"invalid":         {"mallory", 401, `Bearer error="invalid_token", error_description="` + invalidText + `"`, "", "invalid_token: " + invalidText},
		"a scope lacks":   {"bob", 403, `Bearer error="insufficient_scope", error_description="` + lackingText + `", scope="profile"`, "", "insufficient_scope: " + lackingText},
		"nobody can tell": {"outage", 503, "", "5", "temporarily_unavailable: the access token cannot be checked at the moment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask := func(path, mode string) *answer {
				fields := []string{"X-Handler", mode}
				if tc.token != "" {
					fields = append(fields, as(tc.token)...)
				}
				return g.get(t, path, fields...)
			}
			code, _, _ := strings.Cut(tc.text, ":")
			for _, path := range paths {
				ans := ask(path, "")
				ans.status(t, tc.status).fields(t, "WWW-Authenticate", tc.challenge, "Retry-After", tc.retry, "Cache-Control", "no-store")
				if kind := ans.Header.Values("Content-Type"); len(kind) != 1 || !strings.EqualFold(kind[0], "text/html; charset=utf-8") {
					t.Errorf("%s: Content-Type = %q, want the handler's alone", path, kind)
				}
				if ans.Body != "<p>"+tc.text {
					t.Errorf("%s: body %q, want %q", path, ans.Body, "<p>"+tc.text)
				}
				ans = ask(path, "nothing")
				ans.status(t, tc.status).fields(t, "WWW-Authenticate", tc.challenge, "Retry-After", tc.retry, "Cache-Control", "no-store")
				if kind := ans.Header.Get("Content-Type"); ans.Body != "" || kind == "application/json" {
					t.Errorf("%s: body %q of type %q, want none", path, ans.Body, kind)
				}
				ans = ask(path, "own status")
				ans.status(t, http.StatusTeapot).fields(t, "WWW-Authenticate", tc.challenge, "Cache-Control", "no-store")
				if ans.Body != code {
					t.Errorf("%s: body %q, want %q", path, ans.Body, code)
				}
				ask(path, "own field").status(t, tc.status).fields(t, "WWW-Authenticate", "Mine")
				if ans = ask(path, "error"); ans.Status != http.StatusInternalServerError {
					t.Errorf("%s: status %d, want that of the framework's handler of errors", path, ans.Status)
				}
			}
		})
	}
	for token, want := range map[string]string{"robot": "<p>insufficient_scope: the access token stands for no user", "gone": "<p>invalid_token: ", "faulty": "<p>server_error: "} {
		if ans := g.get(t, "/user", as(token)...); ans.Body != want {
			t.Errorf("%s: body %q, want %q", token, ans.Body, want)
		}
	}
	// A preflight is no refusal.
	if ans := g.do(t, http.MethodOptions, "/with", "", preflight()...); ans.Status != http.StatusNoContent || ans.Body != "" {
		t.Errorf("preflight: %d %q, want 204", ans.Status, ans.Body)
	}
	g.get(t, "/require", as("ann")...).passed(t, "ann")
}
