package gormstore

import (
	"slices"
	"strings"
)

// kind is what a column holds.
type kind int

const (
	text   kind = iota // found or compared: bytes, at most 512
	long               // kept
	digest             // 32 bytes
	maybe              // a digest, or NULL
	blob               // bytes, kept
	number             // and times
	flag
)

type column struct {
	name string
	kind kind
}

type index struct {
	columns []string
	unique  bool
}

type table struct {
	name    string
	columns []column
	primary []string
	indexes []index
}

func columns(of kind, names ...string) []column {
	list := make([]column, 0, len(names))
	for _, name := range names {
		list = append(list, column{name, of})
	}
	return list
}

// tables is what the store needs. Columns are only ever added.
func tables() []table {
	on := func(names ...string) index { return index{columns: names} }
	unique := func(names ...string) index { return index{columns: names, unique: true} }
	return []table{
		{
			name:    "clients",
			columns: slices.Concat(columns(text, "id", "origin"), columns(number, "revision", "created"), columns(flag, "disabled"), columns(long, "data")),
			primary: []string{"id"},
		}, {
			name: "grants",
			columns: slices.Concat(columns(text, "id", "key_id", "client_id", "subject", "session_id", "reason"), columns(maybe, "digest", "revocation"),
				columns(number, "generation", "revision", "advanced", "created", "expires", "revoked"), columns(long, "details")),
			primary: []string{"id"},
			indexes: []index{unique("digest"), on("subject", "id"), on("client_id", "id"), on("session_id", "id"), on("expires", "revoked")},
		}, {
			name:    "tokens",
			columns: slices.Concat(columns(digest, "digest"), columns(text, "grant_id"), columns(number, "expires", "revoked"), columns(long, "data")),
			primary: []string{"digest"},
			indexes: []index{on("expires")},
		}, {
			name: "tickets",
			columns: slices.Concat(columns(text, "kind"), columns(digest, "digest"), columns(maybe, "alt_digest"), columns(text, "state", "client_id", "subject", "grant_id"),
				columns(number, "revision", "created", "expires", "used"), columns(long, "data")),
			primary: []string{"kind", "digest"},
			indexes: []index{unique("kind", "alt_digest"), on("expires")},
		}, {
			name:    "uses",
			columns: slices.Concat(columns(text, "space"), columns(digest, "digest"), columns(number, "expires")),
			primary: []string{"space", "digest"},
			indexes: []index{on("expires")},
		}, {
			name:    "consents",
			columns: slices.Concat(columns(text, "subject", "client_id"), columns(number, "revision", "updated", "expires"), columns(long, "scopes", "data")),
			primary: []string{"subject", "client_id"},
			indexes: []index{on("expires")},
		}, {
			name: "sessions",
			columns: slices.Concat(columns(text, "id", "subject"), columns(digest, "digest"), columns(number, "revision", "auth_time", "expires", "ends", "ended"),
				columns(long, "clients", "acr", "amr", "data")),
			primary: []string{"id"},
			indexes: []index{unique("digest"), on("subject", "id"), on("expires")},
		}, {
			name:    "key_sets",
			columns: slices.Concat(columns(text, "name"), columns(number, "revision"), columns(blob, "sealed")),
			primary: []string{"name"},
		}, {
			name:    "remote_tokens",
			columns: slices.Concat(columns(text, "name"), columns(number, "revision", "expires", "lease", "leases"), columns(blob, "sealed")),
			primary: []string{"name"},
			indexes: []index{on("expires")},
		},
	}
}

// definition is a column as the database is told of it. Added to a table that has rows, it gets a default.
func (d dialect) definition(c column) string {
	t := map[kind][3]string{
		text:   {`text COLLATE "C" NOT NULL DEFAULT ''`, `VARBINARY(512) NOT NULL DEFAULT ''`, `TEXT NOT NULL DEFAULT ''`},
		long:   {`text NOT NULL DEFAULT ''`, `LONGBLOB NOT NULL`, `TEXT NOT NULL DEFAULT ''`},
		digest: {`bytea NOT NULL DEFAULT ''`, `VARBINARY(32) NOT NULL DEFAULT ''`, `BLOB NOT NULL DEFAULT x''`},
		maybe:  {`bytea`, `VARBINARY(32)`, `BLOB`},
		blob:   {`bytea NOT NULL DEFAULT ''`, `LONGBLOB NOT NULL`, `BLOB NOT NULL DEFAULT x''`},
		number: {`bigint NOT NULL DEFAULT 0`, `BIGINT NOT NULL DEFAULT 0`, `INTEGER NOT NULL DEFAULT 0`},
		flag:   {`boolean NOT NULL DEFAULT false`, `BOOLEAN NOT NULL DEFAULT 0`, `BOOLEAN NOT NULL DEFAULT 0`},
	}[c.kind]
	return c.name + " " + t[d]
}

// create returns the statement that makes a table.
func (s *Store) create(t table) string {
	parts := make([]string, 0, len(t.columns)+1)
	for _, c := range t.columns {
		parts = append(parts, s.dialect.definition(c))
	}
	parts = append(parts, "PRIMARY KEY ("+strings.Join(t.primary, ", ")+")")
	statement := "CREATE TABLE IF NOT EXISTS " + s.quoted(t.name) + " (" + strings.Join(parts, ", ") + ")"
	switch {
	case s.dialect == mysql:
		return statement + " ENGINE=InnoDB ROW_FORMAT=DYNAMIC"
	case s.dialect == sqlite && (t.name == "tokens" || t.name == "uses"): // small rows with a key of their own
		return statement + " WITHOUT ROWID"
	default:
		return statement
	}
}

// indexName is the name of an index; those of PostgreSQL live in the schema of their table.
func (s *Store) indexName(t table, i index) string {
	prefix := s.prefix[strings.IndexByte(s.prefix, '.')+1:]
	return prefix + t.name + "_" + strings.Join(i.columns, "_")
}

func (s *Store) createIndex(t table, i index) string {
	statement := "CREATE INDEX "
	if i.unique {
		statement = "CREATE UNIQUE INDEX "
	}
	if s.dialect != mysql {
		statement += "IF NOT EXISTS "
	}
	return statement + s.quote(s.indexName(t, i)) + " ON " + s.quoted(t.name) + " (" + strings.Join(i.columns, ", ") + ")"
}
