package oauth2_test

import (
	"encoding/json"
	"testing"

	"github.com/go-mandate/mandate/core/oauth2"
)

func TestResourceMetadataURL(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ resource, want string }{
		"an origin":                              {"https://api.example.com", "https://api.example.com/.well-known/oauth-protected-resource"},
		"an origin with a slash":                 {"https://api.example.com/", "https://api.example.com/.well-known/oauth-protected-resource"},
		"a path (RFC 9728, 3.1)":                 {"https://resource.example.com/resource1", "https://resource.example.com/.well-known/oauth-protected-resource/resource1"},
		"a path that ends in a slash":            {"https://h.example/a/b/", "https://h.example/.well-known/oauth-protected-resource/a/b/"},
		"a query":                                {"https://h.example/a?tenant=1", "https://h.example/.well-known/oauth-protected-resource/a?tenant=1"},
		"a query alone":                          {"https://h.example?tenant=1", "https://h.example/.well-known/oauth-protected-resource?tenant=1"},
		"an escaped path":                        {"https://h.example/a%2Fb", "https://h.example/.well-known/oauth-protected-resource/a%2Fb"},
		"a port":                                 {"https://h.example:8443/a", "https://h.example:8443/.well-known/oauth-protected-resource/a"},
		"http on loopback":                       {"http://127.0.0.1:8080/mcp", "http://127.0.0.1:8080/.well-known/oauth-protected-resource/mcp"},
		"http elsewhere":                         {"http://api.example.com", ""},
		"a fragment (RFC 9728, 1.2)":             {"https://api.example.com/#a", ""},
		"a user":                                 {"https://me@api.example.com/", ""},
		"no URL":                                 {"shop-api", ""},
		"no host":                                {"https:///a", ""},
		"a quote, which would end the challenge": {`https://api.example.com/"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := oauth2.ResourceMetadataURL(tc.resource)
			if (err != nil) != (tc.want == "") {
				t.Fatalf("error %v, want one: %t", err, tc.want == "")
			}
			if err == nil && got.String() != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestResourceMetadataJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(oauth2.ResourceMetadata{
		Resource: "https://api.example.com", AuthorizationServers: []string{"https://id.example.com"}, Scopes: []string{"a"}, BearerMethods: []string{"header"},
		Name: "Shop", Documentation: "https://docs.example.com", Extra: map[string]json.RawMessage{"resource_name#de": json.RawMessage(`"Laden"`)},
	})
	const want = `{"authorization_servers":["https://id.example.com"],"bearer_methods_supported":["header"],"resource":"https://api.example.com",` +
		`"resource_documentation":"https://docs.example.com","resource_name":"Shop","resource_name#de":"Laden","scopes_supported":["a"]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if got, err = json.Marshal(oauth2.ResourceMetadata{Resource: "https://a.example"}); err != nil || string(got) != `{"resource":"https://a.example"}` {
		t.Errorf("got %s, %v, want the one member that is required (RFC 9728, 2)", got, err)
	}
}
