package server

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// sessionData is what a session of the built-in pages keeps beside its columns.
type sessionData struct {
	Name string `json:"name,omitempty"`
}

// touchAfter is how much of its idle time a session uses up before it is written again.
const touchAfter = 5 * time.Minute

// signedIn returns who is signed in at the built-in pages, if anybody is.
func (s *Server) signedIn(ctx context.Context, r *mandate.Request) (User, bool, error) {
	cookie := s.cookie(r, cookieSession)
	if cookie == "" {
		return User{}, false, nil
	}
	now, key := s.now(), s.sessionKey(cookie)
	have, err := s.store.Session(ctx, key, now)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired), errors.Is(err, store.ErrUsed):
		return User{}, false, nil
	case err != nil:
		return User{}, false, fault("read session", err)
	}
	if end := now.Add(s.config.SessionIdle); end.Sub(have.Expires) > touchAfter {
		if err := s.store.TouchSession(ctx, key, end); err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrUsed) {
			return User{}, false, fault("touch session", err)
		}
	}
	var data sessionData
	if have.Data != "" {
		_ = json.Unmarshal([]byte(have.Data), &data) // a name that cannot be read is not shown
	}
	return User{
		Subject: have.Subject, Name: data.Name, AuthTime: have.AuthTime, ACR: have.ACR, AMR: strings.Fields(have.AMR), SessionID: have.ID,
	}, true, nil
}

// hasSession reports whether somebody is signed in at the built-in pages.
func (s *Server) hasSession(ctx context.Context, r *mandate.Request) bool {
	_, ok, err := s.signedIn(ctx, r)
	return ok && err == nil
}

// startSession keeps that user signed in just now, and returns the cookie. It is a new value at every sign-in: one that was planted
// before is worth nothing.
func (s *Server) startSession(ctx context.Context, user User) (mandate.Field, error) {
	now, value := s.now(), randomText()
	data, err := json.Marshal(sessionData{Name: user.Name})
	if err != nil {
		return mandate.Field{}, fault("encode session", err)
	}
	err = s.store.PutSession(ctx, store.Session{
		Key: s.sessionKey(value), ID: randomText()[:22], Subject: user.Subject, AuthTime: now,
		Expires: now.Add(s.config.SessionIdle), Ends: now.Add(s.config.SessionTTL), ACR: user.ACR, AMR: user.amr(), Data: string(data),
	})
	if err != nil {
		return mandate.Field{}, fault("keep session", err)
	}
	return s.setCookie(cookieSession, value, 0), nil
}

// endSession ends the session whose cookie a new sign-in replaces: a copy of that cookie is worth nothing any more.
func (s *Server) endSession(ctx context.Context, r *mandate.Request) {
	user, ok, err := s.signedIn(ctx, r)
	if ok {
		alarm, cancel := alarmed(ctx)
		defer cancel()
		_, err = s.store.EndSession(alarm, user.SessionID, s.now())
	}
	if err != nil && !errors.Is(err, store.ErrUsed) && !errors.Is(err, store.ErrNotFound) {
		s.hooks.Tell(ctx, mandate.Event{Name: mandate.Fault, Err: fault("end session", err)})
	}
}

// sessionKey returns what the store finds a session by. The issuer is in it: where several share a store, the cookie of the one
// is worth nothing at the other.
func (s *Server) sessionKey(cookie string) mandate.Digest {
	return mandate.DigestOf(s.config.Issuer + " " + cookie)
}
