// Package owntables keeps the tables of an application that comes from Authlib or Flask-OAuthlib, and puts a server of Mandate on them: clients are
// read where they are, old access tokens are good until they run out, old refresh tokens go on once, and the application
// still writes a row for each token that is issued. Its test runs all of it on Gin, Echo and Fiber.
package owntables

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// User is a row of the application's own table.
type User struct {
	ID           int64
	Username     string
	PasswordHash string
}

// TableName implements schema.Tabler.
func (User) TableName() string { return "user" }

// doc:start authlib-client

// Client is a row of the table that Authlib's OAuth2ClientMixin makes.
type Client struct {
	ID                    int64
	UserID                int64
	ClientID              string // size 48
	ClientSecret          string // in clear, size 120
	ClientIDIssuedAt      int64
	ClientSecretExpiresAt int64  // 0: never
	ClientMetadata        string // JSON
	Disabled              bool   // this application's own
}

// TableName implements schema.Tabler.
func (Client) TableName() string { return "oauth2_client" }

// record returns the row as Mandate knows clients.
func (c Client) record() (*store.Client, error) {
	r := &store.Client{ID: c.ClientID, Disabled: c.Disabled, Created: time.Unix(c.ClientIDIssuedAt, 0)}
	if err := json.Unmarshal([]byte(c.ClientMetadata), &r.Metadata); err != nil { // members of RFC 7591, there as here
		return nil, err
	}
	if c.ClientSecret == "" || r.Metadata.Public() {
		return r, nil
	}
	secret, err := keptSecret(c.ClientSecret)
	if err != nil {
		return nil, err
	}
	if c.ClientSecretExpiresAt > 0 {
		secret.Expires = time.Unix(c.ClientSecretExpiresAt, 0)
	}
	r.Secrets = []store.Secret{secret}
	return r, nil
}

// doc:end

// Clients reads the application's own table of clients, in front of base.
func Clients(base store.Store, db *gorm.DB) store.Store {
	// doc:start authlib-clients
	st := store.ClientsFunc(base, func(ctx context.Context, id string) (*store.Client, error) {
		var row Client
		err := db.WithContext(ctx).Where("client_id = ?", id).Take(&row).Error
		switch {
		case errors.Is(err, gorm.ErrRecordNotFound):
			return nil, store.ErrNotFound // base is asked
		case err != nil:
			return nil, err // an outage: nobody is
		}
		return row.record()
	})
	// doc:end
	return st
}

// doc:start authlib-token

// Token is a row of the table that Authlib's OAuth2TokenMixin makes.
type Token struct {
	ID                    int64
	UserID                int64  // 0: the client acts for itself
	ClientID              string // size 48
	TokenType             string
	AccessToken           string `gorm:"uniqueIndex"`
	RefreshToken          string `gorm:"index"`
	Scope                 string
	IssuedAt              int64
	AccessTokenRevokedAt  int64 // 0: it was not
	RefreshTokenRevokedAt int64
	ExpiresIn             int64 // 0: never
}

// TableName implements schema.Tabler.
func (Token) TableName() string { return "oauth2_token" }

// Tokens finds access tokens that the old system issued.
type Tokens struct{ DB *gorm.DB }

// Find is for resource.Lookup.
func (t Tokens) Find(ctx context.Context, raw string, _ time.Time) (*mandate.Token, error) {
	raw = strings.Clone(raw) // the framework uses its memory again, and GORM may log the statement later
	var row Token
	err := t.DB.WithContext(ctx).Where("access_token = ?", raw).Take(&row).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return nil, mandate.InvalidToken // 401
	case err != nil:
		return nil, err // nobody could tell: 503
	case row.AccessToken != raw, row.AccessTokenRevokedAt > 0: // a database may take "Abc" for "abc"
		return nil, mandate.InvalidToken
	}
	info := mandate.TokenInfo{ClientID: row.ClientID, IssuedAt: time.Unix(row.IssuedAt, 0)}
	if row.UserID > 0 {
		info.Subject = strconv.FormatInt(row.UserID, 10)
	}
	if row.ExpiresIn > 0 { // the guard compares
		info.Expires = time.Unix(row.IssuedAt+row.ExpiresIn, 0)
	}
	info.Scopes, err = mandate.ParseScopes(row.Scope)
	return mandate.NewToken(info), err
}

// doc:end

// doc:start authlib-import

// Import lets the live refresh tokens of the table go on at srv, and returns how many. It may be repeated.
func Import(ctx context.Context, db *gorm.DB, srv *server.Server) (n int, err error) {
	var rows []Token
	live := db.WithContext(ctx).Where("refresh_token <> '' AND refresh_token_revoked_at = 0 AND user_id > 0")
	err = live.FindInBatches(&rows, 500, func(*gorm.DB, int) error {
		for _, row := range rows {
			token := server.ImportedRefreshToken{
				Token: row.RefreshToken, ClientID: row.ClientID, Subject: strconv.FormatInt(row.UserID, 10), Scopes: mandate.Scopes(row.Scope),
			}
			if row.ExpiresIn > 0 { // as long as the old refresh_token grant took them; without an end, for ever
				token.Expires = time.Unix(row.IssuedAt+2*row.ExpiresIn, 0)
			}
			switch err := srv.ImportRefreshToken(ctx, token); {
			case errors.Is(err, store.ErrExpired), errors.Is(err, store.ErrNotFound): // over, or of a client that is gone
			case err != nil:
				return err
			default:
				n++
			}
		}
		return nil
	}).Error
	return n, err
}

// doc:end
