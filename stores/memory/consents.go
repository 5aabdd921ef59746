package memstore

import (
	"context"
	"hash/maphash"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

type consentKey struct{ subject, client string }

func (s *Store) initConsents() {
	s.consents.init(func(c store.Consent) int64 { return mandate.Milli(c.Expires) }, nil)
	s.consents.hash = func(seed maphash.Seed, k consentKey) uint64 { // all of a subject in one shard
		return maphash.String(seed, k.subject)
	}
}

// Consent implements [store.Consents].
func (s *Store) Consent(_ context.Context, subject, clientID string) (store.Consent, error) {
	c, ok := s.consents.get(consentKey{subject, clientID})
	if !ok {
		return c, store.ErrNotFound
	}
	return c, nil
}

// PutConsent implements [store.Consents].
func (s *Store) PutConsent(_ context.Context, c store.Consent) error {
	key := consentKey{c.Subject, c.ClientID}
	sh := s.consents.lock(key)
	defer sh.mu.Unlock()
	if sh.rows[key].Revision != c.Revision {
		return store.ErrConflict
	}
	c.Revision++
	c.Updated, c.Expires = whole(c.Updated), whole(c.Expires)
	s.consents.put(sh, key, c, s.longAgo())
	return nil
}

// DeleteConsent implements [store.Consents].
func (s *Store) DeleteConsent(_ context.Context, subject, clientID string) error {
	s.consents.remove(consentKey{subject, clientID})
	return nil
}

// FindConsents implements [store.Consents].
func (s *Store) FindConsents(_ context.Context, subject string, page store.Page) ([]store.Consent, error) {
	list := smallest[store.Consent]{limit: limit(page), id: func(c store.Consent) string { return c.ClientID }}
	sh := s.consents.lock(consentKey{subject: subject})
	defer sh.mu.Unlock()
	for key, c := range sh.rows {
		if key.subject == subject && key.client > page.After {
			list.add(c)
		}
	}
	return list.sorted(), nil
}
