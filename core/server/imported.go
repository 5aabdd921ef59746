package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// ImportedRefreshToken is a live refresh token of another system, for [Server.ImportRefreshToken]. Token or Digest, ClientID and
// Subject are required.
type ImportedRefreshToken struct {
	// Token is the refresh token itself, of which only the digest is kept: 16 to 4096 visible ASCII characters, as the client will send it.
	Token string
	// Digest is the token's, in place of Token, where the other system has kept no more: SHA-256.
	Digest mandate.Digest
	// ClientID is the client that the token was issued to. It is registered here already.
	ClientID string
	// Subject is the user, by the name that [User.Subject] has at a sign-in here.
	Subject string
	// Scopes are what the user granted. May be empty, where the other system knew none.
	Scopes mandate.Scopes
	// Resources are the resource indicators that were granted (RFC 8707). Empty: the server's DefaultAudience.
	Resources []string
	// Expires is until when the token can be brought. Zero: it has no end of its own.
	Expires time.Time
	// Ends is when everything that comes of it is over, however often it is refreshed. Zero: Config.RefreshTTL after its first use here.
	Ends time.Time
	// AuthTime is when the user signed in. Zero: unknown.
	AuthTime time.Time
}

const (
	minImported = 16
	maxImported = maxText // longer ones are no refresh_token: see allowed
)

// byImport is why the grant of an imported token ends when the token is spent: another has taken its place.
const byImport store.Reason = "imported"

// ImportRefreshToken lets a client go on with a refresh token of the system that this server replaces: nobody has to sign in again. The
// client uses it once, as a refresh token of this server's, and gets one of this server's, which rotates like all others. A second use by
// the client it belongs to is reuse, and ends everything that came of it (RFC 9700, section 4.14.2). Config.ImportedRefreshTokens must be on.
//
// It keeps the token's digest alone, and a grant of its own, so that RevokeGrants for a user or client ends imported tokens too.
// It is idempotent: a token that was imported, and perhaps used, before stays as it is. An error names what is wrong with t; it is
// [store.ErrExpired] for a token that is over, which an import may skip, [store.ErrExists] for one that was
// imported with other values, and [store.ErrNotFound] for a client that is unknown.
func (s *Server) ImportRefreshToken(ctx context.Context, t ImportedRefreshToken) error {
	now := s.now()
	digest, err := s.checkImported(ctx, &t, now)
	if err != nil {
		return err
	}
	ticket := store.Ticket{
		Kind: store.LegacyRefresh, Key: s.importedKey(digest), ClientID: t.ClientID, Subject: t.Subject, Created: now, Expires: t.Expires,
	}
	ticket.GrantID = importedGrant(ticket.Key)
	g := store.Grant{ID: ticket.GrantID, ClientID: t.ClientID, Subject: t.Subject, Created: now, Advanced: now, Expires: t.Expires}
	g.Details.Scopes, g.Details.Resources, g.Details.Ends, g.Details.AuthTime = t.Scopes, strings.Join(t.Resources, " "), t.Ends, t.AuthTime
	// The ticket outlives a grant that was ended: an import that is repeated must not bring that back.
	switch _, err := s.store.Ticket(ctx, ticket.Kind, ticket.Key, now); {
	case err == nil, errors.Is(err, store.ErrUsed), errors.Is(err, store.ErrExpired):
		if err = s.sameImport(ctx, g); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("server: import refresh token: %w", err)
		}
		return nil
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("server: import refresh token: %w", err)
	}
	// The grant first: a crash between the two leaves one that nothing leads to, and the next import completes it.
	err = s.store.CreateGrant(ctx, g)
	if errors.Is(err, store.ErrExists) {
		err = s.sameImport(ctx, g)
	}
	if err != nil {
		return fmt.Errorf("server: import refresh token: %w", err)
	}
	if err := s.store.PutTicket(ctx, ticket); err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("server: import refresh token: %w", err)
	}
	return nil
}

// sameImport reports what an earlier import of the token that g stands for has differently.
func (s *Server) sameImport(ctx context.Context, g store.Grant) error {
	old, err := s.store.Grant(ctx, g.ID)
	switch {
	case err != nil:
		return err
	case !old.Revoked.IsZero():
		return nil // used or revoked since: that stays so
	case old.ClientID != g.ClientID || old.Subject != g.Subject:
		return fmt.Errorf("%w: the same token was imported for client %q and subject %q, now for %q and %q: one of the two rows is wrong", store.ErrExists, old.ClientID, old.Subject, g.ClientID, g.Subject)
	case old.Details.Scopes != g.Details.Scopes || old.Details.Resources != g.Details.Resources || !old.Expires.Equal(g.Expires) || !old.Details.Ends.Equal(g.Details.Ends):
		return fmt.Errorf("%w: the token was imported for client %q and subject %q with other scopes, resources or ends, which stay: revoke grant %s to end it", store.ErrExists, g.ClientID, g.Subject, g.ID)
	}
	return nil
}

// checkImported refuses what could not be redeemed, or should not, and completes t.
func (s *Server) checkImported(ctx context.Context, t *ImportedRefreshToken, now time.Time) (mandate.Digest, error) {
	digest, err := s.digestOf(t)
	if err != nil {
		return digest, err
	}
	switch {
	case !s.config.ImportedRefreshTokens:
		return digest, errors.New("server: Config.ImportedRefreshTokens is false, so that nobody could use an imported token: set it")
	case s.grants[grantRefresh] == nil:
		return digest, errors.New("server: GrantTypes has no RefreshToken, so that nobody could use an imported token: add it")
	case t.Subject == "" || !plainText(t.Subject):
		return digest, fmt.Errorf("server: imported refresh token: Subject %q is no user: want the name that User.Subject has at a sign-in; leave out tokens that stand for no user", t.Subject)
	case t.Subject == t.ClientID:
		return digest, fmt.Errorf("server: imported refresh token: Subject %q is the client's own id: leave out tokens that stand for no user", t.Subject)
	}
	c, err := s.client(ctx, t.ClientID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return digest, fmt.Errorf("server: imported refresh token: ClientID %q: %w: import clients before their tokens", t.ClientID, err)
	case err != nil:
		return digest, fmt.Errorf("server: import refresh token: read client: %w", err)
	case !c.Metadata.Allows(grantRefresh):
		return digest, fmt.Errorf("server: imported refresh token: client %q may not use the grant refresh_token: add it to its GrantTypes %v", t.ClientID, c.Metadata.GrantTypes)
	}
	if t.Scopes, err = mandate.ParseScopes(string(t.Scopes)); err != nil {
		return digest, fmt.Errorf("server: imported refresh token: Scopes %q are not scopes parted by spaces: %w", t.Scopes, err)
	}
	for scope := range t.Scopes.All() {
		if _, ok := s.scopes[scope]; !ok {
			return digest, fmt.Errorf("server: imported refresh token: Scopes has %q, which is not among Config.Scopes: add it there, or leave it out here", scope)
		}
	}
	resources, err := s.resourcesFor(c, t.Resources)
	if err != nil {
		return digest, fmt.Errorf("server: imported refresh token: Resources %q has one that client %q may not ask for: add it to Config.Resources or to the client's policy", t.Resources, t.ClientID)
	}
	t.Resources = strings.Fields(resources)
	t.Expires, t.Ends, t.AuthTime = wholeMilli(t.Expires), wholeMilli(t.Ends), wholeMilli(t.AuthTime)
	if !t.Ends.IsZero() && (t.Expires.IsZero() || t.Expires.After(t.Ends)) {
		t.Expires = t.Ends
	}
	if !t.Expires.IsZero() && !now.Before(t.Expires) {
		return digest, fmt.Errorf("server: imported refresh token: Expires %v: %w: leave it out", t.Expires, store.ErrExpired)
	}
	return digest, nil
}

// digestOf returns the digest that t is found by.
func (s *Server) digestOf(t *ImportedRefreshToken) (mandate.Digest, error) {
	switch {
	case (t.Token == "") == t.Digest.IsZero():
		return t.Digest, errors.New("server: imported refresh token: want Token or Digest, and one of them: leave out rows without a refresh token")
	case t.Digest == mandate.DigestOf(""):
		return t.Digest, errors.New("server: imported refresh token: Digest is that of an empty text: leave out rows without a refresh token")
	case t.Token == "":
		return t.Digest, nil
	case s.ours(t.Token):
		_, n := s.kindOf(t.Token)
		return t.Digest, fmt.Errorf("server: imported refresh token: Token begins with %q, as this server's own do, and would not be looked for", t.Token[:n])
	case len(t.Token) < minImported || len(t.Token) > maxImported || !visible(t.Token, true):
		return t.Digest, fmt.Errorf("server: imported refresh token: Token has %d bytes, want %d to %d visible ASCII characters: its client must sign in again", len(t.Token), minImported, maxImported)
	}
	return mandate.DigestOf(t.Token), nil
}

// importedKey returns what the store finds an imported token by: another at every issuer.
func (s *Server) importedKey(digest mandate.Digest) mandate.Digest {
	return mandate.DigestOf(string(digest[:]) + s.config.Issuer)
}

// importedGrant returns the public id of the grant that an imported token stands under until it is spent. It tells nothing of the key.
func importedGrant(key mandate.Digest) string {
	d := mandate.DigestOf("imported grant " + string(key[:]))
	return "imported-" + base64.RawURLEncoding.EncodeToString(d[:16])
}

// mayBeImported reports, without any I/O, whether token may be an imported one: the feature is on, and it has none of the forms of
// the server's own credentials.
func (s *Server) mayBeImported(token string) bool {
	return s.config.ImportedRefreshTokens && len(token) >= minImported && len(token) <= maxImported && !s.ours(token)
}

// ours reports whether token has the form of a credential that this server hands out.
func (s *Server) ours(token string) bool {
	kind, _ := s.kindOf(token)
	return kind != 0
}

// wholeMilli returns t as stores keep it.
func wholeMilli(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

// presentImported is present for an imported token: the new grant that it becomes, and its ticket. It changes nothing, unless the
// right client brings a token that was spent before.
func (s *Server) presentImported(ctx context.Context, r *TokenRequest, token string) (*store.Ticket, store.Grant, error) {
	t, err := s.store.Ticket(ctx, store.LegacyRefresh, s.importedKey(mandate.DigestOf(token)), r.Now)
	used := errors.Is(err, store.ErrUsed)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired):
		return nil, store.Grant{}, mandate.Errorf(mandate.InvalidGrant, err, "refresh token is not valid")
	case err != nil && !used:
		return nil, store.Grant{}, fault("read imported refresh token", err)
	case t.ClientID != r.Client.ID:
		return nil, store.Grant{}, mandate.Errorf(mandate.InvalidGrant, nil, "code or refresh token was issued to another client")
	case used:
		return nil, store.Grant{}, s.reusedTicket(ctx, r, t, grantRefresh)
	}
	old, err := s.aliveGrant(ctx, t.GrantID, r.Now)
	if errors.Is(err, mandate.InvalidGrant) {
		// Its end may be that of another use, since the ticket was read: then this is the second one.
		if again, err := s.store.Ticket(ctx, t.Kind, t.Key, r.Now); errors.Is(err, store.ErrUsed) {
			return nil, old, s.reusedTicket(ctx, r, again, grantRefresh)
		}
	}
	if err != nil {
		return nil, old, err
	}
	g := s.newGrant(r, t.Subject, old.Details.Scopes)
	g.Details.Resources, g.Details.AuthTime = old.Details.Resources, old.Details.AuthTime
	if ends := old.Details.Ends; !ends.IsZero() {
		g.Details.Ends = ends
	}
	return &t, g, nil
}

// aliveGrant returns the grant called id, or refuses.
func (s *Server) aliveGrant(ctx context.Context, id string, now time.Time) (store.Grant, error) {
	g, err := s.store.Grant(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && !g.AliveAt(now):
		return g, mandate.Errorf(mandate.InvalidGrant, err, "grant is over")
	case err != nil:
		return g, fault("read grant", err)
	}
	return g, nil
}

// beginFrom creates the new grant of an issue that a ticket entitles to, once the ticket is spent: of any number of requests one comes so far.
// A crash in between costs a new sign-in.
func (s *Server) beginFrom(ctx context.Context, r *TokenRequest, i *Issue, grantType string) error {
	spent := *i.Ticket
	spent.Used, spent.GrantID = r.Now, i.Grant.ID
	// The row is of use as long as what it led to: whoever brings the ticket again is to end that.
	spent.Expires = i.Grant.Details.Ends
	err := s.store.UpdateTicket(ctx, spent)
	switch {
	case errors.Is(err, store.ErrUsed), errors.Is(err, store.ErrConflict):
		return s.spentTicket(ctx, r, spent, grantType)
	case errors.Is(err, store.ErrNotFound):
		return mandate.Errorf(mandate.InvalidGrant, err, "refresh token is not valid")
	case err != nil:
		return fault("spend ticket", err)
	}
	err = s.store.CreateGrant(ctx, i.Grant)
	if errors.Is(err, store.ErrExists) {
		return mandate.Errorf(mandate.InvalidGrant, err, "refresh token was used twice") // and whoever came second has ended the grant
	}
	if err != nil {
		return fault("create grant", err)
	}
	if i.Ticket.GrantID == "" {
		return nil
	}
	// Whoever revoked the old grant meanwhile did not see the new one.
	if _, err := s.aliveGrant(ctx, i.Ticket.GrantID, r.Now); err != nil {
		alarm, cancel := alarmed(ctx)
		defer cancel()
		return errors.Join(err, s.store.RevokeGrant(alarm, i.Grant.ID, store.ByAdmin, r.Now))
	}
	if err := s.store.RevokeGrant(ctx, i.Ticket.GrantID, byImport, r.Now); err != nil {
		return fault("end imported grant", err)
	}
	return nil
}

// spentTicket is the answer to who lost the race for a ticket.
func (s *Server) spentTicket(ctx context.Context, r *TokenRequest, t store.Ticket, grantType string) error {
	now, err := s.store.Ticket(ctx, t.Kind, t.Key, r.Now)
	if err == nil || !errors.Is(err, store.ErrUsed) {
		return mandate.Errorf(mandate.InvalidGrant, err, "refresh token is not valid") // changed meanwhile, and not spent
	}
	return s.reusedTicket(ctx, r, now, grantType)
}

// reusedTicket ends what a ticket led to that was proven to be used twice.
func (s *Server) reusedTicket(ctx context.Context, r *TokenRequest, t store.Ticket, grantType string) error {
	return s.reused(ctx, r, &Issue{Grant: store.Grant{ID: t.GrantID, Subject: t.Subject}}, grantType, store.ErrUsed)
}

// revokeImported is revocation by an imported token: it ends the grant that the token stands under, or, once it was used, the one that came of it.
func (s *Server) revokeImported(ctx context.Context, client Client, token string) error {
	now, ended := s.now(), ""
	for {
		t, err := s.store.Ticket(ctx, store.LegacyRefresh, s.importedKey(mandate.DigestOf(token)), now)
		switch {
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired):
			return nil
		case err != nil && !errors.Is(err, store.ErrUsed):
			return fault("read imported refresh token", err)
		case t.ClientID != client.ID:
			return errForeign
		case t.GrantID == ended:
			return nil // and nobody has used it meanwhile
		}
		if err := s.SpendProof(ctx, client); err != nil {
			return err
		}
		ended = t.GrantID
		if err := s.revokeGrant(ctx, store.Grant{ID: t.GrantID, ClientID: t.ClientID, Subject: t.Subject}, store.ByClient); err != nil {
			return err
		}
	}
}

// introspectImported answers for an imported refresh token that nobody has used.
func (s *Server) introspectImported(ctx context.Context, client Client, token string) ([]byte, error) {
	now := s.now()
	t, err := s.store.Ticket(ctx, store.LegacyRefresh, s.importedKey(mandate.DigestOf(token)), now)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired), errors.Is(err, store.ErrUsed):
		return inactive, nil
	case err != nil:
		return nil, fault("read imported refresh token", err)
	}
	g, err := s.aliveGrant(ctx, t.GrantID, now)
	switch {
	case errors.Is(err, mandate.InvalidGrant):
		return inactive, nil
	case err != nil:
		return nil, err
	case !mayIntrospect(client.Client, g.ClientID, strings.Fields(g.Details.Resources)):
		return inactive, nil
	}
	return s.introspected(ctx, Introspected{Client: client, Grant: g}, introspection{
		Active: true, Scope: g.Details.Scopes, ClientID: g.ClientID, Subject: g.Subject, Issuer: s.config.Issuer,
		Expires: unix(t.Expires), IssuedAt: unix(g.Created), AuthTime: unix(g.Details.AuthTime),
	}, "")
}
