package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"gorm.io/gorm"
)

// dumpSQL returns every column of every row, one to a line.
func dumpSQL(t *testing.T, db *gorm.DB, tables []string) string {
	t.Helper()
	var all strings.Builder
	for _, table := range tables {
		if err := dumpTable(&all, db, table); err != nil {
			t.Error(err)
		}
	}
	return all.String()
}

func dumpTable(all *strings.Builder, db *gorm.DB, table string) error {
	rows, err := db.Raw("SELECT * FROM " + table).Rows()
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err says it
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			fmt.Fprintf(all, "%s.%s: %s\n", table, names[i], v)
		}
	}
	return rows.Err()
}

// dumpRedis returns every key that begins with prefix in braces, and its value, one to a line.
func dumpRedis(t *testing.T, client *redis.Client, prefix string) string {
	t.Helper()
	var all strings.Builder
	ctx := context.WithoutCancel(t.Context())
	keys := client.Scan(ctx, 0, "{"+prefix+"}:*", 10_000).Iterator()
	for keys.Next(ctx) {
		key := keys.Val()
		kind, err := client.Type(ctx, key).Result()
		var value any
		if err == nil {
			value, err = valueOf(ctx, client, key, kind)
		}
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		fmt.Fprintf(&all, "%s: %s\n", key, value)
	}
	if err := keys.Err(); err != nil {
		t.Error(err)
	}
	return all.String()
}

func valueOf(ctx context.Context, client *redis.Client, key, kind string) (any, error) {
	switch kind {
	case "string":
		return client.Get(ctx, key).Result()
	case "hash":
		return client.HGetAll(ctx, key).Result()
	case "zset":
		return client.ZRange(ctx, key, 0, -1).Result()
	case "set":
		return client.SMembers(ctx, key).Result()
	default:
		return nil, fmt.Errorf("a %s, which this test cannot read", kind)
	}
}
