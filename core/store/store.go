// Package store is the storage contract: records, interfaces and errors. It holds no implementation.
//
// # The rules
//
//   - A security decision is one conditional write on one row, and whether the row changed is the
//     verdict. No transaction spans entities, so memory, SQL and Redis can all be right.
//   - The grant is the root of liveness. Whoever revokes it, one row, kills every token under it; a
//     token whose grant is gone is dead too.
//   - Spend before mint: a crash between the two costs a new login, never a double spend.
//   - A store sees digests and sealed values, never a secret, and compares keys byte by byte.
//   - Records are plain values and are passed by value: what a caller or a store does to its copy
//     touches nobody else's. [Client] and [mandate.Token] are the two exceptions, shared and never changed.
//   - What a store must find or compare is a field of a record. What it only keeps is in the
//     record's Details or Data: one JSON value in SQL and Redis, the Go value in memory. A new
//     feature of the protocol adds a member there and never a column.
//   - Time comes from the caller and is kept in whole milliseconds, UTC. A zero time means never.
//   - A write that raises an alarm (RevokeGrant, RevokeGrants, EndSession) uses the store's own
//     connection and is not undone by the caller's transaction. The caller detaches its context
//     (context.WithoutCancel) and sets a deadline.
//
// All methods may be called from any number of goroutines. An error that is none of the package's
// means that the store could not answer; nobody may take it for a verdict. Package storetest proves all of this.
package store

import (
	"context"
	"errors"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// The verdicts. Methods return them wrapped or as they are; test with errors.Is.
var (
	ErrNotFound = errors.New("store: not found")
	ErrExists   = errors.New("store: already exists")
	ErrConflict = errors.New("store: changed by somebody else") // a Revision is stale
	ErrUsed     = errors.New("store: already used")
	ErrExpired  = errors.New("store: expired")
	ErrRevoked  = errors.New("store: revoked")
)

// Store is all of it. Each part may come from another value, but Grants and Tokens from one: a read joins
// them and Redeem writes both, so who replaces PutToken replaces Redeem with it.
type Store interface {
	Clients
	Grants
	Tokens
	Tickets
	Replay
	Consents
	Sessions
	SigningKeys
	RemoteTokens
	Pruner
}

// Clients reads the registered clients.
type Clients interface {
	// Client returns the client called id, or ErrNotFound. A disabled one is returned.
	Client(ctx context.Context, id string) (*Client, error)
}

// ClientWriter registers and administers clients (RFC 7591, 7592). Only who offers registration or
// administration needs one; bundled stores are one.
type ClientWriter interface {
	// PutClient stores c with its Revision raised by one. Revision 0 creates, and returns ErrExists where
	// the ID is taken; any other must be the stored one, or the result is ErrConflict.
	PutClient(ctx context.Context, c *Client) error
	// DeleteClient removes the client called id. It is not an error if there is none. Its grants are
	// the caller's to revoke, before.
	DeleteClient(ctx context.Context, id string) error
	// FindClients returns up to page.Limit clients in the order of their IDs.
	FindClients(ctx context.Context, page Page) ([]*Client, error)
}

// Grants keeps what subjects and clients were allowed. A grant is one row from the approval to the
// last refresh, and its generation is the one gate of every redemption: an authorization code, a
// device code or an OAuth 1 verifier is generation 0 of its grant, the nth refresh token generation n.
type Grants interface {
	// CreateGrant stores a new grant, or returns ErrExists, also for the Key. Any number of grants may have the zero Key: no
	// credential finds them.
	CreateGrant(ctx context.Context, g Grant) error
	// Grant returns the grant called id, whatever its state, or ErrNotFound.
	Grant(ctx context.Context, id string) (Grant, error)
	// GrantByKey returns the grant whose Key is key, whatever its state, or ErrNotFound.
	GrantByKey(ctx context.Context, key mandate.Digest) (Grant, error)
	// FindGrants returns up to page.Limit grants that q selects, in the order of their IDs. An empty q selects all.
	FindGrants(ctx context.Context, q GrantQuery, page Page) ([]Grant, error)

	// Redeem is THE gate. It moves the grant from generation r.From to r.From+1, sets Advanced to
	// r.Now, Expires to r.Expires and KeyID to r.KeyID, and puts r.Token under it, provided that the grant still is at
	// r.From, alive and unexpired at r.Now: of any number of calls exactly one does so.
	//
	// A call that finds the grant at r.From+1, alive, and no later than r.Grace after Advanced, puts its
	// token and changes nothing else: the answer was lost and is given again, and nothing forks.
	//
	// With r.Keep the generation, Advanced and KeyID stay as they are; Expires becomes r.Expires and the token is put, under
	// the same condition, and any number of calls may do so.
	//
	// All of these return nil and the grant's KeyID, which is r.KeyID if this call moved it: with it the answer to a
	// repeat is the same to the byte. All others return, in this order of precedence, ErrNotFound; ErrUsed if the generation is another;
	// ErrRevoked; ErrExpired. The verdict on a call that did not move the grant is a read made after the
	// attempt, by [Redemption.Verdict]. Redeem revokes nothing, and returns no grant: the caller has
	// read it in order to prove its right. A store that cannot move and put in one step moves first.
	Redeem(ctx context.Context, r Redemption) (keyID string, err error)

	// RevokeGrant ends the grant called id for good. It is idempotent; the first Reason stays. An id not
	// seen yet is remembered as revoked, and CreateGrant returns ErrExists for it.
	RevokeGrant(ctx context.Context, id string, why Reason, now time.Time) error
	// RevokeGrants ends every live grant that q selects and returns all those that this very call ended. An
	// empty q selects nothing.
	RevokeGrants(ctx context.Context, q GrantQuery, why Reason, now time.Time) ([]Grant, error)

	// ResealGrant puts to in place of from as Details.Sealed of the grant called id, whatever its state, and changes nothing else, whatever
	// others change of it meanwhile. A grant in which something else is sealed is ErrConflict, and one that is not there ErrNotFound. Neither text is empty,
	// and both are visible ASCII without quotes and backslashes.
	ResealGrant(ctx context.Context, id, from, to string) error
}

// Tokens keeps opaque access tokens, and what was revoked among JWTs.
// One value implements Grants and Tokens: they are joined on every read.
type Tokens interface {
	// PutToken stores t under key: ErrExists if the key is taken, ErrRevoked if t names a grant
	// that is not alive. It keeps t itself or what Info returns.
	PutToken(ctx context.Context, key mandate.Digest, t *mandate.Token) error
	// Token returns the token under key in one round trip: ErrNotFound, ErrExpired, or ErrRevoked if it is revoked
	// or its grant is revoked or gone. It does not allocate in memory.
	Token(ctx context.Context, key mandate.Digest, now time.Time) (*mandate.Token, error)
	// RevokeToken ends the token under key and remembers that until expires, also where no token is
	// stored: a JWT is revoked under the digest of its ID. It is idempotent, and what is revoked stays so.
	RevokeToken(ctx context.Context, key mandate.Digest, expires time.Time) error
}

// Tickets keeps what is short-lived and waits for somebody: pushed requests, device codes, OAuth 1
// temporary credentials, initial access tokens. UpdateTicket is its gate.
type Tickets interface {
	// PutTicket stores a new ticket with Revision 1, or returns ErrExists, also for the AltKey.
	PutTicket(ctx context.Context, t Ticket) error
	// Ticket returns the ticket whose Key or AltKey is key. It has no side effect. ErrNotFound; or
	// the ticket together with ErrUsed or ErrExpired.
	Ticket(ctx context.Context, kind Kind, key mandate.Digest, now time.Time) (Ticket, error)
	// UpdateTicket replaces State, Subject, GrantID, Used, Expires and Data, and raises Revision by one, provided that the
	// stored ticket has t's Revision and is not used: of any number of calls with one Revision exactly one
	// returns nil. Otherwise ErrUsed, ErrConflict or ErrNotFound.
	UpdateTicket(ctx context.Context, t Ticket) error
}

// Replay remembers what may be used once: assertion and proof IDs, OAuth 1 nonces, decisions.
type Replay interface {
	// UseOnce returns nil for one call and ErrUsed for all others with the same space and key, until the
	// first one's expires is not after now; zero is never. The insert is the check.
	UseOnce(ctx context.Context, space string, key mandate.Digest, now, expires time.Time) error
}

// Consents remembers what a subject allowed a client, so that it need not be asked again.
// A consent issues nothing: forgetting it and revoking grants are two things.
type Consents interface {
	// Consent returns what subject allowed client, or ErrNotFound.
	Consent(ctx context.Context, subject, clientID string) (Consent, error)
	// PutConsent stores c with its Revision raised by one, provided that the stored one has c's Revision (0: there
	// is none), or returns ErrConflict: the caller reads again and merges.
	PutConsent(ctx context.Context, c Consent) error
	// DeleteConsent forgets. It is idempotent.
	DeleteConsent(ctx context.Context, subject, clientID string) error
	// FindConsents returns up to page.Limit consents of subject, in the order of their client IDs.
	FindConsents(ctx context.Context, subject string, page Page) ([]Consent, error)
}

// Sessions keeps who is signed in and which clients must hear of the end (OpenID logout). An
// application with a sign-in of its own and no logout of others needs none.
type Sessions interface {
	// PutSession stores a new session, or returns ErrExists, also for the ID.
	PutSession(ctx context.Context, s Session) error
	// Session returns the session under key: ErrNotFound, or the session with ErrUsed or ErrExpired.
	Session(ctx context.Context, key mandate.Digest, now time.Time) (Session, error)
	// SessionByID is Session by the public ID.
	SessionByID(ctx context.Context, id string, now time.Time) (Session, error)
	// TouchSession moves Expires of a live session. For one that is not it returns ErrNotFound or ErrUsed.
	TouchSession(ctx context.Context, key mandate.Digest, expires time.Time) error
	// JoinSession adds a client to the session's set: ErrNotFound, or ErrUsed if it has ended.
	JoinSession(ctx context.Context, id, clientID string) error
	// EndSession ends the session: one call returns nil, all others the session and ErrUsed.
	EndSession(ctx context.Context, id string, now time.Time) (Session, error)
	// FindSessions returns up to page.Limit live sessions of subject, in the order of their IDs.
	FindSessions(ctx context.Context, subject string, now time.Time, page Page) ([]Session, error)
}

// SigningKeys keeps the sealed key sets that several processes share. Who keeps keys in a file or a KMS needs none.
type SigningKeys interface {
	// SigningKeys returns the sealed key set called name and its revision, or ErrNotFound.
	SigningKeys(ctx context.Context, name string) (sealed []byte, revision int64, err error)
	// PutSigningKeys replaces it if revision is the stored one (0: there is none yet), or returns
	// ErrConflict: of two processes that start at once, one reads what the other made.
	PutSigningKeys(ctx context.Context, name string, sealed []byte, revision int64) error
}

// RemoteTokens keeps the tokens that package client holds at other servers.
type RemoteTokens interface {
	// RemoteToken returns the sealed token under key, or ErrNotFound.
	RemoteToken(ctx context.Context, key string) (RemoteToken, error)
	// PutRemoteToken stores t with its Revision raised by one and ends the lease, provided that the stored one has
	// t's Revision (0: there is none), or returns ErrConflict.
	PutRemoteToken(ctx context.Context, t RemoteToken) error
	// LeaseRemoteToken lets one caller refresh: nil for one, ErrConflict for all others until the lease
	// ends at until or the token is put. A key that is not there is ErrNotFound or ErrConflict.
	LeaseRemoteToken(ctx context.Context, key string, revision int64, now, until time.Time) error
	// DeleteRemoteToken is idempotent.
	DeleteRemoteToken(ctx context.Context, key string) error
}

// Pruner removes what nobody can need any more.
type Pruner interface {
	// Prune removes up to limit records whose Expires lies before now, and returns how many. It never removes
	// one earlier, used or revoked or not. What has no end stays, but for revoked grants without one, which may go
	// 30 days after they were revoked.
	Prune(ctx context.Context, now time.Time, limit int) (int, error)
}
