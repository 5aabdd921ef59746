package jose

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"
)

// MaxSize is the largest token that is looked at, in bytes.
const MaxSize = 16 << 10

// ErrInvalid means that a token is not to be believed. What it wraps says why, for the log.
var ErrInvalid = errors.New("jose: token is invalid")

// ErrNoKey comes with [ErrInvalid] when the set has no key for the token: whoever holds a copy of a set
// may fetch it anew and try again.
var ErrNoKey = errors.New("the set has no such key")

// Header is what a token says of itself. After [Verify] it is authentic.
type Header struct {
	Alg   Alg
	KeyID string // "kid"
	Type  string // "typ", as it is written; see [Header.Is]
}

// Is reports whether the type is typ, whatever the case and whether or not "application/" is before it
// (RFC 7515, section 4.1.9).
func (h Header) Is(typ string) bool {
	return strings.EqualFold(bareType(h.Type), bareType(typ))
}

func bareType(typ string) string {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		return typ[len(prefix):]
	}
	return typ
}

// Verify returns header and payload of token, a JWS in compact form, provided that a key of the set has signed it
// with one of the allowed algorithms. An empty list allows nothing, and symmetric algorithms are never
// allowed. If the token names a key, no other is tried, and never more than eight. Tokens over [MaxSize], with "crit" or with an
// unencoded payload are invalid; keys in the header are not looked at. Every error is [ErrInvalid].
func Verify(token string, keys *KeySet, allowed []Alg) (Header, []byte, error) {
	h, _, payload, err := VerifyKey(token, keys, allowed)
	return h, payload, err
}

// maxTried bounds how many keys one token is tried with: a sender whose set has a hundred keys of P-521 without names, or all of one name, would
// have each of its tokens cost a tenth of a second.
const maxTried = 8

// VerifyKey is [Verify] for who also wants to know the key that signed, to forget what it signed when the set loses it
// ([KeySet.Has]).
func VerifyKey(token string, keys *KeySet, allowed []Alg) (Header, *PublicKey, []byte, error) {
	p, err := split(token)
	if err != nil {
		return Header{}, nil, nil, err
	}
	if keys != nil {
		if h := keys.heads.find(p.head); h != nil && allows(allowed, h.header.Alg) && h.key.verify(h.header.Alg, p.message, p.sig) {
			return p.opened(h.header, h.key)
		}
	}
	full, err := p.header()
	if err != nil {
		return Header{}, nil, nil, err
	}
	h := full.Header
	if !allows(allowed, h.Alg) || h.Alg.Symmetric() {
		return Header{}, nil, nil, fmt.Errorf("%w: algorithm %.20q is not allowed", ErrInvalid, string(h.Alg))
	}
	if keys.Key(h.Alg, h.KeyID) == nil {
		return Header{}, nil, nil, fmt.Errorf("%w: %w", ErrInvalid, ErrNoKey)
	}
	tried := 0
	for _, k := range keys.keys {
		if h.KeyID != "" && h.KeyID != k.id || !k.Fits(h.Alg) {
			continue
		}
		if tried++; tried > maxTried {
			return Header{}, nil, nil, fmt.Errorf("%w: none of %d keys that fit matches, and no more are tried: give each key a kid of its own, and name it", ErrInvalid, maxTried)
		}
		if k.verify(h.Alg, p.message, p.sig) {
			keys.heads.add(&head{p.head, h, k})
			return p.opened(h, k)
		}
	}
	return Header{}, nil, nil, fmt.Errorf("%w: signature does not match", ErrInvalid)
}

// VerifyEmbedded is [Verify] with the key that is in the token's own header, as "jwk". It proves that
// the sender has this key and nothing else: the caller compares [PublicKey.Thumbprint] with what it
// expects (RFC 9449, section 4.3).
func VerifyEmbedded(token string, allowed []Alg) (Header, *PublicKey, []byte, error) {
	p, err := split(token)
	if err != nil {
		return Header{}, nil, nil, err
	}
	full, err := p.header()
	if err != nil {
		return Header{}, nil, nil, err
	}
	h := full.Header
	if !allows(allowed, h.Alg) || h.Alg.Symmetric() {
		return Header{}, nil, nil, fmt.Errorf("%w: algorithm %.20q is not allowed", ErrInvalid, string(h.Alg))
	}
	k, err := ParsePublicJWK(full.jwk)
	if err != nil {
		return Header{}, nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if !k.verify(h.Alg, p.message, p.sig) {
		return Header{}, nil, nil, fmt.Errorf("%w: signature does not match", ErrInvalid)
	}
	return p.opened(h, k)
}

// Unverified returns what token says, which may be a lie: it is for choosing the keys to verify it
// with, and for nothing else. Every error is [ErrInvalid].
func Unverified(token string) (Header, []byte, error) {
	p, err := split(token)
	if err != nil {
		return Header{}, nil, err
	}
	full, err := p.header()
	if err != nil {
		return Header{}, nil, err
	}
	return p.open(full.Header)
}

// maxSig is the length of the longest signature, that of an RSA key, in base64url.
const maxSig = (maxRSA/8*4 + 2) / 3

// parts are the parts of a token.
type parts struct {
	head, payload string // in base64url
	message       []byte // head, ".", payload; read only
	sig           []byte
}

// split takes a token apart. Nothing is decoded but the signature.
func split(token string) (p parts, err error) {
	if len(token) > MaxSize {
		return p, fmt.Errorf("%w: %d bytes, want at most %d", ErrInvalid, len(token), MaxSize)
	}
	head, rest, ok := strings.Cut(token, ".")
	payload, sig, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 {
		return p, fmt.Errorf("%w: not three parts", ErrInvalid)
	}
	if len(sig) > maxSig {
		return p, fmt.Errorf("%w: signature has %d characters, want at most %d", ErrInvalid, len(sig), maxSig)
	}
	if p.sig, err = decode(sig); err != nil {
		return p, fmt.Errorf("%w: signature: %w", ErrInvalid, err)
	}
	p.head, p.payload = head, payload
	p.message = bytesOf(token[:len(head)+1+len(payload)])
	return p, nil
}

func bytesOf(s string) []byte {
	return unsafe.Slice(unsafe.StringData(s), len(s)) // #nosec G103 -- read only, and not kept
}

// open decodes the payload.
func (p parts) open(h Header) (Header, []byte, error) {
	payload, err := decode(p.payload)
	if err != nil {
		return Header{}, nil, fmt.Errorf("%w: payload: %w", ErrInvalid, err)
	}
	return h, payload, nil
}

// opened decodes the payload of a token that k has signed.
func (p parts) opened(h Header, k *PublicKey) (Header, *PublicKey, []byte, error) {
	h, payload, err := p.open(h)
	if err != nil {
		return h, nil, nil, err
	}
	return h, k, payload, nil
}

type fullHeader struct {
	Header

	jwk []byte
}

// header parses the header.
func (p parts) header() (h fullHeader, err error) {
	data, err := decode(p.head)
	if err != nil {
		return h, fmt.Errorf("%w: header: %w", ErrInvalid, err)
	}
	var buffer [8]Member
	members, err := ParseMembers(data, buffer[:0])
	if err != nil {
		return h, fmt.Errorf("header: %w", err)
	}
	for _, m := range members {
		ok := true
		switch m.Name {
		case "alg":
			var alg string
			alg, ok = textOrNull(m.Value)
			h.Alg = Alg(alg)
		case "kid":
			h.KeyID, ok = textOrNull(m.Value)
		case "typ":
			h.Type, ok = textOrNull(m.Value)
		case "jwk":
			h.jwk = bytesOf(m.Value)
		case "crit", "b64":
			return h, fmt.Errorf(`%w: header has "crit" or "b64", and no extension is understood`, ErrInvalid)
		}
		if !ok {
			return h, fmt.Errorf("%w: header: %q is not a string", ErrInvalid, m.Name)
		}
	}
	return h, nil
}

// textOrNull is Text, for which null is the empty string.
func textOrNull(value string) (string, bool) {
	if value == "null" {
		return "", true
	}
	return Text(value)
}

// heads remembers the headers of tokens that were verified, so that the next token with the same one
// needs no parsing. What a stranger made up is never in it.
type heads struct{ list atomic.Pointer[[]*head] }

type head struct {
	text   string
	header Header
	key    *PublicKey
}

// maxHeads bounds what is remembered: an issuer has few keys and few types of tokens.
const maxHeads = 16

func (s *heads) find(text string) *head {
	if list := s.list.Load(); list != nil {
		for _, h := range *list {
			if h.text == text {
				return h
			}
		}
	}
	return nil
}

func (s *heads) add(h *head) {
	old := s.list.Load()
	var list []*head
	if old != nil {
		list = *old
	}
	if len(list) >= maxHeads || s.find(h.text) != nil {
		return
	}
	h.text = strings.Clone(h.text) // of the whole token only this stays
	h.header.KeyID, h.header.Type = strings.Clone(h.header.KeyID), strings.Clone(h.header.Type)
	list = append(slices.Clip(list), h)
	s.list.CompareAndSwap(old, &list) // who loses is remembered the next time
}
