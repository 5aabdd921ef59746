package server

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// sessionData is what a session of the built-in pages keeps beside its columns.
type sessionData struct {
	Name  string `json:"name,omitempty"`
	Login string `json:"login,omitempty"` // what was typed
}

// touchAfter is how much of its idle time a session uses up before it is written again.
const touchAfter = 5 * time.Minute

// person is somebody who is signed in at the built-in pages.
type person struct {
	User
	login  string // what they typed
	cookie string // the value that their session is found by
	ends   time.Time
}

// parting stands between the values of a cookie of several people.
const parting = "."

// sessionValues returns what the session cookie says, which is a value for each session, the current one first.
func (s *Server) sessionValues(r *mandate.Request) iter.Seq[string] {
	return func(yield func(string) bool) {
		text := s.cookie(r, cookieSession)
		for n := 0; text != "" && n < s.config.MaxAccounts; n++ {
			var value string
			if value, text, _ = strings.Cut(text, parting); !yield(value) {
				return
			}
		}
	}
}

// signedIn returns who is signed in at the built-in pages, if anybody is: of several people the current one.
func (s *Server) signedIn(ctx context.Context, r *mandate.Request) (User, bool, error) {
	for value := range s.sessionValues(r) {
		p, ok, err := s.personOf(ctx, value)
		if err != nil {
			return User{}, false, err
		}
		if ok {
			return p.User, true, s.touch(ctx, p)
		}
	}
	return User{}, false, nil
}

// people returns all who are signed in at the built-in pages in this browser, each once, the current one first.
func (s *Server) people(ctx context.Context, r *mandate.Request) ([]person, error) {
	var list []person
	for value := range s.sessionValues(r) {
		p, ok, err := s.personOf(ctx, value)
		if err != nil {
			return nil, err
		}
		if ok && !slices.ContainsFunc(list, func(x person) bool { return x.Subject == p.Subject }) {
			list = append(list, p)
		}
	}
	if len(list) > 0 {
		return list, s.touch(ctx, list[0])
	}
	return nil, nil
}

// personOf returns whose session has the value cookie, where it is live.
func (s *Server) personOf(ctx context.Context, cookie string) (person, bool, error) {
	have, err := s.store.Session(ctx, s.sessionKey(cookie), s.now())
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired), errors.Is(err, store.ErrUsed):
		return person{}, false, nil
	case err != nil:
		return person{}, false, fault("read session", err)
	}
	var data sessionData
	if have.Data != "" {
		_ = json.Unmarshal([]byte(have.Data), &data) // a name that cannot be read is not shown
	}
	user := User{
		Subject: have.Subject, Name: data.Name, AuthTime: have.AuthTime, ACR: have.ACR, AMR: strings.Fields(have.AMR), SessionID: have.ID,
	}
	return person{user, data.Login, cookie, have.Expires}, true, nil
}

// touch moves the idle end of p's session.
func (s *Server) touch(ctx context.Context, p person) error {
	end := s.now().Add(s.config.SessionIdle)
	if end.Sub(p.ends) <= touchAfter {
		return nil
	}
	err := s.store.TouchSession(ctx, s.sessionKey(p.cookie), end)
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrUsed) {
		return fault("touch session", err)
	}
	return nil
}

// hasSession reports whether somebody is signed in at the built-in pages.
func (s *Server) hasSession(ctx context.Context, r *mandate.Request) bool {
	_, ok, err := s.signedIn(ctx, r)
	return ok && err == nil
}

// startSession keeps that user signed in just now, having typed login, and returns the cookie. It is a new value at every sign-in: one that
// was planted before is worth nothing. Other people of this browser stay signed in; the user's own session before ends, and with
// too many people the one that was current longest ago.
func (s *Server) startSession(ctx context.Context, r *mandate.Request, user User, login string) (mandate.Field, error) {
	now, value := s.now(), randomText()
	data, err := json.Marshal(sessionData{Name: user.Name, Login: login})
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
	values := []string{value}
	for old := range s.sessionValues(r) {
		p, ok, err := s.personOf(ctx, old)
		switch {
		case err != nil:
			s.hooks.Tell(ctx, mandate.Event{Name: mandate.Fault, Err: err})
		case !ok:
		case p.Subject == user.Subject || len(values) >= s.config.MaxAccounts:
			s.endSession(ctx, p)
		default:
			values = append(values, old)
		}
	}
	return s.setCookie(cookieSession, strings.Join(values, parting), 0), nil
}

// endSession ends p's session: a copy of its cookie is worth nothing any more.
func (s *Server) endSession(ctx context.Context, p person) {
	alarm, cancel := alarmed(ctx)
	defer cancel()
	_, err := s.store.EndSession(alarm, p.SessionID, s.now())
	if err != nil && !errors.Is(err, store.ErrUsed) && !errors.Is(err, store.ErrNotFound) {
		s.hooks.Tell(ctx, mandate.Event{Name: mandate.Fault, Err: fault("end session", err)})
	}
}

// sessionsOf returns the cookie of list, the current one first, or what removes it.
func (s *Server) sessionsOf(list []person) mandate.Field {
	values := make([]string, len(list))
	for i, p := range list {
		values[i] = p.cookie
	}
	f := s.setCookie(cookieSession, strings.Join(values, parting), 0)
	if len(list) == 0 {
		f.Value += "; Max-Age=0"
	}
	return f
}

// current returns list with the session called id at its front, or false.
func current(list []person, id string) ([]person, bool) {
	i := slices.IndexFunc(list, func(p person) bool { return p.SessionID == id })
	if i < 0 {
		return list, false
	}
	chosen := list[i]
	return append([]person{chosen}, slices.Delete(slices.Clone(list), i, i+1)...), true
}

// sessionKey returns what the store finds a session by. The issuer is in it: where several share a store, the cookie of the one
// is worth nothing at the other.
func (s *Server) sessionKey(cookie string) mandate.Digest {
	return mandate.DigestOf(s.config.Issuer + " " + cookie)
}
