package jose_test

import (
	"encoding/json"
	"errors"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/go-mandate/mandate/core/jose"
)

// FuzzVerify holds Verify against go-jose: what this package believes, go-jose must believe too.
func FuzzVerify(f *testing.F) {
	for _, seed := range []string{
		"", "..", rs256Token, es256Token, edToken, hs256Token, "eyJhbGciOiJub25lIn0.e30.", es256Token + ".", es256Token + "=",
		"eyJhbGciOiJFUzI1NiIsImNyaXQiOlsiYiJdfQ.e30.AAAA", "eyJhbGciOiJFUzI1NiIsImp3ayI6e319.e30.AAAA", "bnVsbA.e30.AAAA",
	} {
		f.Add(seed)
	}
	keys := map[jose.Alg]*jose.PublicKey{}
	var list []*jose.PublicKey
	for alg, jwk := range map[jose.Alg]string{jose.RS256: rs256Key, jose.ES256: es256Key, jose.EdDSA: edKey} {
		keys[alg] = publicKey(f, jwk)
		list = append(list, keys[alg])
	}
	set := jose.NewKeySet(list...)
	allowed := []jose.Alg{jose.RS256, jose.ES256, jose.EdDSA}
	f.Fuzz(func(t *testing.T, token string) {
		_, said, unverified := jose.Unverified(token)
		if _, _, _, err := jose.VerifyEmbedded(token, jose.Asymmetric()); err != nil && !errors.Is(err, jose.ErrInvalid) {
			t.Errorf("VerifyEmbedded: %v, want ErrInvalid", err)
		}
		h, payload, err := jose.Verify(token, set, allowed)
		if err != nil {
			if !errors.Is(err, jose.ErrInvalid) || payload != nil {
				t.Errorf("Verify = %q, %v, want ErrInvalid alone", payload, err)
			}
			return
		}
		if unverified != nil || string(said) != string(payload) {
			t.Errorf("Unverified = %q, %v, Verify = %q", said, unverified, payload)
		}
		obj, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(h.Alg)})
		if err != nil {
			t.Fatalf("go-jose does not parse it: %v", err)
		}
		other, err := obj.Verify(keys[h.Alg].Key())
		if err != nil || string(other) != string(payload) {
			t.Errorf("go-jose = %q, %v, Verify = %q", other, err, payload)
		}
	})
}

func FuzzClaims(f *testing.F) {
	for _, seed := range []string{`{}`, joeJSON, `{"aud":["a",null],"exp":1e400}`, `{"exp":1.5,"nbf":-1,"iat":"x"}`, `{"iss":"\ud800"}`, "null"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := jose.ParseClaims(payload)
		if err != nil {
			if !errors.Is(err, jose.ErrInvalid) || c != nil {
				t.Errorf("ParseClaims = %v, %v, want ErrInvalid alone", c, err)
			}
			return
		}
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("claims that were read cannot be written: %v", err)
		}
		again, err := jose.ParseClaims(data)
		if len(data) > jose.MaxSize { // escapes made it longer
			return
		}
		if err != nil || again.Issuer != c.Issuer || again.Subject != c.Subject || again.Expires.Unix() != c.Expires.Unix() && !c.Expires.IsZero() {
			t.Errorf("read again: %+v, %v, want %+v", again, err, c)
		}
	})
}

func FuzzKeySet(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"keys":[]}`, `{"keys":null}`, `{"keys":[` + es256Key + `,` + rs256Key + `,` + edKey + `]}`,
		`{"keys":[` + es256Private + `,{"kty":"oct","k":"AA"},{"kty":"EC"},1]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := jose.ParseKeySet(data)
		if err != nil {
			return
		}
		out, err := json.Marshal(set)
		if err != nil {
			t.Fatalf("a set that was read cannot be written: %v", err)
		}
		again, err := jose.ParseKeySet(out)
		if err != nil || again.Len() != set.Len() {
			t.Errorf("read again: %v, %v, want %d keys", again, err, set.Len())
		}
	})
}

func FuzzParseKey(f *testing.F) {
	pem, err := newKey(f, jose.ES256).MarshalPEM()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{es256Private, edPrivate, es256Key, rs256Key, edKey, `{"kty":"oct","k":"AA"}`, string(pem), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := jose.ParsePublicJWK(data); err == nil {
			if _, err := k.MarshalJSON(); err != nil {
				t.Errorf("a public JWK that was read cannot be written: %v", err)
			}
		}
		if k, err := jose.ParsePublicPEM("", data, ""); err == nil {
			if _, err := k.MarshalPEM(); err != nil {
				t.Errorf("a public PEM that was read cannot be written: %v", err)
			}
		}
		for _, parse := range []func() (*jose.Key, error){
			func() (*jose.Key, error) { return jose.ParseJWK(data) },
			func() (*jose.Key, error) { return jose.ParsePEM("", data, "") },
		} {
			k, err := parse()
			if err != nil {
				continue
			}
			token, err := jose.Sign(k, "", []byte("{}"))
			if err != nil {
				t.Fatalf("a key that was read does not sign: %v", err)
			}
			if _, _, err := jose.Verify(token, jose.NewKeySet(k.Public()), []jose.Alg{k.Alg()}); err != nil {
				t.Errorf("a key that was read does not verify: %v", err)
			}
		}
	})
}
