// Admin is an application's own command for clients, secrets, grants and keys, on its own server and database:
//
//	go run ./examples/admin help
//
// The database is the file that MANDATE_DB names, mandate.db without it, and MANDATE_SECRET the root secret, or several parted by spaces.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/admin"
	"github.com/go-mandate/mandate/core/server"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer, env func(string) string) error {
	// doc:start admin-command
	return admin.Command{In: in, Out: out, Open: func(context.Context) (admin.Config, error) {
		srv, err := newServer(cmp.Or(env("MANDATE_DB"), "mandate.db"), strings.Fields(env("MANDATE_SECRET")))
		return admin.Config{Server: srv}, err
	}}.Run(ctx, args)
	// doc:end
}

// doc:start admin-server
// newServer returns the server that the application mounts, too.
func newServer(file string, secrets []string) (*server.Server, error) {
	db, err := gorm.Open(sqlite.Open(file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"), &gorm.Config{})
	if err != nil {
		return nil, err
	}
	st, err := gormstore.New(db)
	if err != nil {
		return nil, err
	}
	secret, err := mandate.ParseSecret(secrets...)
	if err != nil {
		return nil, err
	}
	return server.New(server.Config{
		Issuer: "https://app.example.com", Store: st, Secret: secret,
		Scopes: []server.Scope{{Name: "invoices", Title: "Read your invoices"}, {Name: "reports", Title: "Read your reports"}},
	})
}

// doc:end
