package resource_test

import (
	"crypto/ed25519"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// mostBytes is how much one request may make a guard allocate, whatever it sends.
const mostBytes = 64 << 10

// allocated returns how many bytes f allocates: of others at the same time, too.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// fuzzedGuard takes tokens of key, and of two other issuers, so that tokens are also read to choose whose they are.
func fuzzedGuard(tb testing.TB, key *jose.Key) *resource.Guard {
	tb.Helper()
	keys := resource.FixedKeys(jose.NewKeySet(key.Public()))
	return newGuard(tb, func(c *resource.Config) {
		c.Now = func() time.Time { return today }
		c.Verifiers = []resource.Verifier{
			resource.Google{JWT: resource.JWT{Keys: keys}},
			resource.Keycloak{URL: "https://sso.example.com", Realm: "shop", JWT: resource.JWT{Keys: keys}},
			resource.JWT{Issuer: foreignIssuer, Keys: keys},
		}
	})
}

func fuzzedKey(tb testing.TB) *jose.Key {
	tb.Helper()
	key, err := jose.NewKey(jose.EdDSA, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), "k")
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// FuzzJWT sends whatever the fuzzer makes of good tokens: nothing passes but what the issuer has signed.
func FuzzJWT(f *testing.F) {
	key := fuzzedKey(f)
	good, err := jose.Sign(key, "at+jwt", []byte(goodClaims))
	if err != nil {
		f.Fatal(err)
	}
	head, rest, _ := strings.Cut(good, ".")
	payload, sig, _ := strings.Cut(rest, ".")
	for _, seed := range []string{
		good, "..", "eyJ..", head + ".." + sig, head + "." + payload + ".", good + ".x", b64(`{"alg":"none","typ":"at+jwt"}`) + "." + payload + ".",
		b64(`{"alg":"EdDSA","crit":["b64"],"b64":false}`) + "." + payload + "." + sig, b64(strings.Repeat(`{"x":`, 3000)) + "." + payload + "." + sig,
		head + "." + b64(`{"iss":"accounts.google.com"}`) + "." + sig, head + "." + b64(strings.Repeat("[", 9000)) + "." + sig, good + strings.Repeat("A", 20<<10),
	} {
		f.Add(seed)
	}
	guard := fuzzedGuard(f, key)
	rule := guard.Rule(mandate.Requirement{}, false)
	f.Fuzz(func(t *testing.T, raw string) {
		tok, resp := guard.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, rule)
		if tok != nil && raw != good {
			t.Fatalf("taken: %q", raw)
		}
		if tok == nil && resp.Status != 400 && resp.Status != 401 {
			t.Fatalf("status %d", resp.Status)
		}
	})
}

// TestHostileTokensAllocateLittle sends tokens that are as large as they may be.
func TestHostileTokensAllocateLittle(t *testing.T) { //nolint:paralleltest // it counts what others allocate, too
	key := fuzzedKey(t)
	guard := fuzzedGuard(t, key)
	rule := guard.Rule(mandate.Requirement{}, false)
	sign := func(claims string) string {
		raw, err := jose.Sign(key, "at+jwt", []byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	full := func(open, unit, end string) string {
		const room = 11 << 10
		return open + strings.Repeat(unit, (room-len(open)-len(end))/len(unit)) + end
	}
	names := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"\u%04x":0,`, 0x4e00+i)
		}
		return b.String()
	}
	issued := strings.TrimSuffix(goodClaims, "}")
	var members strings.Builder
	for i := range 1000 {
		members.WriteString(`,"m` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)) + `":1`)
	}
	tail := "." + b64(goodClaims) + "." + strings.Repeat("A", 86)
	for name, raw := range map[string]string{
		"a deep header":                        b64(full(`{"x":`, "[", "")) + tail,
		"a header of many members":             b64(full(`{"a":1`, `,"b":1`, "}")) + tail,
		"a header with a long key id":          b64(full(`{"alg":"EdDSA","kid":"`, "k", `"}`)) + tail,
		"a header of escapes":                  b64(full(`{"alg":"EdDSA","kid":"`, `\u0041`, `"}`)) + tail,
		"a header of escaped names":            b64(`{`+names(1000)+`"alg":"EdDSA"}`) + tail,
		"an unverified payload of such names":  b64(goodHead) + "." + b64(`{`+names(1000)+`"x":1}`) + "." + strings.Repeat("A", 86),
		"signed: escaped names":                sign(issued + "," + strings.TrimSuffix(names(200), ",") + "}"),
		"a signature as long as all":           b64(goodHead) + "." + b64(goodClaims) + "." + strings.Repeat("A", 15<<10),
		"an unverified payload that is deep":   b64(goodHead) + "." + b64(full(`{"x":`, `{"x":`, "")) + "." + strings.Repeat("A", 86),
		"an unverified payload of members":     b64(goodHead) + "." + b64(full(`{"a":1`, `,"b":1`, "}")) + "." + strings.Repeat("A", 86),
		"dots":                                 strings.Repeat(".", 16<<10),
		"one part":                             "eyJ" + strings.Repeat("A", 15<<10),
		"more than 16 KiB":                     "eyJ" + strings.Repeat("A", 1<<20) + "..",
		"signed: a long claim":                 sign(full(issued+`,"x":"`, "x", `"}`)),
		"signed: a thousand claims":            sign(issued + members.String() + "}"),
		"signed: a long scope":                 sign(full(`{"iss":"https://login.example.com","scope":"`, "s", `"}`)),
		"signed: an audience of thousands":     sign(full(`{"iss":"https://login.example.com","aud":["a"`, `,"a"`, `]}`)),
		"signed: claims of one name":           sign(full(`{"a":1`, `,"a":1`, "}")),
		"signed: escapes":                      sign(full(issued+`,"x":"`, `\u00e9`, `"}`)),
		"an Authorization header of commas":    strings.Repeat(", a", 5<<10),
		"an Authorization header of quotes":    strings.Repeat(`"\`, 8<<10),
		"an Authorization header of schemes":   strings.Repeat(`Bearer a, `, 1<<10),
		"an Authorization header not of ASCII": strings.Repeat("é", 8<<10),
	} {
		t.Run(name, func(t *testing.T) {
			least := uint64(1 << 62)
			for range 5 { // what others allocate at the same time is not what it costs
				ctx, header := t.Context(), "Bearer "+raw
				least = min(least, allocated(func() { guard.Check(ctx, resource.Credentials{Authorization: header}, rule) }))
			}
			if least > mostBytes {
				t.Errorf("%d bytes allocated, want at most %d", least, mostBytes)
			}
		})
	}
}
