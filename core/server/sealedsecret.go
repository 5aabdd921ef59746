package server

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// clearForm is the form of what ClearSecret returns. No store keeps it.
const clearForm store.SecretForm = "clear"

// ClearSecret returns a secret for a client of Config.Clients that must stay readable: one that authenticates by client_secret_jwt or uses OAuth 1.0a. [New] seals it in
// its own copy. For a client in a store it is [Server.SealSecret]. It is at least as long as the hash that it is for: 32 bytes for HS256, 48 for HS384, 64 for HS512.
func ClearSecret(secret string) store.Secret {
	return store.Secret{Form: clearForm, Value: []byte(secret)}
}

// SealSecret returns how a store keeps a secret of the client called clientID that must stay readable, under Config.Secret: where a protocol needs
// it back, as client_secret_jwt does. [Server.Rewrap] seals it anew when Config.Secret is rotated.
func (s *Server) SealSecret(clientID, secret string) store.Secret {
	return store.Secret{Form: store.Sealed, Value: s.atRest.Seal([]byte(secret), []byte(clientID), s.now())}
}

// NewSecretFor returns a fresh secret for c, and how a store keeps it: sealed where c authenticates by client_secret_jwt or uses OAuth 1.0a, and otherwise as
// [NewClientSecret] does. Show the first to the client once.
func (s *Server) NewSecretFor(c *store.Client) (secret string, kept store.Secret) {
	if !needsSealed(c) {
		return NewClientSecret()
	}
	secret = "mds_" + randomText() + randomText() // long enough for HS512
	return secret, s.SealSecret(c.ID, secret)
}

// sealed returns a copy of c in which the secrets are sealed that were clear.
func (s *Server) sealed(c *store.Client) *store.Client {
	c = c.Clone()
	for i := range c.Secrets {
		if k := &c.Secrets[i]; k.Form == clearForm {
			k.Form, k.Value = store.Sealed, s.SealSecret(c.ID, string(k.Value)).Value
		}
	}
	return c
}

// checkAuth returns why c could never authenticate by a signature, where that is its method.
func (s *Server) checkAuth(c *store.Client) error {
	d, alg := &c.Metadata, jose.Alg(c.Metadata.AuthAlg)
	if slices.ContainsFunc(c.Secrets, func(k store.Secret) bool { return k.Form == clearForm }) {
		return fmt.Errorf("server: client %q has a secret of server.ClearSecret, which is for Config.Clients alone: seal it with Server.SealSecret", c.ID)
	}
	switch {
	case d.Method() == methodSecretJWT:
		return s.checkSealed(c)
	case len(d.JWKS) > 0 && d.JWKSURI != "":
		return fmt.Errorf("server: client %q has both jwks and jwks_uri: it is one or the other (RFC 7591, section 2)", c.ID)
	case d.JWKSURI != "" && !plainHTTPS(d.JWKSURI):
		return fmt.Errorf("server: client %q has the jwks_uri %q, want an https URL without userinfo and fragment", c.ID, d.JWKSURI)
	case d.Method() != methodPrivateKeyJWT:
		return nil
	case alg != "" && (alg.Symmetric() || !slices.Contains(s.assertionAlgs, alg)):
		return fmt.Errorf("server: client %q has token_endpoint_auth_signing_alg %q, which this server does not take from private_key_jwt: leave it out, or use one of %v", c.ID, alg, s.assertionAlgs)
	case len(d.JWKS) == 0 && d.JWKSURI == "":
		return fmt.Errorf("server: client %q authenticates by private_key_jwt and has no keys: give it jwks or jwks_uri", c.ID)
	case d.JWKSURI != "":
		return nil
	}
	set, err := jose.ParseKeySet(d.JWKS)
	if err != nil {
		return fmt.Errorf("server: client %q has a jwks that is none: %w", c.ID, err)
	}
	for k := range set.All() {
		if slices.ContainsFunc(s.assertionAlgs, func(a jose.Alg) bool { return k.Fits(a) && (alg == "" || a == alg) }) {
			return nil
		}
	}
	return fmt.Errorf("server: client %q has a jwks without a public key that could verify its assertions: private ones, those for encryption and weak ones do not count", c.ID)
}

// checkSealed returns why c could never authenticate by client_secret_jwt.
func (s *Server) checkSealed(c *store.Client) error {
	alg := jose.Alg(c.Metadata.AuthAlg)
	hmacs := symmetric(s.assertionAlgs)
	if alg != "" && !slices.Contains(hmacs, alg) {
		return fmt.Errorf("server: client %q has token_endpoint_auth_signing_alg %q, which this server does not take from client_secret_jwt: leave it out, or use one of %v", c.ID, alg, hmacs)
	}
	if alg == "" && len(hmacs) > 0 {
		alg = hmacs[0]
	}
	least := max(32, map[jose.Alg]int{jose.HS384: 48, jose.HS512: 64}[alg])
	for _, k := range c.Secrets {
		if k.Form != store.Sealed {
			return fmt.Errorf("server: client %q authenticates by client_secret_jwt and has a secret of the form %q, which nobody can read: it needs a new secret, of Server.NewSecretFor, or of server.ClearSecret in Config.Clients", c.ID, k.Form)
		}
		switch plain, err := s.atRest.Open(k.Value, []byte(c.ID), s.now()); {
		case err != nil && !k.Expires.IsZero() && !s.now().Before(k.Expires): // over, and nobody will want it back
		case err != nil:
			return fmt.Errorf("server: client %q, secret %q: %w: it was sealed for another client, issuer or root: it needs a new secret", c.ID, k.ID, err)
		case len(plain) < least:
			return fmt.Errorf("server: client %q has a secret of %d bytes, want at least %d for %s (RFC 7518, section 3.2): it needs a new secret", c.ID, len(plain), least, alg)
		}
	}
	return nil
}

// plainHTTPS reports whether uri is an https URL with a host and without userinfo and fragment: what the server may fetch for a stranger.
func plainHTTPS(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && !strings.Contains(uri, "#")
}
