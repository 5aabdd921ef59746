package backend

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	sqliteinc "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// Database is a database with ways to redeem a code.
type Database struct {
	Close

	Store store.Store
	Ours  *Way
	Usual *Way // a transaction as one writes it with GORM
	Plain *Way // written by hand for the driver; nil where there is none

	db    *gorm.DB
	usual string // the prefix of the tables that the usual way uses
	plain string
}

// openDatabase opens a database and makes tables of three names in it: for the store, for GORM as usual, and by hand. Their columns
// and indexes are the store's.
func openDatabase(ctx context.Context, d gorm.Dialector, most int) (*Database, error) {
	db, err := gorm.Open(d, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(most)
	pool.SetMaxIdleConns(most)
	name := "bench" + strings.ToLower(rand.Text()[:8]) + "_"
	b := &Database{Close: Close{pool.Close}, db: db, usual: name + "usual_", plain: name + "plain_"}
	var stores [3]*gormstore.Store
	for i, prefix := range []string{name + "store_", b.usual, b.plain} {
		if stores[i], err = gormstore.New(db, gormstore.Config{TablePrefix: prefix, Timeout: time.Minute}); err != nil {
			return b, err
		}
		if err := stores[i].Migrate(ctx); err != nil {
			return b, err
		}
		b.Close = append(b.Close, func() error { return dropTables(db, prefix) })
	}
	b.Store = stores[0]
	var errs [2]error
	b.Ours, errs[0] = of(ctx, stores[0])
	b.Usual, errs[1] = newWay(ctx, stores[1], b.usually)
	return b, errors.Join(errs[:]...)
}

func dropTables(db *gorm.DB, prefix string) error {
	for _, name := range []string{"clients", "grants", "tokens", "tickets", "uses", "consents", "sessions", "key_sets", "remote_tokens"} {
		if err := db.Migrator().DropTable(prefix + name); err != nil {
			return err
		}
	}
	return nil
}

// by adds the way that is written by hand.
func (b *Database) by(ctx context.Context, redeem func(context.Context, store.Redemption) error) (err error) {
	s, err := gormstore.New(b.db, gormstore.Config{TablePrefix: b.plain, Timeout: time.Minute})
	if err != nil {
		return err
	}
	b.Plain, err = newWay(ctx, s, redeem)
	return err
}

// usually is what one writes with GORM and its defaults: read and lock, look, save, create.
func (b *Database) usually(ctx context.Context, d store.Redemption) error {
	data, err := body(d.Token)
	if err != nil {
		return err
	}
	return b.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var g gormstore.Grant
		if err := tx.Table(b.usual+"grants").Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).First(&g, "id = ?", d.GrantID).Error; err != nil {
			return err
		}
		if g.Generation != d.From || g.Revoked != 0 || g.Expires <= d.Now.UnixMilli() {
			return errLost
		}
		g.Generation, g.Advanced, g.Expires, g.KeyID = d.From+1, d.Now.UnixMilli(), d.Expires.UnixMilli(), d.KeyID
		if err := tx.Table(b.usual + "grants").Save(&g).Error; err != nil {
			return err
		}
		return tx.Table(b.usual + "tokens").Create(&gormstore.Token{
			Digest: d.Key[:], GrantID: d.GrantID, Expires: d.Token.Expires().UnixMilli(), Data: data,
		}).Error
	})
}

// OpenPostgreSQL uses the database at a URL. Plain is one statement through pgxpool.
func OpenPostgreSQL(ctx context.Context, url string) (*Database, error) {
	b, err := openDatabase(ctx, postgres.Open(url), connections)
	if err != nil {
		return b, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return b, err
	}
	config.MaxConns, config.MinConns = connections, connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return b, err
	}
	b.Close = append(b.Close, func() error { pool.Close(); return nil })
	statement := `WITH moved AS (UPDATE ` + b.plain + `grants SET revision = revision + 1, generation = generation + 1, advanced = $1, expires = $2, key_id = $3
		WHERE id = $4 AND generation = $5 AND revoked = 0 AND (expires = 0 OR expires > $6) RETURNING key_id),
		put AS (INSERT INTO ` + b.plain + `tokens (digest, grant_id, expires, revoked, data) SELECT $7::bytea, $8::text, $9::bigint, 0, $10::text FROM moved)
		SELECT key_id FROM moved`
	return b, b.by(ctx, func(ctx context.Context, d store.Redemption) error {
		data, err := body(d.Token)
		if err != nil {
			return err
		}
		var keyID string
		return pool.QueryRow(ctx, statement, d.Now.UnixMilli(), d.Expires.UnixMilli(), d.KeyID, d.GrantID, d.From, d.Now.UnixMilli(),
			d.Key[:], d.GrantID, d.Token.Expires().UnixMilli(), data).Scan(&keyID)
	})
}

// OpenMariaDB uses the database of a DSN.
func OpenMariaDB(ctx context.Context, dsn string) (*Database, error) {
	return openDatabase(ctx, mysql.Open(dsn), connections)
}

// OpenSQLite makes a database in a file, through the driver that is all Go. Each commit waits for the disk. Plain is a transaction of
// its own for each redemption, whose statements are prepared, on the one connection that can write.
func OpenSQLite(ctx context.Context, file string) (*Database, error) {
	dsn := file + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(60000)&_txlock=immediate"
	return openSQLite(ctx, sqlite.Open(dsn), sqlite.DriverName, dsn)
}

// OpenSQLiteInC is OpenSQLite with the driver that has SQLite's own C in it, and needs cgo.
func OpenSQLiteInC(ctx context.Context, file string) (*Database, error) {
	dsn := file + "?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=60000&_txlock=immediate"
	return openSQLite(ctx, sqliteinc.Open(dsn), sqliteinc.DriverName, dsn)
}

func openSQLite(ctx context.Context, d gorm.Dialector, driver, dsn string) (*Database, error) {
	b, err := openDatabase(ctx, d, 8)
	if err != nil {
		return b, err
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return b, err
	}
	db.SetMaxOpenConns(1)
	b.Close = append(b.Close, db.Close)
	//nolint:gosec // the name of the table is our own
	update, err := db.PrepareContext(ctx, "UPDATE "+b.plain+`grants SET revision = revision + 1, generation = generation + 1, advanced = ?, expires = ?, key_id = ?
		WHERE id = ? AND generation = ? AND revoked = 0 AND (expires = 0 OR expires > ?)`)
	if err != nil {
		return b, err
	}
	//nolint:gosec // the name of the table is our own
	insert, err := db.PrepareContext(ctx, "INSERT INTO "+b.plain+"tokens (digest, grant_id, expires, revoked, data) VALUES (?, ?, ?, 0, ?)")
	if err != nil {
		return b, errors.Join(err, update.Close())
	}
	b.Close = append(b.Close, update.Close, insert.Close)
	return b, b.by(ctx, func(ctx context.Context, d store.Redemption) error {
		data, err := body(d.Token)
		if err != nil {
			return err
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
		//nolint:sqlclosecheck // the transaction closes it
		res, err := tx.StmtContext(ctx, update).ExecContext(ctx, d.Now.UnixMilli(), d.Expires.UnixMilli(), d.KeyID, d.GrantID, d.From, d.Now.UnixMilli())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(errLost, err)
		}
		//nolint:sqlclosecheck // the transaction closes it
		if _, err := tx.StmtContext(ctx, insert).ExecContext(ctx, d.Key[:], d.GrantID, d.Token.Expires().UnixMilli(), data); err != nil {
			return err
		}
		return tx.Commit()
	})
}
