package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// RegistrationToken is an initial access token (RFC 7591, section 3): who has it may register clients.
type RegistrationToken struct {
	Uses   int           // how many clients, at most a million. Default: 1
	TTL    time.Duration // how long it is good, at most ten years. Default: 24 hours
	Limits RegistrationLimits
}

const (
	maxTokenUses = 1_000_000
	maxTokenTTL  = 10 * 365 * 24 * time.Hour
)

// tokenState is what a ticket of kind store.Registration keeps.
type tokenState struct {
	Left   int                `json:"left"`
	Limits RegistrationLimits `json:"limits,omitzero"`
}

// NewRegistrationToken makes an initial access token, for whoever is to register clients. It is shown this once: the store keeps a digest.
func (s *Server) NewRegistrationToken(ctx context.Context, t RegistrationToken) (string, error) {
	if t.Uses == 0 {
		t.Uses = 1
	}
	if t.TTL == 0 {
		t.TTL = 24 * time.Hour
	}
	switch {
	case s.config.Registration == nil:
		return "", errNoRegistration
	case t.Uses < 0 || t.Uses > maxTokenUses:
		return "", fmt.Errorf("server: RegistrationToken.Uses %d is not between 1 and %d", t.Uses, maxTokenUses)
	case t.TTL < 0 || t.TTL > maxTokenTTL:
		return "", fmt.Errorf("server: RegistrationToken.TTL %v is not between 0 and %v", t.TTL, maxTokenTTL)
	}
	if err := s.checkLimits(t.Limits); err != nil {
		return "", err
	}
	data, err := json.Marshal(tokenState{t.Uses, t.Limits})
	if err != nil {
		return "", fmt.Errorf("server: RegistrationToken: %w", err)
	}
	token := s.newToken(kindInitial)
	now := s.now()
	err = s.store.PutTicket(ctx, store.Ticket{Kind: store.Registration, Key: mandate.DigestOf(token), Created: now, Expires: now.Add(t.TTL), Data: string(data)})
	if err != nil {
		return "", fmt.Errorf("server: put initial access token: %w", err)
	}
	return token, nil
}

// RevokeRegistrationToken ends an initial access token that [Server.NewRegistrationToken] made. It reports whether it was good until now;
// store.ErrNotFound: there is none. Clients that were registered with it stay.
func (s *Server) RevokeRegistrationToken(ctx context.Context, token string) (bool, error) {
	for range maxTokenSpends {
		now := s.now()
		t, err := s.store.Ticket(ctx, store.Registration, mandate.DigestOf(token), now)
		if err == nil {
			t.Used = now
			err = s.store.UpdateTicket(ctx, t)
		}
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, store.ErrUsed), errors.Is(err, store.ErrExpired):
			return false, nil
		case !errors.Is(err, store.ErrConflict):
			return false, fmt.Errorf("server: revoke initial access token: %w", err)
		}
	}
	return false, errTokenContended
}

// maxTokenSpends bounds how often a token that many use at once is read again. Whoever is beaten was beaten by one who got on.
const maxTokenSpends = 1000

var errTokenContended = mandate.Errorf(mandate.TemporarilyUnavailable, nil, "too many registrations at once")

// errInitial answers an initial access token that is none.
func errInitial(cause error) error {
	return &bearerError{mandate.Errorf(mandate.InvalidToken, cause, "initial access token is not valid")}
}

// tokenLimits returns what the initial access token allows.
func (s *Server) tokenLimits(ctx context.Context, token string) (limits RegistrationLimits, spend func(context.Context) error, err error) {
	key := mandate.DigestOf(token)
	read := func(ctx context.Context) (t store.Ticket, state tokenState, err error) {
		t, err = s.store.Ticket(ctx, store.Registration, key, s.now())
		switch {
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrUsed), errors.Is(err, store.ErrExpired):
			return t, state, errInitial(err)
		case err != nil:
			return t, state, fault("read initial access token", err)
		}
		if err := json.Unmarshal([]byte(t.Data), &state); err != nil {
			return t, state, fault("read initial access token", err)
		}
		return t, state, nil
	}
	if !s.isKind(token, kindInitial) { // none of ours
		foreign := s.config.Registration.Token
		if foreign == nil {
			return limits, nil, errInitial(nil)
		}
		limits, err = foreign(ctx, token)
		switch {
		case errors.Is(err, mandate.InvalidToken):
			return limits, nil, errInitial(err)
		case err != nil:
			return limits, nil, fault("Registration.Token", err)
		}
		return limits, func(context.Context) error { return nil }, nil
	}
	_, state, err := read(ctx)
	if err != nil {
		return limits, nil, err
	}
	return state.Limits, func(ctx context.Context) error {
		for range maxTokenSpends {
			t, state, err := read(ctx)
			if err != nil {
				return err
			}
			if state.Left--; state.Left <= 0 {
				t.Used = s.now()
			}
			data, err := json.Marshal(state)
			if err != nil {
				return fault("spend initial access token", err)
			}
			t.Data = string(data)
			err = s.store.UpdateTicket(ctx, t)
			switch {
			case err == nil:
				return nil
			case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrUsed), errors.Is(err, store.ErrNotFound):
				continue // read says what became of it
			default:
				return fault("spend initial access token", err)
			}
		}
		return errTokenContended
	}, nil
}
