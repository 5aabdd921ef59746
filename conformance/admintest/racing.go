package admintest

import (
	"context"
	"errors"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// errDown is how a store fails here.
var errDown = errors.New("the store is down")

// racing lets somebody else do something just before a write, once, and fails where it is told to.
type racing struct {
	store.Store
	store.ClientWriter
	beforePut, beforeDelete, beforeCreate func()
	afterDelete                           func()
	revokeFails                           bool
	answerLost                            bool // of the next PutClient, which is done
}

func newRacing(st store.Store) *racing {
	return &racing{Store: st, ClientWriter: st.(store.ClientWriter)} //nolint:forcetypeassert,errcheck // Open says it
}

func once(f *func()) {
	if g := *f; g != nil {
		*f = nil
		g()
	}
}

// PutClient implements store.ClientWriter.
func (r *racing) PutClient(ctx context.Context, c *store.Client) error {
	once(&r.beforePut)
	err := r.ClientWriter.PutClient(ctx, c)
	if r.answerLost && err == nil {
		r.answerLost = false
		return errDown
	}
	return err
}

// DeleteClient implements store.ClientWriter.
func (r *racing) DeleteClient(ctx context.Context, id string) error {
	once(&r.beforeDelete)
	err := r.ClientWriter.DeleteClient(ctx, id)
	once(&r.afterDelete)
	return err
}

// CreateGrant implements store.Grants.
func (r *racing) CreateGrant(ctx context.Context, g store.Grant) error {
	once(&r.beforeCreate)
	return r.Store.CreateGrant(ctx, g)
}

// RevokeGrants implements store.Grants.
func (r *racing) RevokeGrants(ctx context.Context, q store.GrantQuery, why store.Reason, at time.Time) ([]store.Grant, error) {
	if r.revokeFails {
		return nil, errDown
	}
	return r.Store.RevokeGrants(ctx, q, why, at)
}
