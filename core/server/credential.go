package server

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// What the server hands out begins with a prefix, so that scanners recognise a leak: one of Config.TokenPrefixes, the kind, "_".
const (
	kindAccess  = 'a'
	kindCode    = 'c'
	kindRefresh = 'r'
	kindInitial = 'i' // initial access tokens (RFC 7591)
	kindManage  = 'm' // registration access tokens (RFC 7592)
)

// defaultPrefix is that of a server without TokenPrefixes: its tokens begin with "mda_", "mdc_" and "mdr_".
const defaultPrefix = "md"

// lead is how a token begins that the server makes, by its kind.
type lead struct{ access, code, refresh string }

func leadOf(prefix string) lead {
	return lead{prefix + string(kindAccess) + "_", prefix + string(kindCode) + "_", prefix + string(kindRefresh) + "_"}
}

// kindOf returns the kind of what text begins like, and how long its prefix is; 0 for what is not of this server's making.
func (s *Server) kindOf(text string) (kind byte, n int) {
	for _, p := range s.config.TokenPrefixes {
		n = len(p)
		if len(text) < n+2 || text[:n] != p || text[n+1] != '_' {
			continue
		}
		switch text[n] {
		case kindAccess, kindCode, kindRefresh, kindInitial, kindManage:
			return text[n], n + 2
		}
	}
	return 0, 0
}

// newToken returns 256 random bits with the prefix of kind.
func (s *Server) newToken(kind byte) string {
	return s.config.TokenPrefixes[0] + string(kind) + "_" + randomText()
}

// isKind reports whether text begins as what the server hands out of kind.
func (s *Server) isKind(text string, kind byte) bool {
	k, _ := s.kindOf(text)
	return k == kind
}

// checkPrefixes refuses prefixes that no scanner could tell apart.
func checkPrefixes(list []string) error {
	for i, p := range list {
		ok := len(p) >= 2 && len(p) <= maxPrefix && !slices.Contains(list[:i], p)
		for j := range len(p) {
			ok = ok && (p[j] >= 'a' && p[j] <= 'z' || j > 0 && p[j] >= '0' && p[j] <= '9')
		}
		if !ok {
			return fmt.Errorf("server: TokenPrefixes has %q, which is not 2 to %d letters a-z and digits, beginning with a letter, once", p, maxPrefix)
		}
	}
	return nil
}

const maxPrefix = 16

// strictURL and strictStd take one text for each value. Strict copies the whole encoding, so it is called once.
//
//nolint:gochecknoglobals // constants by nature
var strictURL, strictStd = base64.RawURLEncoding.Strict(), base64.StdEncoding.Strict()

// handle is the secret name of a grant in its code and refresh tokens. The store keeps its digest: a dump and the MAC
// key together forge nothing.
type handle [16]byte

// key returns what the store finds the grant by.
func (h handle) key() mandate.Digest { return mandate.DigestOf(string(h[:])) }

// A credential is an authorization code (generation 0 of its grant) or a refresh token (generation n): key id, handle,
// generation and a MAC over handle and generation. Garbage is told apart before any I/O; an
// authentic old generation proves a second use with nothing stored.
type credential struct {
	kid        mandate.KeyID
	handle     handle
	generation int64
}

const (
	credentialBytes = 4 + 16 + 4 + 16
	credentialText  = 54 // in base64, without the prefix
)

// room is where a credential with a prefix of the usual length is written.
type room = [len(defaultPrefix) + 2 + credentialText]byte

// maxGeneration is what fits into a credential.
const maxGeneration = 1<<32 - 1

// write returns the text of c, with the prefix that its generation has. It is written to where to points, which nobody may write to again.
func (s *Server) write(c credential, to *room) (string, bool) {
	tag, ok := s.tag(c)
	if !ok {
		return "", false
	}
	var raw [credentialBytes]byte
	copy(raw[:4], c.kid[:])
	copy(raw[4:20], c.handle[:])
	binary.BigEndian.PutUint32(raw[20:24], uint32(c.generation)) // #nosec G115 -- present refuses more
	copy(raw[24:], tag[:16])
	prefix := s.lead.refresh
	if c.generation == 0 {
		prefix = s.lead.code
	}
	text := base64.RawURLEncoding.AppendEncode(append(to[:0], prefix...), raw[:])
	return textOf(text), true
}

// read returns the credential that text is, if it is authentic. It does no I/O and does not allocate.
func (s *Server) read(text string) (credential, bool) {
	var c credential
	kind, n := s.kindOf(text)
	if kind != kindCode && kind != kindRefresh || len(text) != n+credentialText {
		return c, false
	}
	var raw [credentialBytes]byte
	if n, err := strictURL.Decode(raw[:], []byte(text[n:])); err != nil || n != credentialBytes {
		return c, false
	}
	copy(c.kid[:], raw[:4])
	copy(c.handle[:], raw[4:20])
	c.generation = int64(binary.BigEndian.Uint32(raw[20:24]))
	tag, ok := s.tag(c)
	if !ok || (kind == kindCode) != (c.generation == 0) {
		return c, false
	}
	return c, subtle.ConstantTimeCompare(tag[:16], raw[24:]) == 1
}

func (s *Server) tag(c credential) (mandate.Digest, bool) {
	var message [24]byte
	copy(message[:16], c.handle[:])
	binary.BigEndian.PutUint64(message[16:], uint64(c.generation)) // #nosec G115 -- never negative
	return s.refresh.Sum(c.kid, message[:])
}

// keyName is how a grant's row names a key.
func keyName(id mandate.KeyID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// keyNamed is the reverse of keyName.
func (s *Server) keyNamed(name string) (id mandate.KeyID, ok bool) {
	if name == s.kid {
		return s.refresh.Current(), true
	}
	var raw [8]byte
	n, err := strictURL.Decode(raw[:], []byte(name))
	if err != nil || n != len(id) {
		return id, false
	}
	copy(id[:], raw[:])
	return id, true
}

// present is TokenRequest.Present. Where it returns no error, g is the grant.
func (s *Server) present(ctx context.Context, r *TokenRequest, text string, g *store.Grant) (from int64, err error) {
	c, ok := s.read(text)
	if !ok {
		return 0, mandate.Errorf(mandate.InvalidGrant, nil, "code or refresh token is not valid")
	}
	key := c.handle.key()
	*g, err = s.store.GrantByKey(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return 0, mandate.Errorf(mandate.InvalidGrant, err, "code or refresh token is over")
	case err != nil:
		return 0, fault("read grant", err)
	}
	if err := s.owned(r, g); err != nil {
		return 0, err
	}
	r.handle, r.key, g.Key = c.handle, key, key
	if ends := g.Details.Ends; !ends.IsZero() && !r.Now.Before(ends) {
		return 0, mandate.Errorf(mandate.InvalidGrant, nil, "grant is over")
	}
	if c.generation == 0 && g.Generation == 0 && !r.Now.Before(s.codeEnds(r.Client.Client, g)) {
		return 0, mandate.Errorf(mandate.InvalidGrant, nil, "code is over")
	}
	return c.generation, nil
}

// owned refuses a grant that is not r's client's, not bound to the key that r proved, or revoked. A grant that was
// spent passes: that it is spent a second time is for the redemption to find.
func (s *Server) owned(r *TokenRequest, g *store.Grant) error {
	switch {
	case g.ClientID != r.Client.ID:
		return mandate.Errorf(mandate.InvalidGrant, nil, "code or refresh token was issued to another client")
	case g.Details.Confirmed != (mandate.Confirmation{}) && g.Details.Confirmed != r.Confirmed:
		return mandate.Errorf(mandate.InvalidGrant, nil, "code or refresh token is bound to another key")
	case !g.Revoked.IsZero():
		return mandate.Errorf(mandate.InvalidGrant, nil, "grant was revoked")
	}
	return nil
}
