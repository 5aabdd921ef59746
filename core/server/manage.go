package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// maxCodeTTL is the longest life of a code (RFC 6749, section 4.1.2).
const maxCodeTTL = 10 * time.Minute

// Store returns Config.Store.
func (s *Server) Store() store.Store { return s.store }

// FixedClients returns the clients of Config.Clients, in the order of their IDs. They are shared: change none.
func (s *Server) FixedClients() []*store.Client {
	list := make([]*store.Client, 0, len(s.fixed))
	for _, id := range slices.Sorted(maps.Keys(s.fixed)) {
		list = append(list, s.fixed[id])
	}
	return list
}

// CheckClient returns why this server cannot serve c, or nil. [New] holds Config.Clients against it; whoever writes clients into
// the store calls it first. An error names the client, the value and the way out.
func (s *Server) CheckClient(c *store.Client) error {
	if err := checkClient(c, s.config.ClientAuthMethods); err != nil {
		return err
	}
	if err := s.checkAuth(c); err != nil {
		return err
	}
	if err := s.checkSigns(c); err != nil {
		return err
	}
	if err := s.checkObjects(c); err != nil {
		return err
	}
	if err := s.checkRich(c); err != nil {
		return err
	}
	if err := s.checkAnswers(c); err != nil {
		return err
	}
	if what, field := s.unmet(c); field != "" {
		return fmt.Errorf("server: client %q demands %s, which this server does not offer: set %s, or change the client", c.ID, what, field)
	} else if what != "" {
		return fmt.Errorf("server: client %q demands %s, which this server does not offer", c.ID, what)
	}
	if c.Policy.TokenFormat == string(JWT) && len(s.config.DefaultAudience) == 0 {
		return fmt.Errorf("server: client %q gets JWT access tokens and DefaultAudience is empty: name the API that they are for (RFC 9068, section 3)", c.ID)
	}
	for _, name := range c.Metadata.GrantTypes {
		switch {
		case s.grants[name] != nil || name == grantImplicit && s.config.InsecureImplicit:
		case name == GrantTypeOAuth1, name == grantClient && usesOAuth1(c):
		case name == grantImplicit:
			return fmt.Errorf("server: client %q has the grant type \"implicit\", which this server does not offer: set InsecureImplicit", c.ID)
		case name == oauth2.GrantDeviceCode:
			return fmt.Errorf("server: client %q has the grant type %q, which this server does not serve: set Config.Device", c.ID, name)
		default:
			return fmt.Errorf("server: client %q has the grant type %q, which is not among GrantTypes: %v", c.ID, name, slices.Sorted(maps.Keys(s.grants)))
		}
	}
	if c.Metadata.Allows(grantImplicit) && len(c.Metadata.RedirectURIs) == 0 {
		return fmt.Errorf("server: client %q has the grant implicit and no redirect URI: add one", c.ID)
	}
	for _, types := range c.Metadata.ResponseTypes {
		for t := range strings.FieldsSeq(types) {
			if s.responses[t].Respond == nil {
				return fmt.Errorf("server: client %q has the response type %q, and there are %v: add GrantTypes or Extensions, or set InsecureImplicit for %q", c.ID, types, slices.Sorted(maps.Keys(s.responses)), responseToken)
			}
		}
	}
	for scope := range clientScopes(c).All() {
		if _, ok := s.scopes[scope]; !ok {
			return fmt.Errorf("server: client %q has the scope %q, which is not among Scopes", c.ID, scope)
		}
	}
	for scope := range c.Policy.Default.All() {
		if _, ok := s.scopes[scope]; !ok && usesOAuth1(c) { // where a client asks for nothing OAuth 2 says so, and OAuth 1.0a would give it less
			return fmt.Errorf("server: client %q has the scope %q in Policy.Default, which is not among Scopes", c.ID, scope)
		}
	}
	if err := checkTTL("TokenTTL", c.Policy.TokenTTL, s.formatOf(c)); err != nil {
		return fmt.Errorf("server: client %q: %w", c.ID, err)
	}
	if err := s.checkIntrospectionAlg(c); err != nil {
		return err
	}
	return checkPolicy(c)
}

// checkPolicy returns what is wrong with the server's own settings for c: a word that nobody knows would be taken for none.
func checkPolicy(c *store.Client) error {
	p := &c.Policy
	for _, w := range []struct {
		field, value string
		known        []string
	}{
		{"Rotation", p.Rotation, []string{string(RotateAlways), string(RotatePublic), string(RotateNever)}},
		{"Consent", p.Consent, []string{"always", "never"}},
		{"Introspect", p.Introspect, []string{"all"}},
		{"SubjectType", p.SubjectType, []string{"public", "pairwise"}},
		{"ApplicationType", c.Metadata.ApplicationType, []string{"web", "native"}},
	} {
		if w.value != "" && !slices.Contains(w.known, w.value) {
			return fmt.Errorf("server: client %q has %s %q, which is none of %q: leave it empty for the default", c.ID, w.field, w.value, w.known)
		}
	}
	switch {
	case p.CodeTTL < 0:
		return fmt.Errorf("server: client %q has CodeTTL %v, which cannot be negative", c.ID, p.CodeTTL)
	case p.CodeTTL > maxCodeTTL:
		return fmt.Errorf("server: client %q has CodeTTL %v, which is over %v (RFC 6749, section 4.1.2)", c.ID, p.CodeTTL, maxCodeTTL)
	case p.Grace > maxGrace:
		return fmt.Errorf("server: client %q has Grace %v, which is over %v", c.ID, p.Grace, maxGrace)
	}
	for r := range strings.FieldsSeq(p.Resources + " " + p.Serves) {
		if err := oauth2.CheckResource(r); err != nil {
			return fmt.Errorf("server: client %q: Resources and Serves: %w", c.ID, err)
		}
	}
	return nil
}

// SigningKeys returns the signing keys that are published now. None: the first token that is signed makes them.
func (s *Server) SigningKeys(ctx context.Context) ([]jose.RingKey, error) {
	if s.config.Keys != (jose.Ring{}) {
		return s.config.Keys.List(s.now()), nil
	}
	sealed, _, err := s.store.SigningKeys(ctx, s.config.Issuer)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("server: read signing keys: %w", err)
	}
	ring, err := s.keys.open(sealed)
	if err != nil {
		return nil, err
	}
	return ring.List(s.now()), nil
}

// RevokeGrants ends every live grant that q selects, and with it all tokens under it, tells the hooks, and returns them. An empty q selects
// nothing. A caller that hangs up does not undo it.
func (s *Server) RevokeGrants(ctx context.Context, q store.GrantQuery, why store.Reason) ([]store.Grant, error) {
	alarm, cancel := alarmed(ctx)
	defer cancel()
	ended, err := s.store.RevokeGrants(alarm, q, why, s.now())
	for _, g := range ended {
		s.hooks.Tell(ctx, mandate.Event{Name: mandate.GrantRevoked, ClientID: g.ClientID, Subject: g.Subject, GrantID: g.ID})
	}
	if err != nil {
		return ended, fmt.Errorf("server: revoke grants: %w", err)
	}
	return ended, nil
}

// RevokeGrant ends the grant called id, and with it all tokens under it, and tells the hooks. It reports whether the grant was
// alive; store.ErrNotFound if there is none.
func (s *Server) RevokeGrant(ctx context.Context, id string, why store.Reason) (bool, error) {
	g, err := s.store.Grant(ctx, id)
	switch {
	case err != nil:
		return false, fmt.Errorf("server: read grant: %w", err)
	case !g.Revoked.IsZero():
		return false, nil
	}
	return g.AliveAt(s.now()), s.revokeGrant(ctx, g, why)
}

// revokeGrant ends g for good.
func (s *Server) revokeGrant(ctx context.Context, g store.Grant, why store.Reason) error {
	alarm, cancel := alarmed(ctx)
	defer cancel()
	if err := s.store.RevokeGrant(alarm, g.ID, why, s.now()); err != nil {
		return fault("revoke grant", err)
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.GrantRevoked, ClientID: g.ClientID, Subject: g.Subject, GrantID: g.ID})
	return nil
}

// RevokeToken ends the access token that raw is, whosever it is, tells the hooks, and returns it. An error that is
// [mandate.InvalidToken]: it is none of this server's, or over already.
func (s *Server) RevokeToken(ctx context.Context, raw string) (*mandate.Token, error) {
	t, key, err := s.toRevoke(ctx, raw, s.now())
	if err != nil {
		return nil, err
	}
	return t, s.revokeToken(ctx, t, key)
}
