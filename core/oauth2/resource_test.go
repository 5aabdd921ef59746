package oauth2_test

import (
	"testing"

	"github.com/go-mandate/mandate/core/oauth2"
)

func TestSameResource(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		a, b string
		same bool
	}{
		"the same text":                    {"shop-api", "shop-api", true},
		"other text":                       {"shop-api", "Shop-API", false},
		"an empty path is a slash":         {"https://h.example", "https://h.example/", true},
		"before a query":                   {"https://h.example?a", "https://h.example/?a", true},
		"scheme and host in any case":      {"HTTPS://H.Example/p", "https://h.example/p", true},
		"the path's case counts":           {"https://h.example/P", "https://h.example/p", false},
		"the default port":                 {"https://h.example:443/p", "https://h.example/p", true},
		"the default port of http":         {"http://h.example:80", "http://h.example/", true},
		"another port":                     {"https://h.example:80", "https://h.example", false},
		"another scheme":                   {"http://h.example", "https://h.example", false},
		"a trailing slash counts":          {"https://h.example/p", "https://h.example/p/", false},
		"a query counts":                   {"https://h.example/?a", "https://h.example/", false},
		"percent-encoding counts":          {"https://h.example/%41", "https://h.example/A", false},
		"user information is not compared": {"https://U@h.example", "https://u@h.example", false},
		"an IPv6 address":                  {"https://[2001:DB8::1]:443", "https://[2001:db8::1]/", true},
		"an IPv6 address without port":     {"https://[2001:db8::1]", "https://[2001:db8::2]", false},
		"a URN":                            {"urn:x:a", "URN:x:a", false},
		"empty":                            {"", "https://h.example", false},
		"no host":                          {"https:///p", "https:///P", false},
		"a letter that is none of ASCII":   {"https://\u017fhop.example", "https://shop.example", false},
		"a scheme of such letters":         {"http\u017f://shop.example", "https://shop.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := oauth2.SameResource(tc.a, tc.b); got != tc.same {
				t.Errorf("SameResource(%q, %q) = %t, want %t", tc.a, tc.b, got, tc.same)
			}
			if got := oauth2.SameResource(tc.b, tc.a); got != tc.same {
				t.Errorf("SameResource(%q, %q) = %t, want %t", tc.b, tc.a, got, tc.same)
			}
		})
	}
}
