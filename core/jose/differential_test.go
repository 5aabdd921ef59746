package jose_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	gojose "github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"

	"github.com/go-mandate/mandate/core/jose"
)

// FuzzAgainstGoJose signs whatever the fuzzer writes, and holds this package to go-jose and its JSON: both must accept and refuse the
// same headers and claims, and read the same in them. What this package is stricter about is written out in goJose and goClaims.
func FuzzAgainstGoJose(f *testing.F) {
	const head = `{"alg":"EdDSA","kid":"k","typ":"at+jwt"}`
	for _, seed := range [][3]string{
		{head, benchClaims, ""},
		{head, "{}", "="},
		{head, " {\t}\r\n", "A"},
		{head, "null", ""},
		{head, "[]", ".x"},
		{head, joeJSON, "\n"},
		{`{"alg":"EdDSA"}`, `{"a":{"b":[1,-0,0.5e+7,true,false,null,"\u00e9\"\\\/\b\f\n\r\t"]}}`, ""},
		{`{"alg":"EdDSA","typ":null,"kid":null}`, `{"a":1,"a":2}`, ""},
		{`{"alg":"EdDSA","alg":"EdDSA"}`, `{"a":1,"\u0061":2}`, ""},
		{`{"alg":"EdDSA","crit":["x"]}`, `{"iss":"\ud800","sub":"\ud83d\ude00"}`, ""},
		{`{"alg":"EdDSA","b64":false}`, "{\"iss\":\"\xff\"}", ""},
		{`{"alg":"EdDSA","jwk":{}}`, `{"a":1} x`, ""},
		{`{"alg":"EdDSA","x":{"a":1,"a":2}}`, `{"aud":["a","b"],"exp":1.5,"nbf":1e400,"iat":01}`, ""},
		{`{"alg":"none"}`, `{"aud":[],"exp":-1}`, ""},
		{`{"alg":"HS256"}`, `{"aud":["a",null]}`, ""},
		{`{"ALG":"EdDSA"}`, `{"a":tru}`, ""},
		{head, strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64), ""},
		{head, strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), ""},
		{head, `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}", ""},
		{head, "{\"a\":\"\x01\"}", ""},
		{head, `{"a":1,}`, ""},
		{head, `{,}`, ""},
		{head, `{"a"}`, ""},
		{head, `{"a":[}]`, ""},
		{head, `{"a":[1,]}`, ""},
		{head, `{"a":{"b":1]}`, ""},
		{head, `{"a":-}`, ""},
		{head, `{"a":1.}`, ""},
		{head, `{"a":1e}`, ""},
		{head, `{"a":"\x"}`, ""},
	} {
		f.Add(seed[0], []byte(seed[1]), seed[2])
	}
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := jose.NewPublicKey(jose.EdDSA, private.Public(), "k")
	if err != nil {
		f.Fatal(err)
	}
	set, allowed := jose.NewKeySet(key), []jose.Alg{jose.EdDSA}
	f.Fuzz(func(t *testing.T, head string, payload []byte, tail string) {
		message := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString(payload)
		token := message + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(message))) + tail
		h, got, err := jose.Verify(token, set, allowed)
		want, exact := goJose(token, head, private.Public())
		if (err == nil) != want && (exact || want) {
			t.Fatalf("Verify: %v, go-jose accepts: %v", err, want)
		}
		if err == nil {
			if !bytes.Equal(got, payload) || h.Alg != jose.EdDSA {
				t.Fatalf("Verify = %+v, %q, want %q", h, got, payload)
			}
			again, _, err := jose.Verify(token, jose.NewKeySet(key), allowed) // which does not know the header
			if err != nil || again != h {
				t.Fatalf("a header that is known is %+v, one that is not %+v, %v", h, again, err)
			}
		}
		sameClaims(t, payload)
	})
}

// FuzzMembers compares how claims are read alone: many more of them in the same time.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{"{}", benchClaims, joeJSON, `{"a":{"b":[1,-0,0.5e+7,true,false,null,"\u00e9\"\\\/\b\f\n\r\t"]}}`, `{"a":1,"\u0061":2}`, `{"aud":["a","b"],"exp":1.5}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(sameClaims)
}

// goJose reports whether go-jose accepts token, and what this package asks beyond that. It is not exact where the header has rare
// members: go-jose reads some of them that nobody here uses, such as x5c, and refuses what is wrong in them.
func goJose(token, head string, key any) (accepts, exact bool) {
	exact = true
	if len(token) > jose.MaxSize || !utf8.ValidString(head) || nesting(head) > 64 {
		return false, true
	}
	for part := range strings.SplitSeq(token, ".") {
		if raw, err := base64.RawURLEncoding.DecodeString(part); err != nil || base64.RawURLEncoding.EncodeToString(raw) != part {
			return false, true
		}
	}
	var members map[string]josejson.RawMessage
	if josejson.Unmarshal([]byte(head), &members) != nil || members == nil || len(members) > 256 {
		return false, true
	}
	for name, raw := range members {
		switch name {
		case "crit", "b64":
			return false, true
		case "alg", "typ", "kid":
			var s string
			if josejson.Unmarshal(raw, &s) != nil || name == "kid" && s != "" && s != "k" {
				return false, true
			}
		default:
			exact = false
		}
	}
	obj, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{gojose.EdDSA})
	if err != nil {
		return false, exact
	}
	_, err = obj.Verify(key)
	return err == nil, exact
}

func sameClaims(t *testing.T, payload []byte) {
	t.Helper()
	got, err := jose.ParseClaims(payload)
	want, ok := goClaims(payload)
	if (err == nil) != ok {
		t.Fatalf("ParseClaims(%q): %v, go-jose accepts: %v", payload, err, ok)
	}
	if err != nil {
		if !errors.Is(err, jose.ErrInvalid) {
			t.Fatalf("%v, want ErrInvalid", err)
		}
		return
	}
	if got.Issuer != want.Issuer || got.Subject != want.Subject || got.ID != want.ID || !slices.Equal(got.Audience, want.Audience) ||
		!maps.EqualFunc(got.Other, want.Other, func(a, b json.RawMessage) bool { return bytes.Equal(a, bytes.TrimSpace(b)) }) {
		t.Fatalf("ParseClaims(%q) = %+v, go-jose %+v", payload, got, want)
	}
}

// goClaims reads claims with the JSON of go-jose.
func goClaims(payload []byte) (c jose.Claims, ok bool) {
	var all map[string]josejson.RawMessage
	if len(payload) > jose.MaxSize || !utf8.Valid(payload) || nesting(string(payload)) > 64 || josejson.Unmarshal(payload, &all) != nil || all == nil || len(all) > 256 {
		return c, false
	}
	c.Other = map[string]json.RawMessage{}
	for name, raw := range all {
		switch name {
		case "iss":
			ok = readText(raw, &c.Issuer)
		case "sub":
			ok = readText(raw, &c.Subject)
		case "jti":
			ok = readText(raw, &c.ID)
		case "aud":
			var one string
			if ok = readText(raw, &one); ok {
				c.Audience = []string{one}
				continue
			}
			var list []*string
			ok = josejson.Unmarshal(raw, &list) == nil && list != nil && !slices.Contains(list, nil) && len(list) <= 1000
			for i := range list {
				if ok {
					c.Audience = append(c.Audience, *list[i])
				}
			}
		case "exp", "nbf", "iat":
			seconds, err := strconv.ParseFloat(string(raw), 64)
			ok = err == nil && seconds >= 0 && seconds < 253402300800 && len(raw) <= 40
		default:
			c.Other[name], ok = json.RawMessage(raw), true
		}
		if !ok {
			return c, false
		}
	}
	return c, true
}

func readText(raw josejson.RawMessage, into *string) bool {
	var s *string
	if josejson.Unmarshal(raw, &s) != nil || s == nil {
		return false
	}
	*into = *s
	return true
}

// nesting returns how deep objects and arrays stand in each other, of JSON or what is nearly JSON.
func nesting(text string) (most int) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			most = max(most, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return most
}

// TestEveryByte puts each byte at each place of short claims, and tries the bounds of long ones.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	const text = `{"iss":"https://x","n":[1,{"k":"v\n"}],"sub":"joe"}`
	for n := range 300 { // as many members
		var b strings.Builder
		for i := range n {
			b.WriteString(`,"` + strconv.Itoa(i) + `":0`)
		}
		sameClaims(t, []byte("{"+strings.TrimPrefix(b.String(), ",")+"}"))
		sameClaims(t, []byte(`{"0":1`+b.String()+"}"))
	}
	for n := 998; n < 1003; n++ {
		sameClaims(t, []byte(`{"aud":["a"`+strings.Repeat(`,"a"`, n-1)+"]}"))
	}
	for i := range len(text) {
		for c := range 256 {
			sameClaims(t, []byte(text[:i]+string([]byte{byte(c)})+text[i+1:]))
			sameClaims(t, []byte(strings.ReplaceAll(text[:i], `\n`, "")+string([]byte{byte(c)})+strings.ReplaceAll(text[i:], `\n`, "")))
		}
	}
}
