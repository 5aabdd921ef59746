package gormstore

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	mandate "github.com/go-mandate/mandate/core"
)

// UserBy returns a function for resource.Config.User that loads the application's own user: the T whose column is the token's
// subject, as a *T. It is one query of db's, with all that the application has set for it, its scopes, hooks
// and soft delete among them: an account that they hide is gone. For an account that is gone the token is refused
// ([mandate.InvalidToken]); any other error is a fault. A guard asks at most once for each request, and
// not before a handler does.
func UserBy[T any](db *gorm.DB, column string) func(ctx context.Context, t *mandate.Token) (any, error) {
	return func(ctx context.Context, t *mandate.Token) (any, error) {
		if t.Subject() == "" {
			return nil, mandate.ErrNoUser
		}
		user := new(T)
		err := db.WithContext(ctx).Where(clause.Eq{Column: clause.Column{Name: column}, Value: t.Subject()}).Take(user).Error
		switch {
		case errors.Is(err, gorm.ErrRecordNotFound):
			return nil, mandate.Errorf(mandate.InvalidToken, err, "the account of this token does not exist")
		case err != nil:
			return nil, fmt.Errorf("gormstore: read user: %w", err)
		}
		return user, nil
	}
}
