package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// lostFor is how long it is remembered that a grant is lost.
const lostFor = 30 * 24 * time.Hour

// record is what is sealed in a store.RemoteToken. Its names are there for good: other versions read them.
type record struct {
	Access  string `json:"access,omitempty"`
	Type    string `json:"type,omitempty"`
	Refresh string `json:"refresh,omitempty"`
	ID      string `json:"id,omitempty"`
	Scope   string `json:"scope,omitempty"`
	Expires int64  `json:"expires,omitempty"` // Unix milliseconds; zero: nobody knows
	Life    int64  `json:"life,omitempty"`    // milliseconds
	Ends    int64  `json:"ends,omitempty"`    // of the refresh token, Unix milliseconds; zero: nobody knows
	Lost    bool   `json:"lost,omitempty"`    // the server takes the refresh token no more

	OAuth1 *record1 `json:"oauth1,omitempty"` // token credentials of OAuth 1.0a, in place of all the above
}

func recordOf(tok *oauth2.Token, now time.Time) record {
	rec := record{Access: tok.AccessToken, Type: tok.TokenType, Refresh: tok.RefreshToken}
	rec.ID, _ = tok.Extra("id_token").(string)
	rec.Scope, _ = tok.Extra("scope").(string)
	if !tok.Expiry.IsZero() {
		rec.Expires = mandate.Milli(tok.Expiry)
		rec.Life = max(tok.Expiry.Sub(now), time.Duration(min(tok.ExpiresIn, int64(maxLife/time.Second)))*time.Second, 0).Milliseconds()
	}
	for _, name := range []string{"refresh_expires_in", "refresh_token_expires_in"} { // Keycloak's and GitHub's
		if life := seconds(tok.Extra(name)); life > 0 && rec.Refresh != "" {
			rec.Ends = mandate.Milli(now.Add(life))
		}
	}
	return rec
}

// after returns rec with what it does not say, as old has it (RFC 6749, section 6).
func (rec record) after(old record) record {
	if rec.Refresh == "" && !old.Lost {
		rec.Refresh, rec.Ends = old.Refresh, old.Ends
	}
	if rec.Scope == "" {
		rec.Scope = old.Scope
	}
	if rec.ID == "" {
		rec.ID = old.ID
	}
	return rec
}

func (rec record) token() *oauth2.Token {
	tok := &oauth2.Token{AccessToken: rec.Access, TokenType: rec.Type, RefreshToken: rec.Refresh, Expiry: mandate.FromMilli(rec.Expires)}
	extra := map[string]any{}
	if rec.ID != "" {
		extra["id_token"] = rec.ID
	}
	if rec.Scope != "" {
		extra["scope"] = rec.Scope
	}
	return tok.WithExtra(extra)
}

// seal makes the row of rec that replaces the one of a revision.
func (t *Tokens) seal(key string, revision int64, rec record) store.RemoteToken {
	plain, _ := json.Marshal(rec) // strings and numbers: it cannot fail
	row := store.RemoteToken{Key: key, Revision: revision, Sealed: t.sealer.Seal(plain, []byte(key), t.c.Now())}
	switch {
	case rec.Lost:
		row.Expires = t.c.Now().Add(lostFor)
	case rec.Refresh == "":
		row.Expires = mandate.FromMilli(rec.Expires)
	default:
		row.Expires = mandate.FromMilli(rec.Ends)
	}
	return row
}

// reseal seals a row anew that lies under an old root of the secret, so that the root can go some day. It takes the lease: else somebody who is
// getting a new token could not store it.
func (t *Tokens) reseal(ctx context.Context, row store.RemoteToken, rec record) {
	now := t.c.Now()
	if t.sealer.Stale(row.Sealed) && t.c.Store.LeaseRemoteToken(ctx, row.Key, row.Revision, now, now.Add(2*t.c.Timeout)) == nil {
		_ = t.c.Store.PutRemoteToken(ctx, t.seal(row.Key, row.Revision, rec)) // else the next time
	}
}

// open reads a row.
func (t *Tokens) open(row store.RemoteToken) (record, error) {
	var rec record
	plain, err := t.sealer.Open(row.Sealed, []byte(row.Key), t.c.Now())
	if err == nil {
		err = json.Unmarshal(plain, &rec)
	}
	if err != nil {
		return record{}, fmt.Errorf("open what is stored (was it sealed under another Secret?): %w", err)
	}
	return rec, nil
}
