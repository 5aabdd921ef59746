package adaptertest

import (
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

func credentialCases() cases {
	return cases{
		"credentials are taken and refused to the byte":         testCredentials,
		"credentials elsewhere than in the header do not count": testElsewhere,
		"a header that is too large harms nobody":               testHuge,
		"without a guard nobody passes":                         testNoGuard,
	}
}

func testCredentials(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	g.app.Handle(http.MethodGet, "/profile", g.whoRoute(), g.auth.Require("profile"))
	g.start(t)
	for name, tc := range map[string]struct{ fields, want string }{
		"a token": {"Authorization: Bearer ann\r\n", ""},
		"the scheme is not case-sensitive (RFC 9110, 11.1)":         {"Authorization: bEARER ann\r\n", ""},
		"the field's name is not case-sensitive (RFC 9110, 5.1)":    {"aUTHORIZATION: Bearer ann\r\n", ""},
		"white space around the field's value (RFC 9110, 5.5)":      {"Authorization:  \tBearer ann \t\r\n", ""},
		"no white space before it":                                  {"Authorization:Bearer ann\r\n", ""},
		"no credentials: no error in the challenge (RFC 6750, 3.1)": {"", missing("profile")},
		"an empty field":                                       {"Authorization: \r\n", missing("profile")},
		"another scheme":                                       {"Authorization: Basic YW5uOmFubg==\r\n", missing("profile")},
		"another scheme with parameters":                       {"Authorization: Digest username=\"ann, bob x\", nc=1\r\n", missing("profile")},
		"DPoP where nobody can prove a key":                    {"Authorization: DPoP ann\r\n", missing("profile")},
		"a scheme that begins like Bearer":                     {"Authorization: Bearers ann\r\n", missing("profile")},
		"a token without a scheme":                             {"Authorization: ann\r\n", missing("profile")},
		"no token (RFC 6750, 2.1)":                             {"Authorization: Bearer\r\n", malformed()},
		"white space for a token":                              {"Authorization: Bearer   \r\n", malformed()},
		"two spaces before the token":                          {"Authorization: Bearer  ann\r\n", malformed()},
		"a tab before the token":                               {"Authorization: Bearer\tann\r\n", malformed()},
		"something behind the token":                           {"Authorization: Bearer ann x\r\n", malformed()},
		"a parameter behind the token":                         {"Authorization: Bearer ann, realm=\"x\"\r\n", malformed()},
		"a comma behind the token":                             {"Authorization: Bearer ann,\r\n", malformed()},
		"a token in quotes":                                    {"Authorization: Bearer \"ann\"\r\n", malformed()},
		"a token as a parameter":                               {"Authorization: Bearer token=ann\r\n", malformed()},
		"a character that no token has":                        {"Authorization: Bearer an\x28n\r\n", malformed()},
		"two tokens in a list":                                 {"Authorization: Bearer ann,bob\r\n", malformed()},
		"only padding":                                         {"Authorization: Bearer ==\r\n", malformed()},
		"not ASCII":                                            {"Authorization: Bearer \xc3\xa4nn\r\n", malformed()},
		"not UTF-8":                                            {"Authorization: Bearer an\xffn\r\n", malformed()},
		"not ASCII in the scheme":                              {"Authorization: B\xc3\xa4rer ann\r\n", malformed()},
		"two fields":                                           {"Authorization: Bearer ann\r\nAuthorization: Bearer bob\r\n", doubled()},
		"one field twice":                                      {"Authorization: Bearer ann\r\nAuthorization: Bearer ann\r\n", doubled()},
		"two fields, written otherwise":                        {"Authorization: Bearer ann\r\nauthorization: Bearer bob\r\n", doubled()},
		"two schemes, the good one first":                      {"Authorization: Bearer ann\r\nAuthorization: Basic YTph\r\n", doubled()},
		"two schemes, the good one last":                       {"Authorization: Basic YTph\r\nAuthorization: Bearer ann\r\n", doubled()},
		"two schemes in one field":                             {"Authorization: Basic YTph, Bearer ann\r\n", doubled()},
		"an empty field before the good one":                   {"Authorization: \r\n" + "Authorization: Bearer ann\r\n", doubled()},
		"unknown":                                              {"Authorization: Bearer mallory\r\n", invalid()},
		"unknown, with every character that a token may have":  {"Authorization: Bearer AZaz09-._~+/==\r\n", invalid()},
		"known but for its letter case":                        {"Authorization: Bearer ANN\r\n", invalid()},
		"known but for padding":                                {"Authorization: Bearer ann=\r\n", invalid()},
		"unknown, 12 KiB of it":                                {"Authorization: Bearer " + strings.Repeat("a", 12<<10) + "\r\n", invalid()},
		"nobody can tell: 503, and not the token's fault":      {"Authorization: Bearer outage\r\n", away()},
		"another scheme in another field is nobody's business": {"Proxy-Authorization: Basic YTph\r\nAuthorization: Bearer ann\r\n", ""},
		"a good token in another field":                        {"Proxy-Authorization: Bearer ann\r\n", missing("profile")},
		"a good token in a field that some proxies write":      {"X-Forwarded-Authorization: Bearer ann\r\n", missing("profile")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ans := g.raw(t, "GET /profile HTTP/1.1\r\nHost: {host}\r\n"+tc.fields+"\r\n")
			if tc.want == "" {
				ans.passed(t, "ann")
				return
			}
			ans.same(t, tc.want)
			if got := ans.Header.Get("Content-Length"); got != statusText(len(ans.Body)) {
				t.Errorf("Content-Length %s, body has %d bytes", got, len(ans.Body))
			}
		})
	}
}

func testElsewhere(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		g.app.Handle(method, "/profile", g.whoRoute(), g.auth.Require("profile"))
	}
	g.start(t)
	const form = "application/x-www-form-urlencoded"
	for name, tc := range map[string]struct {
		method, target, body string
		fields               []string
		want                 string
	}{
		"in the query":                  {"GET", "/profile?access_token=ann", "", nil, missing("profile")},
		"in the query, a bad one":       {"GET", "/profile?access_token=mallory", "", as("ann"), ""},
		"in the query, beside the same": {"GET", "/profile?access_token=ann", "", as("ann"), ""},
		"in a form":                     {"POST", "/profile", "access_token=ann", []string{"Content-Type", form}, missing("profile")},
		"in a form, a bad one":          {"POST", "/profile", "access_token=mallory", append(as("ann"), "Content-Type", form), ""},
		"in JSON":                       {"POST", "/profile", `{"access_token":"ann"}`, []string{"Content-Type", "application/json"}, missing("profile")},
		"in a cookie":                   {"GET", "/profile", "", []string{"Cookie", "access_token=ann; Authorization=Bearer ann"}, missing("profile")},
		"the header counts: a bad one, a good one in a form": {"POST", "/profile", "access_token=ann", append(as("mallory"), "Content-Type", form), invalid()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ans := g.do(t, tc.method, tc.target, tc.body, tc.fields...)
			if tc.want == "" {
				ans.passed(t, "ann")
				return
			}
			ans.same(t, tc.want)
		})
	}
}

// testHuge: what is too large for the framework is refused by it, and what is not by the guard.
func testHuge(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	g.app.Handle(http.MethodGet, "/profile", g.whoRoute(), g.auth.Require("profile"))
	g.start(t)
	for _, size := range []int{16 << 10, 16<<10 + 1, 20 << 10} {
		ans, err := g.try(t, http.MethodGet, "/profile", "", as(strings.Repeat("a", size))...)
		if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
			continue // a server that has read enough hangs up while the rest is being sent, and its 431 may be lost
		}
		if err != nil {
			t.Fatal(err)
		}
		if ans.Status != http.StatusUnauthorized && ans.Status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a token of %d bytes: status %d, want 401 or 431", size, ans.Status)
		}
		if ans.Status == http.StatusUnauthorized {
			ans.same(t, invalid())
			if size > 16<<10 && g.vault.asked.Load() > 1 {
				t.Errorf("a token of %d bytes went to its verifier", size)
			}
		}
	}
	g.get(t, "/profile", as("ann")...).passed(t, "ann")
}

// testNoGuard: an error of resource.New that nobody looked at opens nothing.
func testNoGuard(t *testing.T, a Adapter) {
	t.Helper()
	s := newSite(t, a)
	for path, guard := range map[string]*resource.Guard{"/nil": nil, "/zero": {}} {
		auth := s.app.Auth(guard, AuthConfig{})
		s.app.Handle(http.MethodGet, path+"/require", s.app.Route(who), auth.Require())
		s.app.Handle(http.MethodGet, path+"/optional", s.app.Route(who), auth.Optional())
		s.app.Handle(http.MethodGet, path+"/with", auth.With(func(c Ctx, _ *mandate.Token) error { return who(c) }))
		s.app.Handle(http.MethodGet, path+"/acquire", s.app.Route(func(c Ctx) error {
			if _, err := auth.Acquire(c); err != nil {
				return auth.Refuse(c, err)
			}
			return who(c)
		}))
	}
	s.start(t)
	for _, path := range []string{"/nil", "/zero"} {
		for _, form := range []string{"/require", "/optional", "/with", "/acquire"} {
			s.get(t, path+form).same(t, faulty())
			s.get(t, path+form, as("ann")...).same(t, faulty())
		}
	}
}
