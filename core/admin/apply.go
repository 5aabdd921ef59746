package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/go-mandate/mandate/core/store"
)

// Action is what [Admin.Apply] did to a client, or would do.
type Action string

// The actions.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Unchanged Action = "unchanged"
)

// Change is what became of one client.
type Change struct {
	ID     string   `json:"id"`
	Action Action   `json:"action"`
	Fields []string `json:"fields,omitempty"`  // what an update changed, such as "metadata.redirect_uris"
	Secret string   `json:"secret,omitempty"`  // a new one, which is nowhere kept: show it once
	Ended  int      `json:"revoked,omitempty"` // grants of a disabled client that were ended
}

// Apply makes the clients in the store what specs say, and returns what it did to each. Clients that specs do not name stay as they are. It checks all of
// them before it writes any. Two that run at once do not harm each other, and what stopped halfway goes on when it is done again; done again after
// that it changes nothing.
func (a *Admin) Apply(ctx context.Context, specs []Spec) ([]Change, error) {
	if _, err := a.Preview(ctx, specs); err != nil {
		return nil, err
	}
	changes := make([]Change, 0, len(specs))
	for _, s := range specs {
		c, err := a.apply(ctx, s)
		if err == nil || c.ID != "" { // its secret is in no other place
			changes = append(changes, c)
		}
		if err != nil {
			return changes, err
		}
	}
	return changes, nil
}

// Preview returns what [Admin.Apply] would do, and does nothing. An error names all clients that it would refuse.
func (a *Admin) Preview(ctx context.Context, specs []Spec) ([]Change, error) {
	if _, err := a.writer(); err != nil {
		return nil, err
	}
	changes := make([]Change, 0, len(specs))
	var refused []error
	for _, s := range specs {
		_, c, err := a.desired(ctx, s)
		c.Secret = ""
		changes, refused = append(changes, c), append(refused, err)
	}
	return changes, errors.Join(refused...)
}

// apply returns a change without an ID where it made none.
func (a *Admin) apply(ctx context.Context, s Spec) (Change, error) {
	w, err := a.writer()
	if err != nil {
		return Change{}, err
	}
	for range attempts {
		next, change, err := a.desired(ctx, s)
		if err != nil {
			return Change{}, err
		}
		if change.Action != Unchanged {
			err = a.put(ctx, w, next)
		}
		switch {
		case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrExists) && change.Action == Created:
			continue // somebody else wrote it: look again
		case err != nil:
			return Change{}, fmt.Errorf("admin: write client %q: %w", s.ID, err)
		}
		if next.Disabled { // also where it was before: it may have stopped in between
			ended, err := a.server.RevokeGrants(ctx, store.GrantQuery{ClientID: s.ID}, store.ByAdmin)
			change.Ended = len(ended)
			return change, err
		}
		return change, nil
	}
	return Change{}, contended(s.ID)
}

// desired returns the client that s speaks of as it should be, and what that changes.
func (a *Admin) desired(ctx context.Context, s Spec) (next *store.Client, change Change, err error) {
	change = Change{ID: s.ID, Action: Unchanged}
	have, err := a.store.Client(ctx, s.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		have, next, change.Action = nil, &store.Client{ID: s.ID, Created: a.now()}, Created
	case err != nil:
		return nil, change, fmt.Errorf("admin: read client %q: %w", s.ID, err)
	case have.Origin != store.ByOperator:
		return nil, change, fmt.Errorf("admin: client %q registered itself, and somebody else has its secret: choose another id", s.ID)
	default:
		next = have.Clone()
	}
	key, registered := next.Policy.RegistrationKey, next.Policy.Registered
	next.Disabled, next.Metadata, next.Policy = s.Disabled, s.Metadata.Clone(), store.Policy(s.Policy)
	next.Policy.Extra, next.Policy.RegistrationKey, next.Policy.Registered = slices.Clone(s.Policy.Extra), key, registered
	switch {
	case s.Secrets != nil:
		next.Secrets = slices.Clone(s.Secrets)
	case next.Metadata.Public():
		next.Secrets = nil
	case len(next.Secrets) == 0 && next.Metadata.UsesSecret():
		secret, kept := a.newSecret(next)
		change.Secret, next.Secrets = secret, []store.Secret{kept}
	}
	if err := a.check(next); err != nil {
		return next, change, err
	}
	if have == nil {
		return next, change, nil
	}
	if change.Fields, err = differing(have, next); err != nil {
		return next, change, err
	}
	if len(change.Fields) > 0 {
		change.Action = Updated
	}
	return next, change, nil
}

// differing returns the names of the members in which x and y differ.
func differing(x, y *store.Client) ([]string, error) {
	a, err := members(x)
	if err != nil {
		return nil, err
	}
	b, err := members(y)
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool)
	for name := range a {
		names[name] = a[name] != b[name]
	}
	for name := range b {
		names[name] = a[name] != b[name]
	}
	maps.DeleteFunc(names, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(names)), nil
}

// members returns what a spec may say of c, as JSON by name.
func members(c *store.Client) (map[string]string, error) {
	all := map[string]string{"disabled": strconv.FormatBool(c.Disabled)}
	for name, part := range map[string]any{"metadata": c.Metadata, "policy": Policy(c.Policy), "secrets": map[string]any{"": c.Secrets}} {
		data, err := json.Marshal(part)
		var inner map[string]json.RawMessage
		if err == nil {
			err = json.Unmarshal(data, &inner)
		}
		if err != nil {
			return nil, fmt.Errorf("admin: client %q, %s: %w", c.ID, name, err)
		}
		for member, value := range inner {
			if member == "" {
				all[name] = string(value)
			} else {
				all[name+"."+member] = string(value)
			}
		}
	}
	if len(c.Secrets) == 0 {
		delete(all, "secrets")
	}
	return all, nil
}
