package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// standing names the grant under which the tokens of a client that acts for itself stand: one for each client,
// made at first use, the next number after it was revoked. So disabling a client is one revocation.
type standing struct {
	id string
	n  int64
}

// errClientRevoked answers a client that somebody ended while it was served.
var errClientRevoked = mandate.Errorf(mandate.InvalidGrant, store.ErrRevoked, "client was revoked just now")

// underStanding carries out an issue under the client's standing grant.
func (s *Server) underStanding(ctx context.Context, r *TokenRequest, i *Issue) (access minted, kid string, err error) {
	i.Grant = store.Grant{ClientID: r.Client.ID} // a grant type may go on with what a built-in one returned, and name a user in it
	if known, ok := s.stands.Load(r.Client.ID); ok && s.formatOf(r.Client.Client) == Opaque {
		st, _ := known.(standing)
		i.Grant.ID = st.id
		access, err = s.mintAndPut(ctx, r, i)
		if !errors.Is(err, store.ErrRevoked) {
			return access, s.kid, err
		}
	}
	st, err := s.findStanding(ctx, r.Client.ID, r.Now)
	if err != nil {
		return access, "", err
	}
	i.Grant.ID = st.id
	access, err = s.mintAndPut(ctx, r, i)
	if errors.Is(err, store.ErrRevoked) {
		err = errClientRevoked
	}
	return access, s.kid, err
}

func (s *Server) mintAndPut(ctx context.Context, r *TokenRequest, i *Issue) (minted, error) {
	access, err := s.mint(ctx, r, i)
	if err != nil || !access.stored {
		return access, err
	}
	err = s.store.PutToken(ctx, access.key, access.token)
	if err != nil && !errors.Is(err, store.ErrRevoked) {
		err = fault("put token", err)
	}
	return access, err
}

// findStanding returns the client's live standing grant, and makes it where there is none.
func (s *Server) findStanding(ctx context.Context, clientID string, now time.Time) (standing, error) {
	var st standing
	if known, ok := s.stands.Load(clientID); ok {
		st, _ = known.(standing)
	}
	for {
		st.id = fmt.Sprintf("client/%s/%d", clientID, st.n)
		g, err := s.store.Grant(ctx, st.id)
		switch {
		case err == nil && g.AliveAt(now):
			s.stands.Store(clientID, st)
			return st, nil
		case err == nil:
			st.n++
			continue
		case !errors.Is(err, store.ErrNotFound):
			return st, fault("read standing grant", err)
		}
		// With an end, however far: a store remembers that it was revoked until then, so that its number never comes back.
		err = s.store.CreateGrant(ctx, store.Grant{ID: st.id, Key: mandate.DigestOf(st.id), ClientID: clientID, Created: now, Expires: now.Add(forever)})
		switch {
		case err == nil:
			if err := s.stillServed(ctx, st.id, clientID, now); err != nil {
				return st, err
			}
		case !errors.Is(err, store.ErrExists):
			return st, fault("create standing grant", err)
		}
	}
}

// stillServed refuses a client that was disabled since it was read, and ends its new grant, which whoever disabled it may not have seen.
func (s *Server) stillServed(ctx context.Context, grantID, clientID string, now time.Time) error {
	c, err := s.client(ctx, clientID)
	switch {
	case err == nil && !c.Disabled:
		return nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return fault("read client", err)
	}
	alarm, cancel := alarmed(ctx)
	defer cancel()
	if err := s.store.RevokeGrant(alarm, grantID, store.ByAdmin, now); err != nil {
		return fault("revoke standing grant", err)
	}
	return errClientRevoked
}
