package resource_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g := newGuard(t, func(c *resource.Config) {
		c.Audience = "https://api.example.com/v1"
		c.Metadata = &oauth2.ResourceMetadata{AuthorizationServers: []string{"https://id.example.com"}, Name: "Shop"}
		c.MetadataKey = key
		c.BodyToken = true
		c.ChallengeParams = []mandate.Field{{Name: "tenant", Value: "blue"}}
		c.Now = func() time.Time { return now }
	})
	all := g.Endpoints()
	if len(all) != 1 || all[0].Origin != "https://api.example.com" || all[0].Path != "/.well-known/oauth-protected-resource/v1" || !all[0].CORS {
		t.Fatalf("endpoints %+v, want the one of RFC 9728, 3.1", all)
	}
	resp := all[0].Serve(t.Context(), &mandate.Request{Method: "GET", Header: mandate.Fields{}})
	if resp.Status != 200 || resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Access-Control-Allow-Origin") != "*" || resp.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("answer %s", show(resp))
	}
	var doc map[string]any
	if err := json.Unmarshal(resp.Body, &doc); err != nil {
		t.Fatal(err)
	}
	raw, _ := doc["signed_metadata"].(string)
	delete(doc, "signed_metadata")
	const want = `{"authorization_servers":["https://id.example.com"],"bearer_methods_supported":["header","body"],"resource":"https://api.example.com/v1","resource_name":"Shop"}`
	if got, _ := json.Marshal(doc); string(got) != want {
		t.Errorf("document %s, want %s", got, want)
	}
	_, payload, err := jose.Verify(raw, jose.NewKeySet(key.Public()), []jose.Alg{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	if claims["iss"] != doc["resource"] || claims["iat"] != float64(now.Unix()) || claims["resource_name"] != "Shop" || claims["signed_metadata"] != nil {
		t.Errorf("claims %s, want those of the document and iss, without signed_metadata (RFC 9728, 2.2)", payload)
	}

	const where = `resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/v1", tenant="blue"`
	for header, want := range map[string]string{
		"":              `Bearer scope="a", ` + where,
		"Bearer nobody": `Bearer error="invalid_token", error_description="the access token is unknown, expired, revoked or not for this resource", ` + where,
		"Bearer a b":    `Bearer error="invalid_request", error_description="the access token is malformed", ` + where,
	} {
		_, resp := g.Check(t.Context(), resource.Credentials{Authorization: header}, g.Rule(mandate.Scope("a"), false))
		if got := resp.Header.Get("WWW-Authenticate"); got != want {
			t.Errorf("challenge %s, want %s (RFC 9728, 5.1)", got, want)
		}
	}
	var none *resource.Guard
	if len(newGuard(t, nil).Endpoints()) != 0 || none.Endpoints() != nil {
		t.Error("a guard without metadata has an endpoint")
	}
}

func TestMetadataRefused(t *testing.T) {
	t.Parallel()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	params := func(list ...mandate.Field) resource.Config {
		return resource.Config{Audience: api, ChallengeParams: list}
	}
	for name, tc := range map[string]struct {
		config resource.Config
		want   string
	}{
		"no URL for a name":          {resource.Config{Audience: "shop", Metadata: &oauth2.ResourceMetadata{}}, "Config.Metadata.Resource"},
		"another name than audience": {resource.Config{Audience: api, Metadata: &oauth2.ResourceMetadata{Resource: "https://other.example.com"}}, "Config.Audience"},
		"a key and nothing to sign":  {resource.Config{Audience: api, MetadataKey: key}, "Config.Metadata"},
		"a member that is no JSON":   {resource.Config{Audience: api, Metadata: &oauth2.ResourceMetadata{Extra: map[string]json.RawMessage{"x": json.RawMessage("{")}}}, "Config.Metadata"},
		"a parameter without a name": {params(mandate.Field{Value: "x"}), "ChallengeParams[0]"},
		"a name with a blank":        {params(mandate.Field{Name: "a b"}), `"a b"`},
		"a value with a quote":       {params(mandate.Field{Name: "a", Value: `"`}), "ChallengeParams[0]"},
		"a value that splits":        {params(mandate.Field{Name: "a", Value: "b\r\nX: y"}), "ChallengeParams[0]"},
		"what the guard writes":      {params(mandate.Field{Name: "a"}, mandate.Field{Name: "Scope"}), "ChallengeParams[1] is Scope"},
		"a parameter twice":          {params(mandate.Field{Name: "a"}, mandate.Field{Name: "A"}), "second A"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.config.Verifiers = []resource.Verifier{resource.Of(stored())}
			g, err := resource.New(tc.config)
			if err == nil || g != nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New = %v, %v, want an error that names %s", g != nil, err, tc.want)
			}
		})
	}
}

// TestAudienceOfMetadata proves that a guard takes the tokens that its metadata makes clients ask for, and no others.
func TestAudienceOfMetadata(t *testing.T) {
	t.Parallel()
	g := newGuard(t, func(c *resource.Config) {
		c.Audience, c.Metadata = "", &oauth2.ResourceMetadata{Resource: api}
	})
	if g.Audience() != api {
		t.Errorf("audience = %q", g.Audience())
	}
	rule := g.Rule(mandate.AllOf(), false)
	for token, want := range map[string]int{"here": 0, "elsewhere": 401} {
		status := 0
		if _, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + token}, rule); resp != nil {
			status = resp.Status
		}
		if status != want {
			t.Errorf("%s: status = %d, want %d", token, status, want)
		}
	}
}

// TestIssuersInMetadata proves that clients find the servers whose tokens the guard takes.
func TestIssuersInMetadata(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		own  []string
		want string
	}{
		"those of the verifiers": {nil, `"authorization_servers":["https://id.example.com"]`},
		"those that are named":   {[]string{"https://front.example.com"}, `"authorization_servers":["https://front.example.com"]`},
	} {
		g := newGuard(t, func(c *resource.Config) {
			c.Metadata = &oauth2.ResourceMetadata{AuthorizationServers: tc.own}
			c.Verifiers = []resource.Verifier{resource.JWT{Issuer: "https://id.example.com", Keys: resource.FixedKeys(new(jose.KeySet))}}
		})
		if body := string(g.Endpoints()[0].Serve(t.Context(), &mandate.Request{Method: "GET", Header: mandate.Fields{}}).Body); !strings.Contains(body, tc.want) {
			t.Errorf("%s: %s, want %s", name, body, tc.want)
		}
	}
}
