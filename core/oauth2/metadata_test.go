package oauth2_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/oauth2"
)

const id = "https://id.example.com"

func TestParseServerMetadata(t *testing.T) {
	t.Parallel()
	m, err := oauth2.ParseServerMetadata([]byte(` {"issuer":"https://id.example.com","jwks_uri":"https://id.example.com/jwks","scopes_supported":["a"],"mtls_endpoint_aliases":{"x":1},"-":"y","JWKS_URI":"z"} `), id)
	if err != nil {
		t.Fatal(err)
	}
	if m.JWKSURI != id+"/jwks" || !slices.Equal(m.Scopes, []string{"a"}) || len(m.Extra) != 3 || string(m.Extra["mtls_endpoint_aliases"]) != `{"x":1}` {
		t.Errorf("metadata = %+v", m)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"another issuer (RFC 8414, 3.3)": {`{"issuer":"https://evil.example.com"}`, "evil"},
		"with a slash":                   {`{"issuer":"https://id.example.com/"}`, "letter"},
		"in capitals":                    {`{"issuer":"https://ID.example.com"}`, "letter"},
		"no issuer":                      {`{}`, "letter"},
		"a name in capitals":             {`{"Issuer":"https://id.example.com"}`, "letter"},
		"an issuer twice":                {`{"issuer":"https://evil.example.com","issuer":"https://id.example.com"}`, "twice"},
		"a member twice":                 {`{"issuer":"https://id.example.com","x":1,"\u0078":2}`, "twice"},
		"a number":                       {`{"issuer":7}`, "issuer"},
		"an array":                       {`["issuer","https://id.example.com"]`, "object"},
		"null":                           {`null`, "object"},
		"nothing":                        {``, "object"},
		"half of it":                     {`{"issuer":"https://id.example.com"`, "EOF"},
		"more than one":                  {`{"issuer":"https://id.example.com"}{}`, "more"},
		"too much":                       {`{"issuer":"https://id.example.com","x":"` + strings.Repeat("x", 256<<10) + `"}`, "bytes"},
	} {
		if m, err := oauth2.ParseServerMetadata([]byte(tc.text), id); err == nil || !strings.Contains(err.Error(), tc.want) || m.Issuer != "" {
			t.Errorf("%s: ParseServerMetadata = %v, %v, want nothing and an error with %q", name, m, err, tc.want)
		}
	}
	if _, err := oauth2.ParseServerMetadata([]byte(`{"issuer":""}`), ""); err == nil {
		t.Error("no issuer is whose issuer? want an error")
	}
}

func TestMetadataURLs(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string][]string{
		id:                      {id + "/.well-known/oauth-authorization-server", id + "/.well-known/openid-configuration"},
		id + "/":                {id + "/.well-known/oauth-authorization-server", id + "/.well-known/openid-configuration"},
		"http://127.0.0.1:8080": {"http://127.0.0.1:8080/.well-known/oauth-authorization-server", "http://127.0.0.1:8080/.well-known/openid-configuration"},
		id + "/realms/a%2Fb/": {
			id + "/.well-known/oauth-authorization-server/realms/a%2Fb", id + "/realms/a%2Fb/.well-known/openid-configuration", id + "/.well-known/openid-configuration/realms/a%2Fb",
		},
	} {
		if got, err := oauth2.MetadataURLs(issuer); err != nil || !slices.Equal(got, want) {
			t.Errorf("MetadataURLs(%q) = %q, %v, want %q", issuer, got, err, want)
		}
	}
	for _, issuer := range []string{"", "id", "id.example.com", "ftp://id.example.com", "https://", "https:///x", id + "?", id + "?a=b", id + "#", "https://a@id.example.com", "//id.example.com", "https://id.example.com/ x", "https://%zz", id + "/" + strings.Repeat("x", 2048)} {
		if got, err := oauth2.MetadataURLs(issuer); err == nil {
			t.Errorf("MetadataURLs(%.60q) = %q, want an error", issuer, got)
		}
	}
}

// FuzzServerMetadata holds that what is read is of the issuer, and reads as well when it is written again.
func FuzzServerMetadata(f *testing.F) {
	for _, seed := range []string{
		`{"issuer":"https://id.example.com","jwks_uri":"https://id.example.com/jwks","x":[{"y":null}]}`, `{"issuer":"https://id.example.com","issuer":1}`, `{}`, `[`, `{"Issuer":"https://id.example.com"}`,
		`{"issuer":"https://id.example.com","jwks_uri":null,"scopes_supported":null}`, `{"\u0069ssuer":"https://id.example.com"}`, `{"issuer":"https://id.example.com"} x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := oauth2.ParseServerMetadata(data, id)
		if err != nil {
			return
		}
		if m.Issuer != id || !json.Valid(data) {
			t.Fatalf("taken: %q", data)
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if n, err := oauth2.ParseServerMetadata(again, id); err != nil || n.JWKSURI != m.JWKSURI || n.IntrospectionEndpoint != m.IntrospectionEndpoint || len(n.Extra) != len(m.Extra) {
			t.Errorf("%q became %q: %v", data, again, err)
		}
	})
}
