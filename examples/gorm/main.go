// Gorm is an authorization server and an API on the application's own database, through GORM: stop it and start it again, and every
// token is as good as before. On net/http and SQLite:
//
//	go run ./examples/gorm
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	"github.com/go-mandate/mandate/examples/internal/demo"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// demoSecret is for this program alone: in production nobody else may know it.
const demoSecret = "c2VjcmV0IG9mIGEgZGVtb25zdHJhdGlvbiBhbG9uZSE=" // #nosec G101

// User is a row of the application's own table.
type User struct{ ID, Name string }

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	file := flag.String("db", filepath.Join(os.TempDir(), "mandate-example.db"), "database file")
	flag.Parse()
	log.Fatal(run(context.Background(), *addr, *file))
}

// run serves on addr until that fails.
func run(ctx context.Context, addr, file string) error {
	base := "http://" + addr
	// doc:start gorm-store
	db, err := gorm.Open(sqlite.Open(file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"), &gorm.Config{})
	if err != nil {
		return err
	}
	st, err := gormstore.New(db)
	if err != nil {
		return err
	}
	if err := st.Migrate(ctx); err != nil { // makes the tables mandate_* that are missing; st.Plan(ctx) only says how
		return err
	}
	go gormstore.KeepPruned(ctx, st, time.Minute, func(_ int, err error) { //nolint:errcheck // removes what is over until ctx ends, which is its error
		if err != nil {
			slog.ErrorContext(ctx, "prune", "err", err)
		}
	})
	// doc:end
	if err := accounts(db); err != nil {
		return err
	}
	secret, err := mandate.ParseSecret(cmp.Or(os.Getenv("MANDATE_SECRET"), demoSecret))
	if err != nil {
		return err
	}
	srv, err := server.New(server.Config{
		Issuer: base, Prefix: "/oauth", Store: st, Secret: secret,
		Scopes: []server.Scope{{Name: "profile", Title: "See who you are"}},
		Clients: []*store.Client{{
			ID: "books", Secrets: []store.Secret{server.HashSecret("books-secret")},
			Metadata: oauth2.ClientMetadata{Name: "Bookkeeper", RedirectURIs: []string{base + "/client/callback"}},
		}},
		SignIn: func(ctx context.Context, name, password string) (server.User, error) {
			var user User
			err := db.WithContext(ctx).Where("name = ?", name).Take(&user).Error
			switch {
			case errors.Is(err, gorm.ErrRecordNotFound), err == nil && password != "demo":
				return server.User{}, mandate.AccessDenied
			case err != nil:
				return server.User{}, err // nobody could tell
			}
			return server.User{Subject: user.ID, Name: user.Name}, nil
		},
	})
	if err != nil {
		return err
	}
	// doc:start gorm-user
	guard, err := resource.New(resource.Config{
		Audience:  base + "/me",
		Verifiers: []resource.Verifier{resource.Of(srv)},
		User:      gormstore.UserBy[User](db, "id"), // the application's own User whose column id is the token's subject
	})
	// doc:end
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /me", nethttp.WithUser(nethttp.New(guard), me, "profile"))
	mux.Handle("/client/", demo.NewClient(base, "books", "books-secret", "profile"))
	if err := nethttp.Mount(mux, srv); err != nil {
		return err
	}
	fmt.Printf("Open %s/client/login and sign in as demo, password demo.\n", base)
	return (&http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
}

// accounts makes the application's own table, with one user in it.
func accounts(db *gorm.DB) error {
	if err := db.AutoMigrate(&User{}); err != nil {
		return err
	}
	return db.Clauses(clause.OnConflict{DoNothing: true}).Create(&User{ID: "user-1", Name: "demo"}).Error
}

func me(w http.ResponseWriter, _ *http.Request, user *User) {
	_, _ = fmt.Fprintf(w, "hello, %s\n", user.Name)
}
