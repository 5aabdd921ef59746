package oauth1

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
)

// Method is a signature method (RFC 5849, section 3.4). Those of this package are [HMACSHA1] and its siblings; an application
// may have its own. Implementations may be used by any number of goroutines.
type Method interface {
	// Name is the value of oauth_signature_method.
	Name() string

	// Sign returns the value of oauth_signature for a base string, not yet percent-encoded. An error means that the
	// keys do not fit the method.
	Sign(base string, k *Keys) (string, error)

	// Verify returns nil if signature is that of the base string. [ErrSignature] means that it is not, any other
	// error that the keys do not fit the method. Comparing takes the same time wherever the signatures part.
	Verify(base, signature string, k *Keys) error
}

// ErrSignature is what [Method.Verify] returns for a signature that is not the one of the base string.
var ErrSignature = errors.New("oauth1: the signature does not fit the base string")

// Keys are what a request is signed and verified with. Which of them a method needs is its own: HMAC and PLAINTEXT the two
// secrets, RSA a key of the client and no secret at all.
type Keys struct {
	ClientSecret string           // the consumer secret
	TokenSecret  string           // "" without a token
	Private      crypto.Signer    // of the client, to sign
	Public       crypto.PublicKey // of the client, to verify
}

// Standard is a signature method of this package, by the name that it has on the wire. The zero value is none.
type Standard string

// The signature methods. HMAC-SHA1, RSA-SHA1 and PLAINTEXT are those of RFC 5849; the others follow them with another
// hash function. PLAINTEXT sends the secrets themselves, and is for https alone.
const (
	HMACSHA1   Standard = "HMAC-SHA1" // RFC 5849, section 3.4.2
	HMACSHA256 Standard = "HMAC-SHA256"
	HMACSHA512 Standard = "HMAC-SHA512"
	RSASHA1    Standard = "RSA-SHA1" // RFC 5849, section 3.4.3
	RSASHA256  Standard = "RSA-SHA256"
	RSASHA512  Standard = "RSA-SHA512"
	Plaintext  Standard = "PLAINTEXT" // RFC 5849, section 3.4.4
)

var _ Method = Standard("")

// Name returns the name of the method on the wire.
func (s Standard) Name() string { return string(s) }

// hash returns the method's hash function, or 0.
func (s Standard) hash() crypto.Hash {
	switch s {
	case HMACSHA1, RSASHA1:
		return crypto.SHA1
	case HMACSHA256, RSASHA256:
		return crypto.SHA256
	case HMACSHA512, RSASHA512:
		return crypto.SHA512
	case Plaintext:
	}
	return 0
}

// Sign implements [Method].
func (s Standard) Sign(base string, k *Keys) (string, error) {
	switch s {
	case HMACSHA1, HMACSHA256, HMACSHA512:
		var room [maxMAC]byte
		return string(appendMAC(room[:0], s.hash(), base, k)), nil
	case RSASHA1, RSASHA256, RSASHA512:
		if _, ok := publicOf(k.Private).(*rsa.PublicKey); !ok {
			return "", fmt.Errorf("oauth1: %s signs with an RSA key, and Keys.Private is %T", s, k.Private)
		}
		signature, err := k.Private.Sign(rand.Reader, digest(s.hash(), base), s.hash())
		if err != nil {
			return "", fmt.Errorf("oauth1: sign with RSA: %w", err)
		}
		return base64.StdEncoding.EncodeToString(signature), nil
	case Plaintext:
		return string(appendSecrets(nil, k)), nil
	}
	return "", s.unknown()
}

// Verify implements [Method]. HMAC and PLAINTEXT sign and compare.
func (s Standard) Verify(base, signature string, k *Keys) error {
	var room [maxMAC]byte
	var want []byte
	switch s {
	case HMACSHA1, HMACSHA256, HMACSHA512:
		want = appendMAC(room[:0], s.hash(), base, k)
	case Plaintext:
		want = appendSecrets(room[:0], k)
	case RSASHA1, RSASHA256, RSASHA512:
		public, ok := k.Public.(*rsa.PublicKey)
		if !ok || public == nil {
			return fmt.Errorf("oauth1: %s verifies with an *rsa.PublicKey, and Keys.Public is %T", s, k.Public)
		}
		got, err := base64.StdEncoding.Strict().DecodeString(signature)
		if err != nil || rsa.VerifyPKCS1v15(public, s.hash(), digest(s.hash(), base), got) != nil {
			return ErrSignature
		}
		return nil
	default:
		return s.unknown()
	}
	if subtle.ConstantTimeCompare(want, bytes(signature)) != 1 {
		return ErrSignature
	}
	return nil
}

func (s Standard) unknown() error {
	return fmt.Errorf("oauth1: there is no signature method %q: use one of this package's constants, or a Method of your own", string(s))
}

// publicOf returns the public half of a key, or nil.
func publicOf(key crypto.Signer) crypto.PublicKey {
	if key == nil {
		return nil
	}
	return key.Public()
}
