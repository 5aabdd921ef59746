package oauth2_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/go-mandate/mandate/core/oauth2"
)

func TestClientMetadataKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	const in = `{"client_name":"App","client_name#de":"Anwendung","redirect_uris":["https://a/cb"],"x_own":{"a":1}}`
	var m oauth2.ClientMetadata
	if err := json.Unmarshal([]byte(in), &m); err != nil {
		t.Fatal(err)
	}
	if m.Name != "App" || len(m.Extra) != 2 || string(m.Extra["x_own"]) != `{"a":1}` {
		t.Errorf("got %+v", m)
	}
	out, err := json.Marshal(m)
	if err != nil || string(out) != in {
		t.Errorf("Marshal = %s, %v, want %s", out, err, in)
	}
}

func TestClientMetadataExtraHidesNothing(t *testing.T) {
	t.Parallel()
	m := oauth2.ClientMetadata{Name: "App", Extra: map[string]json.RawMessage{"client_name": []byte(`"Evil"`)}}
	out, err := json.Marshal(m)
	if err != nil || string(out) != `{"client_name":"App"}` {
		t.Errorf("Marshal = %s, %v: Extra stands in for a known member", out, err)
	}
}

func TestClientMetadataClone(t *testing.T) {
	t.Parallel()
	age := int64(5)
	m := oauth2.ClientMetadata{DefaultMaxAge: &age, JWKS: []byte(`{}`), Extra: map[string]json.RawMessage{"a": []byte("1")}}
	for _, f := range reflect.ValueOf(&m).Elem().Fields() {
		if f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.String {
			f.Set(reflect.ValueOf([]string{"x"}))
		}
	}
	before, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	c := m.Clone()
	*c.DefaultMaxAge, c.JWKS[0] = 6, 'x'
	c.Extra["a"] = []byte("2")
	for _, f := range reflect.ValueOf(&c).Elem().Fields() {
		if f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.String {
			f.Index(0).SetString("y")
		}
	}
	after, err := json.Marshal(m)
	if err != nil || string(after) != string(before) {
		t.Errorf("a change of the clone changed the original: %s, %v", after, err)
	}
}

func TestClientMetadataDefaults(t *testing.T) {
	t.Parallel()
	var m oauth2.ClientMetadata
	if !m.Allows("authorization_code") || m.Allows("client_credentials") || !m.Responds("code") || m.Responds("token") || m.Method() != "client_secret_basic" || m.Public() {
		t.Error("the zero value is a confidential client of the code grant (RFC 7591, section 2)")
	}
	m = oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}, ResponseTypes: []string{"token"}, AuthMethod: "none"}
	if m.Allows("authorization_code") || !m.Allows("client_credentials") || m.Responds("code") || !m.Responds("token") || !m.Public() {
		t.Error("a list is a list of all")
	}
}

func TestServerMetadataExtra(t *testing.T) {
	t.Parallel()
	m := oauth2.ServerMetadata{Issuer: "https://id", ResponseTypes: []string{"code"}, Extra: map[string]json.RawMessage{"x_endpoint": []byte(`"https://id/x"`)}}
	out, err := json.Marshal(m)
	if want := `{"issuer":"https://id","response_types_supported":["code"],"x_endpoint":"https://id/x"}`; err != nil || string(out) != want {
		t.Errorf("Marshal = %s, %v, want %s", out, err, want)
	}
}
