package main

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// Who has a dump of the store has no key, and who has the root secret as well opens the signing keys and nothing else.
func TestSealed(t *testing.T) {
	t.Parallel()
	for _, name := range storeNames()[1:] {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := basis()
			f := settle(t, flags{framework: "nethttp"}, name, content)
			p := startOn(t, f, content, nil)
			visit(newVisitor(t, p.addr))
			issuer, now := p.settings.config.Issuer, time.Now()
			sealed, _, err := p.storage.store.SigningKeys(t.Context(), issuer)
			if err != nil {
				t.Fatal(err)
			}
			label := []byte("signing keys of " + issuer)
			plain, err := p.settings.secret.Sealer("at rest", issuer).Open(sealed, label, now)
			if err != nil {
				t.Fatal(err)
			}
			var dump string
			if name == "redis" {
				dump = dumpRedis(t, dialed(t, f.dsn), p.settings.config.place())
			} else {
				db := gormed(t, name, f.dsn)
				all, err := db.Migrator().GetTables()
				if err != nil {
					t.Fatal(err)
				}
				var tables []string
				for _, table := range all {
					if strings.HasPrefix(table, p.settings.config.place()) {
						tables = append(tables, table)
					}
				}
				dump = dumpSQL(t, db, tables)
			}
			private := regexp.MustCompile(`[\w+/-]{40,}`).FindAllString(string(plain), -1)
			if !json.Valid(plain) || len(private) == 0 || !strings.Contains(dump, string(sealed)) && !strings.Contains(dump, base64.StdEncoding.EncodeToString(sealed)) {
				t.Fatalf("the test looks at the wrong things: %d keys in %d bytes", len(private), len(dump))
			}
			for _, key := range private {
				for _, form := range forms(key) {
					if strings.Contains(dump, form) {
						t.Error("a private key is in the store")
					}
				}
			}
			for who, secret := range map[string]mandate.Secret{"the right secret": p.settings.secret, "another secret": mandate.NewRandomSecret()} {
				opened := 0
				for line := range strings.Lines(dump) {
					_, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
					for _, v := range values(value) {
						for _, class := range []string{"at rest", "refresh", "flow", "pending request"} {
							if _, err := secret.Sealer(class, issuer).Open(v, label, now); err == nil && string(v) != string(sealed) {
								opened++
							}
						}
					}
				}
				if opened > 0 {
					t.Errorf("%s opens %d values besides the signing keys", who, opened)
				}
			}
			if _, err := mandate.NewRandomSecret().Sealer("at rest", issuer).Open(sealed, label, now); err == nil {
				t.Error("another secret opens the signing keys")
			}
		})
	}
}

// values returns a value and what it has in base64.
func values(value string) [][]byte {
	all := [][]byte{[]byte(value)}
	for _, text := range regexp.MustCompile(`[\w+/-]{40,}`).FindAllString(value, -1) {
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if raw, err := enc.DecodeString(text); err == nil {
				all = append(all, raw)
			}
		}
	}
	return all
}
