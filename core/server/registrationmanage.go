package server

import (
	"context"
	"crypto/subtle"
	"errors"
	"maps"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// maxClientWrites bounds how often a client that somebody else writes too is read again.
const maxClientWrites = 20

// handleManagement is the client configuration endpoint (RFC 7592, section 2).
func (s *Server) handleManagement(ctx context.Context, r *mandate.Request) *mandate.Response {
	resp, err := s.manageClient(ctx, r)
	if err != nil {
		return s.refuseRegistration(err)
	}
	return resp
}

func (s *Server) manageClient(ctx context.Context, r *mandate.Request) (*mandate.Response, error) {
	token, err := bearerOf(r)
	switch {
	case err != nil:
		return nil, err
	case token == "":
		return nil, &bearerError{mandate.Errorf(mandate.MissingAuthorization, nil, "registration access token is missing")}
	}
	c, err := s.managed(ctx, r.PathID, token)
	if err != nil {
		return nil, err
	}
	switch r.Method {
	case "DELETE":
		return s.deleteClient(ctx, c, token)
	case "PUT":
		return s.replaceClient(ctx, r, c, token)
	}
	if c.Disabled {
		return nil, errDisabledClient
	}
	return s.clientInformation(200, c, s.recoverable(c), token)
}

// errDisabledClient answers a client whose registration somebody has switched off (RFC 7592, section 2.1).
var errDisabledClient = &forbidden{mandate.Errorf(mandate.AccessDenied, nil, "client is disabled")}

// forbidden is a refusal with status 403.
type forbidden struct{ refusal *mandate.Error }

// Error returns what the client is told.
func (f *forbidden) Error() string { return f.refusal.Error() }

// Unwrap returns the refusal itself.
func (f *forbidden) Unwrap() error { return f.refusal }

// managed returns the client called id, if token is its registration access token. Whatever is wrong, the answer is the same.
func (s *Server) managed(ctx context.Context, id, token string) (*store.Client, error) {
	wrong := &bearerError{mandate.Errorf(mandate.InvalidToken, nil, "registration access token is not valid")}
	if s.fixed[id] != nil || !validClientID(id) {
		return nil, wrong
	}
	c, err := s.store.Client(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, wrong
	case err != nil:
		return nil, fault("read client", err)
	}
	key, d := c.Policy.RegistrationKey, mandate.DigestOf(token)
	if key == (mandate.Digest{}) || subtle.ConstantTimeCompare(key[:], d[:]) != 1 {
		return nil, wrong
	}
	return c, nil
}

// recoverable returns the client's secret where the store keeps it so, and "" otherwise.
func (s *Server) recoverable(c *store.Client) string {
	now := s.now()
	for i := range c.Secrets {
		if k := &c.Secrets[i]; k.Form == store.Sealed && goodAt(k, now) {
			if plain, err := s.atRest.Open(k.Value, []byte(c.ID), now); err == nil {
				return string(plain)
			}
		}
	}
	return ""
}

// replaceClient replaces all that the client said of itself (RFC 7592, section 2.2). What this server says of it stays.
func (s *Server) replaceClient(ctx context.Context, r *mandate.Request, c *store.Client, token string) (*mandate.Response, error) {
	members, err := registrationBody(r)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"} {
		if _, ok := members[name]; ok {
			return nil, badMetadata(name, "is the server's to say (RFC 7592, section 2.2)")
		}
	}
	if id, _ := jose.Text(members["client_id"]); id != c.ID {
		return nil, badMetadata("client_id", "is missing or another")
	}
	if raw, ok := members["client_secret"]; ok {
		secret, _ := jose.Text(raw)
		right, err := s.proves(ctx, r, c, secret)
		switch {
		case err != nil:
			return nil, err
		case !right:
			return nil, badMetadata("client_secret", "is not the client's")
		}
		delete(members, "client_secret") // no hook needs it
	}
	for range maxClientWrites {
		if c.Disabled {
			return nil, errDisabledClient
		}
		next, secret, err := s.replacement(ctx, r, c, members)
		if err != nil {
			return nil, err
		}
		err = s.clientWriter().PutClient(ctx, next)
		switch {
		case err == nil:
			s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientChanged, Endpoint: "registration_management", ClientID: c.ID})
			if secret == "" {
				secret = s.recoverable(next)
			}
			return s.clientInformation(200, next, secret, token)
		case !errors.Is(err, store.ErrConflict):
			return nil, fault("put client", err)
		}
		if c, err = s.managed(ctx, c.ID, token); err != nil { // somebody else wrote it: perhaps it is disabled by now, or has another token
			return nil, err
		}
	}
	return nil, errClientContended
}

// errClientContended invites to try again.
var errClientContended = mandate.Errorf(mandate.TemporarilyUnavailable, store.ErrConflict, "the client is changed by somebody else")

// replacement returns what c becomes when members replace what it said of itself.
func (s *Server) replacement(ctx context.Context, r *mandate.Request, c *store.Client, members map[string]string) (next *store.Client, secret string, err error) {
	was := c.Policy.Registered
	w := &writing{server: s, request: r, via: was.Via, limits: RegistrationLimits{Scopes: was.Scopes, GrantTypes: strings.Fields(was.GrantTypes), Trusted: was.Trusted}}
	if w.via == "" {
		w.via = viaOpen // the operator gave it a token, and said no more
	}
	if err := w.read(maps.Clone(members), string(c.Metadata.Extra[memberStatement])); err != nil {
		return nil, "", err
	}
	next = c.Clone()
	if err := w.fill(ctx, next, c); err != nil {
		return nil, "", err
	}
	return next, w.secret, nil
}

// deleteClient ends the client for good (RFC 7592, section 2.3): it is disabled, its grants end, and it is removed, in that order. Wherever that stops,
// no token under a grant of the client's outlives it (what it exchanged stands under the grants of others, and ends with its time), and another DELETE goes on.
func (s *Server) deleteClient(ctx context.Context, c *store.Client, token string) (*mandate.Response, error) {
	for tries := 0; !c.Disabled; tries++ {
		next := c.Clone()
		next.Disabled = true
		err := s.clientWriter().PutClient(ctx, next)
		switch {
		case err == nil:
			c = next
			continue
		case !errors.Is(err, store.ErrConflict):
			return nil, fault("disable client", err)
		case tries == maxClientWrites:
			return nil, errClientContended
		}
		if c, err = s.managed(ctx, c.ID, token); err != nil { // perhaps somebody else deleted it
			return nil, err
		}
	}
	end := func() error {
		_, err := s.RevokeGrants(ctx, store.GrantQuery{ClientID: c.ID}, store.ByClient)
		if err != nil {
			return fault("revoke grants", err)
		}
		return nil
	}
	if err := end(); err != nil {
		return nil, err
	}
	alarm, cancel := alarmed(ctx)
	defer cancel()
	if err := s.clientWriter().DeleteClient(alarm, c.ID); err != nil {
		return nil, fault("delete client", err)
	}
	if err := end(); err != nil { // what a request that had read the client before made in between
		return nil, err
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientDeleted, Endpoint: "registration_management", ClientID: c.ID})
	return noContent(), nil
}

func noContent() *mandate.Response {
	return &mandate.Response{Status: 204, Header: mandate.Fields{{Name: "Cache-Control", Value: "no-store"}, {Name: "Pragma", Value: "no-cache"}}}
}
