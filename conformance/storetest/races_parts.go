package storetest

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

func ticketRaces() cases {
	return cases{
		"a ticket's keys are taken once, the second as the first": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				w := k.ticket()
				return func(s store.Store, _ int) error {
					w := w
					w.AltKey = digest()
					return s.PutTicket(t.Context(), w)
				}
			}, store.ErrExists)
			k.race(t, func() func(store.Store, int) error {
				w := k.ticket()
				return func(s store.Store, _ int) error {
					w := w
					w.Key = digest()
					return s.PutTicket(t.Context(), w)
				}
			}, store.ErrExists)
		},
		"a ticket of one revision is spent once": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				w := k.wait(t)
				return func(s store.Store, i int) error {
					w := w
					w.State, w.Used = strconv.Itoa(i), k.at(0)
					return s.UpdateTicket(t.Context(), w)
				}
			}, store.ErrUsed, store.ErrConflict)
		},
		"an approval survives those who only look": func(t *testing.T, k kit) { k.raceApproval(t) },
	}
}

func replayRaces() cases {
	return cases{
		"a key is used once": func(t *testing.T, k kit) {
			k.race(t, func() func(store.Store, int) error {
				key := digest()
				return func(s store.Store, _ int) error {
					return s.UseOnce(t.Context(), "jti", key, k.at(0), k.at(40*time.Minute))
				}
			}, store.ErrUsed)
		},
	}
}

// raceApproval lets many write "still pending" while one approves, each by the revision that it read.
func (k kit) raceApproval(t *testing.T) {
	t.Helper()
	for range max(1, k.rounds/10) {
		w := k.wait(t)
		rush(func(i int) {
			s := k.either(i)
			for {
				got, err := s.Ticket(t.Context(), w.Kind, w.AltKey, k.at(0))
				if err != nil {
					t.Errorf("Ticket: %v", err)
					return
				}
				if got.State == "approved" {
					return
				}
				if got.Data = strconv.Itoa(i); i == 0 {
					got.State, got.Subject = "approved", "alice"
				}
				switch err := s.UpdateTicket(t.Context(), got); {
				case err == nil || i != 0 && errors.Is(err, store.ErrConflict):
					return
				case !errors.Is(err, store.ErrConflict):
					t.Errorf("UpdateTicket: %v", err)
					return
				}
			}
		})
		got, err := k.Ticket(t.Context(), w.Kind, w.Key, k.at(0))
		must(t, err)
		if got.State != "approved" || got.Subject != "alice" {
			t.Fatalf("the ticket is %q by %q, want the approval", got.State, got.Subject)
		}
	}
}
