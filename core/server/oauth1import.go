package server

import (
	"context"
	"errors"
	"fmt"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// ImportedOAuth1Token are token credentials of another provider of OAuth 1.0a, for [Server.ImportOAuth1Token]. All but Realms are required.
type ImportedOAuth1Token struct {
	// Token and Secret are what the client has: 16 to 4096 visible ASCII characters each. Of the token the digest is kept, and the secret is sealed.
	Token, Secret string
	// ClientID is the client that they were issued to. It is registered here already, for GrantTypeOAuth1.
	ClientID string
	// Subject is the user, by the name that [User.Subject] has at a sign-in here.
	Subject string
	// Realms are what the user allowed: scopes of Config.Scopes. May be empty.
	Realms mandate.Scopes
}

// ImportOAuth1Token lets a client go on with the token credentials that it got from the provider which this server replaces: nobody has to
// connect it once more. They are a grant like those of this server's own, until somebody revokes it. Config.OAuth1 must be set.
//
// It is idempotent: credentials that were imported before, and perhaps revoked, stay as they are. An error names what is wrong with t; it is
// [store.ErrExists] for a token that was imported with another client or user, and [store.ErrNotFound] for a client that is unknown.
func (s *Server) ImportOAuth1Token(ctx context.Context, t ImportedOAuth1Token) error {
	if err := s.checkImported1(ctx, &t); err != nil {
		return err
	}
	now := s.now()
	g := store.Grant{
		Key: s.oauth1Key(t.Token), ClientID: t.ClientID, Subject: t.Subject, Created: now, Advanced: now, Generation: 1,
		Details: store.Details{Scopes: t.Realms},
	}
	g.ID = importedGrant(g.Key)
	g.Details.Sealed = s.sealToken(t.Secret, g.ID)
	err := s.store.CreateGrant(ctx, g)
	if errors.Is(err, store.ErrExists) {
		switch old, readErr := s.store.Grant(ctx, g.ID); {
		case readErr != nil:
			err = readErr
		case old.ClientID == g.ClientID && old.Subject == g.Subject:
			return nil
		default:
			err = fmt.Errorf("%w: the same token was imported for client %q and subject %q, now for %q and %q: one of the two rows is wrong", err, old.ClientID, old.Subject, g.ClientID, g.Subject)
		}
	}
	if err != nil {
		return fmt.Errorf("server: import OAuth 1.0a token: %w", err)
	}
	return nil
}

// checkImported1 refuses what no client could use, or should not, and completes t.
func (s *Server) checkImported1(ctx context.Context, t *ImportedOAuth1Token) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("server: imported OAuth 1.0a token: "+format, args...)
	}
	if s.config.OAuth1 == nil {
		return errors.New("server: Config.OAuth1 is nil, so that nobody could use an imported token: set it")
	}
	for name, value := range map[string]string{"Token": t.Token, "Secret": t.Secret} {
		if len(value) < minImported || len(value) > maxImported || !visible(value, true) {
			return fail("%s has %d bytes, want %d to %d visible ASCII characters: its client must be connected once more", name, len(value), minImported, maxImported)
		}
	}
	if t.Subject == "" || !plainText(t.Subject) || t.Subject == t.ClientID {
		return fail("Subject %q is no user: want the name that User.Subject has at a sign-in; leave out tokens that stand for no user", t.Subject)
	}
	c, err := s.client(ctx, t.ClientID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fail("ClientID %q: %w: import clients before their tokens", t.ClientID, err)
	case err != nil:
		return fmt.Errorf("server: import OAuth 1.0a token: read client: %w", err)
	case !usesOAuth1(c):
		return fail("client %q does not use OAuth 1.0a: add %q to its GrantTypes %v", t.ClientID, GrantTypeOAuth1, c.Metadata.GrantTypes)
	}
	if t.Realms, err = mandate.ParseScopes(string(t.Realms)); err != nil {
		return fail("Realms %q are not scopes parted by spaces: %w", t.Realms, err)
	}
	for scope := range t.Realms.All() {
		if _, ok := s.scopes[scope]; !ok {
			return fail("Realms has %q, which is not among Config.Scopes: add it there, or leave it out here", scope)
		}
	}
	return nil
}
