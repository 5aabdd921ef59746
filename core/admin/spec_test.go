package admin_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/admin"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

func TestReadSpecs(t *testing.T) {
	t.Parallel()
	specs, err := admin.ReadSpecs(strings.NewReader(`{"clients": [
		{"id": "app", "kind": "native", "metadata": {"client_name#ja-Hira": "x", "grant_types": ["authorization_code"]}, "policy": {"grace": "-1s", "token_ttl": "1h30m", "extra": {"a": 1}}},
		{"id": "job", "kind": "machine", "metadata": {}, "disabled": true, "secrets": [{"form": "sha256", "value": "AAAA", "expires": "2030-01-02T03:04:05.678901+02:00"}]},
		{"id": "web", "metadata": {"token_endpoint_auth_method": "client_secret_post", "client_name#de": "x", "client_name#DE": "y"}, "policy": {"extra": {"A b": [{"x": 1}, {"x": "x"}, "x"]}}}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	app, job, web := specs[0], specs[1], specs[2]
	if d := app.Metadata; d.AuthMethod != "none" || d.ApplicationType != "native" || !reflect.DeepEqual(d.GrantTypes, []string{"authorization_code"}) || len(d.Extra) != 1 {
		t.Errorf("app has the metadata %+v, want what its kind says but for the grant types", d)
	}
	if p := app.Policy; p.Grace != -time.Second || p.TokenTTL != 90*time.Minute || string(p.Extra) != `{"a": 1}` && string(p.Extra) != `{"a":1}` {
		t.Errorf("app has the policy %+v", p)
	}
	if want := time.Date(2030, 1, 2, 1, 4, 5, 678e6, time.UTC); !job.Disabled || !reflect.DeepEqual(job.Metadata.GrantTypes, []string{"client_credentials"}) || job.Secrets[0].Expires != want {
		t.Errorf("job = %+v, want a disabled machine whose secret ends at %v", job, want)
	}
	if web.Metadata.GrantTypes != nil || web.Metadata.AuthMethod != "client_secret_post" || web.Secrets != nil {
		t.Errorf("web = %+v, want what the file says and no more", web)
	}
}

func TestReadSpecsRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, says string }{
		"nothing":                        {``, `want {"clients": [{"id": "...", "metadata": {...}}]}`},
		"a list":                         {`[]`, `want {"clients": [{"id": "...", "metadata": {...}}]}`},
		"another member of the file":     {`{"client": []}`, `unknown field "client"`},
		"more behind it":                 {`{"clients": []} {}`, `there is more after the object`},
		"no id":                          {`{"clients": [{"metadata": {}}]}`, `clients[0] has no id`},
		"an id twice":                    {`{"clients": [{"id": "a"}, {"id": "a"}]}`, `clients[1]: the id "a" is there twice`},
		"an unknown member":              {`{"clients": [{"id": "a", "client_name": "x"}]}`, `clients[0] "a": unknown field "client_name"`},
		"an unknown member of metadata":  {`{"clients": [{"id": "a", "metadata": {"redirect_uri": "x"}}]}`, `clients[0] "a": unknown field "redirect_uri" in metadata: its members are those of RFC 7591`},
		"a member in another case":       {`{"clients": [{"id": "a", "metadata": {"Redirect_URIs": []}}]}`, `unknown field "Redirect_URIs" in metadata`},
		"a tag on what nobody knows":     {`{"clients": [{"id": "a", "metadata": {"nick#de": "x"}}]}`, `unknown field "nick#de" in metadata`},
		"a tag that is empty":            {`{"clients": [{"id": "a", "metadata": {"client_name#": "x"}}]}`, `unknown field "client_name#" in metadata`},
		"a member of the wrong type":     {`{"clients": [{"id": "a", "metadata": {"redirect_uris": "x"}}]}`, `redirect_uris of type []string`},
		"an unknown member of policy":    {`{"clients": [{"id": "a", "policy": {"tokenttl": "1h"}}]}`, `unknown field "tokenttl" in policy`},
		"a duration that is a number":    {`{"clients": [{"id": "a", "policy": {"token_ttl": 3600}}]}`, `policy.token_ttl is 3600, want a duration as text, such as "90m"`},
		"a duration that is none":        {`{"clients": [{"id": "a", "policy": {"grace": "1 hour"}}]}`, `policy.grace is "1 hour", want a duration, such as "90m"`},
		"the key of a registration":      {`{"clients": [{"id": "a", "policy": {"registration_key": []}}]}`, `unknown field "registration_key" in policy`},
		"a kind that is none":            {`{"clients": [{"id": "a", "kind": "web"}]}`, `clients[0] "a": kind "web" is none of confidential, public, native, machine`},
		"a secret in clear":              {`{"clients": [{"id": "a", "secrets": [{"form": "plain", "value": "AAAA"}]}]}`, `secrets[0] has the form "plain", which is none of sha256, bcrypt, argon2id`},
		"a secret that is sealed":        {`{"clients": [{"id": "a", "secrets": [{"form": "sealed", "value": "AAAA"}]}]}`, `secrets[0] has the form "sealed"`},
		"an unknown member of a secret":  {`{"clients": [{"id": "a", "secrets": [{"form": "sha256", "hash": "AAAA"}]}]}`, `unknown field "hash"`},
		"the list twice":                 {`{"clients": [{"id": "a"}], "clients": [{"id": "b"}]}`, `the member "clients" is there twice`},
		"a member twice":                 {`{"clients": [{"id": "a", "disabled": true, "disabled": false}]}`, `the member "disabled" is there twice`},
		"a member of metadata twice":     {`{"clients": [{"id": "a", "metadata": {"scope": "a", "\u0073cope": "b"}}]}`, `the member "scope" is there twice`},
		"a member of extra twice":        {`{"clients": [{"id": "a", "policy": {"extra": {"x": [{"A": 1, "a": 1, "A": 2}]}}}]}`, `the member "A" is there twice`},
		"the list in another case":       {`{"Clients": []}`, `unknown field "Clients"`},
		"a duration in another case":     {`{"clients": [{"id": "a", "policy": {"Token_TTL": 3600}}]}`, `unknown field "Token_TTL"`},
		"the key of a registration, too": {`{"clients": [{"id": "a", "policy": {"Registration_Key": []}}]}`, `unknown field "Registration_Key"`},
		"a member that looks like one":   {`{"clients": [{"id": "a", "policy": {"ſcopes": "a"}}]}`, `unknown field "ſcopes"`},
		"a member of metadata like one":  {`{"clients": [{"id": "a", "metadata": {"ſcope": "a"}}]}`, `unknown field "ſcope" in metadata`},
		"what draws on a terminal":       {"{\"clients\": [{\"id\": \"a\", \"policy\": {\"token_ttl\": [\"\x7f\u009b31m\"]}}]}", `policy.token_ttl is [`},
		"an id that draws":               {`{"clients": [{"id": "\u001b[31m", "kind": "web"}]}`, `clients[0] "\x1b[31m"`},
		"as deep as it likes":            {`{"clients": [{"id": "a", "policy": {"extra": ` + strings.Repeat("[", 1e6), `want {"clients"`},
		"a secret that is not in base64": {`{"clients": [{"id": "a", "secrets": [{"form": "sha256", "value": "?"}]}]}`, `base64`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			specs, err := admin.ReadSpecs(strings.NewReader(tc.text))
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("ReadSpecs = %+v, %v, want an error with %q", specs, err, tc.says)
			}
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("the error would draw on a terminal: %q", err)
			}
		})
	}
}

// TestPolicy: what a policy says is the same after a file, but for the key of a registration, which no file has.
func TestPolicy(t *testing.T) {
	t.Parallel()
	p := admin.Policy{
		Scopes: "a b", TokenTTL: 1500 * time.Millisecond, CodeTTL: time.Minute, RefreshIdle: -1, RefreshTTL: 400 * 24 * time.Hour, Grace: -time.Second,
		PKCE: true, Consent: "always", Extra: json.RawMessage(`{"x":[1]}`), RegistrationKey: mandate.DigestOf("x"),
	}
	text, err := json.Marshal(p)
	if err != nil || strings.Contains(string(text), "registration_key") || !strings.Contains(string(text), `"token_ttl":"1.5s"`) {
		t.Fatalf("MarshalJSON = %s, %v", text, err)
	}
	var q admin.Policy
	if err := json.Unmarshal(text, &q); err != nil {
		t.Fatal(err)
	}
	if p.RegistrationKey = (mandate.Digest{}); !reflect.DeepEqual(p, q) {
		t.Errorf("after a file it is %+v, want %+v", q, p)
	}
	text, err = json.Marshal(admin.Policy{TokenTTL: server.InsecureNoEnd})
	if err != nil || string(text) != `{"token_ttl":"insecure-no-end"}` || json.Unmarshal(text, &q) != nil || q.TokenTTL != server.InsecureNoEnd {
		t.Errorf("a policy without an end = %s, %v, and after a file %v", text, err, q.TokenTTL)
	}
	if err := json.Unmarshal([]byte(`{"code_ttl":"insecure-no-end"}`), &q); err == nil {
		t.Error("a code without an end is taken")
	}
	if text, err := json.Marshal(admin.Policy{}); err != nil || string(text) != "{}" {
		t.Errorf("the zero Policy = %s, %v, want {}", text, err)
	}
}

// FuzzReadSpecs: what is read and written is read again, the same.
func FuzzReadSpecs(f *testing.F) {
	f.Add(`{"clients": [{"id": "a", "kind": "machine", "metadata": {"scope": "a b"}, "policy": {"grace": "-1s", "extra": {}}}]}`)
	f.Add(`{"clients": [{"id": "a", "metadata": {"client_name#de": "x"}, "secrets": [{"form": "sha256", "value": "AAAA", "expires": "2030-01-02T03:04:05.678901+02:00"}]}]}`)
	f.Add(`{"clients": [{"id": "\ud800", "metadata": {"jwks": null, "contacts": [""]}}, null]}`)
	f.Fuzz(func(t *testing.T, text string) {
		specs, err := admin.ReadSpecs(strings.NewReader(text))
		if err != nil {
			return
		}
		write := func(specs []admin.Spec) string {
			data, err := json.Marshal(map[string]any{"clients": specs})
			if err != nil {
				t.Skip(err) // a time that JSON has no way to write
			}
			return string(data)
		}
		first := write(specs)
		again, err := admin.ReadSpecs(strings.NewReader(first))
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second := write(again); second != first {
			t.Errorf("%s became %s", first, second)
		}
	})
}

// TestSpecOf: a spec shares nothing with the client that it is of.
func TestSpecOf(t *testing.T) {
	t.Parallel()
	c := &store.Client{ID: "a", Disabled: true, Secrets: []store.Secret{{Form: store.SHA256}}, Policy: store.Policy{RegistrationKey: mandate.DigestOf("x")}}
	c.Metadata.RedirectURIs = []string{"https://a.test/"}
	s := admin.SpecOf(c)
	s.Metadata.RedirectURIs[0] = "https://b.test/"
	if c.Metadata.RedirectURIs[0] != "https://a.test/" || s.Secrets != nil || !s.Policy.RegistrationKey.IsZero() || !s.Disabled {
		t.Errorf("SpecOf(%+v) = %+v", c, s)
	}
}
