package oauth1

import (
	"crypto"
	"crypto/subtle"
	"encoding/base64"
)

// BodyHash returns oauth_body_hash for a body that is no form: its hash in base64, by the hash function of
// the signature method; SHA-1 for one that has none (OAuth Request Body Hash, section 3).
func BodyHash(method Method, body string) string {
	return base64.StdEncoding.EncodeToString(digest(bodyHashOf(method.Name()), body))
}

func bodyHashOf(method string) crypto.Hash {
	if h := Standard(method).hash(); h != 0 {
		return h
	}
	return crypto.SHA1
}

// checkBody compares oauth_body_hash with the body, if it is there. SHA-1 is taken with every method, because there are clients
// that know no other.
func (m *Message) checkBody() error {
	if m.BodyHash == "" {
		return nil
	}
	if m.oversized {
		return rejected("oauth_body_hash", "the body is too large to be verified")
	}
	own := BodyHash(Standard(m.SignatureMethod), m.body)
	if subtle.ConstantTimeCompare([]byte(own), []byte(m.BodyHash)) == 1 ||
		subtle.ConstantTimeCompare([]byte(BodyHash(HMACSHA1, m.body)), []byte(m.BodyHash)) == 1 {
		return nil
	}
	return Errorf(SignatureInvalid, nil, "oauth_body_hash is not the hash of the body")
}
