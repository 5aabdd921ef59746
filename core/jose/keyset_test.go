package jose_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/jose"
)

func with(jwk, members string) string { return jwk[:len(jwk)-1] + "," + members + "}" }

func TestParseKeySet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		json string
		want []string // IDs; nil: an error
	}{
		"no keys":                {`{"keys":[]}`, []string{}},
		"one":                    {`{"keys":[` + edKey + `]}`, []string{edThumbprint}},
		"an ID of its own":       {`{"keys":[` + with(edKey, `"kid":"a"`) + `]}`, []string{"a"}},
		"unknown ones between":   {`{"keys":[{"kty":"new"},{},1,null,"x",` + edKey + `,{"kty":"EC","crv":"P-256"}]}`, []string{edThumbprint}},
		"for encryption":         {`{"keys":[` + with(edKey, `"use":"enc"`) + `,` + with(edKey, `"use":"sig","kid":"s"`) + `]}`, []string{"s"}},
		"private and symmetric":  {`{"keys":[` + es256Private + `,{"kty":"oct","k":"AAAA"},` + edKey + `]}`, []string{edThumbprint}},
		"the same twice":         {`{"keys":[` + edKey + `,` + edKey + `]}`, []string{edThumbprint}},
		"two keys with one ID":   {`{"keys":[` + with(edKey, `"kid":"a"`) + `,` + with(es256Key, `"kid":"a"`) + `]}`, []string{"a", "a"}},
		"other members":          {`{"x":1,"keys":[` + with(edKey, `"z":{}`) + `]}`, []string{edThumbprint}},
		"empty":                  {``, nil},
		"no member keys":         {`{}`, nil},
		"keys in another case":   {`{"Keys":[]}`, nil},
		"keys that is null":      {`{"keys":null}`, nil},
		"keys that is an object": {`{"keys":{}}`, nil},
		"a single key":           {edKey, nil},
		"keys twice":             {`{"keys":[],"keys":[]}`, nil},
		"101 keys":               {`{"keys":[` + strings.Repeat("{},", 100) + `{}]}`, nil},
		"over 256 KiB":           {`{"keys":[]` + strings.Repeat(" ", 256<<10) + `}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := jose.ParseKeySet([]byte(tc.json))
			if (err == nil) != (tc.want != nil) {
				t.Fatalf("ParseKeySet error = %v, want IDs %q", err, tc.want)
			}
			var ids []string
			for k := range set.All() {
				ids = append(ids, k.ID())
			}
			if strings.Join(ids, " ") != strings.Join(tc.want, " ") || set.Len() != len(tc.want) {
				t.Errorf("IDs = %q, want %q", ids, tc.want)
			}
		})
	}
}

func TestMarshalKeySet(t *testing.T) {
	t.Parallel()
	k, err := jose.ParseJWK([]byte(es256Private))
	if err != nil {
		t.Fatal(err)
	}
	loose, err := jose.NewPublicKey("", publicKey(t, edKey).Key(), "e")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(jose.NewKeySet(k.Public(), loose))
	want := `{"keys":[{"use":"sig","kty":"EC","kid":"` + k.ID() + `","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},` +
		`{"use":"sig","kty":"OKP","kid":"e","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	if err != nil || string(got) != want {
		t.Errorf("Marshal = %s, %v, want %s", got, err, want)
	}
	for _, set := range []*jose.KeySet{nil, jose.NewKeySet()} {
		if got, err := set.MarshalJSON(); err != nil || string(got) != `{"keys":[]}` {
			t.Errorf("empty: %s, %v", got, err)
		}
	}
	back, err := jose.ParseKeySet(got)
	if err != nil || back.Len() != 2 {
		t.Errorf("read again: %v, %v", back, err)
	}
}

func TestKeyOfSet(t *testing.T) {
	t.Parallel()
	ec, err := jose.NewPublicKey(jose.ES256, publicKey(t, es256Key).Key(), "ec")
	if err != nil {
		t.Fatal(err)
	}
	rsa, err := jose.NewPublicKey("", publicKey(t, rs256Key).Key(), "rsa")
	if err != nil {
		t.Fatal(err)
	}
	set := jose.NewKeySet(ec, rsa)
	for name, tc := range map[string]struct {
		alg  jose.Alg
		kid  string
		want *jose.PublicKey
	}{
		"by both":            {jose.ES256, "ec", ec},
		"by algorithm":       {jose.PS512, "", rsa},
		"any that fits":      {jose.RS256, "rsa", rsa},
		"another algorithm":  {jose.RS256, "ec", nil},
		"another curve":      {jose.ES384, "", nil},
		"unknown":            {jose.ES256, "x", nil},
		"a symmetric one":    {jose.HS256, "rsa", nil},
		"none":               {"none", "", nil},
		"an empty algorithm": {"", "rsa", nil},
		"empty, fixed key":   {"", "ec", nil},
	} {
		if got := set.Key(tc.alg, tc.kid); got != tc.want {
			t.Errorf("%s: Key = %v, want %v", name, got, tc.want)
		}
	}
	var none *jose.KeySet
	if none.Key(jose.ES256, "") != nil || none.Len() != 0 {
		t.Error("a nil set has keys")
	}
}

//nolint:paralleltest // allocations of others would be counted too
func TestKeyOfSetAllocates(t *testing.T) {
	set := jose.NewKeySet(publicKey(t, es256Key), publicKey(t, rs256Key))
	kid := publicKey(t, rs256Key).ID()
	if n := testing.AllocsPerRun(100, func() { set.Key(jose.RS256, kid) }); n != 0 {
		t.Errorf("Key allocates %v times, want 0", n)
	}
}
