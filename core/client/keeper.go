package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// keeper renews the token of one account. Its renew is never called twice at once.
type keeper struct {
	t            *Tokens
	r            *TokenRequester
	key, account string

	unsaved *store.RemoteToken // a new token that could not be stored yet
}

// errAgain means that others have changed what is stored: look again. It never leaves the package.
var errAgain = errors.New("the stored token has changed")

// The pace of waiting for another process.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = 200 * time.Millisecond
)

// renew returns what is stored, if it is good, and what another process is getting, if one is; else it gets a new token itself.
func (k *keeper) renew(ctx context.Context) (*held, error) {
	for look := firstLook; ; look = min(2*look, lastLook) {
		h, err := k.step(ctx)
		if !errors.Is(err, errAgain) {
			return h, err
		}
		if err := sleep(ctx, look); err != nil {
			return nil, k.r.fail(Unreachable, fmt.Errorf("another process is getting a new token, and has not come back: %w", err))
		}
	}
}

func (k *keeper) step(ctx context.Context) (*held, error) {
	if row := k.unsaved; row != nil { // what is stored is used up
		if err := k.put(ctx, *row); err != nil && !errors.Is(err, store.ErrConflict) {
			return nil, err
		}
		k.unsaved = nil
	}
	row, err := k.t.c.Store.RemoteToken(ctx, k.key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, k.r.fail(NoToken, nil)
	}
	var rec record
	if err == nil {
		rec, err = k.t.open(row)
	}
	if err != nil {
		return nil, k.r.fail(Fault, fmt.Errorf("read the token: %w", err))
	}
	now := k.t.c.Now()
	if rec.OAuth1 != nil { // of the time before the app spoke OAuth 2
		return nil, k.r.fail(NoToken, nil)
	}
	if rec.Lost {
		return nil, k.r.fail(GrantLost, nil)
	}
	if h, err := k.hold(rec); err == nil && h.usable(now) {
		k.t.reseal(ctx, row, rec)
		return h, nil
	}
	if rec.Refresh == "" {
		return nil, k.lose(ctx, row, k.r.fail(GrantLost, errors.New("the token has run out, and there is no refresh token")))
	}
	until := now.Add(2 * k.t.c.Timeout)
	switch err := k.t.c.Store.LeaseRemoteToken(ctx, k.key, row.Revision, now, until); {
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNotFound):
		return nil, errAgain
	case err != nil:
		return nil, k.r.fail(Fault, fmt.Errorf("lease the token: %w", err))
	}
	return k.refresh(ctx, row, rec)
}

// refresh gets a new token while this process has the lease.
func (k *keeper) refresh(ctx context.Context, row store.RemoteToken, rec record) (*held, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*k.t.c.Timeout*9/10) // the lease is over after that
	defer cancel()
	asking, asked := context.WithTimeout(ctx, k.t.c.Timeout)
	defer asked()
	tok, err := k.r.Refresh(asking, rec.Refresh, Want{})
	if err == nil && k.r.renewed != nil {
		tok, err = k.r.renewed(ctx, rec.ID, tok)
	}
	switch e, _ := errors.AsType[*Error](err); {
	case err == nil:
	case e != nil && (e.Kind == GrantLost || e.Kind == Mismatch): // what is about somebody else is never used, and the old refresh token is spent
		return nil, k.lose(ctx, row, e)
	default:
		_ = k.t.c.Store.PutRemoteToken(ctx, row) // ends the lease, so that others can try; if not, its end does
		return nil, err
	}
	fresh := recordOf(tok, k.t.c.Now()).after(rec)
	next := k.t.seal(k.key, row.Revision, fresh)
	for wait := firstLook; ; wait *= 2 {
		err = k.put(ctx, next)
		if err == nil || errors.Is(err, store.ErrConflict) {
			break
		}
		if sleep(ctx, wait) != nil {
			k.unsaved = &next // the next one stores it first
			return nil, err
		}
	}
	if err != nil { // somebody has signed in meanwhile, or the store has it and could not say so
		return nil, errAgain
	}
	h, err := k.hold(fresh)
	if err == nil && k.t.c.Renewed != nil {
		k.tell(func() { k.t.c.Renewed(ctx, k.r.c.App, k.account, h.tok) })
	}
	return h, err
}

// put stores row. A conflict is store.ErrConflict.
func (k *keeper) put(ctx context.Context, row store.RemoteToken) error {
	err := k.t.c.Store.PutRemoteToken(ctx, row)
	if err == nil || errors.Is(err, store.ErrConflict) {
		return err
	}
	return k.r.fail(Fault, fmt.Errorf("store the new token: %w", err))
}

// lose remembers that the grant is lost, unless somebody has signed in meanwhile, and tells so once.
func (k *keeper) lose(ctx context.Context, row store.RemoteToken, e *Error) error {
	switch err := k.put(ctx, k.t.seal(k.key, row.Revision, record{Lost: true})); {
	case errors.Is(err, store.ErrConflict):
		return errAgain
	case err == nil && k.t.c.Lost != nil:
		k.tell(func() { k.t.c.Lost(ctx, k.r.c.App, k.account, e) })
	}
	return e // where it could not be stored, the next one finds out for itself
}

// tell calls a hook of the application. What it does wrong changes nothing of what has happened.
func (k *keeper) tell(hook func()) {
	defer func() { _ = recover() }() // there is no handler above that would catch it
	hook()
}

func (k *keeper) hold(rec record) (*held, error) {
	h, err := hold(rec.token(), time.Duration(rec.Life)*time.Millisecond, k.t.c.Leeway)
	if err == nil {
		h.check = k.t.c.Now().Add(k.t.c.Recheck)
	}
	return h, err
}
