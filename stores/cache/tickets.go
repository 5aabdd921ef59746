package cachestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// ticket is a [store.Ticket] as it is kept.
type ticket struct {
	Key      []byte    `json:"key"`
	AltKey   []byte    `json:"alt_key,omitempty"`
	Revision int64     `json:"revision"`
	State    string    `json:"state,omitempty"`
	ClientID string    `json:"client,omitempty"`
	Subject  string    `json:"subject,omitempty"`
	GrantID  string    `json:"grant,omitempty"`
	Created  time.Time `json:"created,omitzero"`
	Expires  time.Time `json:"expires,omitzero"`
	Used     time.Time `json:"used,omitzero"`
	Data     string    `json:"data,omitempty"`
}

func encode(t store.Ticket) ([]byte, error) {
	k := ticket{
		Key: t.Key[:], Revision: t.Revision, State: t.State, ClientID: t.ClientID, Subject: t.Subject, GrantID: t.GrantID,
		Created: whole(t.Created), Expires: whole(t.Expires), Used: whole(t.Used), Data: t.Data,
	}
	if !t.AltKey.IsZero() {
		k.AltKey = t.AltKey[:]
	}
	value, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("cachestore: ticket: %w", err)
	}
	return value, nil
}

func decode(kind store.Kind, value []byte) (store.Ticket, error) {
	var k ticket
	if err := json.Unmarshal(value, &k); err != nil {
		return store.Ticket{}, fmt.Errorf("cachestore: ticket: %w", err)
	}
	t := store.Ticket{
		Kind: kind, Revision: k.Revision, State: k.State, ClientID: k.ClientID, Subject: k.Subject, GrantID: k.GrantID,
		Created: k.Created, Expires: k.Expires, Used: k.Used, Data: k.Data,
	}
	copy(t.Key[:], k.Key)
	copy(t.AltKey[:], k.AltKey)
	return t, nil
}

// keyOf returns the key of a ticket, and altOf that of what points at one.
func (c *Cache) keyOf(kind store.Kind, key mandate.Digest) string {
	return c.key("ticket", string(kind), key)
}

func (c *Cache) altOf(kind store.Kind, key mandate.Digest) string {
	return c.key("alt", string(kind), key)
}

// endOf returns when a ticket may go.
func (c *Cache) endOf(t store.Ticket) end {
	if t.Expires.IsZero() && c.settings.DefaultTimeout > 0 {
		from := t.Created
		if from.IsZero() {
			from = c.settings.Now()
		}
		return c.end(from.Add(c.settings.DefaultTimeout), t.Created)
	}
	return c.end(t.Expires, t.Created)
}

// PutTicket implements [store.Tickets]. The second key is taken after the first, and where it is taken the first is given back.
func (c *Cache) PutTicket(ctx context.Context, t store.Ticket) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cachestore: put ticket: %w", err)
	}
	t.Revision = 1
	value, err := encode(t)
	if err != nil {
		return err
	}
	key, e := c.keyOf(t.Kind, t.Key), c.endOf(t)
	switch ok, err := c.medium.add(key, value, e); {
	case err != nil:
		return err
	case !ok:
		return store.ErrExists
	case t.AltKey.IsZero():
		return nil
	}
	ok, err := c.medium.add(c.altOf(t.Kind, t.AltKey), t.Key[:], e)
	if ok && err == nil {
		return nil
	}
	if err := errors.Join(err, c.medium.remove(key)); err != nil {
		return err
	}
	return store.ErrExists
}

// read returns the stored ticket and its version.
func (c *Cache) read(kind store.Kind, key mandate.Digest) (store.Ticket, any, error) {
	value, version, err := c.medium.get(c.keyOf(kind, key))
	if err != nil {
		return store.Ticket{}, nil, err
	}
	t, err := decode(kind, value)
	return t, version, err
}

// Ticket implements [store.Tickets].
func (c *Cache) Ticket(ctx context.Context, kind store.Kind, key mandate.Digest, now time.Time) (store.Ticket, error) {
	c.note(now)
	if err := ctx.Err(); err != nil {
		return store.Ticket{}, fmt.Errorf("cachestore: read ticket: %w", err)
	}
	t, _, err := c.read(kind, key)
	if errors.Is(err, errMissing) {
		var first []byte
		if first, _, err = c.medium.get(c.altOf(kind, key)); err == nil {
			t, _, err = c.read(kind, mandate.Digest(first))
		}
	}
	switch {
	case errors.Is(err, errMissing):
		return store.Ticket{}, store.ErrNotFound
	case err != nil:
		return store.Ticket{}, err
	case !t.Used.IsZero():
		return t, store.ErrUsed
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return t, store.ErrExpired
	default:
		return t, nil
	}
}

// UpdateTicket implements [store.Tickets].
func (c *Cache) UpdateTicket(ctx context.Context, t store.Ticket) error {
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("cachestore: update ticket: %w", err)
		}
		have, version, err := c.read(t.Kind, t.Key)
		switch {
		case errors.Is(err, errMissing):
			return store.ErrNotFound
		case err != nil:
			return err
		case !have.Used.IsZero():
			return store.ErrUsed
		case have.Revision != t.Revision:
			return store.ErrConflict
		}
		next := have
		next.State, next.Subject, next.GrantID, next.Used, next.Expires, next.Data = t.State, t.Subject, t.GrantID, t.Used, t.Expires, t.Data
		next.Revision++
		value, err := encode(next)
		if err != nil {
			return err
		}
		e := c.endOf(next)
		switch ok, err := c.medium.swap(c.keyOf(t.Kind, t.Key), version, value, e); {
		case err != nil:
			return err
		case !ok:
			continue
		case !next.AltKey.IsZero() && (next.Expires.IsZero() || next.Expires.After(have.Expires)):
			return c.medium.move(c.altOf(t.Kind, next.AltKey), e) // longer, never shorter: who lost the race has no say
		default:
			return nil
		}
	}
}

// whole cuts t to the milliseconds that a store keeps.
func whole(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}
