package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// The methods of client authentication that are built in, by their registered names (RFC 7591, section 2).
const (
	methodBasic         = "client_secret_basic"
	methodPost          = "client_secret_post"
	methodNone          = "none"
	methodPrivateKeyJWT = "private_key_jwt"
	methodSecretJWT     = "client_secret_jwt"
)

// authMethods returns the client authentication methods that the server knows.
func authMethods() []string {
	return []string{methodBasic, methodPost, methodNone, methodPrivateKeyJWT, methodSecretJWT}
}

// ClientAuthMethod is a way of an application's own in which clients authenticate. It is the peer of those that are built in: each endpoint
// takes it, metadata names it, and a client is registered for it by its Name as token_endpoint_auth_method; a request that uses two methods is
// refused. It may be used by any number of goroutines.
type ClientAuthMethod interface {
	// Name is the token_endpoint_auth_method.
	Name() string
	// Read reports whether r uses this method, and what r then says of its client. It proves nothing and does no I/O.
	Read(r *mandate.Request) (claim ClientClaim, ok bool)
	// Prove reports by its error whether r, which Read has read, is c's: c is registered for this method and not disabled. A refusal is
	// [mandate.InvalidClient]; its description is told to the client, its cause to the hooks. Any other error means that nobody could tell.
	Prove(ctx context.Context, r *mandate.Request, c *store.Client) (ClientProof, error)
}

// ClientClaim is what a request says of its client.
type ClientClaim struct {
	ClientID string
	Carrier  Carrier // where the credential is
}

// ClientProof is what a client has proven. The zero value is proof that may be shown again.
type ClientProof struct {
	// Once names what is good once, as the jti of an assertion does. Empty: nothing. It is used up after everything that can refuse the request.
	Once string
	// Until is when it is good no more by itself. It must be within 24 hours.
	Until time.Time
}

// Carrier says where a request carries a client's credential. A request that has another one of these besides is refused.
type Carrier string

// The carriers.
const (
	InHeader    Carrier = "Authorization"    // a 401 then has a challenge in the same scheme
	InSecret    Carrier = "client_secret"    // the parameter
	InAssertion Carrier = "client_assertion" // with client_assertion_type (RFC 7521, section 4.2)
	Elsewhere   Carrier = ""                 // another header field, parameter or the client's certificate
)

// maxProof bounds how long something is remembered to be used up.
const maxProof = 24 * time.Hour

// carriers are those that a request has.
type carriers struct{ header, secret, assertion bool }

// only reports whether there is none but c.
func (x carriers) only(c Carrier) bool {
	return (!x.header || c == InHeader) && (!x.secret || c == InSecret) && (!x.assertion || c == InAssertion)
}

// readOwn returns the credentials that one of the application's own methods finds in r.
func (s *Server) readOwn(r *mandate.Request, id string, has carriers) (c credentials, ok bool, err error) {
	for _, m := range s.config.ClientAuth {
		claim, uses := m.Read(r)
		switch {
		case !uses:
			continue
		case ok, !has.only(claim.Carrier):
			return c, false, errTwoMethods
		case id != "" && id != claim.ClientID:
			return c, false, mandate.Errorf(mandate.InvalidRequest, nil, "client_id is not the client that the request authenticates")
		}
		c, ok = credentials{id: claim.ClientID, method: m.Name(), own: m}, true
		if claim.Carrier == InHeader && has.header {
			c.scheme = schemeOf(r.Header.Get("Authorization"))
		}
	}
	return c, ok, nil
}

// schemeOf returns the scheme of an Authorization field, for a challenge; Basic where it is none.
func schemeOf(field string) string {
	scheme, _, _ := strings.Cut(field, " ")
	if scheme == "" || len(scheme) > 40 || strings.ContainsFunc(scheme, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}) {
		return "Basic"
	}
	return scheme
}

// proveOwn asks a method of the application's own.
func (s *Server) proveOwn(ctx context.Context, r *mandate.Request, client *store.Client, c *credentials) (proof *singleUse, wrong, err error) {
	p, err := c.own.Prove(ctx, r, client)
	switch {
	case errors.Is(err, mandate.InvalidClient):
		if told := mandate.AsError(err); told.Description != "" {
			err = errors.Join(claimError(told.Description), told)
		}
		return nil, err, nil
	case errors.Is(err, mandate.TemporarilyUnavailable):
		return nil, nil, err
	case err != nil:
		return nil, nil, fault("prove client by "+c.method, err)
	case p.Once == "":
		return nil, nil, nil
	}
	if now := s.now(); p.Until.Before(now) || p.Until.After(now.Add(maxProof)) {
		return nil, nil, fmt.Errorf("client authentication method %s: Until of a proof is %v, want a time within %v", c.method, p.Until, maxProof)
	}
	return s.onceOnly("client proof "+c.method, client.ID, p.Once, p.Until), nil, nil
}

// setClientAuth completes and checks what concerns client authentication.
func (c *Config) setClientAuth() error {
	if c.ClientAuthMethods == nil {
		c.ClientAuthMethods = []string{methodBasic, methodPost, methodNone, methodPrivateKeyJWT}
	}
	c.ClientAuthMethods = slices.Clone(c.ClientAuthMethods)
	c.ClientAuth = slices.Clone(c.ClientAuth)
	c.ClientAuthAlgs = slices.Clone(c.ClientAuthAlgs)
	known := authMethods()
	for i, m := range c.ClientAuth {
		switch {
		case m == nil:
			return fmt.Errorf("server: ClientAuth[%d] is nil", i)
		case m.Name() == "" || !visible(m.Name(), false):
			return fmt.Errorf("server: ClientAuth[%d] has the name %q: want visible characters without spaces, such as the URN of the method", i, m.Name())
		case slices.Contains(known, m.Name()):
			return fmt.Errorf("server: ClientAuth has %q, which is built in or there twice", m.Name())
		}
		known = append(known, m.Name())
		if !slices.Contains(c.ClientAuthMethods, m.Name()) {
			c.ClientAuthMethods = append(c.ClientAuthMethods, m.Name())
		}
	}
	for i, m := range c.ClientAuthMethods {
		if !slices.Contains(known, m) {
			return fmt.Errorf("server: ClientAuthMethods has %q, which is none of %v", m, known)
		}
		if slices.Contains(c.ClientAuthMethods[:i], m) {
			return fmt.Errorf("server: ClientAuthMethods has %q twice", m)
		}
	}
	for _, a := range c.ClientAuthAlgs {
		if !a.Known() {
			return fmt.Errorf("server: ClientAuthAlgs has %q, which is none of %v and HS256, HS384, HS512", a, jose.Asymmetric())
		}
	}
	return nil
}

// assertionAlgsOf returns the algorithms of client assertions that c takes, the symmetric ones last; none where it takes no assertions.
func assertionAlgsOf(c *Config) []jose.Alg {
	var algs []jose.Alg
	if slices.Contains(c.ClientAuthMethods, methodPrivateKeyJWT) {
		algs = append(algs, jose.Asymmetric()...)
	}
	if slices.Contains(c.ClientAuthMethods, methodSecretJWT) {
		algs = append(algs, jose.HS256, jose.HS384, jose.HS512)
	}
	if c.ClientAuthAlgs != nil {
		algs = slices.DeleteFunc(algs, func(a jose.Alg) bool { return !slices.Contains(c.ClientAuthAlgs, a) })
	}
	return algs
}
