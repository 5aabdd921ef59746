// Package sessions has the sessions of examples, in memory: an application has its own, or its framework's.
package sessions

import (
	"context"
	"crypto/rand"
	"sync"

	"github.com/go-mandate/mandate/core/client"
)

// Cookie is the name of the cookie that holds a session's id. It is HttpOnly and SameSite=Lax, and beyond loopback Secure.
const Cookie = "session"

// Session is who is signed in.
type Session struct {
	Name, App, Subject string
	SID                string // of the provider's session
	IDToken            string
}

// All are the sessions, by id. They may be used by any number of goroutines.
type All struct {
	mu   sync.Mutex // guards list
	list map[string]Session
}

// Add begins a session and returns its id.
func (a *All) Add(s Session) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.list == nil {
		a.list = map[string]Session{}
	}
	id := rand.Text()
	a.list[id] = s
	return id
}

// Get returns a session; the zero one is nobody's.
func (a *All) Get(id string) Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list[id]
}

// Remove ends a session and returns it.
func (a *All) Remove(id string) Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.list[id]
	delete(a.list, id)
	return s
}

// doc:start logout-notice

// Ended ends the sessions that began with one that has ended at the provider. Where it names no session all of the user's end.
func (a *All) Ended(_ context.Context, out *client.LogoutNotice) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, s := range a.list {
		if s.App == out.App && (out.SessionID == "" || s.SID == out.SessionID) && (out.Subject == "" || s.Subject == out.Subject) {
			delete(a.list, id)
		}
	}
	return nil
}

// doc:end
