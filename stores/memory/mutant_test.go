package memstore_test

import (
	"context"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// mutant is a store with one mistake: methods that are set take the place of the right ones.
type mutant struct {
	*memstore.Store
	putClient     func(c *store.Client) error
	deleteConsent func(subject, client string) error
	touchSession  func(key mandate.Digest, expires time.Time) error
	session       func(key mandate.Digest, now time.Time) (store.Session, error)
	grant         func(id string) (store.Grant, error)
	createGrant   func(g store.Grant) error
	findGrants    func(q store.GrantQuery, page store.Page) ([]store.Grant, error)
	redeem        func(r store.Redemption) (string, error)
	revokeGrant   func(ctx context.Context, id string, why store.Reason, now time.Time) error
	revokeGrants  func(q store.GrantQuery, why store.Reason, now time.Time) ([]store.Grant, error)
	putToken      func(key mandate.Digest, t *mandate.Token) error
	token         func(key mandate.Digest, now time.Time) (*mandate.Token, error)
	revokeToken   func(ctx context.Context, key mandate.Digest, expires time.Time) error
	putTicket     func(t store.Ticket) error
	ticket        func(kind store.Kind, key mandate.Digest, now time.Time) (store.Ticket, error)
	updateTicket  func(ctx context.Context, t store.Ticket) error
	useOnce       func(space string, key mandate.Digest, now, expires time.Time) error
	putConsent    func(c store.Consent) error
	endSession    func(id string, now time.Time) (store.Session, error)
	signingKeys   func(name string) ([]byte, int64, error)
	putKeys       func(name string, sealed []byte, revision int64) error
	lease         func(key string, revision int64, now, until time.Time) error
	prune         func(now time.Time, limit int) (int, error)
}

func (m *mutant) PutClient(ctx context.Context, c *store.Client) error {
	if m.putClient != nil {
		return m.putClient(c)
	}
	return m.Store.PutClient(ctx, c)
}

func (m *mutant) DeleteConsent(ctx context.Context, subject, client string) error {
	if m.deleteConsent != nil {
		return m.deleteConsent(subject, client)
	}
	return m.Store.DeleteConsent(ctx, subject, client)
}

func (m *mutant) TouchSession(ctx context.Context, key mandate.Digest, expires time.Time) error {
	if m.touchSession != nil {
		return m.touchSession(key, expires)
	}
	return m.Store.TouchSession(ctx, key, expires)
}

func (m *mutant) Session(ctx context.Context, key mandate.Digest, now time.Time) (store.Session, error) {
	if m.session != nil {
		return m.session(key, now)
	}
	return m.Store.Session(ctx, key, now)
}

func (m *mutant) Grant(ctx context.Context, id string) (store.Grant, error) {
	if m.grant != nil {
		return m.grant(id)
	}
	return m.Store.Grant(ctx, id)
}

func (m *mutant) CreateGrant(ctx context.Context, g store.Grant) error {
	if m.createGrant != nil {
		return m.createGrant(g)
	}
	return m.Store.CreateGrant(ctx, g)
}

func (m *mutant) FindGrants(ctx context.Context, q store.GrantQuery, page store.Page) ([]store.Grant, error) {
	if m.findGrants != nil {
		return m.findGrants(q, page)
	}
	return m.Store.FindGrants(ctx, q, page)
}

func (m *mutant) Redeem(ctx context.Context, r store.Redemption) (string, error) {
	if m.redeem != nil {
		return m.redeem(r)
	}
	return m.Store.Redeem(ctx, r)
}

func (m *mutant) RevokeGrant(ctx context.Context, id string, why store.Reason, now time.Time) error {
	if m.revokeGrant != nil {
		return m.revokeGrant(ctx, id, why, now)
	}
	return m.Store.RevokeGrant(ctx, id, why, now)
}

func (m *mutant) RevokeGrants(ctx context.Context, q store.GrantQuery, why store.Reason, now time.Time) ([]store.Grant, error) {
	if m.revokeGrants != nil {
		return m.revokeGrants(q, why, now)
	}
	return m.Store.RevokeGrants(ctx, q, why, now)
}

func (m *mutant) PutToken(ctx context.Context, key mandate.Digest, t *mandate.Token) error {
	if m.putToken != nil {
		return m.putToken(key, t)
	}
	return m.Store.PutToken(ctx, key, t)
}

func (m *mutant) Token(ctx context.Context, key mandate.Digest, now time.Time) (*mandate.Token, error) {
	if m.token != nil {
		return m.token(key, now)
	}
	return m.Store.Token(ctx, key, now)
}

func (m *mutant) RevokeToken(ctx context.Context, key mandate.Digest, expires time.Time) error {
	if m.revokeToken != nil {
		return m.revokeToken(ctx, key, expires)
	}
	return m.Store.RevokeToken(ctx, key, expires)
}

func (m *mutant) PutTicket(ctx context.Context, t store.Ticket) error {
	if m.putTicket != nil {
		return m.putTicket(t)
	}
	return m.Store.PutTicket(ctx, t)
}

func (m *mutant) Ticket(ctx context.Context, kind store.Kind, key mandate.Digest, now time.Time) (store.Ticket, error) {
	if m.ticket != nil {
		return m.ticket(kind, key, now)
	}
	return m.Store.Ticket(ctx, kind, key, now)
}

func (m *mutant) UpdateTicket(ctx context.Context, t store.Ticket) error {
	if m.updateTicket != nil {
		return m.updateTicket(ctx, t)
	}
	return m.Store.UpdateTicket(ctx, t)
}

func (m *mutant) UseOnce(ctx context.Context, space string, key mandate.Digest, now, expires time.Time) error {
	if m.useOnce != nil {
		return m.useOnce(space, key, now, expires)
	}
	return m.Store.UseOnce(ctx, space, key, now, expires)
}

func (m *mutant) PutConsent(ctx context.Context, c store.Consent) error {
	if m.putConsent != nil {
		return m.putConsent(c)
	}
	return m.Store.PutConsent(ctx, c)
}

func (m *mutant) EndSession(ctx context.Context, id string, now time.Time) (store.Session, error) {
	if m.endSession != nil {
		return m.endSession(id, now)
	}
	return m.Store.EndSession(ctx, id, now)
}

func (m *mutant) SigningKeys(ctx context.Context, name string) ([]byte, int64, error) {
	if m.signingKeys != nil {
		return m.signingKeys(name)
	}
	return m.Store.SigningKeys(ctx, name)
}

func (m *mutant) PutSigningKeys(ctx context.Context, name string, sealed []byte, revision int64) error {
	if m.putKeys != nil {
		return m.putKeys(name, sealed, revision)
	}
	return m.Store.PutSigningKeys(ctx, name, sealed, revision)
}

func (m *mutant) LeaseRemoteToken(ctx context.Context, key string, revision int64, now, until time.Time) error {
	if m.lease != nil {
		return m.lease(key, revision, now, until)
	}
	return m.Store.LeaseRemoteToken(ctx, key, revision, now, until)
}

func (m *mutant) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	if m.prune != nil {
		return m.prune(now, limit)
	}
	return m.Store.Prune(ctx, now, limit)
}
