package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/jose"
)

func TestKeyMustFit(t *testing.T) {
	t.Parallel()
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	small, _ := rsa.GenerateKey(rand.Reader, 1024) // #nosec G403 -- must be refused
	good, _ := rsa.GenerateKey(rand.Reader, 2048)
	even := &rsa.PublicKey{N: good.N, E: 4}
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	off := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)} //nolint:staticcheck // no other way makes a bad one
	huge := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 8191), E: 65537}
	for name, tc := range map[string]struct {
		alg jose.Alg
		key crypto.PublicKey
	}{
		"RSA of 1024 bits (RFC 7518, 3.3)": {jose.RS256, &small.PublicKey},
		"RSA of 1024 bits for PS256":       {jose.PS256, &small.PublicKey},
		"RSA of 8192 bits":                 {jose.RS256, huge},
		"RSA with an even exponent":        {jose.RS256, even},
		"RSA without a modulus":            {jose.RS256, &rsa.PublicKey{}},
		"P-384 for ES256":                  {jose.ES256, &p384.PublicKey},
		"P-256 for ES512":                  {jose.ES512, &p256.PublicKey},
		"P-224":                            {"", &p224.PublicKey},
		"a point off the curve":            {jose.ES256, off},
		"EC for RS256":                     {jose.RS256, &p256.PublicKey},
		"RSA for ES256":                    {jose.ES256, &good.PublicKey},
		"Ed25519 for ES256":                {jose.ES256, ed.Public()},
		"EC for EdDSA":                     {jose.EdDSA, &p256.PublicKey},
		"Ed25519 that is short":            {jose.EdDSA, ed25519.PublicKey("short")},
		"a shared secret":                  {jose.HS256, []byte(strings.Repeat("k", 32))},
		"RSA for HS256":                    {jose.HS256, &good.PublicKey},
		"RSA for none":                     {"none", &good.PublicKey},
		"nil":                              {jose.ES256, nil},
		"a nil RSA key":                    {jose.RS256, (*rsa.PublicKey)(nil)},
		"a nil EC key":                     {"", (*ecdsa.PublicKey)(nil)},
		"a private key":                    {jose.ES256, p256},
	} {
		if k, err := jose.NewPublicKey(tc.alg, tc.key, ""); err == nil || k != nil {
			t.Errorf("%s: NewPublicKey = %v, %v, want an error", name, k, err)
		}
	}
	if k, err := jose.NewPublicKey("", &p256.PublicKey, strings.Repeat("k", 257)); err == nil {
		t.Errorf("long kid: NewPublicKey = %v, want an error", k)
	}
	if k, err := jose.NewKey(jose.ES384, p256, ""); err == nil {
		t.Errorf("NewKey = %v, want an error", k)
	}
	if k, err := jose.NewKey(jose.ES256, nil, ""); err == nil {
		t.Errorf("NewKey of nil = %v, want an error", k)
	}
	for _, alg := range []jose.Alg{"", "none", jose.HS256, "RS1"} {
		if k, err := jose.Generate(alg); err == nil {
			t.Errorf("Generate(%q) = %v, want an error", alg, k)
		}
	}
}

func TestKeyFormats(t *testing.T) {
	t.Parallel()
	for _, alg := range jose.Asymmetric() {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			k := newKey(t, alg)
			pem, err := k.MarshalPEM()
			if err != nil {
				t.Fatal(err)
			}
			jwk, err := k.MarshalJWK()
			if err != nil {
				t.Fatal(err)
			}
			fromPEM, err := jose.ParsePEM(alg, append([]byte("some text\n"), pem...), "")
			if err != nil || fromPEM.ID() != k.ID() || fromPEM.Alg() != alg {
				t.Errorf("ParsePEM = %v, %v, want %v", fromPEM, err, k)
			}
			fromJWK, err := jose.ParseJWK(jwk)
			if err != nil || fromJWK.ID() != k.ID() || fromJWK.Alg() != alg {
				t.Errorf("ParseJWK = %v, %v, want %v", fromJWK, err, k)
			}
			public, err := k.Public().MarshalPEM()
			if err != nil {
				t.Fatal(err)
			}
			back, err := jose.ParsePublicPEM("", public, "")
			if err != nil || back.Thumbprint() != k.Public().Thumbprint() || !back.Fits(alg) || back.Alg() != "" {
				t.Errorf("ParsePublicPEM = %v, %v", back, err)
			}
			if _, _, err := jose.Verify(sign(t, fromPEM, "", []byte("{}")), jose.NewKeySet(back), []jose.Alg{alg}); err != nil {
				t.Errorf("token of the key that was read: %v", err)
			}
			if k, err := jose.ParsePublicJWK(jwk); err == nil {
				t.Errorf("ParsePublicJWK of a private key = %v, want an error", k)
			}
			if k, err := jose.ParsePublicPEM("", pem, ""); err == nil {
				t.Errorf("ParsePublicPEM of a private key = %v, want an error", k)
			}

			// A key in a KMS signs the same, and cannot be marshalled.
			remote, err := jose.NewKey(alg, kms{signer(t, pem)}, "kms")
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := jose.Verify(sign(t, remote, "", []byte("{}")), jose.NewKeySet(remote.Public()), []jose.Alg{alg}); err != nil {
				t.Errorf("token of a KMS: %v", err)
			}
			if data, err := remote.MarshalJWK(); err == nil {
				t.Errorf("MarshalJWK of a KMS = %s, want an error", data)
			}
			if data, err := remote.MarshalPEM(); err == nil {
				t.Errorf("MarshalPEM of a KMS = %s, want an error", data)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, jwk := range map[string]string{
		"empty":                   "",
		"not an object":           "[]",
		"null":                    "null",
		"no kty":                  "{}",
		"another kty":             `{"kty":"XYZ"}`,
		"another curve":           strings.Replace(es256Key, "P-256", "secp256k1", 1),
		"X25519":                  strings.Replace(edKey, "Ed25519", "X25519", 1),
		"for encryption":          es256Key[:len(es256Key)-1] + `,"use":"enc"}`,
		"operations without ours": es256Key[:len(es256Key)-1] + `,"key_ops":["encrypt"]}`,
		"another algorithm":       es256Key[:len(es256Key)-1] + `,"alg":"ES384"}`,
		"an encryption algorithm": rs256Key[:len(rs256Key)-1] + `,"alg":"RSA-OAEP"}`,
		"a symmetric algorithm":   rs256Key[:len(rs256Key)-1] + `,"alg":"HS256"}`,
		"a shared secret":         `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}`,
		"a private key":           es256Private,
		"a private part":          rs256Key[:len(rs256Key)-1] + `,"p":"AQAB"}`,
		"a secret beside the key": es256Key[:len(es256Key)-1] + `,"k":"AQAB"}`,
		"half a private key":      es256Key[:len(es256Key)-1] + `,"d":""}`,
		"a point off the curve":   strings.Replace(es256Key, `"x":"f8`, `"x":"f9`, 1),
		"a member twice":          `{"kty":"RSA",` + es256Key[1:],
		"over 64 KiB":             es256Key[:len(es256Key)-1] + `,"x-long":"` + strings.Repeat("x", 64<<10) + `"}`,
	} {
		if k, err := jose.ParsePublicJWK([]byte(jwk)); err == nil || k != nil {
			t.Errorf("%s: ParsePublicJWK = %v, %v, want an error", name, k, err)
		}
		if name == "a private key" { // which the other one takes
			continue
		}
		if k, err := jose.ParseJWK([]byte(jwk)); err == nil || k != nil {
			t.Errorf("%s: ParseJWK = %v, %v, want an error", name, k, err)
		}
	}
	for name, pem := range map[string]string{
		"empty":        "",
		"another type": "-----BEGIN X-----\nAAAA\n-----END X-----\n",
		"garbage":      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"garbage RSA":  "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
		"garbage EC":   "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
		"over 64 KiB":  strings.Repeat("x", 65<<10),
	} {
		if k, err := jose.ParsePEM("", []byte(pem), ""); err == nil || k != nil {
			t.Errorf("%s: ParsePEM = %v, %v, want an error", name, k, err)
		}
		public := strings.ReplaceAll(pem, "PRIVATE", "PUBLIC")
		if k, err := jose.ParsePublicPEM("", []byte(public), ""); err == nil || k != nil {
			t.Errorf("%s: ParsePublicPEM = %v, %v, want an error", name, k, err)
		}
	}
}

func TestKeyShowsNoSecret(t *testing.T) {
	t.Parallel()
	k, err := jose.ParseJWK([]byte(edPrivate))
	if err != nil {
		t.Fatal(err)
	}
	ring := jose.RingOf(k)
	const d = "nWGxne" // of the private half, as text
	seed := "[157 97 177"
	marshalled, err := json.Marshal(struct {
		Key  *jose.Key
		Ring jose.Ring
	}{k, ring})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(marshalled), k.String(), fmt.Sprintf("%v %+v %#v %s", k, k, k, k), fmt.Sprintf("%v %+v %s", ring, ring, ring), fmt.Sprintf("%#v", ring)} {
		if strings.Contains(text, d) || strings.Contains(text, seed) || strings.Contains(text, "0x9d, 0x61") {
			t.Errorf("%s shows the private key", text)
		}
	}
}

func signer(t *testing.T, pem []byte) crypto.Signer {
	t.Helper()
	key, err := parsePKCS8(pem)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
