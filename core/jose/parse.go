package jose

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	jose "github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
)

// maxKey bounds a single key from outside, in bytes; a certificate chain may be in it.
const maxKey = 64 << 10

// jwkHints are the members of a JWK that say what it may be used for.
type jwkHints struct {
	Ops []string            `json:"key_ops"`
	D   josejson.RawMessage `json:"d"`
	P   josejson.RawMessage `json:"p"`
	Q   josejson.RawMessage `json:"q"`
	K   josejson.RawMessage `json:"k"`

	Issuer josejson.RawMessage `json:"issuer"`
}

// secret reports whether there is a member that no public key has, whatever else is there.
func (h jwkHints) secret() bool { return h.D != nil || h.P != nil || h.Q != nil || h.K != nil }

func readJWK(data []byte) (*jose.JSONWebKey, jwkHints, error) {
	var hints jwkHints
	if len(data) > maxKey {
		return nil, hints, fmt.Errorf("jose: JWK has %d bytes, want at most %d", len(data), maxKey)
	}
	if err := josejson.Unmarshal(data, &hints); err != nil {
		return nil, hints, fmt.Errorf("jose: JWK: %w", err)
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(data); err != nil {
		return nil, hints, fmt.Errorf("jose: JWK: %w", err)
	}
	if jwk.Use != "" && jwk.Use != "sig" {
		return nil, hints, fmt.Errorf(`jose: JWK has the use %q, want "sig"`, jwk.Use)
	}
	return &jwk, hints, nil
}

// ParsePublicJWK reads a public key from a JWK (RFC 7517). A private or symmetric one is an error, as is one that
// is not for signatures, or that [NewPublicKey] refuses.
func ParsePublicJWK(data []byte) (*PublicKey, error) {
	jwk, hints, err := readJWK(data)
	if err != nil {
		return nil, err
	}
	if hints.secret() || !jwk.IsPublic() {
		return nil, errors.New("jose: JWK is not a public key")
	}
	if hints.Ops != nil && !slices.Contains(hints.Ops, "verify") {
		return nil, errors.New(`jose: JWK has key_ops without "verify"`)
	}
	k, err := NewPublicKey(Alg(jwk.Algorithm), jwk.Key, jwk.KeyID)
	if err == nil {
		k.issuer, _ = Text(string(hints.Issuer)) // nobody has to say it, and in no standard
	}
	return k, err
}

// ParseJWK reads a private key from a JWK. Where the JWK has no "alg" it is ES256, ES384 or ES512 by the
// curve, EdDSA, or RS256.
func ParseJWK(data []byte) (*Key, error) {
	jwk, hints, err := readJWK(data)
	if err != nil {
		return nil, err
	}
	signer, ok := jwk.Key.(crypto.Signer)
	if !ok {
		return nil, errors.New("jose: JWK is not a private key")
	}
	if hints.Ops != nil && !slices.Contains(hints.Ops, "sign") {
		return nil, errors.New(`jose: JWK has key_ops without "sign"`)
	}
	alg := Alg(jwk.Algorithm)
	if alg == "" {
		alg = natural(signer.Public())
	}
	return NewKey(alg, signer, jwk.KeyID)
}

// MarshalJWK returns the private key as a JWK: keep it secret. A key in a KMS is an error.
func (k *Key) MarshalJWK() ([]byte, error) {
	data, err := jose.JSONWebKey{Key: k.signer, KeyID: k.public.id, Algorithm: string(k.public.alg), Use: "sig"}.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("jose: marshal %s: %w", k, err)
	}
	return data, nil
}

// ParsePEM reads a private key for alg from PEM: PKCS #8, or the older forms "RSA PRIVATE KEY" and "EC PRIVATE
// KEY". Blocks of other kinds before it are passed over. An empty alg means what [ParseJWK] takes, an
// empty kid the thumbprint.
func ParsePEM(alg Alg, data []byte, kid string) (*Key, error) {
	block, err := pemBlock(data, "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	var key any
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("jose: PEM: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("jose: PEM: a %T does not sign", key)
	}
	if alg == "" {
		alg = natural(signer.Public())
	}
	return NewKey(alg, signer, kid)
}

// MarshalPEM returns the private key as PKCS #8 in PEM: keep it secret. A key in a KMS is an error.
func (k *Key) MarshalPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.signer)
	if err != nil {
		return nil, fmt.Errorf("jose: marshal %s: %w", k, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParsePublicPEM reads a public key from PEM: "PUBLIC KEY", or the key of a "CERTIFICATE", whose validity is not
// looked at. An empty alg means every algorithm that fits, an empty kid the thumbprint.
func ParsePublicPEM(alg Alg, data []byte, kid string) (*PublicKey, error) {
	block, err := pemBlock(data, "PUBLIC KEY", "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	var key any
	if block.Type == "CERTIFICATE" {
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = cert.PublicKey
		}
	} else {
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("jose: PEM: %w", err)
	}
	return NewPublicKey(alg, key, kid)
}

// MarshalPEM returns the key as "PUBLIC KEY" in PEM.
func (k *PublicKey) MarshalPEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k.key)
	if err != nil {
		return nil, fmt.Errorf("jose: marshal key %s: %w", k.id, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// pemBlock returns the first block of one of the types.
func pemBlock(data []byte, types ...string) (*pem.Block, error) {
	if len(data) > maxKey {
		return nil, fmt.Errorf("jose: PEM has %d bytes, want at most %d", len(data), maxKey)
	}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("jose: PEM has no block of type %q", types)
		}
		if slices.Contains(types, block.Type) {
			return block, nil
		}
	}
}

var _ json.Marshaler = (*PublicKey)(nil)
