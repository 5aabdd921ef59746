package server

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// usesOAuth1 reports whether c is registered for OAuth 1.0a.
func usesOAuth1(c *store.Client) bool { return c.Metadata.Allows(GrantTypeOAuth1) }

// needsSealed reports whether a secret of c must stay readable.
func needsSealed(c *store.Client) bool {
	return c.Metadata.Method() == methodSecretJWT || usesOAuth1(c)
}

// checkSigns returns why c, which is registered for OAuth 1.0a, could never sign a request.
func (s *Server) checkSigns(c *store.Client) error {
	switch {
	case !usesOAuth1(c):
		return nil
	case s.config.OAuth1 == nil:
		return fmt.Errorf("server: client %q has the grant type %q, which this server does not serve: set Config.OAuth1", c.ID, GrantTypeOAuth1)
	case c.Metadata.Public():
		return fmt.Errorf("server: client %q uses OAuth 1.0a and has AuthMethod \"none\": it signs with a secret or a key (RFC 5849, section 3.4)", c.ID)
	}
	for _, k := range c.Secrets {
		if k.Form != store.Sealed {
			return fmt.Errorf("server: client %q uses OAuth 1.0a and has a secret of the form %q, which nobody can read: it needs a new secret, of Server.NewSecretFor, or of server.ClearSecret in Config.Clients", c.ID, k.Form)
		}
		if _, err := s.atRest.Open(k.Value, []byte(c.ID), s.now()); err != nil && (k.Expires.IsZero() || s.now().Before(k.Expires)) {
			return fmt.Errorf("server: client %q, secret %q: %w: it was sealed for another client, issuer or root: it needs a new secret", c.ID, k.ID, err)
		}
	}
	if len(c.Secrets) > 0 {
		return nil
	}
	if len(c.Metadata.JWKS) > 0 {
		set, err := jose.ParseKeySet(c.Metadata.JWKS)
		if err != nil {
			return fmt.Errorf("server: client %q has a jwks that is none: %w", c.ID, err)
		}
		if len(rsaKeys(set)) > 0 {
			return nil
		}
	}
	return fmt.Errorf("server: client %q uses OAuth 1.0a and has neither a secret nor an RSA key in its jwks: give it one of Server.NewSecretFor, or a key", c.ID)
}

func rsaKeys(set *jose.KeySet) []*rsa.PublicKey {
	var keys []*rsa.PublicKey
	for k := range set.All() {
		if key, ok := k.Key().(*rsa.PublicKey); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// stranger stands in for who or what is unknown, so that a refusal of it costs as much as of a wrong signature.
type stranger struct {
	client *store.Client
	key    *rsa.PublicKey
	sealed string // a token secret
	data   string // that it is sealed for
}

func (s *Server) newStranger() (*stranger, error) {
	o := s.config.OAuth1
	x := &stranger{client: &store.Client{ID: "nobody"}, data: "nobody"}
	x.client.Secrets = []store.Secret{s.SealSecret(x.client.ID, o.random())}
	x.sealed = s.sealToken(o.random(), x.data)
	// Any odd number of that length costs as much as a modulus; none is the product of primes that somebody knows.
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 2047))
	if err != nil {
		return nil, fmt.Errorf("server: make random number: %w", err)
	}
	x.key = &rsa.PublicKey{N: n.SetBit(n.SetBit(n, 0, 1), 2047, 1), E: 65537}
	return x, nil
}

// appendKeys appends what c may have signed a message with by m, each with the token's secret. There always is one.
func (s *Server) appendKeys(keys []oauth1.Keys, c *store.Client, m oauth1.Method, tokenSecret string, now time.Time) []oauth1.Keys {
	standard, builtIn := m.(oauth1.Standard)
	needsKey := builtIn && strings.HasPrefix(string(standard), "RSA-")
	var public []*rsa.PublicKey
	if (needsKey || !builtIn) && len(c.Metadata.JWKS) > 0 {
		if set, err := s.clientKeys.inline(c); err == nil {
			public = rsaKeys(set)
		}
	}
	if needsKey {
		if len(public) == 0 {
			public = []*rsa.PublicKey{s.nobody.key}
		}
		return withPublic(keys, oauth1.Keys{TokenSecret: tokenSecret}, public)
	}
	for i := range c.Secrets {
		k := &c.Secrets[i]
		if k.Form == store.Sealed && goodAt(k, now) {
			if plain, err := s.atRest.Open(k.Value, []byte(c.ID), now); err == nil {
				keys = withPublic(keys, oauth1.Keys{ClientSecret: textOf(plain), TokenSecret: tokenSecret}, public)
			}
		}
	}
	switch {
	case len(keys) > 0:
	case len(public) > 0:
		keys = withPublic(keys, oauth1.Keys{TokenSecret: tokenSecret}, public)
	default:
		for _, k := range s.nobody.client.Secrets {
			plain, _ := s.atRest.Open(k.Value, []byte(s.nobody.client.ID), now) // a wrong one is as good
			keys = append(keys, oauth1.Keys{ClientSecret: string(plain) + "?", TokenSecret: tokenSecret})
		}
	}
	return keys
}

// withPublic appends k with each of the public keys, or as it is where there are none.
func withPublic(keys []oauth1.Keys, k oauth1.Keys, public []*rsa.PublicKey) []oauth1.Keys {
	if len(public) == 0 {
		return append(keys, k)
	}
	for _, key := range public {
		k.Public = key
		keys = append(keys, k)
	}
	return keys
}

// mayCallBack reports whether c may have the answer sent to callback. A client that registered none, and a native one, may say that it has none.
func mayCallBack(c *store.Client, callback string) bool {
	if callback == oob {
		return len(c.Metadata.RedirectURIs) == 0 || c.Metadata.ApplicationType == "native"
	}
	return slices.ContainsFunc(c.Metadata.RedirectURIs, func(registered string) bool {
		return oauth2.MatchRedirectURI(registered, callback, c.Metadata.ApplicationType == "native")
	})
}
