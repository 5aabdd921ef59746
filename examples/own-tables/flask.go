package owntables

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// doc:start flask-client

// FlaskClient is a row as Flask-OAuthlib's documentation models clients.
type FlaskClient struct {
	ClientID       string `gorm:"primaryKey"` // size 40
	ClientSecret   string // size 55
	UserID         int64
	IsConfidential bool
	RedirectURIs   string `gorm:"column:_redirect_uris"` // parted by spaces
	DefaultScopes  string `gorm:"column:_default_scopes"`
}

// TableName implements schema.Tabler.
func (FlaskClient) TableName() string { return "client" }

// FlaskClients is the clientgetter.
func FlaskClients(base store.Store, db *gorm.DB) store.Store {
	return store.ClientsFunc(base, func(ctx context.Context, id string) (*store.Client, error) {
		var row FlaskClient
		err := db.WithContext(ctx).Where("client_id = ?", id).Take(&row).Error
		switch {
		case errors.Is(err, gorm.ErrRecordNotFound):
			return nil, store.ErrNotFound
		case err != nil:
			return nil, err
		}
		c := &store.Client{ID: row.ClientID, Metadata: oauth2.ClientMetadata{
			RedirectURIs: strings.Fields(row.RedirectURIs),
			GrantTypes:   []string{"authorization_code", "refresh_token"}, // allowed_grant_types, which a row does not have
		}}
		c.Policy.Default, err = mandate.ParseScopes(row.DefaultScopes)
		if !row.IsConfidential {
			c.Metadata.AuthMethod = "none" // and client_secret means nothing any more
			return c, err
		}
		secret, err2 := keptSecret(row.ClientSecret)
		c.Secrets = []store.Secret{secret}
		return c, errors.Join(err, err2)
	})
}

// doc:end

// doc:start flask-token

// FlaskToken is a row as Flask-OAuthlib's documentation models tokens.
type FlaskToken struct {
	ID           int64
	ClientID     string
	UserID       int64
	TokenType    string
	AccessToken  string     `gorm:"uniqueIndex"`
	RefreshToken string     `gorm:"uniqueIndex"`
	Expires      *time.Time // UTC without a zone; NULL: never
	Scopes       string     `gorm:"column:_scopes"` // parted by spaces
}

// TableName implements schema.Tabler.
func (FlaskToken) TableName() string { return "token" }

// FlaskTokens is the half of the tokengetter that guards need.
type FlaskTokens struct{ DB *gorm.DB }

// Find is for resource.Lookup.
func (t FlaskTokens) Find(ctx context.Context, raw string, _ time.Time) (*mandate.Token, error) {
	raw = strings.Clone(raw)
	var row FlaskToken
	err := t.DB.WithContext(ctx).Where("access_token = ?", raw).Take(&row).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound), err == nil && row.AccessToken != raw:
		return nil, mandate.InvalidToken
	case err != nil:
		return nil, err
	}
	info := mandate.TokenInfo{ClientID: row.ClientID, Subject: strconv.FormatInt(row.UserID, 10)}
	info.Scopes, err = mandate.ParseScopes(row.Scopes)
	if row.Expires != nil {
		info.Expires = *row.Expires
	}
	return mandate.NewToken(info), err
}

// doc:end
