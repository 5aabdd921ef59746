package jose_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/go-mandate/mandate/core/jose"
)

func sign(tb testing.TB, k *jose.Key, typ string, claims any) string {
	tb.Helper()
	token, err := jose.Sign(k, typ, claims)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// forge makes a token of {} with any header and the signature of k, which is one for ES256.
func forge(tb testing.TB, k *jose.Key, head string) string {
	tb.Helper()
	jwk, err := k.MarshalJWK()
	if err != nil {
		tb.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	message := b64([]byte(head)) + "." + b64([]byte("{}"))
	sig, err := rawSign(jwk, k.Alg(), []byte(message))
	if err != nil {
		tb.Fatal(err)
	}
	return message + "." + b64(sig)
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	for _, alg := range jose.Asymmetric() {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			k := newKey(t, alg)
			token := sign(t, k, "at+jwt", map[string]any{"sub": "u"})
			set := jose.NewKeySet(newKey(t, alg).Public(), k.Public())
			for range 2 {
				h, payload, err := jose.Verify(token, set, jose.Asymmetric())
				if want := (jose.Header{Alg: alg, KeyID: k.ID(), Type: "at+jwt"}); err != nil || h != want || string(payload) != `{"sub":"u"}` {
					t.Fatalf("Verify = %+v, %s, %v, want %+v", h, payload, err, want)
				}
			}
			// go-jose agrees.
			obj, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(alg)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := obj.Verify(k.Public().Key()); err != nil {
				t.Errorf("go-jose: %v", err)
			}
			if key, ok := k.Public().Key().(*rsa.PublicKey); ok && alg == jose.PS256 {
				i := strings.LastIndexByte(token, '.')
				sum := sha256.Sum256([]byte(token[:i]))
				sig, err := base64.RawURLEncoding.DecodeString(token[i+1:])
				if err != nil || rsa.VerifyPSS(key, crypto.SHA256, sum[:], sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) != nil {
					t.Error("the salt is not as long as the hash (RFC 7518, 3.5)")
				}
			}
			// Not with any other algorithm, key or content.
			others := slices.DeleteFunc(jose.Asymmetric(), func(a jose.Alg) bool { return a == alg })
			wantInvalid(t, token, set, others)
			wantInvalid(t, token, jose.NewKeySet(newKey(t, alg).Public()), jose.Asymmetric())
			dot := strings.LastIndexByte(token, '.')
			wantInvalid(t, token[:dot], set, jose.Asymmetric())
			wantInvalid(t, token[:dot+1], set, jose.Asymmetric())
			wantInvalid(t, token[:dot-2]+"9"+token[dot-1:], set, jose.Asymmetric())
			wantInvalid(t, token[:dot+1]+base64.RawURLEncoding.EncodeToString(make([]byte, 64)), set, jose.Asymmetric())
		})
	}
}

func wantInvalid(t *testing.T, token string, keys *jose.KeySet, allowed []jose.Alg) {
	t.Helper()
	h, payload, err := jose.Verify(token, keys, allowed)
	if !errors.Is(err, jose.ErrInvalid) || payload != nil || h != (jose.Header{}) {
		t.Errorf("Verify(%.60s) = %+v, %q, %v, want ErrInvalid alone", token, h, payload, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	k := newKey(t, jose.ES256)
	other := newKey(t, jose.RS256)
	set := jose.NewKeySet(k.Public(), other.Public())
	good := sign(t, k, "", []byte("{}"))
	if _, _, err := jose.Verify(good, set, []jose.Alg{jose.ES256}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := jose.Verify(forge(t, k, `{"alg":"ES256"}`), set, []jose.Alg{jose.ES256}); err != nil {
		t.Fatal(err) // so that what is refused below is not refused for how it is made
	}
	pem, err := other.Public().MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	confused, err := jose.SignHMAC(jose.HS256, pem, "", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(good, ".")
	every := append(jose.Asymmetric(), jose.HS256, "none", "")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for name, token := range map[string]string{
		"empty":                              "",
		"dots":                               "..",
		"four parts":                         good + ".x",
		"none (RFC 8725, 2.1)":               none + ".e30.",
		"none, with a signature":             none + "." + rest,
		"HMAC with the public key":           confused,
		"no algorithm":                       forge(t, k, `{}`),
		"algorithm of a wrong type":          forge(t, k, `{"alg":["ES256"]}`),
		"algorithm in another case":          forge(t, k, `{"alg":"es256"}`),
		"name of the member in another case": forge(t, k, `{"ALG":"ES256"}`),
		"algorithm twice":                    forge(t, k, `{"alg":"RS256","alg":"ES256"}`),
		"algorithm of another key":           forge(t, k, `{"alg":"ES384"}`),
		"unknown kid":                        forge(t, k, `{"alg":"ES256","kid":"x"}`),
		"kid of another key":                 forge(t, k, `{"alg":"ES256","kid":"`+other.ID()+`"}`),
		"kid of a wrong type":                forge(t, k, `{"alg":"ES256","kid":1}`),
		"typ of a wrong type":                forge(t, k, `{"alg":"ES256","typ":1}`),
		"crit (RFC 7515, 4.1.11)":            forge(t, k, `{"alg":"ES256","crit":["exp"],"exp":1}`),
		"crit that is empty":                 forge(t, k, `{"alg":"ES256","crit":[]}`),
		"crit that is null":                  forge(t, k, `{"alg":"ES256","crit":null}`),
		"unencoded payload (RFC 7797)":       forge(t, k, `{"alg":"ES256","b64":false}`),
		"header that is no object":           forge(t, k, `["ES256"]`),
		"header that is null":                forge(t, k, `null`),
		"something after the header":         forge(t, k, `{"alg":"ES256"} {}`),
		"padding":                            good + "=",
		"line break":                         head + "\n." + rest,
		"line break in the signature":        good[:len(good)-4] + "\n" + good[len(good)-4:],
		"space before":                       " " + good,
		"JSON serialization":                 `{"payload":"e30","protected":"` + head + `","signature":"x"}`,
		"over 16 KiB":                        sign(t, k, "", []byte(strings.Repeat(" ", 13<<10))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantInvalid(t, token, set, every)
		})
	}
	wantInvalid(t, good, set, nil)
	wantInvalid(t, good, set, []jose.Alg{})
	wantInvalid(t, good, set, []jose.Alg{jose.RS256})
	wantInvalid(t, good, nil, every)
	wantInvalid(t, good, jose.NewKeySet(), every)
}

func TestSpellingOfASignature(t *testing.T) {
	t.Parallel()
	k := newKey(t, jose.ES256) // 64 bytes: the last character has 4 bits that mean nothing
	token := sign(t, k, "", []byte("{}"))
	last := strings.IndexByte(b64Alphabet, token[len(token)-1])
	for i := range 64 {
		if _, _, err := jose.Verify(token[:len(token)-1]+b64Alphabet[i:i+1], jose.NewKeySet(k.Public()), []jose.Alg{jose.ES256}); (err == nil) != (i == last) {
			t.Errorf("last character %c instead of %c: %v", b64Alphabet[i], b64Alphabet[last], err)
		}
	}
}

const b64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestNoKey(t *testing.T) {
	t.Parallel()
	k, other := newKey(t, jose.ES256), newKey(t, jose.ES256)
	token := sign(t, k, "", []byte("{}"))
	_, _, err := jose.Verify(token, jose.NewKeySet(other.Public()), []jose.Alg{jose.ES256})
	if !errors.Is(err, jose.ErrNoKey) || !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("unknown kid: %v, want ErrNoKey and ErrInvalid", err)
	}
	_, _, err = jose.Verify(token[:len(token)-8]+"AAAAAAAA", jose.NewKeySet(k.Public()), []jose.Alg{jose.ES256})
	if errors.Is(err, jose.ErrNoKey) || !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("bad signature: %v, want ErrInvalid and not ErrNoKey", err)
	}
	_, _, err = jose.Verify(token, jose.NewKeySet(other.Public()), []jose.Alg{jose.RS256})
	if errors.Is(err, jose.ErrNoKey) {
		t.Errorf("algorithm not allowed: %v, want not ErrNoKey: nobody fetches for it", err)
	}
}

func TestKeyIDs(t *testing.T) {
	t.Parallel()
	a, b := newKey(t, jose.ES256), newKey(t, jose.ES256)
	same := func(k *jose.Key) *jose.PublicKey {
		p, err := jose.NewPublicKey("", k.Public().Key(), "same")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	set := jose.NewKeySet(same(a), same(b), same(b), nil)
	if set.Len() != 2 {
		t.Errorf("set has %d keys, want 2", set.Len())
	}
	for _, k := range []*jose.Key{a, b} { // both in turn, so that a header known from one key does not hide the other
		for range 2 {
			for _, head := range []string{`{"alg":"ES256","kid":"same"}`, `{"alg":"ES256"}`} {
				if _, _, err := jose.Verify(forge(t, k, head), set, []jose.Alg{jose.ES256}); err != nil {
					t.Errorf("%s: %v", head, err)
				}
			}
		}
	}
	named := jose.NewKeySet(a.Public(), b.Public()) // a token that names one key and is of the other
	wantInvalid(t, forge(t, a, `{"alg":"ES256","kid":"`+b.ID()+`"}`), named, []jose.Alg{jose.ES256})
	wantInvalid(t, forge(t, newKey(t, jose.ES256), `{"alg":"ES256"}`), set, []jose.Alg{jose.ES256})
}

// TestKeysTried signs with each key of a large set: by name any of them does, without one the first eight.
func TestKeysTried(t *testing.T) {
	t.Parallel()
	keys := []*jose.Key{newKey(t, jose.EdDSA)} // which does not fit, and is not counted
	public := []*jose.PublicKey{keys[0].Public()}
	for range 9 {
		k := newKey(t, jose.ES256)
		keys, public = append(keys, k), append(public, k.Public())
	}
	set := jose.NewKeySet(public...)
	for i, k := range keys[1:] {
		if _, _, err := jose.Verify(forge(t, k, `{"alg":"ES256","kid":"`+k.ID()+`"}`), set, []jose.Alg{jose.ES256}); err != nil {
			t.Errorf("key %d by name: %v", i+1, err)
		}
		token := forge(t, k, `{"alg":"ES256","typ":"`+k.ID()+`"}`)
		if i == 8 {
			wantInvalid(t, token, set, []jose.Alg{jose.ES256})
		} else if _, _, err := jose.Verify(token, set, []jose.Alg{jose.ES256}); err != nil {
			t.Errorf("key %d without a name: %v", i+1, err)
		}
	}
}

func TestKeysInTheHeaderAreNotUsed(t *testing.T) {
	t.Parallel()
	evil, ours := newKey(t, jose.ES256), newKey(t, jose.ES256)
	token, err := jose.SignEmbedded(evil, "dpop+jwt", map[string]string{"htm": "GET"})
	if err != nil {
		t.Fatal(err)
	}
	wantInvalid(t, token, jose.NewKeySet(ours.Public()), []jose.Alg{jose.ES256})

	h, k, payload, err := jose.VerifyEmbedded(token, []jose.Alg{jose.ES256})
	if err != nil || !h.Is("dpop+jwt") || k.Thumbprint() != evil.Public().Thumbprint() || string(payload) != `{"htm":"GET"}` {
		t.Errorf("VerifyEmbedded = %+v, %v, %s, %v", h, k, payload, err)
	}
	private, err := ours.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"no key":          sign(t, ours, "dpop+jwt", []byte("{}")),
		"a private key":   forge(t, ours, `{"alg":"ES256","jwk":`+string(private)+`}`),
		"a null":          forge(t, ours, `{"alg":"ES256","jwk":null}`),
		"another key":     forge(t, ours, `{"alg":"ES256","jwk":`+es256Key+`}`),
		"other alg":       forge(t, ours, `{"alg":"RS256","jwk":`+es256Key+`}`),
		"tampered":        token[:len(token)-6] + "AAAAAA",
		"a shared secret": forge(t, ours, `{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}`),
	} {
		if h, k, payload, err := jose.VerifyEmbedded(token, append(jose.Asymmetric(), jose.HS256)); !errors.Is(err, jose.ErrInvalid) || k != nil || payload != nil {
			t.Errorf("%s: VerifyEmbedded = %v, %v, %q, %v, want ErrInvalid", name, h, k, payload, err)
		}
	}
	if _, _, _, err := jose.VerifyEmbedded(token, nil); !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("nothing allowed: %v, want ErrInvalid", err)
	}
}

func TestUnverified(t *testing.T) {
	t.Parallel()
	h, payload, err := jose.Unverified("eyJhbGciOiJub25lIn0.e30.")
	if err != nil || h.Alg != "none" || string(payload) != "{}" {
		t.Errorf("Unverified = %+v, %s, %v", h, payload, err)
	}
	if _, _, err := jose.Unverified("opaque-token"); !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("opaque: %v, want ErrInvalid", err)
	}
}

func TestHeaderIs(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]bool{"at+jwt": true, "AT+JWT": true, "application/at+jwt": true, "Application/At+Jwt": true, "JWT": false, "": false, "application/": false} {
		if got := (jose.Header{Type: typ}).Is("at+jwt"); got != want {
			t.Errorf("%q Is at+jwt = %v, want %v", typ, got, want)
		}
	}
}

func TestSignErrors(t *testing.T) {
	t.Parallel()
	if _, err := jose.Sign(newKey(t, jose.ES256), "", func() {}); err == nil {
		t.Error("claims that are a func: want an error")
	}
	token := sign(t, newKey(t, jose.ES256), "a\"b\\", json.RawMessage(" {}"))
	if h, payload, err := jose.Unverified(token); err != nil || h.Type != `a"b\` || string(payload) != " {}" {
		t.Errorf("typ with quotes = %+v, %q, %v", h, payload, err)
	}
}

func TestHMAC(t *testing.T) {
	t.Parallel()
	for alg, size := range map[jose.Alg]int{jose.HS256: 32, jose.HS384: 48, jose.HS512: 64} {
		secret := []byte(strings.Repeat("k", size))
		token, err := jose.SignHMAC(alg, secret, "JWT", []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		h, payload, err := jose.VerifyHMAC(token, secret, []jose.Alg{alg})
		if err != nil || h != (jose.Header{Alg: alg, Type: "JWT"}) || string(payload) != "{}" {
			t.Errorf("VerifyHMAC = %+v, %s, %v", h, payload, err)
		}
		if _, err := jose.SignHMAC(alg, secret[1:], "", []byte("{}")); err == nil {
			t.Errorf("%s with %d bytes: want an error (RFC 7518, 3.2)", alg, size-1)
		}
		for name, err := range map[string]error{
			"short secret":      second(jose.VerifyHMAC(token, secret[1:], []jose.Alg{alg})),
			"another secret":    second(jose.VerifyHMAC(token, append([]byte("x"), secret...), []jose.Alg{alg})),
			"nothing allowed":   second(jose.VerifyHMAC(token, secret, nil)),
			"another algorithm": second(jose.VerifyHMAC(token, secret, jose.Asymmetric())),
			"public key's":      second(jose.VerifyHMAC(es256Token, secret, []jose.Alg{jose.ES256, alg})),
			"none":              second(jose.VerifyHMAC("eyJhbGciOiJub25lIn0.e30.", secret, []jose.Alg{"none", alg})),
		} {
			if !errors.Is(err, jose.ErrInvalid) {
				t.Errorf("%s, %s: %v, want ErrInvalid", alg, name, err)
			}
		}
	}
	if _, err := jose.SignHMAC(jose.ES256, make([]byte, 64), "", nil); err == nil {
		t.Error("SignHMAC with ES256: want an error")
	}
}

func second(_ jose.Header, _ []byte, err error) error { return err }

func TestVerifyAtOnce(t *testing.T) {
	t.Parallel()
	k := newKey(t, jose.EdDSA)
	set := jose.NewKeySet(k.Public())
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 20 {
				token := sign(t, k, strings.Repeat("t", i), []byte("{}"))
				if _, _, err := jose.Verify(token, set, []jose.Alg{jose.EdDSA}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
