package oauth1

import (
	"crypto"
	"crypto/sha1" // #nosec G505 -- RFC 5849 is built on it; HMAC asks for no collision resistance
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"unsafe"
)

// maxMAC is the length of the longest HMAC, in base64.
const maxMAC = (sha512.Size + 2) / 3 * 4

// bytes returns the bytes of s, which nobody may change.
func bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) } // #nosec G103 -- read only, and not kept

// digest returns the hash of s.
func digest(h crypto.Hash, s string) []byte { return appendDigest(nil, h, bytes(s)) }

// appendDigest appends the hash of b.
func appendDigest(dst []byte, h crypto.Hash, b []byte) []byte {
	switch h {
	case crypto.SHA256:
		sum := sha256.Sum256(b)
		return append(dst, sum[:]...)
	case crypto.SHA512:
		sum := sha512.Sum512(b)
		return append(dst, sum[:]...)
	default:
		sum := sha1.Sum(b) // #nosec G401 -- as above
		return append(dst, sum[:]...)
	}
}

// appendSecrets appends the key of HMAC, which is the signature of PLAINTEXT: the secrets, encoded and joined (RFC 5849,
// sections 3.4.2 and 3.4.4).
func appendSecrets(dst []byte, k *Keys) []byte {
	dst = append(appendEscaped(dst, k.ClientSecret), '&')
	return appendEscaped(dst, k.TokenSecret)
}

// appendMAC appends the HMAC of base, in base64. It is HMAC (RFC 2104) over whole messages: the one of crypto/hmac takes seven
// allocations to make, which is most of what signing a request would cost.
func appendMAC(dst []byte, h crypto.Hash, base string, k *Keys) []byte {
	block := 64
	if h == crypto.SHA512 {
		block = 128
	}
	var filled [256]byte // the key, up to a block with zeros
	if key := appendSecrets(filled[:0], k); len(key) > block {
		sum := appendDigest(nil, h, key)
		clear(filled[copy(filled[:], sum):])
	}
	key := filled[:block]

	var room [1024]byte
	inner := room[:0]
	if block+len(base) > len(room) {
		inner = make([]byte, 0, block+len(base))
	}
	inner = append(appendPad(inner, key, 0x3636363636363636), base...)

	var outerRoom [128 + sha512.Size]byte
	outer := appendDigest(appendPad(outerRoom[:0], key, 0x5c5c5c5c5c5c5c5c), h, inner)
	var sum [sha512.Size]byte
	return base64.StdEncoding.AppendEncode(dst, appendDigest(sum[:0], h, outer))
}

// appendPad appends the key, which is a block, every eight bytes of it changed by pad.
func appendPad(dst, key []byte, pad uint64) []byte {
	for ; len(key) >= 8; key = key[8:] {
		dst = binary.NativeEndian.AppendUint64(dst, binary.NativeEndian.Uint64(key)^pad)
	}
	return dst
}
