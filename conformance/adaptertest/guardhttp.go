package adaptertest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

func httpCases() cases {
	return cases{
		"HEAD is answered like GET, without a body":                    testHead,
		"a CORS preflight asks no handler, unless it is handed on":     testPreflight,
		"what others put into the header stays":                        testForeignFields,
		"what the framework answers stays its own":                     testFrameworkAnswers,
		"a panic reaches the framework's recovery":                     testPanic,
		"an answer's fields are written as they are, the repeated too": testRepeatedFields,
		"a page that writes nothing has the status that was set":       testEmptyPage,
	}
}

// preflight are the fields of a CORS preflight.
func preflight() []string {
	return []string{"Origin", "https://app.example.com", "Access-Control-Request-Method", "GET"}
}

func testHead(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	with := func(c Ctx, _ *mandate.Token) error { return who(c) }
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		g.app.Handle(method, "/profile", g.whoRoute(), g.auth.Require("profile"))
		g.app.Handle(method, "/with", g.auth.With(with, "profile"))
	}
	g.start(t)
	for _, path := range []string{"/profile", "/with"} {
		for _, token := range []string{"", "a,b", "mallory", "bob", "outage", "ann"} {
			fields := as(token)
			if token == "" {
				fields = nil
			}
			get, head := g.get(t, path, fields...), g.do(t, http.MethodHead, path, "", fields...)
			if head.Body != "" {
				t.Errorf("HEAD %s as %q has a body: %q", path, token, head.Body)
			}
			if got, want := head.exact(t), strings.TrimSuffix(get.exact(t), get.Body); got != want {
				t.Errorf("HEAD %s as %q\n%s\nwant\n%s", path, token, got, want)
			}
			if got, want := head.Header.Get("Content-Length"), get.Header.Get("Content-Length"); got != want {
				t.Errorf("HEAD %s as %q: Content-Length %q, want %q", path, token, got, want)
			}
		}
	}
}

func testPreflight(t *testing.T, a Adapter) {
	t.Helper()
	for _, passed := range []bool{false, true} {
		preflights(t, a, passed)
	}
}

// preflights sends CORS preflights to guards that hand them on, or answer them.
func preflights(t *testing.T, a Adapter, passed bool) {
	t.Helper()
	g := newGuarded(t, a, func(c *resource.Config) { c.PassPreflights = passed })
	cors := g.app.Middleware(func(c Ctx, next func() error) error {
		c.SetHeader("Access-Control-Allow-Origin", "https://app.example.com")
		return next()
	})
	for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodPost} {
		g.app.Handle(method, "/profile", g.whoRoute(), cors, g.auth.Require("profile"))
		g.app.Handle(method, "/for", g.whoRoute(), cors, g.auth.RequireFor(func(context.Context, *mandate.Request) mandate.Requirement { return mandate.Scope("profile") }))
		g.app.Handle(method, "/with", g.auth.With(func(c Ctx, tok *mandate.Token) error {
			return c.JSON(200, map[string]any{"subject": tok.Subject(), "anonymous": tok == nil})
		}, "profile"), cors)
		g.app.Handle(method, "/user", g.auth.WithUser(func(c Ctx, user *User) error {
			return c.JSON(200, map[string]any{"subject": user.ID, "anonymous": false})
		}, "profile"), cors)
	}
	g.start(t)
	for _, fields := range [][]string{preflight(), append(preflight(), as("mallory")...), append(preflight(), as("ann")...)} {
		const ended = "204\nAccess-Control-Allow-Origin: https://app.example.com\n\n"
		for _, path := range []string{"/profile", "/for"} { // the chain goes on, without a token, or no handler is asked
			if !passed {
				g.do(t, http.MethodOptions, path, "", fields...).same(t, ended)
				continue
			}
			ans := g.do(t, http.MethodOptions, path, "", fields...)
			ans.status(t, 200).fields(t, "Access-Control-Allow-Origin", "https://app.example.com", "WWW-Authenticate", "")
			if ans.json(t)["anonymous"] != true {
				t.Errorf("preflight of %s: %s, want no token", path, ans.Body)
			}
		}
		for _, path := range []string{"/with", "/user"} { // a handler that wants a token is not asked
			g.do(t, http.MethodOptions, path, "", fields...).same(t, ended)
		}
	}
	g.asked(t, 0)
	refused := strings.Replace(missing("profile"), "\n", "\nAccess-Control-Allow-Origin: https://app.example.com\n", 1)
	for _, path := range []string{"/profile", "/for", "/with", "/user"} {
		g.do(t, http.MethodOptions, path, "").same(t, refused)
		g.do(t, http.MethodOptions, path, "", "Origin", "https://app.example.com").same(t, refused)
		g.do(t, http.MethodOptions, path, "", "Access-Control-Request-Method", "GET").same(t, refused)
		for _, fields := range []string{"Origin: \r\nAccess-Control-Request-Method: GET\r\n", "Origin: null\r\nAccess-Control-Request-Method: \r\n"} {
			g.raw(t, "OPTIONS "+path+" HTTP/1.1\r\nHost: {host}\r\n"+fields+"\r\n").same(t, refused)
		}
		g.do(t, http.MethodPost, path, "", preflight()...).same(t, refused)
		g.get(t, path, preflight()...).same(t, refused)
		g.do(t, http.MethodOptions, path, "", as("ann")...).passed(t, "ann")
	}
}

// testForeignFields: middleware of others has written before; what means the same is replaced, and the rest stays.
func testForeignFields(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	others := g.app.Middleware(func(c Ctx, next func() error) error {
		for _, f := range [][2]string{
			{"X-Request-Id", "7"},
			{"Vary", "Origin"},
			{"Cache-Control", "public, max-age=60"},
			{"Content-Type", "text/plain"},
			{"WWW-Authenticate", `Basic realm="x"`},
			{"Content-Security-Policy", "default-src 'none'"},
		} {
			c.SetHeader(f[0], f[1])
		}
		c.SetCookie("theme", "dark")
		return next()
	})
	g.app.Handle(http.MethodGet, "/profile", g.whoRoute(), others, g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/with", g.auth.With(func(c Ctx, _ *mandate.Token) error { return who(c) }, "profile"), others)
	g.start(t)
	for _, path := range []string{"/profile", "/with"} {
		ans := g.get(t, path, as("mallory")...)
		ans.fields(t, "X-Request-Id", "7", "Vary", "Origin", "Content-Security-Policy", "default-src 'none'")
		if got := ans.Header.Values("Set-Cookie"); len(got) != 1 || !strings.HasPrefix(got[0], "theme=dark") {
			t.Errorf("Set-Cookie = %q", got)
		}
		for _, name := range []string{"X-Request-Id", "Vary", "Content-Security-Policy", "Set-Cookie"} {
			ans.Header.Del(name)
		}
		ans.same(t, invalid())
	}
}

// testFrameworkAnswers: a guard on a route changes nothing about other paths and methods.
func testFrameworkAnswers(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	g.app.Handle(http.MethodGet, "/profile", g.whoRoute(), g.auth.Require("profile"))
	g.start(t)
	open := newSite(t, a)
	open.app.Handle(http.MethodGet, "/profile", open.app.Route(who))
	open.start(t)
	for _, tc := range []struct{ method, path string }{
		{"GET", "/nowhere"},
		{"POST", "/nowhere"},
		{"POST", "/profile"},
		{"DELETE", "/profile"},
		{"OPTIONS", "/profile"},
		{"GET", "/profile/"},
		{"GET", "/Profile"},
		{"GET", "/profile/x"},
		{"GET", "/"},
	} {
		for _, fields := range [][]string{nil, as("ann"), as("mallory")} {
			got, want := g.do(t, tc.method, tc.path, "", fields...), open.do(t, tc.method, tc.path, "", fields...)
			got.same(t, want.exact(t))
			if got.Status < 300 && got.Status != http.StatusNoContent {
				t.Errorf("%s %s: status %d", tc.method, tc.path, got.Status)
			}
		}
	}
	g.asked(t, 0)
}

// boom is what goes wrong in an application.
func boom() error {
	panic("boom") //nolint:forbidigo // how the framework takes it is what is tested
}

func testPanic(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	h := g.app.Route(func(Ctx) error { return boom() })
	g.app.Handle(http.MethodGet, "/open", h)
	g.app.Handle(http.MethodGet, "/require", h, g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/stacked", h, g.auth.Optional(), g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/with", g.auth.With(func(Ctx, *mandate.Token) error { return boom() }))
	g.app.Handle(http.MethodGet, "/user", g.auth.WithUser(func(Ctx, *User) error { return boom() }))
	g.app.Handle(http.MethodGet, "/for", g.whoRoute(), g.auth.RequireFor(func(context.Context, *mandate.Request) mandate.Requirement {
		_ = boom()
		return mandate.Requirement{}
	}))
	g.app.Handle(http.MethodGet, "/func", g.whoRoute(), g.auth.RequireThat(mandate.Func("boom", func(*mandate.Token) bool { return boom() == nil })))
	g.app.Handle(http.MethodGet, "/fine", g.whoRoute(), g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/load", g.auth.WithUser(func(c Ctx, _ *User) error { return who(c) }))
	g.app.Handle(http.MethodGet, "/load-late", g.app.Route(func(c Ctx) error {
		_, err := c.User()
		return g.auth.Refuse(c, err)
	}), g.auth.Require())
	g.start(t)
	want := g.get(t, "/open", as("ann")...).status(t, 500).exact(t)
	for _, path := range []string{"/require", "/stacked", "/with", "/user", "/for", "/func"} {
		g.get(t, path, as("ann")...).same(t, want)
		g.get(t, "/load", as("boom")...).same(t, want)
		g.get(t, "/load-late", as("boom")...).same(t, want)
		g.get(t, "/fine", as("bob")...).same(t, lacking("profile"))
		g.get(t, "/fine", as("ann")...).passed(t, "ann")
	}
}

func testRepeatedFields(t *testing.T, a Adapter) {
	t.Helper()
	s := newSite(t, a)
	resp := &mandate.Response{
		Status: 401,
		Header: mandate.Fields{
			{Name: "WWW-Authenticate", Value: `DPoP algs="ES256"`},
			{Name: "WWW-Authenticate", Value: "Bearer"},
			{Name: "Set-Cookie", Value: "a=1"},
			{Name: "Set-Cookie", Value: "b=2"},
			{Name: "Vary", Value: "Accept"},
			{Name: "Content-Type", Value: "application/json"},
			{Name: "x-lower", Value: "x"},
			{Name: "X-Empty", Value: ""},
		},
		Body: []byte("{}"),
	}
	others := s.app.Middleware(func(c Ctx, next func() error) error {
		c.SetHeader("Vary", "Origin")
		c.SetHeader("WWW-Authenticate", "Basic")
		c.SetCookie("theme", "dark")
		return next()
	})
	e := mandate.Endpoint{Name: "x", Path: "/x", Methods: []string{"GET"}, Handle: func(context.Context, *mandate.Request) *mandate.Response { return resp }}
	s.app.Handle(http.MethodGet, "/x", s.app.Endpoint(e), others)
	s.start(t)
	for range 2 { // the answer is one and the same, and nobody has changed it
		ans := s.get(t, "/x").status(t, 401)
		for name, want := range map[string][]string{
			"WWW-Authenticate": {`DPoP algs="ES256"`, "Bearer"}, "Vary": {"Origin", "Accept"}, "X-Lower": {"x"}, "X-Empty": {""},
			"Content-Type": {"application/json"}, "Content-Length": {"2"},
		} {
			if got := ans.Header.Values(name); !slices.Equal(got, want) {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		cookies := ans.Header.Values("Set-Cookie")
		for i, c := range cookies {
			cookies[i], _, _ = strings.Cut(c, ";")
		}
		if slices.Sort(cookies); !slices.Equal(cookies, []string{"a=1", "b=2", "theme=dark"}) {
			t.Errorf("Set-Cookie = %q", cookies)
		}
	}
}

// testEmptyPage: an application's page may leave it at the status.
func testEmptyPage(t *testing.T, a Adapter) {
	t.Helper()
	s := newSite(t, a)
	for path, status := range map[string]int{"/none": 0, "/refused": 403} {
		e := mandate.Endpoint{Name: "x", Path: path, Methods: []string{"GET"}, Handle: func(context.Context, *mandate.Request) *mandate.Response {
			return &mandate.Response{Status: status, Header: mandate.Fields{{Name: "X-Set", Value: "before"}}, Page: func() error { return nil }}
		}}
		s.app.Handle(http.MethodGet, path, s.app.Endpoint(e))
	}
	s.start(t)
	s.get(t, "/none").status(t, 200).fields(t, "X-Set", "before")
	s.get(t, "/refused").status(t, 403).fields(t, "X-Set", "before")
}
