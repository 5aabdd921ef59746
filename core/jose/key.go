package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"sync/atomic"
	"unsafe"
)

// Key is a private key that signs with one algorithm. It does not change. Printing or marshalling one
// shows no secret.
type Key struct {
	signer crypto.Signer
	public *PublicKey
	head   string // JSON of the header, up to "typ"
	size   int    // of a signature
	last   atomic.Pointer[heading]
}

// heading is the header of the type of token that a key signed last, encoded, with the dot behind it: most keys sign one type.
type heading struct{ typ, text string }

// Generate returns a new key for alg, which must not be symmetric. RSA keys have 2048 bits.
func Generate(alg Alg) (*Key, error) {
	var signer crypto.Signer
	var err error
	switch alg.family() {
	case familyRSA, familyPSS:
		signer, err = rsa.GenerateKey(rand.Reader, minRSA)
	case familyEC:
		signer, err = ecdsa.GenerateKey(alg.curve(), rand.Reader)
	case familyEd:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, fmt.Errorf("jose: cannot generate a key for %q: not an algorithm of public keys", string(alg))
	}
	if err != nil {
		return nil, fmt.Errorf("jose: generate a key for %s: %w", alg, err)
	}
	return NewKey(alg, signer, "")
}

// NewKey returns the key of signer, which may be a key in memory or one in a KMS or HSM, for alg. An
// empty kid means the key's thumbprint (RFC 7638). A key that does not fit alg is an error: RSA keys
// have 2048 to 4096 bits, EC keys the curve of the algorithm. The signer must be safe for concurrent use.
func NewKey(alg Alg, signer crypto.Signer, kid string) (*Key, error) {
	if signer == nil {
		return nil, errors.New("jose: signer is nil")
	}
	public, err := NewPublicKey(alg, signer.Public(), kid)
	if err != nil {
		return nil, err
	}
	id, err := json.Marshal(public.id)
	if err != nil {
		return nil, fmt.Errorf("jose: kid %q: %w", public.id, err)
	}
	k := &Key{signer: signer, public: public, head: `{"alg":"` + string(alg) + `","kid":` + string(id)}
	switch key := signer.Public().(type) {
	case *rsa.PublicKey:
		k.size = key.Size()
	case ed25519.PublicKey:
		k.size = ed25519.SignatureSize
	default:
		k.size = 2 * coordinate(alg)
	}
	return k, nil
}

// ID returns the key's "kid".
func (k *Key) ID() string { return k.public.id }

// Alg returns the algorithm that the key signs with.
func (k *Key) Alg() Alg { return k.public.alg }

// Public returns the public half.
func (k *Key) Public() *PublicKey { return k.public }

// String shows the key's ID and algorithm.
func (k *Key) String() string { return "key " + k.public.id + " (" + string(k.public.alg) + ")" }

// GoString is String: printing with %#v leaks nothing either.
func (k *Key) GoString() string { return k.String() }

// Sign returns a JWS in compact form (RFC 7515, section 7.1) with a header of "alg", "kid" and, if typ is
// not empty, "typ". Claims that are a []byte or [json.RawMessage] are signed as they are; all others are
// marshalled to JSON. An error means that they cannot be, or that the signer failed.
func Sign(k *Key, typ string, claims any) (string, error) {
	payload, err := payloadOf(claims)
	if err != nil {
		return "", err
	}
	last := k.last.Load()
	if last == nil || last.typ != typ {
		head, err := headOf(k.head, typ)
		if err != nil {
			return "", err
		}
		last = &heading{typ, head}
		k.last.Store(last)
	}
	return seal(last.text, payload, k.size, k.sign)
}

// SignEmbedded is [Sign] with the public key itself in the header, as "jwk", instead of its ID: for proofs of
// possession such as DPoP (RFC 9449, section 4.2).
func SignEmbedded(k *Key, typ string, claims any) (string, error) {
	payload, err := payloadOf(claims)
	if err != nil {
		return "", err
	}
	jwk, err := k.public.bare()
	if err != nil {
		return "", err
	}
	head, err := headOf(`{"alg":"`+string(k.public.alg)+`","jwk":`+string(jwk), typ)
	if err != nil {
		return "", err
	}
	return seal(head, payload, k.size, k.sign)
}

func payloadOf(claims any) ([]byte, error) {
	switch claims := claims.(type) {
	case []byte:
		return claims, nil
	case json.RawMessage:
		return claims, nil
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("jose: marshal the claims: %w", err)
	}
	return payload, nil
}

// headOf ends the header that open begins, encodes it and adds the dot.
func headOf(open, typ string) (string, error) {
	head := open + "}"
	if typ != "" {
		name, err := json.Marshal(typ)
		if err != nil {
			return "", fmt.Errorf("jose: typ: %w", err)
		}
		head = open + `,"typ":` + string(name) + "}"
	}
	return base64.RawURLEncoding.EncodeToString([]byte(head)) + ".", nil
}

// seal joins head, payload and the signature of size bytes that sign makes of both.
func seal(head string, payload []byte, size int, sign func([]byte) ([]byte, error)) (string, error) {
	b64 := base64.RawURLEncoding
	out := make([]byte, 0, len(head)+b64.EncodedLen(len(payload))+1+b64.EncodedLen(size))
	out = b64.AppendEncode(append(out, head...), payload)
	sig, err := sign(out)
	if err != nil {
		return "", err
	}
	out = b64.AppendEncode(append(out, '.'), sig)
	return unsafe.String(unsafe.SliceData(out), len(out)), nil // #nosec G103 -- nobody writes to it again
}

func (k *Key) sign(message []byte) ([]byte, error) {
	alg := k.public.alg
	digest := alg.digest(message)
	if key, ok := k.signer.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		if err != nil {
			return nil, fmt.Errorf("jose: sign with %s: %w", alg, err)
		}
		return join(alg, r, s)
	}
	var opts crypto.SignerOpts = alg.hash()
	if alg.family() == familyPSS { // the salt is as long as the hash (RFC 7518, section 3.5)
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: alg.hash()}
	}
	sig, err := k.signer.Sign(rand.Reader, digest, opts)
	if err != nil {
		return nil, fmt.Errorf("jose: sign with %s: %w", alg, err)
	}
	if alg.family() != familyEC {
		return sig, nil
	}
	var parts struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(sig, &parts); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("jose: sign with %s: the signer's answer is not an ASN.1 signature", alg)
	}
	return join(alg, parts.R, parts.S)
}

// join returns r and s in the form of RFC 7518, section 3.4.
func join(alg Alg, r, s *big.Int) ([]byte, error) {
	size := coordinate(alg)
	if r.Sign() <= 0 || s.Sign() <= 0 || r.BitLen() > size*8 || s.BitLen() > size*8 {
		return nil, fmt.Errorf("jose: sign with %s: the signer's answer is out of range", alg)
	}
	sig := make([]byte, 2*size)
	r.FillBytes(sig[:size])
	s.FillBytes(sig[size:])
	return sig, nil
}

// coordinate returns the bytes of one half of a signature of alg.
func coordinate(alg Alg) int { return (alg.curve().Params().BitSize + 7) / 8 }
