package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

const (
	ringFresh   = time.Minute      // how long a process goes on with what it read
	ringHurry   = 10 * time.Second // how soon it reads again for a key that it does not know
	ringOverlap = 10 * time.Minute // a key is published this long before it signs: twice the cache time of the key set
)

// maxKeyWrites bounds the attempts to write keys that other processes write too.
const maxKeyWrites = 10

var errKeysContended = errors.New("signing keys: changed again and again by somebody else")

// keyring is the server's signing keys: made at first use, sealed in the store, shared by all processes, rotated by
// whichever of them finds that it is time.
type keyring struct {
	server *Server
	mu     sync.Mutex // held while the store is read or written
	state  atomic.Pointer[ringState]
}

type ringState struct {
	ring     jose.Ring
	revision int64
	read     time.Time
}

// signer returns the key that signs with alg now, and makes one where Config.Keys is not set and there is none yet.
func (k *keyring) signer(ctx context.Context, alg jose.Alg) (*jose.Key, error) {
	state, err := k.current(ctx, ringFresh)
	if err != nil {
		return nil, err
	}
	key := state.ring.Signer(alg, k.server.now())
	if key == nil && k.server.config.Keys == (jose.Ring{}) {
		if state, err = k.with(ctx, alg); err != nil {
			return nil, err
		}
		key = state.ring.Signer(alg, k.server.now())
	}
	if key == nil {
		return nil, fmt.Errorf("signing keys: none for %s: add one to Config.Keys", alg)
	}
	return key, nil
}

// public returns the keys that are published now.
func (k *keyring) public(ctx context.Context) (*jose.KeySet, error) {
	state, err := k.current(ctx, ringFresh)
	if err != nil {
		return nil, err
	}
	return state.ring.Public(k.server.now()), nil
}

// verify is jose.Verify with the server's own keys. For a key that another process may have made since, it reads them again.
func (k *keyring) verify(ctx context.Context, token string, algs []jose.Alg) (jose.Header, []byte, error) {
	keys, err := k.public(ctx)
	if err != nil {
		return jose.Header{}, nil, err
	}
	header, payload, err := jose.Verify(token, keys, algs)
	if !errors.Is(err, jose.ErrNoKey) {
		return header, payload, err
	}
	state, err := k.current(ctx, ringHurry)
	if err != nil {
		return jose.Header{}, nil, err
	}
	return jose.Verify(token, state.ring.Public(k.server.now()), algs)
}

// current returns the keys, read from the store at most age ago. While the store is out of reach it returns older ones.
func (k *keyring) current(ctx context.Context, age time.Duration) (*ringState, error) {
	if fixed := k.server.config.Keys; fixed != (jose.Ring{}) {
		return &ringState{ring: fixed}, nil
	}
	fresh := func() *ringState {
		state := k.state.Load()
		if state != nil && k.server.now().Sub(state.read).Abs() < age {
			return state
		}
		return nil
	}
	if state := fresh(); state != nil {
		return state, nil
	}
	old := k.state.Load()
	if old != nil {
		if !k.mu.TryLock() {
			return old, nil // somebody reads already
		}
	} else {
		k.mu.Lock()
	}
	defer k.mu.Unlock()
	if state := fresh(); state != nil {
		return state, nil
	}
	state, err := k.load(ctx, "")
	if err != nil {
		if old == nil {
			return nil, err
		}
		state = &ringState{old.ring, old.revision, k.server.now()} // and not again at once
	}
	k.state.Store(state)
	return state, nil
}

// with returns keys of which one signs with alg.
func (k *keyring) with(ctx context.Context, alg jose.Alg) (*ringState, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if state := k.state.Load(); state != nil && state.ring.Signer(alg, k.server.now()) != nil {
		return state, nil // somebody else made it meanwhile
	}
	state, err := k.load(ctx, alg)
	if err == nil {
		k.state.Store(state)
	}
	return state, err
}

// load reads the keys, and makes, rotates or seals them anew where that is due. Of several processes one writes and the others read
// what it wrote. One signs with alg, if that is not empty.
func (k *keyring) load(ctx context.Context, alg jose.Alg) (*ringState, error) {
	s := k.server
	for range maxKeyWrites {
		now := s.now()
		sealed, revision, err := s.store.SigningKeys(ctx, s.config.Issuer)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fault("read signing keys", err)
		}
		var ring jose.Ring
		if err == nil {
			if ring, err = k.open(sealed); err != nil {
				return nil, err
			}
		}
		next, err := k.due(ring, alg, now)
		if err != nil {
			return nil, err
		}
		if next == ring && !s.atRest.Stale(sealed) {
			return &ringState{ring, revision, now}, nil
		}
		err = k.save(ctx, next, revision)
		switch {
		case err == nil:
			return &ringState{next, revision + 1, now}, nil
		case !errors.Is(err, store.ErrConflict):
			return nil, fault("write signing keys", err)
		}
	}
	return nil, errKeysContended
}

// due returns ring with what it lacks at now.
func (k *keyring) due(ring jose.Ring, alg jose.Alg, now time.Time) (jose.Ring, error) {
	s := k.server
	algs := []jose.Alg{s.config.SigningAlg, alg}
	if alg == "" {
		algs = algs[:1]
	}
	next, err := ring.With(now, algs...)
	if err != nil {
		return next, fmt.Errorf("make signing key: %w", err)
	}
	if s.config.KeyRotation > 0 && next.Due(now, s.config.KeyRotation) {
		if next, err = next.Rotate(now, ringOverlap, maxJWT); err != nil {
			return next, fmt.Errorf("rotate signing keys: %w", err)
		}
	}
	return next, nil
}

func (k *keyring) open(sealed []byte) (jose.Ring, error) {
	plain, err := k.server.atRest.Open(sealed, k.label(), k.server.now())
	if err != nil {
		return jose.Ring{}, fmt.Errorf("signing keys of %s: %w: is Config.Secret the one that they were made under?", k.server.config.Issuer, err)
	}
	return jose.ParseRing(plain)
}

func (k *keyring) save(ctx context.Context, ring jose.Ring, revision int64) error {
	plain, err := ring.Marshal()
	if err != nil {
		return err
	}
	return k.server.store.PutSigningKeys(ctx, k.server.config.Issuer, k.server.atRest.Seal(plain, k.label(), k.server.now()), revision)
}

func (k *keyring) label() []byte { return []byte("signing keys of " + k.server.config.Issuer) }

// RotateKeys makes new signing keys now: they are published at once and sign ten minutes later. Keys rotate by
// themselves; this is for a key that must go.
func (s *Server) RotateKeys(ctx context.Context) error {
	if s.config.Keys != (jose.Ring{}) {
		return errors.New("server: the signing keys are Config.Keys: rotate them there")
	}
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	for range maxKeyWrites {
		state, err := s.keys.load(ctx, "")
		if err != nil {
			return err
		}
		next, err := state.ring.Rotate(s.now(), ringOverlap, maxJWT)
		if err != nil {
			return fmt.Errorf("rotate signing keys: %w", err)
		}
		err = s.keys.save(ctx, next, state.revision)
		if err == nil {
			s.keys.state.Store(&ringState{next, state.revision + 1, s.now()})
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fault("write signing keys", err)
		}
	}
	return errKeysContended
}

// handleJWKS is the key set document (RFC 7517, section 5).
func (s *Server) handleJWKS(ctx context.Context, _ *mandate.Request) *mandate.Response {
	keys, err := s.keys.public(ctx)
	if err != nil {
		return s.Refuse(err)
	}
	body, err := json.Marshal(keys)
	if err != nil {
		return s.Refuse(err)
	}
	return &mandate.Response{Status: 200, Header: publicHeader, Body: body}
}
