package owntables

import (
	"context"
	"time"

	"gorm.io/gorm"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
)

// doc:start issued

// Issued is a row of the application's own for each access token: for its reports, not for the protocol.
type Issued struct {
	Digest   []byte `gorm:"primaryKey"` // of the token: who reads the table can use none of them
	ClientID string
	Subject  string `gorm:"index"` // empty: the client acts for itself
	GrantID  string `gorm:"index"` // what Store.RevokeGrant ends
	Scope    string
	Expires  time.Time
}

// SaveIssued writes a row for each token, before the client has it. Where that fails the client gets an error instead.
func SaveIssued(db *gorm.DB) server.Extension {
	return server.Extension{
		Name: "save issued tokens",
		Issued: func(ctx context.Context, i *server.Issue, t *mandate.Token, r *server.TokenResponse) error {
			digest := mandate.DigestOf(r.AccessToken) // keep no more of r: it has the tokens themselves
			return db.WithContext(ctx).Create(&Issued{
				Digest: digest[:], ClientID: t.ClientID(), Subject: t.Subject(), GrantID: i.Grant.ID, Scope: string(t.Scopes()), Expires: t.Expires(),
			}).Error
		},
	}
}

// doc:end

// CountIssued is a hook that is only told.
func CountIssued(count func(client, subject string, expires time.Time)) mandate.Hooks {
	// doc:start issued-event
	hooks := mandate.Hooks{On: func(_ context.Context, e mandate.Event) {
		if e.Name == mandate.TokenIssued { // no secret is in it
			count(e.ClientID, e.Subject, e.Expires)
		}
	}}
	// doc:end
	return hooks
}
