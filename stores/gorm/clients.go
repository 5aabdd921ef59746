package gormstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

const clientColumns = "id, revision, disabled, created, origin, data"

// clientData is what the column data holds.
type clientData struct {
	Secrets  []store.Secret        `json:"secrets,omitempty"`
	Metadata oauth2.ClientMetadata `json:"metadata"`
	Policy   store.Policy          `json:"policy"`
}

func scanClient(rows *sql.Rows) (*store.Client, error) {
	var c store.Client
	var created int64
	var data []byte
	if err := rows.Scan(&c.ID, &c.Revision, &c.Disabled, &created, &c.Origin, &data); err != nil {
		return nil, err
	}
	var d clientData
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("data of client %q: %w", c.ID, err)
	}
	c.Created, c.Secrets, c.Metadata, c.Policy = mandate.FromMilli(created), d.Secrets, d.Metadata, d.Policy
	return &c, nil
}

// Client implements [store.Clients].
func (s *Store) Client(ctx context.Context, id string) (*store.Client, error) {
	var c *store.Client
	err := s.read(ctx, "read client", func(r *run) error {
		n := 0
		err := r.query(func(rows *sql.Rows) (err error) {
			n++
			c, err = scanClient(rows)
			return err
		}, "SELECT "+clientColumns+" FROM {clients} WHERE id = ?", id)
		return first(n, err)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// PutClient implements [store.ClientWriter].
func (s *Store) PutClient(ctx context.Context, c *store.Client) error {
	if err := fits(c.ID, string(c.Origin)); err != nil {
		return named("put client", err)
	}
	d := clientData{Secrets: append([]store.Secret{}, c.Secrets...), Metadata: c.Metadata, Policy: c.Policy}
	for i := range d.Secrets {
		d.Secrets[i].NotBefore, d.Secrets[i].Expires = whole(d.Secrets[i].NotBefore), whole(d.Secrets[i].Expires)
	}
	data, err := json.Marshal(d)
	if err != nil {
		return named("put client", err)
	}
	return s.write(ctx, "put client", func(r *run) error {
		if c.Revision == 0 {
			n, err := r.exec("{ignore} INTO {clients} (id, revision, disabled, created, origin, data) VALUES (?, 1, ?, ?, ?, ?) {ignored}",
				c.ID, c.Disabled, mandate.Milli(c.Created), string(c.Origin), string(data))
			return changed(n, err, store.ErrExists)
		}
		n, err := r.exec("UPDATE {clients} SET revision = revision + 1, disabled = ?, created = ?, origin = ?, data = ? WHERE id = ? AND revision = ?",
			c.Disabled, mandate.Milli(c.Created), string(c.Origin), string(data), c.ID, c.Revision)
		return changed(n, err, store.ErrConflict)
	})
}

// DeleteClient implements [store.ClientWriter].
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	return s.write(ctx, "delete client", func(r *run) error {
		_, err := r.exec("DELETE FROM {clients} WHERE id = ?", id)
		return err
	})
}

// FindClients implements [store.ClientWriter].
func (s *Store) FindClients(ctx context.Context, page store.Page) ([]*store.Client, error) {
	var list []*store.Client
	err := s.read(ctx, "find clients", func(r *run) error {
		list = nil
		return r.query(func(rows *sql.Rows) error {
			c, err := scanClient(rows)
			list = append(list, c)
			return err
		}, "SELECT "+clientColumns+" FROM {clients} WHERE id > ? ORDER BY id LIMIT ?", page.After, limit(page))
	})
	return list, err
}
