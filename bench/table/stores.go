package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-mandate/mandate/bench/internal/backend"
	"github.com/go-mandate/mandate/bench/internal/measure"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// The parts of stores compare redemptions through the stores with the same work written by others. A server of which the
// environment does not tell is left out.

func postgreSQL(t *table) {
	url := t.server("PostgreSQL", "MANDATE_POSTGRES")
	if url == "" {
		return
	}
	b, err := backend.OpenPostgreSQL(context.Background(), url)
	t.database("PostgreSQL", b, err, func() {
		t.flows("PostgreSQL: our redemptions, in transactions with GORM", 1.8, b.Usual, b.Ours)
		t.flows("PostgreSQL: our redemptions, in statements through pgx", 0.85, b.Plain, b.Ours)
		t.lookups("PostgreSQL", b.Store)
	})
}

func mariaDB(t *table) {
	dsn := t.server("MariaDB", "MANDATE_MARIADB")
	if dsn == "" {
		return
	}
	b, err := backend.OpenMariaDB(context.Background(), dsn)
	t.database("MariaDB", b, err, func() {
		t.flows("MariaDB: our redemptions, in transactions with GORM", 1.3, b.Usual, b.Ours)
		t.lookups("MariaDB", b.Store)
	})
}

func inRedis(t *table) {
	url := t.server("Redis", "MANDATE_REDIS")
	if url == "" {
		return
	}
	b, err := backend.OpenRedis(context.Background(), url)
	if err != nil {
		t.add("Redis", "an answer", err.Error(), false)
	} else {
		t.flows("Redis: our redemptions, in scripts written by hand", 0.9, b.Script, b.Ours)
		t.flows("Redis: our redemptions, in four commands", 1.4, b.Commands, b.Ours)
		t.flows("Redis: our redemptions, in WATCH and MULTI", 0, b.Watched, b.Ours)
		t.lookups("Redis", b.Store)
	}
	if b != nil {
		t.closed(b.Close)
	}
}

func inSQLite(t *table) {
	t.sqlite("SQLite in Go", backend.OpenSQLite)
	t.sqlite("SQLite in C", backend.OpenSQLiteInC)
}

// sqlite compares redemptions in a new file, in which every commit waits for the disk.
func (t *table) sqlite(name string, open func(ctx context.Context, file string) (*backend.Database, error)) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		t.add(name, "a file", err.Error(), false)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // in the directory of what is temporary
	b, err := open(context.Background(), filepath.Join(dir, "bench.db"))
	t.database(name, b, err, func() {
		what := name + ": our redemptions, in transactions by hand"
		t.flow(what, 0.9, 1, b.Plain.Worker, b.Ours.Worker)
		t.flow(what, 3, 16, b.Plain.Worker, b.Ours.Worker)
		t.flow(what, 0, 64, b.Plain.Worker, b.Ours.Worker)
		t.flow(name+": our redemptions, in transactions with GORM", 0, 16, b.Usual.Worker, b.Ours.Worker)
	})
}

// inCache measures what a cache costs in front of a store that needs none.
func inCache(t *table) {
	asked, cached, err := backend.Lookup(context.Background(), memstore.New())
	const what = "a look-up that a cache answers, over one in the memory store"
	if err != nil {
		t.add(what, "an answer", err.Error(), false)
		return
	}
	t.over(what, 100, 0, func() { _ = asked() }, func() { _ = cached() })
}

// lookups compares look-ups with those that a cache answers.
func (t *table) lookups(name string, s store.Store) {
	asked, cached, err := backend.Lookup(context.Background(), s)
	if err != nil {
		t.add(name, "an answer", err.Error(), false)
		return
	}
	for _, n := range []int{1, 16} {
		t.flow(name+": look-ups that a cache answers, in look-ups", 50, n, each(asked), each(cached))
	}
}

// each gives all goroutines one function.
func each(f func() error) func(int) func() error { return func(int) func() error { return f } }

// server returns where a server is, or adds that it is left out.
func (t *table) server(name, variable string) string {
	where := os.Getenv(variable)
	if where == "" {
		t.add(name, "", "left out: "+variable+" is not set; see .ci/databases/start", false)
	}
	return where
}

// database measures what could be opened, and closes it.
func (t *table) database(name string, b *backend.Database, err error, compare func()) {
	if err != nil {
		t.add(name, "an answer", err.Error(), false)
	} else {
		compare()
	}
	if b != nil {
		t.closed(b.Close)
	}
}

func (*table) closed(c backend.Close) {
	if err := c.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// flows compares two ways at 1, 16 and 64 goroutines.
func (t *table) flows(what string, ratio float64, base, ours *backend.Way) {
	for _, n := range []int{1, 16, 64} {
		t.flow(what, ratio, n, base.Worker, ours.Worker)
	}
}

// flow adds how much more ours gets done than base. Zero is no target.
func (t *table) flow(what string, ratio float64, goroutines int, base, ours func(int) func() error) {
	target := ""
	if ratio > 0 {
		target = fmt.Sprintf("at least %.2g", ratio)
	}
	what = fmt.Sprintf("%s, %d at a time", what, goroutines)
	f, err := measure.CompareFlow(goroutines, base, ours)
	if err != nil {
		t.add(what, target, err.Error(), false)
		return
	}
	t.add(what, target, fmt.Sprintf("%.2f (%.0f to %.0f each second)", f.Ratio, f.Other, f.Base), f.Ratio >= ratio)
}
