package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/store"
)

// OAuth1 turns on OAuth 1.0a (RFC 5849): clients sign their requests instead of sending tokens. Its zero value is the whole of it, with safe
// defaults: server.Config{OAuth1: &server.OAuth1{}}. Clients need the grant type [GrantTypeOAuth1] and a secret that the server can
// read ([ClearSecret], [Server.SealSecret], [Server.NewSecretFor]) or an RSA key in their jwks.
//
// Consumers are clients, callbacks their redirect URIs, realms scopes: what a client may have, the default where it asks for none, and what
// people read about it are set where they are for OAuth 2. Whoever decides about authorization requests decides about these, too; [Ask.OAuth1]
// tells them apart. Token credentials are grants: they have no end, and whoever revokes the grant ends them. A guard takes requests
// signed with them by resource.OAuth1.
type OAuth1 struct {
	// Methods are the signature methods that clients may use. RSA-SHA1 is taken where it is named here: collisions of SHA-1 can be
	// computed, which HMAC-SHA1 does not suffer from. Default: HMAC-SHA256, HMAC-SHA512, HMAC-SHA1, RSA-SHA256, RSA-SHA512.
	Methods []oauth1.Method
	// InsecurePlaintext adds the method PLAINTEXT, which sends both secrets with every request and signs nothing: whoever reads one request, in a
	// log or a proxy, is the client. Default: false.
	InsecurePlaintext bool
	// Window is how far the clock of a client may be from the server's, either way; a nonce is remembered that long. At most one hour. Default:
	// 5 minutes.
	Window time.Duration
	// RequestTokenTTL is how long temporary credentials wait for a decision, and a verifier to be exchanged. At most one hour. Default: 10 minutes.
	RequestTokenTTL time.Duration
	// Alphabet is what tokens, secrets and verifiers are made of: visible ASCII characters, each once, at least 10. Default: letters and digits.
	Alphabet string
	// Length is how many characters tokens and secrets have, up to 255. With Alphabet it must be more than 128 random bits. Verifiers, which
	// people may have to type, have as many as 128 bits need. Default: 32.
	Length int
	// Realm stands in the challenges of the endpoints. A client that sends it as its realm asks for nothing by that. Default: the issuer.
	Realm string
	// Extra adds parameters to the answer that i describes. Names that begin with oauth_ are a server_error. An error that is a *mandate.Error
	// refuses the request, before anything is spent. Default: none.
	Extra func(ctx context.Context, i OAuth1Issue) ([]mandate.Field, error)
}

// OAuth1Issue describes credentials that are about to be handed out.
type OAuth1Issue struct {
	Client    *store.Client  // whom they are for; shared, never change it
	Temporary bool           // they are temporary credentials (RFC 5849, section 2.1), and not token credentials
	Subject   string         // who approved; empty for temporary credentials
	GrantID   string         // of token credentials
	Realms    mandate.Scopes // asked for, or allowed
}

// GrantTypeOAuth1 is what a client must be registered for, among its grant types, to use OAuth 1.0a. It is no grant_type of the token
// endpoint. Beside it the grant type client_credentials lets the client sign requests for itself, without a token: LTI launches.
const GrantTypeOAuth1 = "urn:ietf:rfc:5849"

const (
	oob             = "oob" // the callback of who has none (RFC 5849, section 2.1)
	maxOAuth1TTL    = time.Hour
	maxOAuth1Window = time.Hour
	oauth1Bits      = 128
	lettersDigits   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// withDefaults returns a completed copy of o, or says why it cannot be.
func (o *OAuth1) withDefaults(issuer string) (*OAuth1, error) {
	if o == nil {
		return nil, nil //nolint:nilnil // it is off
	}
	c := *o
	o = &c
	o.Methods = slices.Clone(o.Methods)
	if o.Methods == nil {
		o.Methods = []oauth1.Method{oauth1.HMACSHA256, oauth1.HMACSHA512, oauth1.HMACSHA1, oauth1.RSASHA256, oauth1.RSASHA512}
	}
	if o.Window == 0 {
		o.Window = 5 * time.Minute
	}
	if o.RequestTokenTTL == 0 {
		o.RequestTokenTTL = 10 * time.Minute
	}
	if o.Alphabet == "" {
		o.Alphabet = lettersDigits
	}
	if o.Length == 0 {
		o.Length = 32
	}
	if o.Realm == "" {
		o.Realm = mandate.Printable(issuer)
	}
	switch {
	case o.Window < 0 || o.Window > maxOAuth1Window:
		return nil, fmt.Errorf("server: OAuth1.Window %v is not up to %v", o.Window, maxOAuth1Window)
	case o.RequestTokenTTL < 0 || o.RequestTokenTTL > maxOAuth1TTL:
		return nil, fmt.Errorf("server: OAuth1.RequestTokenTTL %v is not up to %v", o.RequestTokenTTL, maxOAuth1TTL)
	case len(o.Alphabet) < 10 || len(o.Alphabet) > 94:
		return nil, fmt.Errorf("server: OAuth1.Alphabet has %d characters, want 10 to 94", len(o.Alphabet))
	case o.Length > 255 || float64(o.Length)*math.Log2(float64(len(o.Alphabet))) < oauth1Bits:
		return nil, fmt.Errorf("server: OAuth1.Length %d is over 255, or with an Alphabet of %d characters fewer than %d random bits: leave it 0 for 32", o.Length, len(o.Alphabet), oauth1Bits)
	case mandate.Printable(o.Realm) != o.Realm:
		return nil, fmt.Errorf("server: OAuth1.Realm %q has a character that a challenge cannot hold: use printable ASCII without quotes and backslashes", o.Realm)
	}
	for i := range len(o.Alphabet) {
		if c := o.Alphabet[i]; c <= ' ' || c > '~' || strings.IndexByte(o.Alphabet[:i], c) >= 0 {
			return nil, fmt.Errorf("server: OAuth1.Alphabet %q is not visible ASCII characters, each once: %q", o.Alphabet, c)
		}
	}
	for i, m := range o.Methods {
		switch {
		case m == nil || m.Name() == "":
			return nil, fmt.Errorf("server: OAuth1.Methods[%d] is nil or has no name", i)
		case m.Name() == oauth1.Plaintext.Name():
			return nil, fmt.Errorf("server: OAuth1.Methods has %s, which sends secrets and signs nothing: set InsecurePlaintext instead", m.Name())
		case misspelt(m):
			return nil, fmt.Errorf("server: OAuth1.Methods has %q, which package oauth1 does not have: use its constants, or a Method of your own", m.Name())
		case slices.ContainsFunc(o.Methods[:i], func(x oauth1.Method) bool { return x.Name() == m.Name() }):
			return nil, fmt.Errorf("server: OAuth1.Methods has %s twice", m.Name())
		}
	}
	if o.InsecurePlaintext {
		o.Methods = append(o.Methods, oauth1.Plaintext)
	}
	return o, nil
}

// misspelt reports whether m says that it is a method of package oauth1, and is none.
func misspelt(m oauth1.Method) bool {
	s, ok := m.(oauth1.Standard)
	return ok && !slices.Contains([]oauth1.Standard{oauth1.HMACSHA1, oauth1.HMACSHA256, oauth1.HMACSHA512, oauth1.RSASHA1, oauth1.RSASHA256, oauth1.RSASHA512}, s)
}

// method returns the signature method called name, or nil.
func (o *OAuth1) method(name string) oauth1.Method {
	for _, m := range o.Methods {
		if m.Name() == name {
			return m
		}
	}
	return nil
}

// text returns n characters of the alphabet, made of seed: the same of the same, and each character as likely as any other.
func (o *OAuth1) text(seed [32]byte, n int) string {
	b := make([]byte, 0, n)
	fair := 256 - 256%len(o.Alphabet)
	var block [36]byte
	copy(block[:], seed[:])
	for i := uint32(0); len(b) < n; i++ {
		binary.BigEndian.PutUint32(block[32:], i)
		for _, c := range sha256.Sum256(block[:]) {
			if int(c) < fair && len(b) < n {
				b = append(b, o.Alphabet[int(c)%len(o.Alphabet)])
			}
		}
	}
	return textOf(b)
}

// random returns a fresh token or secret.
func (o *OAuth1) random() string {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	return o.text(seed, o.Length)
}

// verifierLength is how many characters of the alphabet have 128 bits.
func (o *OAuth1) verifierLength() int {
	return int(math.Ceil(oauth1Bits / math.Log2(float64(len(o.Alphabet)))))
}

// oauth1Key returns what the store finds a token by: another at every issuer, and none of OAuth 2.
func (s *Server) oauth1Key(token string) mandate.Digest {
	return mandate.DigestOf("oauth1 " + s.config.Issuer + " " + token)
}

// SignatureMethods returns the names of the signature methods that clients may sign requests with (RFC 5849, section 3.4); none where
// Config.OAuth1 is nil.
func (s *Server) SignatureMethods() []string {
	if s.config.OAuth1 == nil {
		return nil
	}
	names := make([]string, len(s.config.OAuth1.Methods))
	for i, m := range s.config.OAuth1.Methods {
		names[i] = m.Name()
	}
	return names
}
