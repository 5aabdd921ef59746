package jose_test

import (
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/go-mandate/mandate/core/jose"
)

const benchClaims = `{"iss":"https://id.example.com","sub":"user-1","aud":"https://api.example.com","exp":1700000600,"iat":1700000000,"jti":"abcdefgh","client_id":"web","scope":"read write"}`

func BenchmarkVerify(b *testing.B) {
	for _, alg := range []jose.Alg{jose.ES256, jose.RS256, jose.EdDSA} {
		k := newKey(b, alg)
		token := sign(b, k, "at+jwt", []byte(benchClaims))
		set := jose.NewKeySet(k.Public())
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := jose.Verify(token, set, []jose.Alg{alg}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+"/go-jose", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				obj, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(alg)})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := obj.Verify(k.Public().Key()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for _, alg := range []jose.Alg{jose.ES256, jose.RS256, jose.EdDSA} {
		k := newKey(b, alg)
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jose.Sign(k, "at+jwt", []byte(benchClaims)); err != nil {
					b.Fatal(err)
				}
			}
		})
		jwk, err := k.MarshalJWK()
		if err != nil {
			b.Fatal(err)
		}
		var key gojose.JSONWebKey
		if err := key.UnmarshalJSON(jwk); err != nil {
			b.Fatal(err)
		}
		signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(alg), Key: key}, (&gojose.SignerOptions{}).WithType("at+jwt"))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(alg)+"/go-jose", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				obj, err := signer.Sign([]byte(benchClaims))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := obj.CompactSerialize(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseClaims(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jose.ParseClaims([]byte(benchClaims)); err != nil {
			b.Fatal(err)
		}
	}
}
