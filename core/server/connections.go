package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// Connection is what a person allowed one client, and what of it is live: a line on a page on which they take it back.
type Connection struct {
	ClientID  string
	Client    *store.Client  // shared, never change it; nil where the client is gone, or known by a document that is not remembered now
	Scopes    []Scope        // of the remembered consent and all live grants, with the titles of the configuration
	Resources []string       // RFC 8707
	Since     time.Time      // the earliest approval that is still known
	Used      time.Time      // the last code or refresh token that came in; zero: none did
	Consented bool           // a consent is remembered: the client need not ask again
	Grants    int            // how many live grants there are: sign-ins, devices
	scopes    mandate.Scopes // by name
}

// findAtOnce is how many rows are read at a time, and maxFound how many of one person at all.
const (
	findAtOnce = 1000
	maxFound   = 10_000
)

// Connections returns the clients that subject allowed something, by their names. It reads what is remembered and what is live; of more than 10,000 rows of
// either the rest is left out. It is for a page of the application's own; Config.AccountPage is one.
func (s *Server) Connections(ctx context.Context, subject string) ([]Connection, error) {
	if subject == "" {
		return nil, errors.New("server: Connections of nobody: the subject is empty")
	}
	now, known := s.now(), make(map[string]*Connection)
	of := func(clientID string) *Connection {
		c := known[clientID]
		if c == nil {
			c = &Connection{ClientID: clientID}
			known[clientID] = c
		}
		return c
	}
	consents := func(page store.Page) ([]store.Consent, error) { return s.store.FindConsents(ctx, subject, page) }
	err := every(consents, func(c store.Consent) string { return c.ClientID }, func(c store.Consent) {
		if c.Expires.IsZero() || now.Before(c.Expires) {
			x := of(c.ClientID)
			x.Consented = true
			x.add(c.Scopes, consentOf(c).Resources, c.Updated)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("server: find consents: %w", err)
	}
	grants := func(page store.Page) ([]store.Grant, error) {
		return s.store.FindGrants(ctx, store.GrantQuery{Subject: subject}, page)
	}
	err = every(grants, func(g store.Grant) string { return g.ID }, func(g store.Grant) {
		if !g.AliveAt(now) {
			return
		}
		x := of(g.ClientID)
		x.Grants++
		x.add(g.Details.Scopes, g.Details.Resources, g.Created)
		if g.Generation > 0 && g.Advanced.After(x.Used) {
			x.Used = g.Advanced
		}
	})
	if err != nil {
		return nil, fmt.Errorf("server: find grants: %w", err)
	}
	list := make([]Connection, 0, len(known))
	for id, x := range known {
		c, err := s.registered(ctx, id)
		switch {
		case err == nil:
			x.Client = c
		case !errors.Is(err, store.ErrNotFound):
			return nil, fmt.Errorf("server: read client: %w", err)
		}
		x.Scopes = s.described(nil, x.scopes)
		list = append(list, *x)
	}
	slices.SortFunc(list, func(a, b Connection) int {
		if n := strings.Compare(strings.ToLower(a.Name()), strings.ToLower(b.Name())); n != 0 {
			return n
		}
		return strings.Compare(a.ClientID, b.ClientID)
	})
	return list, nil
}

// registered returns the client called id without asking anybody for its document.
func (s *Server) registered(ctx context.Context, id string) (*store.Client, error) {
	if c := s.fixed[id]; c != nil {
		return c, nil
	}
	if !validClientID(id) {
		return nil, store.ErrNotFound
	}
	c, err := s.store.Client(ctx, id)
	if s.documents != nil && errors.Is(err, store.ErrNotFound) {
		if c := s.documents.remembered(id); c != nil {
			return c, nil
		}
	}
	return c, err
}

// Name returns what the client calls itself, or its ID where it has no name. It is self-chosen.
func (c *Connection) Name() string {
	if c.Client != nil && c.Client.Metadata.Name != "" {
		return c.Client.Metadata.Name
	}
	return c.ClientID
}

func (c *Connection) add(scopes mandate.Scopes, resources string, since time.Time) {
	c.scopes = c.scopes.With(scopes)
	for r := range strings.FieldsSeq(resources) {
		if !slices.Contains(c.Resources, r) {
			c.Resources = append(c.Resources, r)
		}
	}
	if c.Since.IsZero() || since.Before(c.Since) {
		c.Since = since
	}
}

// every calls f for all that find finds, page by page.
func every[T any](find func(store.Page) ([]T, error), id func(T) string, f func(T)) error {
	page := store.Page{Limit: findAtOnce}
	for range maxFound / findAtOnce {
		list, err := find(page)
		if err != nil {
			return err
		}
		for _, x := range list {
			f(x)
		}
		if len(list) < findAtOnce {
			return nil
		}
		page.After = id(list[len(list)-1])
	}
	return nil
}

// Disconnect takes back everything that subject allowed the client: what is remembered, so that it is asked again, and then all live grants, with every token
// under them. It returns how many grants those were. It may be repeated, and a caller that hangs up does not undo it.
func (s *Server) Disconnect(ctx context.Context, subject, clientID string) (int, error) {
	if subject == "" || clientID == "" {
		return 0, errors.New("server: Disconnect needs a subject and a client")
	}
	alarm, cancel := alarmed(ctx)
	defer cancel()
	if err := s.store.DeleteConsent(alarm, subject, clientID); err != nil {
		return 0, fmt.Errorf("server: delete consent: %w", err)
	}
	ended, err := s.RevokeGrants(ctx, store.GrantQuery{Subject: subject, ClientID: clientID}, store.BySubject)
	return len(ended), err
}
