package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"

	"golang.org/x/oauth2"

	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/store"
)

// OAuth1Token are token credentials (RFC 5849, section 2.3): what an app of OAuth 1.0a is granted. They have no end but the user's word. Printing them shows
// nothing.
type OAuth1Token struct {
	Token, Secret string
	Extra         map[string]string // what else the provider said: user_id, screen_name. May be nil
}

func tokenOf1(i oauth1.Issued) *OAuth1Token {
	tok := &OAuth1Token{Token: i.Token, Secret: i.Secret, Extra: make(map[string]string, len(i.Extra))}
	for _, p := range i.Extra {
		tok.Extra[p.Name] = p.Value
	}
	return tok
}

// String hides the credentials.
func (t OAuth1Token) String() string { return "client.OAuth1Token" }

// GoString is String: printing with %#v leaks nothing either.
func (t OAuth1Token) GoString() string { return t.String() }

// LogValue is String for package slog.
func (t OAuth1Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Signing is a [Protocol] whose calls are signed with OAuth 1.0a. [OAuth1] apps are; an app of the application's own may be.
type Signing interface {
	// Signer returns what signs for the client alone: With gives it a user's credentials.
	Signer() *oauth1.Signer
}

// record1 is what is sealed of token credentials in a record.
type record1 struct {
	Token  string            `json:"token"`
	Secret string            `json:"secret,omitempty"`
	Extra  map[string]string `json:"extra,omitempty"`
}

// KeepOAuth1 stores token credentials, of a sign-in for example, in place of what is stored for account.
func (t *Tokens) KeepOAuth1(ctx context.Context, app, account string, tok *OAuth1Token) error {
	if tok == nil || tok.Token == "" || account == "" {
		return &Error{Kind: Fault, App: app, Cause: errors.New("keep a token: there is no token, or no account to keep it for")}
	}
	fresh := record{OAuth1: &record1{tok.Token, tok.Secret, maps.Clone(tok.Extra)}}
	return t.replace(ctx, app, account, func(record) record { return fresh })
}

// StoredOAuth1 returns the token credentials that are kept for account: to move them elsewhere. Use [Remote.API] for everything else.
func (t *Tokens) StoredOAuth1(ctx context.Context, app, account string) (*OAuth1Token, error) {
	rec, err := t.stored(ctx, app, account)
	if err != nil {
		return nil, err
	}
	if rec.OAuth1 == nil {
		return nil, &Error{Kind: NoToken, App: app, Cause: errors.New("what is kept is a token of OAuth 2")}
	}
	return &OAuth1Token{rec.OAuth1.Token, rec.OAuth1.Secret, rec.OAuth1.Extra}, nil
}

// signs returns what signs for account, from memory or the store. All that are returned for one account share what they hold.
func (t *Tokens) signs(app, account string, by *oauth1.Signer) func(ctx context.Context) (*oauth1.Signer, error) {
	source := t.source(keyOf(app, account), func(string) *Source {
		account := strings.Clone(account) // Fiber uses its strings again
		return &Source{timeout: t.c.Timeout, now: t.c.Now, renew: func(ctx context.Context) (*held, error) {
			tok, err := t.StoredOAuth1(ctx, app, account)
			if err != nil {
				return nil, err
			}
			return &held{tok: &oauth2.Token{}, signer: by.With(tok.Token, tok.Secret), check: t.c.Now().Add(t.c.Recheck)}, nil
		}}
	})
	return func(ctx context.Context) (*oauth1.Signer, error) {
		h, err := source.get(ctx)
		if err != nil {
			return nil, err
		}
		return h.signer, nil
	}
}

// signer returns what signs r's calls, or nil where none are signed.
func (r *Remote) signer() *oauth1.Signer {
	if r == nil {
		return nil
	}
	if p, ok := r.protocol.(Signing); ok {
		return p.Signer()
	}
	return nil
}

// APIWithOAuth1 is [Remote.API] with any token credentials: [SignIn.OAuth1], for example. Without any the client signs for itself.
func (r *Remote) APIWithOAuth1(tok *OAuth1Token) *API {
	signer := r.signer()
	if signer == nil {
		return &API{fault: r.fault("its calls are not signed with OAuth 1.0a: use APIWith")}
	}
	if tok != nil {
		signer = signer.With(tok.Token, tok.Secret)
	}
	return r.calls.Signed(signer)
}

// KeepOAuth1 stores token credentials for account: see [Tokens.KeepOAuth1].
func (r *Remote) KeepOAuth1(ctx context.Context, account string, tok *OAuth1Token) error {
	if err := r.keeps(); err != nil {
		return err
	}
	if r.signer() == nil {
		return r.fault("its calls are not signed with OAuth 1.0a: use Keep")
	}
	return r.reg.tokens.KeepOAuth1(ctx, r.name, account, tok)
}

// stored returns what is kept for account.
func (t *Tokens) stored(ctx context.Context, app, account string) (record, error) {
	row, err := t.c.Store.RemoteToken(ctx, keyOf(app, account))
	var rec record
	if err == nil {
		rec, err = t.open(row)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return rec, &Error{Kind: NoToken, App: app}
	case err != nil:
		return rec, &Error{Kind: Fault, App: app, Cause: fmt.Errorf("read the token: %w", err)}
	case rec.Lost:
		return rec, &Error{Kind: GrantLost, App: app}
	case rec.OAuth1 != nil:
		t.reseal(ctx, row, rec)
	}
	return rec, nil
}
