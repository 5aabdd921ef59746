package server

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"
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
	if err == nil {
		err = s.useUp(ctx, r, i)
	}
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
	st, err := s.stand(ctx, "client/"+clientID+"/", st.n, store.Grant{ClientID: clientID}, now)
	if err == nil {
		s.stands.Store(clientID, st)
	}
	return st, err
}

// stand returns the first live grant that prefix and a number from n on name, and makes it like g where there is none.
func (s *Server) stand(ctx context.Context, prefix string, n int64, g store.Grant, now time.Time) (standing, error) {
	// With an end, however far: a store remembers that it was revoked until then, so that its number never comes back.
	g.Created, g.Expires = now, now.Add(forever)
	for st := (standing{n: n}); ; {
		st.id = prefix + strconv.FormatInt(st.n, 10)
		kept, err := s.store.Grant(ctx, st.id)
		switch {
		case err == nil && kept.AliveAt(now):
			return st, nil
		case err == nil:
			st.n++
			continue
		case !errors.Is(err, store.ErrNotFound):
			return st, fault("read standing grant", err)
		}
		g.ID, g.Key = st.id, mandate.DigestOf(st.id)
		err = s.store.CreateGrant(ctx, g)
		switch {
		case err == nil:
			if err := s.stillServed(ctx, st.id, g.ClientID, now); err != nil {
				return st, err
			}
		case !errors.Is(err, store.ErrExists):
			return st, fault("create standing grant", err)
		}
	}
}

// underVouched carries out an issue under the standing grant of client, subject and who vouches for the subject. It is not
// remembered: there are as many as users.
func (s *Server) underVouched(ctx context.Context, r *TokenRequest, i *Issue) (minted, error) {
	name := mandate.DigestOf(strconv.Quote(r.Client.ID) + strconv.Quote(i.Standing) + strconv.Quote(i.Grant.Subject))
	g := store.Grant{ClientID: r.Client.ID, Subject: i.Grant.Subject, Details: i.Grant.Details}
	st, err := s.stand(ctx, "vouched/"+base64.RawURLEncoding.EncodeToString(name[:])+"/", 0, g, r.Now)
	if err != nil {
		return minted{}, err
	}
	i.Under, i.Grant.ID, i.Grant.ClientID = true, st.id, r.Client.ID
	access, err := s.mintAndPut(ctx, r, i)
	if errors.Is(err, store.ErrRevoked) {
		err = errClientRevoked
	}
	return access, err
}

// grantOfToken is TokenRequest.GrantOf.
func (s *Server) grantOfToken(ctx context.Context, t *mandate.Token, now time.Time) (store.Grant, error) {
	g, err := s.store.Grant(ctx, t.GrantID())
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && !g.AliveAt(now):
		return g, mandate.Errorf(mandate.InvalidGrant, err, "grant is over")
	case err != nil:
		return g, fault("read grant", err)
	}
	return g, nil
}

// stillServed refuses a client that was disabled or deleted since it was read, and ends its new grant, which whoever disabled it may not have seen.
func (s *Server) stillServed(ctx context.Context, grantID, clientID string, now time.Time) error {
	c, err := s.client(ctx, clientID)
	switch {
	case err == nil && !c.Disabled:
		return nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return unreadClient(err)
	}
	alarm, cancel := alarmed(ctx)
	defer cancel()
	if err := s.store.RevokeGrant(alarm, grantID, store.ByAdmin, now); err != nil {
		return fault("revoke standing grant", err)
	}
	return errClientRevoked
}
