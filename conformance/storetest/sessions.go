package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

func sessionID(s store.Session) string { return s.ID }

// signIn stores a new session and returns it.
func (k kit) signIn(t *testing.T) store.Session {
	t.Helper()
	s := store.Session{
		Key: digest(), ID: name(), Subject: name(), AuthTime: k.at(0), Expires: k.at(20 * time.Minute), Ends: k.at(40 * time.Minute), AMR: "pwd",
	}
	must(t, k.PutSession(t.Context(), s))
	return s
}

// isSession checks that the stored session is want, with the error err.
func (k kit) isSession(t *testing.T, want store.Session, now time.Time, err error) {
	t.Helper()
	a, errA := k.Session(t.Context(), want.Key, now)
	b, errB := k.SessionByID(t.Context(), want.ID, now)
	if err == nil {
		must(t, errA)
		must(t, errB)
	} else {
		verdict(t, "Session", errA, err)
		verdict(t, "SessionByID", errB, err)
	}
	same(t, "the session", a, want)
	same(t, "the session by its ID", b, want)
}

func sessions() cases {
	return cases{
		"every field of a session comes back, by key and by ID": func(t *testing.T, k kit) {
			var s store.Session
			k.fill(t, &s)
			s.ID, s.Subject, s.Clients, s.Ended = name(), name(), "a b", time.Time{}
			must(t, k.PutSession(t.Context(), s))
			k.isSession(t, s, k.at(0), nil)
		},
		"what is empty stays empty": func(t *testing.T, k kit) {
			s := store.Session{Key: digest(), ID: name(), Subject: name(), Expires: k.at(10 * time.Minute)}
			must(t, k.PutSession(t.Context(), s))
			k.isSession(t, s, k.at(0), nil)
		},
		"a session that nobody put is ErrNotFound": func(t *testing.T, k kit) {
			ctx, s := t.Context(), k.signIn(t)
			_, err := k.Session(ctx, digest(), k.at(0))
			verdict(t, "Session", err, store.ErrNotFound)
			_, err = k.Session(ctx, mandate.DigestOf(s.ID), k.at(0))
			verdict(t, "Session of the ID's digest", err, store.ErrNotFound)
			_, err = k.SessionByID(ctx, name(), k.at(0))
			verdict(t, "SessionByID", err, store.ErrNotFound)
			_, err = k.EndSession(ctx, name(), k.at(0))
			verdict(t, "EndSession", err, store.ErrNotFound)
			verdict(t, "TouchSession", k.TouchSession(ctx, digest(), k.at(time.Minute)), store.ErrNotFound)
			verdict(t, "JoinSession", k.JoinSession(ctx, name(), "c"), store.ErrNotFound)
		},
		"a taken key is ErrExists, also the ID": func(t *testing.T, k kit) {
			s := k.signIn(t)
			next := s
			next.ID, next.Subject = name(), name()
			verdict(t, "the same Key", k.PutSession(t.Context(), next), store.ErrExists)
			_, err := k.SessionByID(t.Context(), next.ID, k.at(0))
			verdict(t, "SessionByID", err, store.ErrNotFound)
			next.ID, next.Key = s.ID, digest()
			verdict(t, "the same ID", k.PutSession(t.Context(), next), store.ErrExists)
			_, err = k.Session(t.Context(), next.Key, k.at(0))
			verdict(t, "Session", err, store.ErrNotFound)
			k.isSession(t, s, k.at(0), nil)
		},
		"a session is over at its idle end and at its absolute end": func(t *testing.T, k kit) {
			s := k.signIn(t)
			k.isSession(t, s, s.Expires.Add(-time.Millisecond), nil)
			k.isSession(t, s, s.Expires, store.ErrExpired)
			s.Expires = k.at(45 * time.Minute)
			must(t, k.TouchSession(t.Context(), s.Key, s.Expires))
			k.isSession(t, s, s.Ends.Add(-time.Millisecond), nil)
			k.isSession(t, s, s.Ends, store.ErrExpired)
		},
		"TouchSession moves the idle end and nothing else": func(t *testing.T, k kit) {
			s := k.signIn(t)
			for _, d := range []time.Duration{30, 10, 10, 25} {
				s.Expires = k.at(d * time.Minute)
				must(t, k.TouchSession(t.Context(), s.Key, s.Expires))
				k.isSession(t, s, k.at(0), nil)
			}
		},
		"JoinSession adds a client, and each once": func(t *testing.T, k kit) {
			s := k.signIn(t)
			for _, id := range []string{"client", "b", "client", "clien", "B", "b"} {
				must(t, k.JoinSession(t.Context(), s.ID, id))
			}
			got, err := k.Session(t.Context(), s.Key, k.at(0))
			must(t, err)
			clients := strings.Fields(got.Clients)
			slices.Sort(clients)
			if !slices.Equal(clients, []string{"B", "b", "clien", "client"}) {
				t.Errorf("Clients = %q, want the four that joined", got.Clients)
			}
			s.Clients = got.Clients
			k.isSession(t, s, k.at(0), nil)
		},
		"EndSession ends it once": func(t *testing.T, k kit) {
			s := k.signIn(t)
			must(t, k.JoinSession(t.Context(), s.ID, "c"))
			s.Clients, s.Ended = "c", k.at(time.Minute)
			got, err := k.EndSession(t.Context(), s.ID, k.at(time.Minute))
			must(t, err)
			same(t, "what EndSession returns", got, s)
			got, err = k.EndSession(t.Context(), s.ID, k.at(2*time.Minute))
			verdict(t, "the second EndSession", err, store.ErrUsed)
			same(t, "what it returns", got, s)
			k.isSession(t, s, k.at(time.Minute), store.ErrUsed)
		},
		"an ended session can be neither touched nor joined": func(t *testing.T, k kit) {
			s := k.signIn(t)
			s, err := k.EndSession(t.Context(), s.ID, k.at(time.Minute))
			must(t, err)
			verdict(t, "JoinSession", k.JoinSession(t.Context(), s.ID, "late"), store.ErrUsed)
			verdict(t, "TouchSession", k.TouchSession(t.Context(), s.Key, k.at(30*time.Minute)), store.ErrUsed, store.ErrNotFound)
			k.isSession(t, s, k.at(time.Minute), store.ErrUsed)
		},
		"FindSessions returns the live ones in the order of their IDs": func(t *testing.T, k kit) {
			p, subject := name(), name()
			for _, id := range []string{"d", "B", "a", "c", "e"} {
				s := store.Session{Key: digest(), ID: p + id, Subject: subject, Expires: k.at(20 * time.Minute)}
				switch id {
				case "c":
					s.Expires = k.at(5 * time.Minute)
				case "e":
					s.Ends = k.at(5 * time.Minute)
				}
				must(t, k.PutSession(t.Context(), s))
			}
			k.signIn(t)
			now := k.at(5 * time.Minute)
			got, err := k.FindSessions(t.Context(), subject, now, store.Page{})
			list(t, "FindSessions", got, err, sessionID, p+"B", p+"a", p+"d")
			got, err = k.FindSessions(t.Context(), subject, k.at(0), store.Page{After: p + "B", Limit: 3})
			list(t, "three after the first", got, err, sessionID, p+"a", p+"c", p+"d")
			_, err = k.EndSession(t.Context(), p+"a", now)
			must(t, err)
			got, err = k.FindSessions(t.Context(), subject, now, store.Page{})
			list(t, "FindSessions after an end", got, err, sessionID, p+"B", p+"d")
		},
		"IDs and subjects are compared byte by byte": func(t *testing.T, k kit) {
			p := name()
			for _, id := range alike(p) {
				must(t, k.PutSession(t.Context(), store.Session{Key: digest(), ID: id, Subject: "s" + id, Expires: k.at(20 * time.Minute)}))
			}
			for _, id := range alike(p) {
				got, err := k.FindSessions(t.Context(), "s"+id, k.at(0), store.Page{})
				list(t, "sessions of "+id, got, err, sessionID, id)
			}
		},
		"odd and long texts come back whole": func(t *testing.T, k kit) {
			for _, id := range []string{name() + odd, long(name(), 255)} {
				s := store.Session{Key: digest(), ID: id, Subject: id, Expires: k.at(20 * time.Minute), Data: `{"x":"` + long("", 20_000) + `"}`}
				must(t, k.PutSession(t.Context(), s))
				k.isSession(t, s, k.at(0), nil)
				got, err := k.FindSessions(t.Context(), id, k.at(0), store.Page{})
				list(t, "FindSessions", got, err, sessionID, id)
			}
		},
		"a cancelled context is an outage and no verdict": func(t *testing.T, k kit) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			s := k.signIn(t)
			_, err := k.EndSession(ctx, s.ID, k.at(0))
			if isVerdict(err) {
				t.Errorf("EndSession: error = %v, want none, or one that is no verdict", err)
			}
			if err != nil {
				_, err = k.EndSession(context.WithoutCancel(ctx), s.ID, k.at(0))
				must(t, err)
			}
			_, err = k.Session(t.Context(), s.Key, k.at(0))
			verdict(t, "Session", err, store.ErrUsed)
		},
	}
}
