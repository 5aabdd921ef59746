package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"slices"

	jose "github.com/go-jose/go-jose/v4"
)

// maxKeyID bounds a "kid", in bytes.
const maxKeyID = 256

// PublicKey verifies. It does not change.
type PublicKey struct {
	id    string
	alg   Alg // empty: any that fits
	key   crypto.PublicKey
	print [32]byte

	issuer string
}

// NewPublicKey returns key for alg. An empty alg means every algorithm that fits the key, an empty kid
// the key's thumbprint (RFC 7638). See [NewKey] for what does not fit.
func NewPublicKey(alg Alg, key crypto.PublicKey, kid string) (*PublicKey, error) {
	if len(kid) > maxKeyID {
		return nil, fmt.Errorf("jose: kid has %d bytes, want at most %d", len(kid), maxKeyID)
	}
	fit := alg
	if alg == "" {
		fit = natural(key)
	}
	if err := fit.fits(key); err != nil {
		return nil, err
	}
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("jose: thumbprint: %w", err)
	}
	k := &PublicKey{id: kid, alg: alg, key: key, print: [32]byte(sum)}
	if kid == "" {
		k.id = k.Thumbprint()
	}
	return k, nil
}

// natural returns an algorithm that a key of this type and curve can have.
func natural(key crypto.PublicKey) Alg {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return RS256
	case *ecdsa.PublicKey:
		for _, alg := range []Alg{ES256, ES384, ES512} {
			if key != nil && key.Curve == alg.curve() {
				return alg
			}
		}
		return ES256
	default:
		return EdDSA
	}
}

// ID returns the key's "kid".
func (k *PublicKey) ID() string { return k.id }

// Issuer returns what the member "issuer" of the JWK says, or "": whose tokens the key signs, in a key set that several issuers have together, as
// Microsoft's tenants do. {tenantid} in it stands for any of them.
func (k *PublicKey) Issuer() string { return k.issuer }

// Alg returns the one algorithm that the key may be used with, or "" for any that fits it.
func (k *PublicKey) Alg() Alg { return k.alg }

// Thumbprint returns the key's thumbprint with SHA-256, in base64url (RFC 7638).
func (k *PublicKey) Thumbprint() string { return base64.RawURLEncoding.EncodeToString(k.print[:]) }

// Key returns the key itself: a *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey. Nobody may change it.
func (k *PublicKey) Key() crypto.PublicKey { return k.key }

// Fits reports whether the key may be used with alg.
func (k *PublicKey) Fits(alg Alg) bool {
	if k.alg != "" {
		return k.alg == alg
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		return alg.family() == familyRSA || alg.family() == familyPSS
	case *ecdsa.PublicKey:
		return alg.family() == familyEC && alg.curve() == key.Curve
	default:
		return alg == EdDSA
	}
}

// MarshalJSON returns the key as a JWK with "use": "sig" (RFC 7517).
func (k *PublicKey) MarshalJSON() ([]byte, error) {
	return jose.JSONWebKey{Key: k.key, KeyID: k.id, Algorithm: string(k.alg), Use: "sig"}.MarshalJSON()
}

// bare returns the key as a JWK of nothing but what makes the key.
func (k *PublicKey) bare() ([]byte, error) { return jose.JSONWebKey{Key: k.key}.MarshalJSON() }

func (k *PublicKey) equal(other *PublicKey) bool {
	return k.id == other.id && k.alg == other.alg && k.print == other.print && k.issuer == other.issuer
}

// verify reports whether sig is the key's signature of message.
func (k *PublicKey) verify(alg Alg, message, sig []byte) bool {
	if !k.Fits(alg) {
		return false
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		if alg.family() == familyPSS { // any salt: not all that sign keep to the length of RFC 7518
			return rsa.VerifyPSS(key, alg.hash(), alg.digest(message), sig, nil) == nil
		}
		return rsa.VerifyPKCS1v15(key, alg.hash(), alg.digest(message), sig) == nil
	case *ecdsa.PublicKey:
		var buffer [maxASN1]byte
		der, ok := asn1Signature(buffer[:0], sig, coordinate(alg))
		return ok && ecdsa.VerifyASN1(key, alg.digest(message), der)
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, sig)
	default:
		return false
	}
}

// maxASN1 is the length of the longest signature in ASN.1, that of ES512: the sequence, and two numbers of 66 bytes.
const maxASN1 = 3 + 2*(2+66)

// asn1Signature appends to into what the standard library wants for sig, the form of RFC 7518, section 3.4. It reports whether sig
// has the right length.
func asn1Signature(into, sig []byte, size int) ([]byte, bool) {
	if len(sig) != 2*size {
		return nil, false
	}
	r, s := trimNumber(sig[:size]), trimNumber(sig[size:])
	length := 4 + len(r) + len(s) + int(r[0]>>7) + int(s[0]>>7)
	if into = append(into, 0x30); length > 127 {
		into = append(into, 0x81)
	}
	into = append(into, byte(length)) // #nosec G115 -- at most 138
	for _, n := range [...][]byte{r, s} {
		sign := n[0] >> 7                            // a number whose highest bit is set would be less than zero
		into = append(into, 0x02, byte(len(n))+sign) // #nosec G115 -- at most 67
		if sign != 0 {
			into = append(into, 0)
		}
		into = append(into, n...)
	}
	return into, true
}

// trimNumber returns n without the zeros in front, but never nothing.
func trimNumber(n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	return n
}

// allows reports whether alg is in the list.
func allows(list []Alg, alg Alg) bool { return alg != "" && slices.Contains(list, alg) }
