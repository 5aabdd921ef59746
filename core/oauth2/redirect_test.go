package oauth2_test

import (
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/oauth2"
)

func TestCheckRedirectURI(t *testing.T) {
	t.Parallel()
	for uri, ok := range map[string]bool{
		"https://app.example.com/cb":             true,
		"https://app.example.com":                true,
		"https://app.example.com:8443/cb?a=b":    true,
		"http://127.0.0.1/cb":                    true,
		"http://127.0.0.1:8080/cb":               true,
		"http://[::1]:8080/cb":                   true,
		"http://localhost/cb":                    true,
		"com.example.app:/cb":                    true,
		"com.example.app://cb":                   true,
		"":                                       false,
		"/cb":                                    false,
		"//app.example.com/cb":                   false,
		"app.example.com/cb":                     false,
		"http://app.example.com/cb":              false,
		"http://127.0.0.1.example.com/cb":        false,
		"http://localhost.example.com/cb":        false,
		"https://app.example.com/cb#fragment":    false,
		"https://app.example.com/cb#":            false,
		"https://user@app.example.com/cb":        false,
		"https://user:pw@app.example.com/cb":     false,
		"https://app.example.com:0/cb":           false,
		"https://app.example.com:08/cb":          false,
		"https://app.example.com:70000/cb":       false,
		"https://app.example.com:/cb":            false,
		"https:///cb":                            false,
		"https://":                               false,
		`https://app.example.com\@evil/cb`:       false,
		"https://app.example.com/c b":            false,
		"https://app.example.com/\r\nX: y":       false,
		"https://app.example.com/ü":              false,
		"javascript:alert(1)":                    false,
		"data:text/html,x":                       false,
		"file:///etc/passwd":                     false,
		"blob:https://app.example.com/x":         false,
		"vbscript:x":                             false,
		"myapp:/cb":                              false,
		"urn:ietf:wg:oauth:2.0:oob":              false,
		"https://a/" + strings.Repeat("b", 2100): false,
	} {
		if err := oauth2.CheckRedirectURI(uri); (err == nil) != ok {
			t.Errorf("CheckRedirectURI(%q) = %v, want ok = %v", uri, err, ok)
		}
	}
}

func TestMatchRedirectURI(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		registered, requested string
		exact, anyPort        bool
	}{
		"the same":                    {"https://a/cb", "https://a/cb", true, true},
		"a port on a web URI":         {"https://a/cb", "https://a:8443/cb", false, false},
		"another path":                {"https://a/cb", "https://a/cb2", false, false},
		"a path below":                {"https://a/cb", "https://a/cb/x", false, false},
		"a trailing slash":            {"https://a/cb", "https://a/cb/", false, false},
		"letter case of the host":     {"https://a/cb", "https://A/cb", false, false},
		"a query":                     {"https://a/cb", "https://a/cb?x=1", false, false},
		"loopback, any port":          {"http://127.0.0.1/cb", "http://127.0.0.1:51234/cb", false, true},
		"loopback, registered port":   {"http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", false, true},
		"loopback, no port":           {"http://127.0.0.1:1/cb", "http://127.0.0.1/cb", false, true},
		"IPv6 loopback":               {"http://[::1]/cb", "http://[::1]:51234/cb", false, true},
		"localhost":                   {"http://localhost/cb", "http://localhost:51234/cb", false, true},
		"localhost is not 127.0.0.1":  {"http://localhost/cb", "http://127.0.0.1:51234/cb", false, false},
		"loopback, another path":      {"http://127.0.0.1/cb", "http://127.0.0.1:51234/evil", false, false},
		"loopback, a query":           {"http://127.0.0.1/cb", "http://127.0.0.1:51234/cb?x", false, false},
		"loopback, user information":  {"http://127.0.0.1/cb", "http://127.0.0.1:1@evil/cb", false, false},
		"loopback, a host behind it":  {"http://127.0.0.1/cb", "http://127.0.0.1.evil:1/cb", false, false},
		"loopback, port 0":            {"http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false, false},
		"loopback, a leading zero":    {"http://127.0.0.1/cb", "http://127.0.0.1:080/cb", false, false},
		"loopback, port too high":     {"http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", false, false},
		"loopback, an empty port":     {"http://127.0.0.1/cb", "http://127.0.0.1:/cb", false, false},
		"loopback, a port of letters": {"http://127.0.0.1/cb", "http://127.0.0.1:8a/cb", false, false},
		"loopback over https":         {"https://127.0.0.1/cb", "https://127.0.0.1:51234/cb", false, false},
		"loopback to https":           {"http://127.0.0.1/cb", "https://127.0.0.1:51234/cb", false, false},
		"loopback without a path":     {"http://127.0.0.1", "http://127.0.0.1:51234", false, true},
		"a name that looks like one":  {"http://localhost.example/cb", "http://localhost.example:1/cb", false, false},
		"a fragment":                  {"http://127.0.0.1/cb", "http://127.0.0.1:1/cb#x", false, false},
		"a backslash before the host": {"http://127.0.0.1/cb", `http://127.0.0.1:1\@evil/cb`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := oauth2.MatchRedirectURI(tc.registered, tc.requested, false); got != tc.exact {
				t.Errorf("exact match of %q and %q = %v", tc.registered, tc.requested, got)
			}
			if got := oauth2.MatchRedirectURI(tc.registered, tc.requested, true); got != tc.anyPort {
				t.Errorf("match with any port of %q and %q = %v (RFC 8252, 7.3)", tc.registered, tc.requested, got)
			}
		})
	}
}

func FuzzMatchRedirectURI(f *testing.F) {
	f.Add("http://127.0.0.1/cb", "http://127.0.0.1:80/cb")
	f.Add("http://[::1]/cb", "http://[::1]:80/cb")
	f.Fuzz(func(t *testing.T, registered, requested string) {
		if !oauth2.MatchRedirectURI(registered, requested, true) || registered == requested {
			return
		}
		if oauth2.CheckRedirectURI(registered) != nil {
			return
		}
		if err := oauth2.CheckRedirectURI(requested); err != nil {
			t.Errorf("%q matches %q and may not even be registered: %v", requested, registered, err)
		}
		if !oauth2.LoopbackURI(requested) {
			t.Errorf("%q matches %q and is not loopback", requested, registered)
		}
	})
}
