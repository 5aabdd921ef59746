package store

import (
	"context"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// CreateGrant implements [Grants].
func (n namespace) CreateGrant(ctx context.Context, g Grant) error {
	g.ID, g.Key, g.ClientID = n.in(g.ID), n.mixSome(g.Key), n.some(g.ClientID)
	g.Subject, g.SessionID = n.some(g.Subject), n.some(g.SessionID)
	return n.s.CreateGrant(ctx, g)
}

// grant returns g as it is known outside.
func (n namespace) grant(g Grant) Grant {
	g.ID, g.Key, g.ClientID = n.out(g.ID), n.unmixSome(g.Key), n.out(g.ClientID)
	g.Subject, g.SessionID = n.out(g.Subject), n.out(g.SessionID)
	return g
}

// Grant implements [Grants].
func (n namespace) Grant(ctx context.Context, id string) (Grant, error) {
	g, err := n.s.Grant(ctx, n.in(id))
	return n.grant(g), err
}

// GrantByKey implements [Grants].
func (n namespace) GrantByKey(ctx context.Context, key mandate.Digest) (Grant, error) {
	g, err := n.s.GrantByKey(ctx, n.mixSome(key))
	return n.grant(g), err
}

// FindGrants implements [Grants]. An empty q selects all of the namespace.
func (n namespace) FindGrants(ctx context.Context, q GrantQuery, page Page) ([]Grant, error) {
	list, err := n.s.FindGrants(ctx, n.query(q), n.page(page))
	return only(n, list, err, func(g Grant) string { return g.ID }, n.grant)
}

func (n namespace) query(q GrantQuery) GrantQuery {
	return GrantQuery{Subject: n.some(q.Subject), ClientID: n.some(q.ClientID), SessionID: n.some(q.SessionID)}
}

// Redeem implements [Grants].
func (n namespace) Redeem(ctx context.Context, r Redemption) (keyID string, err error) {
	r.GrantID, r.Key = n.in(r.GrantID), n.mix(r.Key)
	if r.Token != nil {
		r.Token = n.tokenIn(r.Token)
	}
	return n.s.Redeem(ctx, r)
}

// RevokeGrant implements [Grants].
func (n namespace) RevokeGrant(ctx context.Context, id string, why Reason, now time.Time) error {
	return n.s.RevokeGrant(ctx, n.in(id), why, now)
}

// RevokeGrants implements [Grants].
func (n namespace) RevokeGrants(ctx context.Context, q GrantQuery, why Reason, now time.Time) ([]Grant, error) {
	ended, err := n.s.RevokeGrants(ctx, n.query(q), why, now)
	for i, g := range ended {
		ended[i] = n.grant(g)
	}
	return ended, err
}

// ResealGrant implements [Grants].
func (n namespace) ResealGrant(ctx context.Context, id, from, to string) error {
	return n.s.ResealGrant(ctx, n.in(id), from, to)
}

// PutToken implements [Tokens].
func (n namespace) PutToken(ctx context.Context, key mandate.Digest, t *mandate.Token) error {
	return n.s.PutToken(ctx, n.mix(key), n.tokenIn(t))
}

func (n namespace) tokenIn(t *mandate.Token) *mandate.Token {
	info := t.Info()
	info.GrantID, info.ClientID, info.Subject = n.some(info.GrantID), n.some(info.ClientID), n.some(info.Subject)
	return mandate.NewToken(info)
}

// Token implements [Tokens].
func (n namespace) Token(ctx context.Context, key mandate.Digest, now time.Time) (*mandate.Token, error) {
	t, err := n.s.Token(ctx, n.mix(key), now)
	if err != nil {
		return nil, err
	}
	info := t.Info()
	info.GrantID, info.ClientID, info.Subject = n.out(info.GrantID), n.out(info.ClientID), n.out(info.Subject)
	return mandate.NewToken(info), nil
}

// RevokeToken implements [Tokens].
func (n namespace) RevokeToken(ctx context.Context, key mandate.Digest, expires time.Time) error {
	return n.s.RevokeToken(ctx, n.mix(key), expires)
}

// PutTicket implements [Tickets].
func (n namespace) PutTicket(ctx context.Context, t Ticket) error {
	return n.s.PutTicket(ctx, n.ticketIn(t))
}

func (n namespace) ticketIn(t Ticket) Ticket {
	t.Key, t.AltKey = n.mixSome(t.Key), n.mixSome(t.AltKey)
	t.ClientID, t.Subject, t.GrantID = n.some(t.ClientID), n.some(t.Subject), n.some(t.GrantID)
	return t
}

// Ticket implements [Tickets].
func (n namespace) Ticket(ctx context.Context, kind Kind, key mandate.Digest, now time.Time) (Ticket, error) {
	t, err := n.s.Ticket(ctx, kind, n.mixSome(key), now)
	t.Key, t.AltKey = n.unmixSome(t.Key), n.unmixSome(t.AltKey)
	t.ClientID, t.Subject, t.GrantID = n.out(t.ClientID), n.out(t.Subject), n.out(t.GrantID)
	return t, err
}

// UpdateTicket implements [Tickets].
func (n namespace) UpdateTicket(ctx context.Context, t Ticket) error {
	return n.s.UpdateTicket(ctx, n.ticketIn(t))
}

// UseOnce implements [Replay].
func (n namespace) UseOnce(ctx context.Context, space string, key mandate.Digest, now, expires time.Time) error {
	return n.s.UseOnce(ctx, space, n.mix(key), now, expires)
}

// Consent implements [Consents].
func (n namespace) Consent(ctx context.Context, subject, clientID string) (Consent, error) {
	c, err := n.s.Consent(ctx, n.in(subject), n.in(clientID))
	return n.consent(c), err
}

// consent returns c as it is known outside.
func (n namespace) consent(c Consent) Consent {
	c.Subject, c.ClientID = n.out(c.Subject), n.out(c.ClientID)
	return c
}

// PutConsent implements [Consents].
func (n namespace) PutConsent(ctx context.Context, c Consent) error {
	c.Subject, c.ClientID = n.in(c.Subject), n.in(c.ClientID)
	return n.s.PutConsent(ctx, c)
}

// DeleteConsent implements [Consents].
func (n namespace) DeleteConsent(ctx context.Context, subject, clientID string) error {
	return n.s.DeleteConsent(ctx, n.in(subject), n.in(clientID))
}

// FindConsents implements [Consents].
func (n namespace) FindConsents(ctx context.Context, subject string, page Page) ([]Consent, error) {
	list, err := n.s.FindConsents(ctx, n.in(subject), n.page(page))
	return only(n, list, err, func(c Consent) string { return c.ClientID }, n.consent)
}

// PutSession implements [Sessions].
func (n namespace) PutSession(ctx context.Context, s Session) error {
	s.Key, s.ID, s.Subject, s.Clients = n.mix(s.Key), n.in(s.ID), n.some(s.Subject), n.each(s.Clients, n.in)
	return n.s.PutSession(ctx, s)
}

// each calls f with every ID of a list that is parted by spaces.
func (n namespace) each(ids string, f func(string) string) string {
	if ids == "" {
		return ""
	}
	list := strings.Fields(ids)
	for i, id := range list {
		list[i] = f(id)
	}
	return strings.Join(list, " ")
}

// session returns s as it is known outside. The zero value, which comes beside an error, stays so.
func (n namespace) session(s Session) Session {
	if s.Key.IsZero() {
		return s
	}
	s.Key, s.ID, s.Subject, s.Clients = n.unmix(s.Key), n.out(s.ID), n.out(s.Subject), n.each(s.Clients, n.out)
	return s
}

// Session implements [Sessions].
func (n namespace) Session(ctx context.Context, key mandate.Digest, now time.Time) (Session, error) {
	s, err := n.s.Session(ctx, n.mix(key), now)
	return n.session(s), err
}

// SessionByID implements [Sessions].
func (n namespace) SessionByID(ctx context.Context, id string, now time.Time) (Session, error) {
	s, err := n.s.SessionByID(ctx, n.in(id), now)
	return n.session(s), err
}

// TouchSession implements [Sessions].
func (n namespace) TouchSession(ctx context.Context, key mandate.Digest, expires time.Time) error {
	return n.s.TouchSession(ctx, n.mix(key), expires)
}

// JoinSession implements [Sessions].
func (n namespace) JoinSession(ctx context.Context, id, clientID string) error {
	return n.s.JoinSession(ctx, n.in(id), n.in(clientID))
}

// EndSession implements [Sessions].
func (n namespace) EndSession(ctx context.Context, id string, now time.Time) (Session, error) {
	s, err := n.s.EndSession(ctx, n.in(id), now)
	return n.session(s), err
}

// FindSessions implements [Sessions].
func (n namespace) FindSessions(ctx context.Context, subject string, now time.Time, page Page) ([]Session, error) {
	list, err := n.s.FindSessions(ctx, n.some(subject), now, n.page(page))
	return only(n, list, err, func(s Session) string { return s.ID }, n.session)
}
