package jose_test

import (
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/jose"
)

// Some key sets say of each key whose tokens it signs.
func TestKeysOfAnIssuer(t *testing.T) {
	t.Parallel()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := key.Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for member, want := range map[string]string{
		"": "", `,"issuer":"https://id.example.com/{tenantid}"`: "https://id.example.com/{tenantid}",
		`,"issuer":"a\u002fb"`: "a/b", `,"issuer":null`: "", `,"issuer":7`: "", `,"issuer":{"a":"b"}`: "", `,"issuer":""`: "",
	} {
		set, err := jose.ParseKeySet([]byte(`{"keys":[` + strings.TrimSuffix(string(plain), "}") + member + `}]}`))
		if err != nil || set.Len() != 1 {
			t.Fatalf("%s: %v", member, err)
		}
		for k := range set.All() {
			if k.Issuer() != want {
				t.Errorf("%s: issuer = %q, want %q", member, k.Issuer(), want)
			}
			if set.Has(key.Public()) != (want == "") {
				t.Errorf("%s: the set has the key without it: %v", member, set.Has(key.Public()))
			}
		}
	}
}
