package owntables

import (
	"context"
	"errors"
	"strconv"

	"golang.org/x/crypto/bcrypt"
	"gorm.io/gorm"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// App is an application on its own tables.
type App struct {
	Server *server.Server
	Guard  *resource.Guard
}

// New puts a server and a guard on the tables in db, and on tables of Mandate's beside them.
func New(ctx context.Context, db *gorm.DB, issuer string, secret mandate.Secret) (*App, error) {
	bundled, err := gormstore.New(db)
	if err != nil {
		return nil, err
	}
	if err := bundled.Migrate(ctx); err != nil {
		return nil, err
	}
	st := Clients(bundled, db)
	srv, err := serve(db, st, issuer, secret)
	if err != nil {
		return nil, err
	}
	// doc:start own-guard
	guard, err := resource.New(resource.Config{
		Audience:  issuer + "/me",
		Verifiers: []resource.Verifier{resource.Of(srv), resource.Lookup(Tokens{db}.Find)}, // the old ones after the server's
		User:      gormstore.UserBy[User](db, "id"),
	})
	// doc:end
	return &App{srv, guard}, err
}

func serve(db *gorm.DB, st store.Store, issuer string, secret mandate.Secret) (*server.Server, error) {
	// doc:start own-server
	srv, err := server.New(server.Config{
		Issuer: issuer, Prefix: "/oauth", Store: st, Secret: secret,
		Scopes:                []server.Scope{{Name: "profile", Title: "See who you are"}, {Name: "email"}},
		SignIn:                SignIn(db),                         // the usergetter: for people, on the server's page
		VerifySecret:          verifyWerkzeug,                     // client secrets that were hashed otherwise
		ImportedRefreshTokens: true,                               // until the last of them is used or over
		Extensions:            []server.Extension{SaveIssued(db)}, // save_token
	})
	// doc:end
	return srv, err
}

// SignIn checks name and password against the application's own users.
func SignIn(db *gorm.DB) func(ctx context.Context, name, password string) (server.User, error) {
	// doc:start sign-in
	return func(ctx context.Context, name, password string) (server.User, error) {
		var user User
		err := db.WithContext(ctx).Where("username = ?", name).Take(&user).Error
		switch {
		case errors.Is(err, gorm.ErrRecordNotFound), err == nil && bcrypt.CompareHashAndPassword([]byte(user.PasswordHash), []byte(password)) != nil:
			return server.User{}, mandate.AccessDenied
		case err != nil:
			return server.User{}, err // nobody could tell
		}
		return server.User{Subject: strconv.FormatInt(user.ID, 10), Name: user.Username}, nil
	}
	// doc:end
}
