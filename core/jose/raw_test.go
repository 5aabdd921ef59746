package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/go-mandate/mandate/core/jose"
)

// rawSign signs message with ES256 as it is, whatever stands in it.
func rawSign(jwk []byte, alg jose.Alg, message []byte) ([]byte, error) {
	var k gojose.JSONWebKey
	if err := k.UnmarshalJSON(jwk); err != nil {
		return nil, err
	}
	key, ok := k.Key.(*ecdsa.PrivateKey)
	if !ok || alg != jose.ES256 {
		return nil, errors.New("only ES256")
	}
	sum := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return nil, err
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return sig, nil
}

// kms hides that it is a key in memory.
type kms struct{ crypto.Signer }

func parsePKCS8(data []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return key.(crypto.Signer), nil
}
