package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	driver "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
	memstore "github.com/go-mandate/mandate/stores/memory"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// storage is where the state is kept.
type storage struct {
	store  store.Store
	shared bool                                           // by all processes that name the same place
	forget func(ctx context.Context) (store.Store, error) // all that is in it; returns the store to go on with
	close  func() error
}

func storeNames() []string { return []string{"memory", "sqlite", "postgres", "mysql", "redis"} }

// patient is how long a store has to be there, and to get its tables, at the start.
const patient = time.Minute

// connections is the most that one process has to a database.
const connections = 32

// openStorage opens the store called name at dsn. Name is empty for memory. What it keeps begins with prefix.
func openStorage(ctx context.Context, name, dsn, prefix string) (*storage, error) {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	switch name {
	case "sqlite":
		return openSQL(ctx, sqlite.Open(sqliteDSN(dsn)), prefix)
	case "postgres":
		return openSQL(ctx, postgres.Open(dsn), prefix)
	case "mysql":
		_ = driver.SetLogger(silent{}) // has an error for nil alone
		return openSQL(ctx, mysql.Open(dsn), prefix)
	case "redis":
		return openRedis(ctx, dsn, prefix)
	}
	return &storage{
		store:  memstore.New(),
		forget: func(context.Context) (store.Store, error) { return memstore.New(), nil },
		close:  func() error { return nil },
	}, nil
}

// sqliteDSN adds to the name of a file what package gormstore asks for, unless dsn says something itself.
func sqliteDSN(dsn string) string {
	if strings.Contains(dsn, "?") {
		return dsn
	}
	return dsn + "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)"
}

func openSQL(ctx context.Context, d gorm.Dialector, prefix string) (*storage, error) {
	db, err := gorm.Open(d, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return nil, quiet(err)
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	s, err := gormstore.New(db, gormstore.Config{TablePrefix: prefix})
	if err == nil {
		err = s.Migrate(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &storage{
		store: s, shared: true, close: pool.Close,
		forget: func(ctx context.Context) (store.Store, error) { return s, empty(ctx, db, prefix) },
	}, nil
}

// quiet is err, unless it may show a password: drivers quote what they cannot read.
func quiet(err error) error {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return errors.New("it is not a URL")
	}
	return err
}

// empty deletes the rows of all tables whose name begins with prefix.
func empty(ctx context.Context, db *gorm.DB, prefix string) error {
	db = db.WithContext(ctx)
	names, err := db.Migrator().GetTables()
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			if err := db.Exec("DELETE FROM " + name).Error; err != nil {
				return err
			}
		}
	}
	return nil
}

func openRedis(ctx context.Context, dsn, prefix string) (*storage, error) {
	redis.SetLogger(silent{}) // what matters comes back as an error
	options, err := redis.ParseURL(dsn)
	if err != nil {
		return nil, quiet(err)
	}
	options.ContextTimeoutEnabled = true
	options.PoolSize = connections
	client := redis.NewClient(options)
	s, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
	if err == nil {
		err = s.Check(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return &storage{
		store: s, shared: true, close: client.Close,
		forget: func(ctx context.Context) (store.Store, error) { return s, unlink(ctx, client, "{"+prefix+"}:*") },
	}, nil
}

// silent is a driver's logger that writes nothing: standard error has the lines of the log alone.
type silent struct{}

// Printf implements the interface that Redis's client has for loggers, and Print that of MySQL's.
func (silent) Printf(context.Context, string, ...any) {}

func (silent) Print(...any) {}

// unlink removes the keys that match.
func unlink(ctx context.Context, client *redis.Client, match string) error {
	var keys []string
	all := client.Scan(ctx, 0, match, 1000).Iterator()
	for all.Next(ctx) {
		keys = append(keys, all.Val())
	}
	for some := range slices.Chunk(keys, 1000) {
		if err := client.Unlink(ctx, some...).Err(); err != nil {
			return err
		}
	}
	return all.Err()
}

// place returns what the names in a store begin with, so that several issuers, and one with another secret, do not meet in it.
func (c *config) place() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s", c.Issuer, c.root))
	return "p" + hex.EncodeToString(sum[:6]) + "_"
}
