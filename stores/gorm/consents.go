package gormstore

import (
	"context"
	"database/sql"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

const consentColumns = "subject, client_id, revision, scopes, updated, expires, data"

func scanConsent(rows *sql.Rows) (c store.Consent, err error) {
	var updated, expires int64
	err = rows.Scan(&c.Subject, &c.ClientID, &c.Revision, &c.Scopes, &updated, &expires, &c.Data)
	c.Updated, c.Expires = mandate.FromMilli(updated), mandate.FromMilli(expires)
	return c, err
}

// Consent implements [store.Consents].
func (s *Store) Consent(ctx context.Context, subject, clientID string) (store.Consent, error) {
	var c store.Consent
	err := s.read(ctx, "read consent", func(r *run) error {
		n := 0
		err := r.query(func(rows *sql.Rows) (err error) {
			n++
			c, err = scanConsent(rows)
			return err
		}, "SELECT "+consentColumns+" FROM {consents} WHERE subject = ? AND client_id = ?", subject, clientID)
		return first(n, err)
	})
	return c, err
}

// PutConsent implements [store.Consents].
func (s *Store) PutConsent(ctx context.Context, c store.Consent) error {
	if err := fits(c.Subject, c.ClientID); err != nil {
		return named("put consent", err)
	}
	return s.write(ctx, "put consent", func(r *run) error {
		var n int64
		var err error
		if c.Revision == 0 {
			n, err = r.exec("{ignore} INTO {consents} (subject, client_id, revision, scopes, updated, expires, data) VALUES (?, ?, 1, ?, ?, ?, ?) {ignored}",
				c.Subject, c.ClientID, string(c.Scopes), mandate.Milli(c.Updated), mandate.Milli(c.Expires), c.Data)
		} else {
			n, err = r.exec("UPDATE {consents} SET revision = revision + 1, scopes = ?, updated = ?, expires = ?, data = ? "+
				"WHERE subject = ? AND client_id = ? AND revision = ?", string(c.Scopes), mandate.Milli(c.Updated), mandate.Milli(c.Expires), c.Data, c.Subject, c.ClientID, c.Revision)
		}
		return changed(n, err, store.ErrConflict)
	})
}

// DeleteConsent implements [store.Consents].
func (s *Store) DeleteConsent(ctx context.Context, subject, clientID string) error {
	return s.write(ctx, "delete consent", func(r *run) error {
		_, err := r.exec("DELETE FROM {consents} WHERE subject = ? AND client_id = ?", subject, clientID)
		return err
	})
}

// FindConsents implements [store.Consents].
func (s *Store) FindConsents(ctx context.Context, subject string, page store.Page) ([]store.Consent, error) {
	var list []store.Consent
	err := s.read(ctx, "find consents", func(r *run) error {
		list = nil
		return r.query(func(rows *sql.Rows) error {
			c, err := scanConsent(rows)
			list = append(list, c)
			return err
		}, "SELECT "+consentColumns+" FROM {consents} WHERE subject = ? AND client_id > ? ORDER BY client_id LIMIT ?", subject, page.After, limit(page))
	})
	return list, err
}
