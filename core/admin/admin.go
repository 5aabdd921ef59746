package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// Config is what an [Admin] administers. Server is required.
type Config struct {
	// Server is a server with the configuration that the application serves with. It need not be mounted.
	Server *server.Server
	// Migrator makes the tables. Default: the server's store, where that is one. Who has put a store together
	// (store.Override, store.Namespace, store.Cached) names the one with the tables here.
	Migrator Migrator
	// Now is the clock, which must be the server's. Default: time.Now.
	Now func() time.Time
}

// Migrator is what a store with tables offers beyond [store.Store]. That of stores/gorm is one.
type Migrator interface {
	// Plan returns the statements that Migrate would make, and makes none.
	Plan(ctx context.Context) ([]string, error)
	// Migrate makes the tables as this version needs them.
	Migrate(ctx context.Context) error
}

// Admin administers one server. [New] makes it; it may be used by any number of goroutines, beside the server at work.
type Admin struct {
	server   *server.Server
	store    store.Store
	migrator Migrator
	clock    func() time.Time
}

// New returns the Admin of c. It does no I/O.
func New(c Config) (*Admin, error) {
	if c.Server == nil {
		return nil, errors.New("admin: Server is nil: hand over the server that server.New returned")
	}
	a := &Admin{server: c.Server, store: c.Server.Store(), migrator: c.Migrator, clock: c.Now}
	if a.migrator == nil {
		a.migrator, _ = a.store.(Migrator)
	}
	if a.clock == nil {
		c.Now = time.Now
		a.clock = c.Now
	}
	return a, nil
}

// now returns the time in whole milliseconds, as stores keep it.
func (a *Admin) now() time.Time { return time.UnixMilli(a.clock().UnixMilli()).UTC() }

// writer returns the part of the store that keeps clients.
func (a *Admin) writer() (store.ClientWriter, error) {
	if w, ok := a.store.(store.ClientWriter); ok {
		return w, nil
	}
	return nil, fmt.Errorf("admin: store %T cannot write clients, it is no store.ClientWriter: write them where it reads them", a.store)
}

// tables returns who makes the tables.
func (a *Admin) tables() (Migrator, error) {
	if a.migrator != nil {
		return a.migrator, nil
	}
	return nil, errors.New("admin: this store has no tables to make: name the one that has in Config.Migrator, if it is behind this one")
}

// Plan returns the statements that [Admin.Migrate] would make, in their order. None: the tables are as they should be.
func (a *Admin) Plan(ctx context.Context) ([]string, error) {
	m, err := a.tables()
	if err != nil {
		return nil, err
	}
	return m.Plan(ctx)
}

// Migrate makes the tables, and returns the statements that were missing.
func (a *Admin) Migrate(ctx context.Context) ([]string, error) {
	m, err := a.tables()
	if err != nil {
		return nil, err
	}
	plan, err := m.Plan(ctx)
	if err != nil {
		return nil, err
	}
	return plan, m.Migrate(ctx)
}

// pruned is how many records one call of Prune removes.
const pruned = 1000

// Prune removes all that is over and returns how many records that were.
func (a *Admin) Prune(ctx context.Context) (int, error) {
	total, now := 0, a.now()
	for {
		n, err := a.store.Prune(ctx, now, pruned)
		total += n
		if err != nil || n < pruned {
			return total, err
		}
	}
}
