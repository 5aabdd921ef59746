package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
)

// Alg is a signature algorithm by its registered name (RFC 7518, section 3.1; RFC 8037).
type Alg string

// The algorithms of public keys.
const (
	RS256 Alg = "RS256"
	RS384 Alg = "RS384"
	RS512 Alg = "RS512"
	PS256 Alg = "PS256"
	PS384 Alg = "PS384"
	PS512 Alg = "PS512"
	ES256 Alg = "ES256"
	ES384 Alg = "ES384"
	ES512 Alg = "ES512"
	EdDSA Alg = "EdDSA" // with Ed25519
)

// The algorithms of shared secrets, for [SignHMAC] and [VerifyHMAC] alone.
const (
	HS256 Alg = "HS256"
	HS384 Alg = "HS384"
	HS512 Alg = "HS512"
)

// The bounds of RSA keys, in bits: RFC 7518 asks for the lower one, the higher one bounds the work that
// a stranger's key can cause.
const minRSA, maxRSA = 2048, 4096

// Asymmetric returns all algorithms of public keys, the preferred ones first.
func Asymmetric() []Alg {
	return []Alg{ES256, EdDSA, PS256, RS256, ES384, ES512, PS384, PS512, RS384, RS512}
}

// Symmetric reports whether a is an algorithm of shared secrets.
func (a Alg) Symmetric() bool { return a == HS256 || a == HS384 || a == HS512 }

// Known reports whether this package can use a.
func (a Alg) Known() bool { return a.Symmetric() || a.family() != noFamily }

type family int

const (
	noFamily family = iota
	familyRSA
	familyPSS
	familyEC
	familyEd
)

func (a Alg) family() family {
	switch a {
	case RS256, RS384, RS512:
		return familyRSA
	case PS256, PS384, PS512:
		return familyPSS
	case ES256, ES384, ES512:
		return familyEC
	case EdDSA:
		return familyEd
	default:
		return noFamily
	}
}

// hash returns the hash function of a; 0 for EdDSA, which signs the message itself.
func (a Alg) hash() crypto.Hash {
	switch a {
	case RS256, PS256, ES256, HS256:
		return crypto.SHA256
	case RS384, PS384, ES384, HS384:
		return crypto.SHA384
	case RS512, PS512, ES512, HS512:
		return crypto.SHA512
	default:
		return 0
	}
}

// digest returns what a signs of message.
func (a Alg) digest(message []byte) []byte {
	switch a.hash() {
	case crypto.SHA256:
		sum := sha256.Sum256(message)
		return sum[:]
	case crypto.SHA384:
		sum := sha512.Sum384(message)
		return sum[:]
	case crypto.SHA512:
		sum := sha512.Sum512(message)
		return sum[:]
	default:
		return message
	}
}

func (a Alg) curve() elliptic.Curve {
	switch a {
	case ES256:
		return elliptic.P256()
	case ES384:
		return elliptic.P384()
	case ES512:
		return elliptic.P521()
	default:
		return nil
	}
}

// fits returns an error that says why key is not one for a.
func (a Alg) fits(key crypto.PublicKey) error {
	family := a.family()
	switch key := key.(type) {
	case *rsa.PublicKey:
		if family != familyRSA && family != familyPSS {
			break
		}
		if key == nil || key.N == nil {
			return fmt.Errorf("jose: RSA key for %s is empty", a)
		}
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			return fmt.Errorf("jose: RSA key for %s has %d bits, want %d to %d", a, bits, minRSA, maxRSA)
		}
		if key.E < 3 || key.E&1 == 0 {
			return fmt.Errorf("jose: RSA key for %s has the exponent %d, want an odd one from 3", a, key.E)
		}
		return nil
	case *ecdsa.PublicKey:
		if family != familyEC {
			break
		}
		if key == nil || key.Curve == nil {
			return fmt.Errorf("jose: EC key for %s is empty", a)
		}
		if key.Curve != a.curve() {
			return fmt.Errorf("jose: key for %s is on curve %s, want %s", a, key.Params().Name, a.curve().Params().Name)
		}
		if _, err := key.ECDH(); err != nil {
			return fmt.Errorf("jose: key for %s: %w", a, err)
		}
		return nil
	case ed25519.PublicKey:
		if family != familyEd {
			break
		}
		if len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("jose: Ed25519 key has %d bytes, want %d", len(key), ed25519.PublicKeySize)
		}
		return nil
	}
	if family == noFamily {
		return fmt.Errorf("jose: %q is not an algorithm of public keys", string(a))
	}
	return fmt.Errorf("jose: a %T cannot be used with %s", key, a)
}
