package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-mandate/mandate/core/store"
)

// Kind is what a client is, which decides how it authenticates and what grants it has at first.
type Kind string

// The kinds.
const (
	Confidential Kind = "confidential" // a web application with a back end that keeps a secret
	Public       Kind = "public"       // a program in the browser, which can keep none
	Native       Kind = "native"       // a program on a desktop or phone: any port on loopback (RFC 8252)
	Machine      Kind = "machine"      // nobody signs in: it acts for itself, with a secret
)

// attempts bounds how often a record that others write too is read again.
const attempts = 20

// NewClient returns a client of the kind, with a random ID and not stored yet: add to it what it needs, and hand it to [Admin.Create].
func NewClient(kind Kind) (*store.Client, error) {
	c := &store.Client{ID: strings.ToLower(rand.Text()[:16])}
	d := &c.Metadata
	d.GrantTypes = []string{"authorization_code", "refresh_token"}
	switch kind {
	case Confidential:
	case Public:
		d.AuthMethod = "none"
	case Native:
		d.AuthMethod, d.ApplicationType = "none", "native"
	case Machine:
		d.GrantTypes = []string{"client_credentials"}
	default:
		return nil, fmt.Errorf("admin: kind %q is none of %s, %s, %s, %s", kind, Confidential, Public, Native, Machine)
	}
	return c, nil
}

// KindOf returns the kind that c is by what it registered.
func KindOf(c *store.Client) Kind {
	switch d := &c.Metadata; {
	case d.Public() && d.ApplicationType == "native":
		return Native
	case d.Public():
		return Public
	case d.Allows("client_credentials") && !d.Allows("authorization_code"):
		return Machine
	}
	return Confidential
}

// Create stores c, a new client, and returns it as it was stored. One that needs a secret and has none is given one, which is returned
// beside it and nowhere kept: show it once. store.ErrExists: the ID is taken.
func (a *Admin) Create(ctx context.Context, c *store.Client) (created *store.Client, secret string, err error) {
	w, err := a.writer()
	if err != nil {
		return nil, "", err
	}
	c = c.Clone()
	c.Revision, c.Created = 0, a.now()
	if c.Metadata.UsesSecret() && len(c.Secrets) == 0 {
		var kept store.Secret
		secret, kept = a.newSecret(c)
		c.Secrets = []store.Secret{kept}
	}
	if err := a.check(c); err != nil {
		return nil, "", err
	}
	switch err := a.put(ctx, w, c); {
	case errors.Is(err, store.ErrExists):
		return nil, "", fmt.Errorf("admin: client %q is there already: update it, or choose another id: %w", c.ID, err)
	case err != nil:
		return nil, "", fmt.Errorf("admin: write client %q: %w", c.ID, err)
	}
	c.Revision = 1
	return c, secret, nil
}

// check returns why c cannot be written.
func (a *Admin) check(c *store.Client) error {
	if a.fixed(c.ID) != nil {
		return isFixed(c.ID)
	}
	return a.server.CheckClient(c)
}

func isFixed(id string) error {
	return fmt.Errorf("admin: client %q is in server.Config.Clients: change it there", id)
}

// fixed returns the client of the server's configuration called id, or nil.
func (a *Admin) fixed(id string) *store.Client {
	list := a.server.FixedClients()
	if i := slices.IndexFunc(list, func(c *store.Client) bool { return c.ID == id }); i >= 0 {
		return list[i]
	}
	return nil
}

// Client returns the client called id as the server sees it. store.ErrNotFound: there is none.
func (a *Admin) Client(ctx context.Context, id string) (*store.Client, error) {
	if c := a.fixed(id); c != nil {
		return c, nil
	}
	c, err := a.store.Client(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("admin: there is no client %q: look at the list for its id: %w", id, err)
	case err != nil:
		return nil, fmt.Errorf("admin: read client %q: %w", id, err)
	}
	return c, nil
}

// Clients returns a page of the clients in the store. Those of the server's configuration are not among them: see
// Server.FixedClients of package server.
func (a *Admin) Clients(ctx context.Context, page store.Page) ([]*store.Client, error) {
	w, err := a.writer()
	if err != nil {
		return nil, err
	}
	list, err := w.FindClients(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("admin: find clients: %w", err)
	}
	return list, nil
}

// Update changes the client called id with f and returns it as it then is. f gets a copy, and another where somebody else wrote
// in between; an error of f ends it. Nothing is written where nothing changed. store.ErrNotFound: there is none.
func (a *Admin) Update(ctx context.Context, id string, f func(c *store.Client) error) (*store.Client, error) {
	return a.change(ctx, id, func(c *store.Client) error {
		if err := f(c); err != nil {
			return err
		}
		c.ID = id
		return a.server.CheckClient(c)
	})
}

// change is Update without a look at what f made.
func (a *Admin) change(ctx context.Context, id string, f func(c *store.Client) error) (*store.Client, error) {
	w, err := a.writer()
	if err != nil {
		return nil, err
	}
	if a.fixed(id) != nil {
		return nil, isFixed(id)
	}
	for range attempts {
		have, err := a.Client(ctx, id)
		if err != nil {
			return nil, err
		}
		next := have.Clone()
		if err := f(next); err != nil {
			return nil, err
		}
		next.ID, next.Revision = have.ID, have.Revision
		same, err := equal(have, next)
		if err != nil || same {
			return have, err
		}
		err = a.put(ctx, w, next)
		switch {
		case err == nil:
			next.Revision++
			return next, nil
		case !errors.Is(err, store.ErrConflict):
			return nil, fmt.Errorf("admin: write client %q: %w", id, err)
		}
	}
	return nil, contended(id)
}

// put writes c. Where nobody can tell whether it was written it looks: an answer may be lost, and a secret in c is in no other place.
func (a *Admin) put(ctx context.Context, w store.ClientWriter, c *store.Client) error {
	err := w.PutClient(ctx, c)
	if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrExists) {
		return err
	}
	have, failed := a.store.Client(ctx, c.ID)
	if failed != nil {
		return err
	}
	want := *c
	want.Revision++
	if same, failed := equal(have, &want); failed == nil && same {
		return nil
	}
	return err
}

func contended(id string) error {
	return fmt.Errorf("admin: client %q was changed again and again by somebody else: try again: %w", id, store.ErrConflict)
}

// equal reports whether a store keeps the same for x and y.
func equal(x, y *store.Client) (bool, error) {
	a, err := json.Marshal(x)
	if err != nil {
		return false, fmt.Errorf("admin: client %q: %w", x.ID, err)
	}
	b, err := json.Marshal(y)
	if err != nil {
		return false, fmt.Errorf("admin: client %q: %w", y.ID, err)
	}
	return string(a) == string(b), nil
}

// Disable refuses the client called id from now on, and then ends its grants, so that no token of it is good any more. It returns how many
// those were. Enabling it again brings none of them back. It may be repeated.
func (a *Admin) Disable(ctx context.Context, id string) (ended int, err error) {
	if err := a.flag(ctx, id, true); err != nil {
		return 0, err
	}
	grants, err := a.server.RevokeGrants(ctx, store.GrantQuery{ClientID: id}, store.ByAdmin)
	return len(grants), err
}

// Enable serves the client called id again.
func (a *Admin) Enable(ctx context.Context, id string) error { return a.flag(ctx, id, false) }

// flag sets only that, so that a client can be disabled whose settings the server does not accept any more.
func (a *Admin) flag(ctx context.Context, id string, disabled bool) error {
	_, err := a.change(ctx, id, func(c *store.Client) error {
		c.Disabled = disabled
		return nil
	})
	return err
}

// Delete disables the client called id, ends its grants and removes it, in that order: wherever it stops, no token outlives the
// client, and doing it again goes on. It returns how many grants it ended. Do not give its ID to another client: what users consented to before
// is remembered under it.
func (a *Admin) Delete(ctx context.Context, id string) (ended int, err error) {
	ended, err = a.Disable(ctx, id)
	if errors.Is(err, store.ErrNotFound) { // perhaps it stopped after the client was removed
		late, failed := a.server.RevokeGrants(ctx, store.GrantQuery{ClientID: id}, store.ByAdmin)
		if len(late) > 0 || failed != nil {
			return len(late), failed
		}
	}
	if err != nil {
		return ended, err
	}
	w, err := a.writer()
	if err != nil {
		return ended, err
	}
	if err := w.DeleteClient(ctx, id); err != nil {
		return ended, fmt.Errorf("admin: delete client %q: %w", id, err)
	}
	// What a request that had read the client before it was disabled made in between.
	late, err := a.server.RevokeGrants(ctx, store.GrantQuery{ClientID: id}, store.ByAdmin)
	return ended + len(late), err
}

// newSecret returns a generated secret for c and how the store keeps it, with an ID to tell it from others.
func (a *Admin) newSecret(c *store.Client) (string, store.Secret) {
	secret, kept := a.server.NewSecretFor(c)
	kept.ID = strings.ToLower(rand.Text()[:8])
	return secret, kept
}
