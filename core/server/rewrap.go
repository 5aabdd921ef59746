package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// Rewrapped is how many rows [Server.Rewrap] wrote. New members may come.
type Rewrapped struct {
	Keys    int `json:"keys"`    // sets of signing keys: 1 or 0
	Clients int `json:"clients"` // clients with a secret that was sealed
	Grants  int `json:"grants"`  // token credentials of OAuth 1.0a, whose secrets lie in their grants
}

// Rewrap seals anew, under the first root of Config.Secret, every row of the store that lies sealed under a later one: the
// signing keys, the clients' secrets that are kept recoverable, and, where Config.OAuth1 is set, the secrets of token credentials. It is a step of a rotation: put the new root behind the old one in every process,
// so that all can read what it seals, then in front of it in every process, Rewrap, and take the old one out. Until it has returned without an error the old root must stay.
//
// It may run beside traffic and in several processes at once, and be repeated after an error: it writes by revision, and leaves alone what is
// sealed under the first root already. What it cannot open is an error that names the row; the others are
// rewritten all the same. Codes and refresh tokens are not sealed but authenticated: those that were made under the old root
// end with it, so keep it for as long as a refresh token may go unused, where nobody is to sign in again.
//
// Clients of Config.Clients and of a table of the application's own (store.ClientsFunc) are the application's to write. Temporary credentials
// of OAuth 1.0a are left alone: they are over within the hour.
func (s *Server) Rewrap(ctx context.Context) (Rewrapped, error) {
	var done Rewrapped
	wrote, err := s.keys.rewrap(ctx)
	if wrote {
		done.Keys++
	}
	err = errors.Join(err, s.rewrapClients(ctx, &done), s.rewrapGrants(ctx, &done))
	return done, err
}

// rewrapClients seals the secrets of all clients anew where that is due.
func (s *Server) rewrapClients(ctx context.Context, done *Rewrapped) error {
	w, ok := s.store.(store.ClientWriter)
	if !ok {
		return nil
	}
	var failed []error
	for after := ""; ; {
		page, err := w.FindClients(ctx, store.Page{After: after})
		if err != nil {
			return errors.Join(append(failed, fmt.Errorf("server: find clients: %w", err))...)
		}
		if len(page) == 0 {
			return errors.Join(failed...)
		}
		for _, c := range page {
			wrote, err := s.rewrapClient(ctx, w, c)
			if wrote {
				done.Clients++
			}
			failed = append(failed, err)
		}
		after = page[len(page)-1].ID
	}
}

// grantsPage is how many grants are looked at together: a store without an index looks at all of them for each page.
const grantsPage = 5000

// rewrapGrants seals the secrets of token credentials anew where that is due.
func (s *Server) rewrapGrants(ctx context.Context, done *Rewrapped) error {
	if s.config.OAuth1 == nil {
		return nil
	}
	var failed []error
	for after := ""; ; {
		page, err := s.store.FindGrants(ctx, store.GrantQuery{}, store.Page{After: after, Limit: grantsPage})
		if err != nil {
			return errors.Join(append(failed, fmt.Errorf("server: find grants: %w", err))...)
		}
		if len(page) == 0 {
			return errors.Join(failed...)
		}
		for _, g := range page {
			wrote, err := s.rewrapGrant(ctx, g)
			if wrote {
				done.Grants++
			}
			failed = append(failed, err)
		}
		after = page[len(page)-1].ID
	}
}

// rewrapGrant seals the secret of g anew where that is due, and reports whether it wrote it.
func (s *Server) rewrapGrant(ctx context.Context, g store.Grant) (bool, error) {
	if g.Details.Sealed == "" || !g.AliveAt(s.now()) { // what is over nobody wants back
		return false, nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(g.Details.Sealed)
	if err == nil && !s.atRest.Stale(raw) {
		return false, nil
	}
	var secret []byte
	if err == nil {
		secret, err = s.atRest.Open(raw, sealedFor(g.ID), s.now())
	}
	if err != nil {
		return false, fmt.Errorf("server: grant %q: %w: is the root that it was sealed under among those of Config.Secret? Revoke the grant otherwise", g.ID, err)
	}
	switch err = s.store.ResealGrant(ctx, g.ID, g.Details.Sealed, s.sealToken(string(secret), g.ID)); {
	case err == nil:
		return true, nil
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNotFound):
		return false, nil // another process was here, or it is gone
	}
	return false, fmt.Errorf("server: write grant: %w", err)
}

// rewrap seals the signing keys anew where that is due, and reports whether it wrote them.
func (k *keyring) rewrap(ctx context.Context) (bool, error) {
	s := k.server
	if s.config.Keys != (jose.Ring{}) {
		return false, nil // what lies in the store is not in use
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for range maxKeyWrites {
		sealed, revision, err := s.store.SigningKeys(ctx, s.config.Issuer)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("server: read signing keys: %w", err)
		}
		if !s.atRest.Stale(sealed) {
			return false, nil
		}
		ring, err := k.open(sealed)
		if err != nil {
			return false, err
		}
		switch err = k.save(ctx, ring, revision); {
		case err == nil:
			k.state.Store(&ringState{ring, revision + 1, s.now()})
			return true, nil
		case !errors.Is(err, store.ErrConflict):
			return false, fmt.Errorf("server: write signing keys: %w", err)
		}
	}
	return false, errKeysContended
}

// rewrapClient seals c's secrets anew where that is due, and reports whether it wrote c.
func (s *Server) rewrapClient(ctx context.Context, w store.ClientWriter, c *store.Client) (bool, error) {
	for range maxKeyWrites {
		next, err := s.resealed(c)
		if err != nil || next == nil {
			return false, err
		}
		switch err = w.PutClient(ctx, next); {
		case err == nil:
			return true, nil
		case errors.Is(err, store.ErrExists):
			return false, nil // the application's own client of that ID stands in front of it
		case !errors.Is(err, store.ErrConflict):
			return false, fmt.Errorf("server: write client: %w", err)
		}
		switch c, err = s.store.Client(ctx, c.ID); {
		case errors.Is(err, store.ErrNotFound):
			return false, nil // deleted by now
		case err != nil:
			return false, fmt.Errorf("server: read client: %w", err)
		}
	}
	return false, fmt.Errorf("server: client %q: changed again and again by somebody else", c.ID)
}

// resealed returns c with its secrets under the first root, or nil if they are.
func (s *Server) resealed(c *store.Client) (*store.Client, error) {
	var next *store.Client
	now := s.now()
	for i, k := range c.Secrets {
		if k.Form != store.Sealed || !s.atRest.Stale(k.Value) {
			continue
		}
		plain, err := s.atRest.Open(k.Value, []byte(c.ID), now)
		switch {
		case err != nil && !k.Expires.IsZero() && !now.Before(k.Expires):
			continue // over, and nobody will want it back
		case err != nil:
			return nil, fmt.Errorf("server: client %q, secret %q: %w: is the root that it was sealed under among those of Config.Secret? Give the client a new secret otherwise", c.ID, k.ID, err)
		}
		if next == nil {
			next = c.Clone()
		}
		next.Secrets[i].Value = s.atRest.Seal(plain, []byte(c.ID), now)
	}
	return next, nil
}
