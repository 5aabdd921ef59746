package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

const (
	assertionType   = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523, section 2.2
	assertionLeeway = 10 * time.Second
	maxAssertion    = time.Hour // that it may yet be good for: so long its jti is remembered
)

// claimError says what is wrong with an assertion whose signature is right: the client may know.
type claimError string

// Error returns what the client is told.
func (e claimError) Error() string { return string(e) }

// readAssertion returns the credentials of an assertion (RFC 7521, section 4.2). Whose it is it only says yet.
func (s *Server) readAssertion(id, assertion, kind string) (credentials, error) {
	switch {
	case kind == "":
		return credentials{}, mandate.Errorf(mandate.InvalidRequest, nil, "parameter client_assertion_type is missing")
	case assertion == "":
		return credentials{}, mandate.Errorf(mandate.InvalidRequest, nil, "parameter client_assertion is missing")
	case kind != assertionType || len(s.assertionAlgs) == 0:
		return credentials{}, &clientError{refusal: mandate.Errorf(mandate.InvalidClient, nil, "client assertions of this type are not accepted here")}
	}
	c := credentials{id: id, method: "a client assertion", assertion: assertion}
	if _, payload, err := jose.Unverified(assertion); err == nil {
		if sub, ok := jose.Peek(payload, "sub"); ok {
			if c.id, _ = jose.Text(sub); !validClientID(c.id) { // nobody's, and it would go to the hooks
				c.id = ""
			}
		}
	}
	if id != "" && c.id != id {
		return c, mandate.Errorf(mandate.InvalidRequest, nil, "client_id is not the client of the assertion")
	}
	return c, nil
}

// proveAssertion verifies a client's assertion: private_key_jwt with its public keys, client_secret_jwt with its secrets (RFC 7523, section 3;
// OpenID Connect Core, section 9). What it returns is to be used up.
func (s *Server) proveAssertion(ctx context.Context, client *store.Client, c *credentials) (proof *singleUse, wrong, err error) {
	algs := s.assertionAlgs
	if own := jose.Alg(client.Metadata.AuthAlg); own != "" {
		if !slices.Contains(algs, own) {
			return nil, errors.New("client is registered for " + client.Metadata.AuthAlg + ", which is not among ClientAuthAlgs"), nil
		}
		algs = []jose.Alg{own}
	}
	var header jose.Header
	var payload []byte
	if c.method == methodSecretJWT {
		header, payload, err = s.verifyBySecret(client, c.assertion, algs)
	} else {
		header, payload, err = s.verifyByClient(ctx, client, c.assertion, algs) // which knows no symmetric one
	}
	switch {
	case errors.Is(err, jose.ErrInvalid):
		return nil, err, nil
	case err != nil:
		return nil, nil, err
	}
	return s.checkAssertion(client, header, payload)
}

// verifyBySecret is verifyByClient with client's secrets, of which the server has those that are sealed.
func (s *Server) verifyBySecret(client *store.Client, token string, algs []jose.Alg) (h jose.Header, payload []byte, err error) {
	now := s.now()
	err = errNoSecret
	for i := range client.Secrets {
		k := &client.Secrets[i]
		if k.Form != store.Sealed || !goodAt(k, now) {
			continue
		}
		secret, failed := s.atRest.Open(k.Value, []byte(client.ID), now)
		if failed != nil {
			continue // of a root that is gone
		}
		if h, payload, err = jose.VerifyHMAC(token, secret, symmetric(algs)); err == nil {
			return h, payload, nil
		}
	}
	return h, nil, err
}

// errNoSecret means that a client has no secret that could verify anything.
var errNoSecret = errors.Join(jose.ErrInvalid, errors.New("client has no sealed secret that is good now"))

// symmetric returns those of algs that a shared secret is for.
func symmetric(algs []jose.Alg) []jose.Alg {
	if i := slices.IndexFunc(algs, jose.Alg.Symmetric); i >= 0 { // they are the last ones
		return algs[i:]
	}
	return nil
}

// checkAssertion holds the claims of an assertion that is client's own against RFC 7523, section 3.
func (s *Server) checkAssertion(client *store.Client, h jose.Header, payload []byte) (proof *singleUse, wrong, err error) {
	var room [12]jose.Member
	members, err := jose.ParseMembers(payload, room[:0])
	if err != nil {
		return nil, claimError("the client assertion is not a JSON object with each member once"), nil
	}
	var claims jose.Claims
	if _, err := members.ReadClaims(&claims); err != nil {
		return nil, claimError("a registered claim of the client assertion has the wrong type"), nil
	}
	aud, _ := members.Find("aud")
	now := s.now()
	switch {
	case h.Type != "" && !h.Is("client-authentication+jwt") && !h.Is("JWT"):
		return nil, claimError("typ of the client assertion is neither client-authentication+jwt nor JWT"), nil
	case claims.Issuer != client.ID || claims.Subject != client.ID:
		return nil, claimError("iss and sub of the client assertion must both be the client_id"), nil
	case !s.isAudience(aud, claims.Audience):
		return nil, claimError("aud of the client assertion must be the issuer of this server: " + s.config.Issuer), nil
	case claims.Expires.IsZero():
		return nil, claimError("exp of the client assertion is missing"), nil
	case !now.Before(claims.Expires.Add(assertionLeeway)):
		return nil, claimError("the client assertion is over"), nil
	case claims.Expires.After(now.Add(maxAssertion + assertionLeeway)):
		return nil, claimError("exp of the client assertion is more than an hour ahead"), nil
	case claims.IssuedAt.After(now.Add(assertionLeeway)) || claims.NotBefore.After(now.Add(assertionLeeway)):
		return nil, claimError("iat or nbf of the client assertion is ahead of the time here: " + now.Format(time.RFC3339)), nil
	case claims.ID == "":
		return nil, claimError("jti of the client assertion is missing"), nil
	}
	return s.onceOnly("client assertion", client.ID, claims.ID, claims.Expires.Add(assertionLeeway)), nil, nil
}

// isAudience reports whether the claim aud, which raw is the JSON of, names this server and nothing else: by its issuer, or, unless that is not
// enough, by the URL of its token endpoint, which was the usual way.
func (s *Server) isAudience(raw string, aud []string) bool {
	switch {
	case len(aud) != 1:
		return false
	case s.config.StrictAssertionAudience:
		return aud[0] == s.config.Issuer && strings.HasPrefix(raw, `"`)
	}
	return aud[0] == s.config.Issuer || aud[0] == s.tokenURL
}

// singleUse is what may prove a client once. It is of one request.
type singleUse struct {
	space string
	key   mandate.Digest
	until time.Time
	spent bool
}

// onceOnly returns what remembers that id, of a client, was used, until it is good no more.
func (s *Server) onceOnly(space, clientID, id string, until time.Time) *singleUse {
	return &singleUse{space: space, key: mandate.DigestOf(s.config.Issuer + "\x00" + clientID + "\x00" + id), until: until.Add(clockSkew)}
}

// SpendProof uses up what c proved itself with, where it is good once: of any number of requests with the same assertion one passes, and the others
// are [mandate.InvalidClient]. For other clients it does nothing, nor when it is called again. Any other error means that nobody could tell.
// The token endpoint calls it for all grant types. It may not be called from several goroutines at once.
func (s *Server) SpendProof(ctx context.Context, c Client) error {
	once := c.once
	if once == nil || once.spent {
		return nil
	}
	switch err := s.store.UseOnce(ctx, once.space, once.key, s.now(), once.until); {
	case errors.Is(err, store.ErrUsed):
		cause := errors.New(c.method + ": what the client sent was used before")
		s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientRefused, ClientID: c.ID, Err: cause})
		return &clientError{refusal: mandate.Errorf(mandate.InvalidClient, cause, "the client assertion was used before")}
	case err != nil:
		return fault("use up client assertion", err)
	}
	once.spent = true
	return nil
}
