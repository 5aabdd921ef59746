package main

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/go-mandate/mandate/conformance/adaptertest"
	"github.com/go-mandate/mandate/conformance/rounds"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
	memstore "github.com/go-mandate/mandate/stores/memory"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// Every adapter and every store through the whole suite: the adapters' own tests have each of them on the memory store, here each store meets net/http and
// one framework more; with MANDATE_MATRIX set, all of them. Afterwards no store has, in any column or key, a token, code, handle, cookie,
// password or secret that went over the wire (with net/http, where the wire is listened to). Under the race detector, where everything takes its time, one store of each kind
// meets an adapter, and only on demand: the stores' own tests have the others, and the adapters' own the memory.
func TestSuite(t *testing.T) {
	t.Parallel()
	all := os.Getenv("MANDATE_MATRIX") != ""
	few := rounds.From(t, "MANDATE_SUITE_ROUNDS", 2) // the stores and the adapters have many in their own tests, and here it is that they go together
	stores := storeNames()
	if !all {
		stores = stores[1:] // the adapters' own tests have the memory
	}
	if raced {
		stores = []string{"postgres", "redis"}
	}
	for i, name := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newStore := storesOf(t, name)
			frameworks := frameworkNames()
			switch one := frameworks[i%len(frameworks)]; {
			case raced:
				frameworks = []string{one}
			case !all && one == "nethttp":
				frameworks = []string{one}
			case !all:
				frameworks = []string{one, "nethttp"}
			}
			for _, framework := range frameworks {
				t.Run(framework, func(t *testing.T) {
					t.Parallel()
					a := adaptertest.Adapter{Name: framework, New: applications[framework], NewStore: func(t *testing.T) store.Store { t.Helper(); return newStore(t, nil) }, Rounds: few}
					if framework == "nethttp" && name != "memory" {
						a = tapped(t, a, newStore)
					}
					adaptertest.Run(t, a)
				})
			}
		})
	}
}

// tapped returns a with a listener at every connection, and stores that are searched for what was heard when their test is over.
func tapped(t *testing.T, a adaptertest.Adapter, newStore opener) adaptertest.Adapter {
	t.Helper()
	var taps sync.Map // by test
	var secrets, bytes atomic.Int64
	t.Cleanup(func() {
		if t.Logf("%d secrets were looked for in %d bytes", secrets.Load(), bytes.Load()); secrets.Load() < 1000 || bytes.Load() < 100_000 {
			t.Error("that is too few: the search looks at the wrong things")
		}
	})
	of := func(t *testing.T) *tap {
		t.Helper()
		p, _ := taps.LoadOrStore(t, newTap())
		return p.(*tap)
	}
	app := a.New
	a.New = func(t *testing.T) adaptertest.App { t.Helper(); return tappedApp{app(t), of(t)} }
	a.NewStore = func(t *testing.T) store.Store {
		t.Helper()
		return newStore(t, func(dump string) {
			secrets.Add(int64(of(t).betrayed(t, dump)))
			taps.Delete(t) // what it heard may be large
			bytes.Add(int64(len(dump)))
		})
	}
	return a
}

// An opener returns an empty store, and hands over all that is in it when the test is over, to done if that is not nil.
type opener func(t *testing.T, done func(dump string)) store.Store

// storesOf returns what makes empty stores, or leaves the test out where there is no server.
func storesOf(t *testing.T, name string) opener {
	t.Helper()
	dsn := dsnOf(t, name)
	switch name {
	case "memory":
		return func(*testing.T, func(string)) store.Store { return memstore.New() }
	case "redis":
		client, stem := dialed(t, dsn), "s"+rand.Text()[:12]
		leave(t, name, dsn, stem+"*")
		return func(t *testing.T, done func(string)) store.Store {
			t.Helper()
			prefix := stem + rand.Text()[:12]
			s, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
			if err != nil {
				t.Fatal(err)
			}
			if done != nil {
				t.Cleanup(func() { done(dumpRedis(t, client, prefix)) })
			}
			return s
		}
	}
	stem := "s" + strings.ToLower(rand.Text()[:8])
	leave(t, name, dsn, stem)
	if name == "sqlite" {
		dsn = sqliteDSN(dsn)
	}
	db := gormed(t, name, dsn)
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return (&sets{db: db, stem: stem}).lend
}

// sets are sets of tables in one database, each of which is one store. Making one takes long, so that they are used again.
type sets struct {
	db   *gorm.DB
	stem string

	mu   sync.Mutex // guards free and made
	free []*set
	made int
}

type set struct {
	store  *gormstore.Store
	tables []string
}

// lend lends an empty store until the test is over.
func (p *sets) lend(t *testing.T, done func(dump string)) store.Store {
	t.Helper()
	s, err := p.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if done != nil {
			done(dumpSQL(t, p.db, s.tables))
		}
		for _, table := range s.tables {
			if err := p.db.Exec("DELETE FROM " + table).Error; err != nil {
				t.Error(err)
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.free = append(p.free, s)
	})
	return s.store
}

func (p *sets) take(ctx context.Context) (*set, error) {
	p.mu.Lock()
	defer p.mu.Unlock() // also while tables are made: two that are made at once are no quicker
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free = p.free[:n-1]
		return s, nil
	}
	p.made++
	prefix := p.stem + string(rune('a'+p.made/26%26)) + string(rune('a'+p.made%26)) + "_"
	st, err := gormstore.New(p.db, gormstore.Config{TablePrefix: prefix, Timeout: time.Minute})
	if err != nil {
		return nil, err
	}
	if err := st.Migrate(ctx); err != nil {
		return nil, err
	}
	s := &set{store: st}
	all, err := p.db.Migrator().GetTables()
	for _, table := range all {
		if strings.HasPrefix(table, prefix) {
			s.tables = append(s.tables, table)
		}
	}
	return s, err
}
