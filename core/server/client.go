package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// Client is a client that proved who it is. Only the server makes one: whoever holds it need not ask.
type Client struct {
	*store.Client
	method string
	once   *singleUse // what proved it, where that is good once; else nil
}

// Method returns how the client authenticated: a token_endpoint_auth_method (RFC 7591, section 2).
func (c Client) Method() string { return c.method }

// NewClientSecret returns a fresh client secret of 256 bits, and how a store keeps it. Show the first to the
// client once.
func NewClientSecret() (secret string, kept store.Secret) {
	secret = "mds_" + randomText()
	return secret, HashSecret(secret)
}

// HashSecret returns how a store keeps a client secret that was generated: at least 128 random bits. For one that a
// person chose use [HashPassphrase].
func HashSecret(secret string) store.Secret {
	d := mandate.DigestOf(secret)
	return store.Secret{Form: store.SHA256, Value: d[:]}
}

// client returns the client called id, disabled or not, or store.ErrNotFound. Of one that is known by a document the last good one
// counts: for what it was granted before.
func (s *Server) client(ctx context.Context, id string) (*store.Client, error) {
	return s.findClient(ctx, id, false)
}

// findClient is client; where it must be fresh the document counts that is there now.
func (s *Server) findClient(ctx context.Context, id string, fresh bool) (*store.Client, error) {
	c, err := s.recorded(ctx, id)
	if s.documents != nil && errors.Is(err, store.ErrNotFound) {
		if u, ok := documentURL(id); ok {
			return s.documents.client(ctx, id, u, fresh)
		}
	}
	return c, err
}

// recorded is client without those who are known by a document alone.
func (s *Server) recorded(ctx context.Context, id string) (*store.Client, error) {
	if c := s.fixed[id]; c != nil {
		return c, nil
	}
	if !validClientID(id) {
		return nil, store.ErrNotFound
	}
	return s.store.Client(ctx, id)
}

// unreadClient is what keeps a client from being read: a fault, or what its document says of that.
func unreadClient(err error) error {
	if _, ok := errors.AsType[*documentError](err); ok {
		return err
	}
	return fault("read client", err)
}

// validClientID reports whether id can be a client's: visible characters (RFC 6749, appendix A.1), not too many.
func validClientID(id string) bool { return id != "" && len(id) <= 512 && visible(id, false) }

// checkClient returns why c cannot be a fixed client of a server with these authentication methods.
func checkClient(c *store.Client, methods []string) error {
	switch {
	case c == nil:
		return errors.New("server: Clients has a nil client")
	case !validClientID(c.ID):
		return fmt.Errorf("server: client id %q must be 1 to 512 visible ASCII characters", c.ID)
	case c.Metadata.UsesSecret() && len(c.Secrets) == 0 && usesOAuth1(c):
		return fmt.Errorf("server: client %q has no secret to sign with: give it one of Server.NewSecretFor, server.ClearSecret(...) in Config.Clients, or AuthMethod \"private_key_jwt\" and an RSA key in its jwks", c.ID)
	case c.Metadata.UsesSecret() && len(c.Secrets) == 0:
		return fmt.Errorf("server: client %q is confidential and has no secret: give it server.HashSecret(...), or AuthMethod \"none\" if it can keep none", c.ID)
	case c.Metadata.Public() && len(c.Secrets) > 0:
		return fmt.Errorf("server: client %q has AuthMethod \"none\" and a secret: it is one or the other", c.ID)
	case c.Metadata.Public() && c.Metadata.Allows("client_credentials"):
		return fmt.Errorf("server: client %q cannot have client_credentials without a secret (RFC 6749, section 4.4)", c.ID)
	case c.Metadata.Allows(grantCode) && len(c.Metadata.RedirectURIs) == 0:
		return fmt.Errorf("server: client %q has the grant authorization_code and no redirect URI: add one, or set GrantTypes", c.ID)
	}
	if !slices.Contains(methods, c.Metadata.Method()) {
		return fmt.Errorf("server: client %q has AuthMethod %q, which is not among ClientAuthMethods: %v", c.ID, c.Metadata.Method(), methods)
	}
	for _, secret := range c.Secrets {
		if err := checkSecret(secret); err != nil {
			return fmt.Errorf("server: client %q: %w", c.ID, err)
		}
	}
	for _, uri := range c.Metadata.RedirectURIs {
		if err := oauth2.CheckRedirectURI(uri); err != nil {
			if uri == oob && usesOAuth1(c) {
				err = fmt.Errorf("%q is no redirect URI: a client that registers none may use it, and one whose ApplicationType is \"native\"", uri)
			}
			return fmt.Errorf("server: client %q: %w", c.ID, err)
		}
	}
	for _, list := range []string{c.Metadata.Scope, string(c.Policy.Scopes), string(c.Policy.Default)} {
		if _, err := mandate.ParseScopes(list); err != nil {
			return fmt.Errorf("server: client %q has the scopes %q: %w", c.ID, list, err)
		}
	}
	if f := c.Policy.TokenFormat; f != "" && f != string(Opaque) && f != string(JWT) {
		return fmt.Errorf("server: client %q has TokenFormat %q, which is neither opaque nor jwt", c.ID, f)
	}
	return nil
}

// unmet returns what c demands and this server does not offer, and the field that offers it, or "": such a client is refused, not served
// with less.
func (s *Server) unmet(c *store.Client) (what, field string) {
	switch p, d := &c.Policy, &c.Metadata; {
	case s.config.PushedRequests == nil && (p.PAR || d.RequirePAR):
		return "pushed authorization requests", "Config.PushedRequests"
	case s.config.RequestObjects == nil && (p.SignedRequest || d.RequireSignedRequest):
		return "signed request objects", "Config.RequestObjects"
	case d.AuthorizationEncryptionAlg != "":
		return "encrypted authorization responses", ""
	case p.DPoP || d.DPoPBound:
		return "DPoP-bound tokens", ""
	case p.Certificate || d.CertificateBound:
		return "certificate-bound tokens", ""
	case p.SubjectType == "pairwise" || d.SubjectType == "pairwise":
		return "pairwise subjects", ""
	}
	return "", ""
}

// refuseUnmet refuses a client that demands what this server does not offer.
func (s *Server) refuseUnmet(c *store.Client) error {
	if what, _ := s.unmet(c); what != "" {
		return mandate.Errorf(mandate.UnauthorizedClient, nil, "client demands %s, which this server does not offer", what)
	}
	return nil
}

// proves reports whether one of secrets is one of c's now. What costs nothing is asked first, so that an old secret beside a new one
// slows nobody down. An error means that nobody could tell.
func (s *Server) proves(ctx context.Context, r *mandate.Request, c *store.Client, secrets ...string) (bool, error) {
	ok, slow := false, false
	for i := range c.Secrets {
		k := &c.Secrets[i]
		if !s.good(k) {
			continue
		}
		for _, secret := range secrets {
			switch k.Form {
			case store.SHA256:
				d := mandate.DigestOf(secret)
				ok = ok || subtle.ConstantTimeCompare(d[:], k.Value) == 1
			case store.Sealed:
				plain, err := s.atRest.Open(k.Value, []byte(c.ID), s.now())
				ok = ok || err == nil && subtle.ConstantTimeCompare(plain, []byte(secret)) == 1
			default:
				ok, slow = ok || s.slow.knows(c.ID, k, secret), true
			}
		}
	}
	if ok || !slow {
		return ok, nil
	}
	var done func(Outcome)
	try := func() (func(Outcome), error) {
		var err error
		if done == nil { // one attempt, however many secrets the client has
			done, err = s.attempt(ctx, r, Attempt{What: ClientSecretAttempt, Endpoint: s.endpointOf(r), ClientID: c.ID})
		}
		return done, err
	}
	var failed error
	for i := range c.Secrets {
		k := &c.Secrets[i]
		if !s.good(k) || k.Form == store.SHA256 || k.Form == store.Sealed {
			continue
		}
		for _, secret := range secrets {
			right, err := s.slow.proves(ctx, c.ID, k, secret, try)
			if right {
				return true, nil
			}
			if err != nil {
				failed = err
			}
		}
	}
	return false, failed
}

// good reports whether k counts now. Most have no limits, for which nobody need look at the clock.
func (s *Server) good(k *store.Secret) bool {
	return k.NotBefore.IsZero() && k.Expires.IsZero() || goodAt(k, s.now())
}

// goodAt reports whether k counts at now.
func goodAt(k *store.Secret, now time.Time) bool {
	return !now.Before(k.NotBefore) && (k.Expires.IsZero() || now.Before(k.Expires))
}

// randomText returns 256 random bits as 43 characters.
func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}
