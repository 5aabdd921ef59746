package client

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// TokensConfig says where tokens are kept, and how they are renewed. Store and Secret are required.
type TokensConfig struct {
	Store  store.RemoteTokens
	Secret mandate.Secret // seals them: the store sees neither tokens nor accounts

	// Leeway is how long before its end a token is renewed, but never more than a quarter of its life. Default: a minute.
	Leeway time.Duration
	// Timeout bounds a request for a new token. A process that ends in the middle of one holds up others, for this account, for twice as
	// long. Default: 10 seconds.
	Timeout time.Duration
	// Recheck is how long a token is used without a look at the store, in case that another process has thrown it away or has a
	// newer one. The look is taken in the background. Default: a minute.
	Recheck time.Duration

	// Lost hears that a grant is lost: the user has to sign in again. It is called once for each, by the process that found out.
	Lost func(ctx context.Context, app, account string, err *Error)
	// Renewed hears of each new token after it was stored and before it is used, in the process that renewed it. The token has no refresh token.
	Renewed func(ctx context.Context, app, account string, tok *oauth2.Token)

	// Now tells the time. Clocks of processes that share a store may differ by less than Timeout. Default: time.Now.
	Now func() time.Time
}

// maxSources bounds how many accounts a process remembers; it reads the store again for those that it has forgotten.
const maxSources = 16 << 10

// Tokens keeps the tokens of accounts at remote applications, for all processes that share the store: one of them refreshes, and what it got is stored
// before anybody uses it. Every error is an [*Error]. It may be used by any number of goroutines.
type Tokens struct {
	c      TokensConfig
	sealer *mandate.Sealer

	mu      sync.Mutex // guards sources
	sources map[string]*Source
}

// NewTokens returns the tokens that c describes. It does no I/O. Its error names all faults.
func NewTokens(c TokensConfig) (*Tokens, error) {
	var faults []error
	if c.Store == nil {
		faults = append(faults, errors.New("client: TokensConfig.Store is nil: hand over a store, such as memstore.New()"))
	}
	if c.Secret.IsZero() {
		faults = append(faults, errors.New("client: TokensConfig.Secret is empty: hand over mandate.ParseSecret of what openssl rand -base64 32 prints"))
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{{"Leeway", &c.Leeway, defaultLeeway}, {"Timeout", &c.Timeout, defaultTimeout}, {"Recheck", &c.Recheck, time.Minute}} {
		if *d.value < 0 {
			faults = append(faults, fmt.Errorf("client: TokensConfig.%s is %v: use more than 0, or 0 for the default", d.name, *d.value))
		}
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Tokens{c: c, sealer: c.Secret.Sealer("client token", ""), sources: map[string]*Source{}}, nil
}

// keyOf returns the key of an account's token. The store learns nothing of the account.
func keyOf(app, account string) string {
	sum := sha256.Sum256([]byte(account))
	return app + "/" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// Keep stores tok, of a sign-in for example, in place of what is stored for account. It keeps the stored refresh token where tok has none, as
// some servers give one only the first time, unless the ID tokens of both name different users.
func (t *Tokens) Keep(ctx context.Context, app, account string, tok *oauth2.Token) error {
	if tok == nil || tok.AccessToken == "" || account == "" {
		return &Error{Kind: Fault, App: app, Cause: errors.New("keep a token: there is no token, or no account to keep it for")}
	}
	return t.replace(ctx, app, account, func(old record) record {
		rec := recordOf(tok, t.c.Now())
		if was, now := whose(old.ID), whose(rec.ID); was != nil && now != nil && (was.Issuer != now.Issuer || was.Subject != now.Subject) {
			return rec // of another user at the provider: the refresh token would bring back the one before
		}
		return rec.after(old)
	})
}

// replace stores what fresh makes of what is stored, which is the zero record where nothing is.
func (t *Tokens) replace(ctx context.Context, app, account string, fresh func(old record) record) error {
	fail := func(kind Kind, err error) error { return &Error{Kind: kind, App: app, Cause: err} }
	key := keyOf(app, account)
	for range 16 {
		var old record
		var revision int64
		switch row, err := t.c.Store.RemoteToken(ctx, key); {
		case err == nil:
			revision = row.Revision
			old, _ = t.open(row) // what cannot be read is replaced
		case !errors.Is(err, store.ErrNotFound):
			return fail(Fault, fmt.Errorf("read the token: %w", err))
		}
		err := t.c.Store.PutRemoteToken(ctx, t.seal(key, revision, fresh(old)))
		if err == nil {
			t.source(key, nil).forget()
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fail(Fault, fmt.Errorf("store the token: %w", err))
		}
	}
	return fail(Fault, errors.New("store the token: others keep replacing it"))
}

// Forget removes what is kept for account. Other processes find out within [TokensConfig.Recheck]. See [Tokens.Disconnect].
func (t *Tokens) Forget(ctx context.Context, app, account string) error {
	key := keyOf(app, account)
	if err := t.c.Store.DeleteRemoteToken(ctx, key); err != nil {
		return &Error{Kind: Fault, App: app, Cause: fmt.Errorf("remove the token: %w", err)}
	}
	t.source(key, nil).forget()
	return nil
}

// Disconnect revokes what is kept for account at the server (RFC 7009), and removes it, whatever the server answers: the error is the server's.
func (t *Tokens) Disconnect(ctx context.Context, r *TokenRequester, account string) error {
	row, err := t.c.Store.RemoteToken(ctx, keyOf(r.c.App, account))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return r.fail(Fault, fmt.Errorf("read the token: %w", err))
	}
	rec, unreadable := t.open(row)
	if err := t.Forget(ctx, r.c.App, account); err != nil {
		return err
	}
	if unreadable == nil && !rec.Lost && rec.OAuth1 == nil { // else nobody can revoke it, or need to
		return r.Revoke(ctx, rec.token())
	}
	return nil
}

// Stored returns what is kept for account, with its refresh and ID token, good or not: for logout, and to move it elsewhere. Use [Tokens.Source] for
// everything else.
func (t *Tokens) Stored(ctx context.Context, app, account string) (*oauth2.Token, error) {
	rec, err := t.stored(ctx, app, account)
	switch {
	case err != nil:
		return nil, err
	case rec.OAuth1 != nil:
		return nil, &Error{Kind: NoToken, App: app, Cause: errors.New("what is kept are credentials of OAuth 1.0a: use StoredOAuth1")}
	}
	return rec.token(), nil
}

// Source returns the token of account at r's server, which is refreshed and stored by itself. It does no I/O: an account that has
// none is [NoToken] when it is used. All that are returned for one account share what they hold.
func (t *Tokens) Source(r *TokenRequester, account string) *Source {
	return t.source(keyOf(r.c.App, account), func(key string) *Source {
		account := strings.Clone(account) // Fiber uses its strings again
		k := &keeper{t: t, r: r, key: key, account: account}
		return &Source{renew: k.renew, timeout: 5 * t.c.Timeout, now: t.c.Now}
	})
}

// source returns the source under key, or what open returns. Without open it may be an empty one that nobody else has.
func (t *Tokens) source(key string, open func(key string) *Source) *Source {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.sources[key]; s != nil {
		return s
	}
	if open == nil {
		return &Source{}
	}
	for old := range t.sources { // any: it is read again when it is needed, and the lease keeps two from refreshing
		if len(t.sources) < maxSources {
			break
		}
		delete(t.sources, old)
	}
	s := open(key)
	t.sources[key] = s
	return s
}
