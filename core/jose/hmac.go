package jose

import (
	"crypto/hmac"
	"crypto/subtle"
	"fmt"
)

// SignHMAC is [Sign] with a shared secret: alg is HS256, HS384 or HS512, and the secret at least as long as its hash
// (32, 48, 64 bytes; RFC 7518, section 3.2).
func SignHMAC(alg Alg, secret []byte, typ string, claims any) (string, error) {
	if err := secretFits(alg, secret); err != nil {
		return "", err
	}
	payload, err := payloadOf(claims)
	if err != nil {
		return "", err
	}
	head, err := headOf(`{"alg":"`+string(alg)+`"`, typ)
	if err != nil {
		return "", err
	}
	return seal(head, payload, alg.hash().Size(), func(message []byte) ([]byte, error) { return mac(alg, secret, message), nil })
}

// VerifyHMAC is [Verify] with a shared secret. Algorithms of public keys are never allowed, nor those that
// the secret is too short for. The token's "kid" means nothing.
func VerifyHMAC(token string, secret []byte, allowed []Alg) (Header, []byte, error) {
	p, err := split(token)
	if err != nil {
		return Header{}, nil, err
	}
	full, err := p.header()
	if err != nil {
		return Header{}, nil, err
	}
	h := full.Header
	if !allows(allowed, h.Alg) {
		return Header{}, nil, fmt.Errorf("%w: algorithm %.20q is not allowed", ErrInvalid, string(h.Alg))
	}
	if err := secretFits(h.Alg, secret); err != nil {
		return Header{}, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if subtle.ConstantTimeCompare(mac(h.Alg, secret, p.message), p.sig) != 1 {
		return Header{}, nil, fmt.Errorf("%w: signature does not match", ErrInvalid)
	}
	return p.open(h)
}

func secretFits(alg Alg, secret []byte) error {
	if !alg.Symmetric() {
		return fmt.Errorf("jose: %.20q is not an algorithm of shared secrets", string(alg))
	}
	if want := alg.hash().Size(); len(secret) < want {
		return fmt.Errorf("jose: secret for %s has %d bytes, want at least %d", alg, len(secret), want)
	}
	return nil
}

func mac(alg Alg, secret, message []byte) []byte {
	m := hmac.New(alg.hash().New, secret)
	m.Write(message)
	return m.Sum(nil)
}
