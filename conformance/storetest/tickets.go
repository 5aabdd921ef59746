package storetest

import (
	"context"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// ticket returns a pending ticket with two keys of its own.
func (k kit) ticket() store.Ticket {
	return store.Ticket{
		Kind: store.Device, Key: digest(), AltKey: digest(), State: "pending", ClientID: name(),
		Created: k.at(0), Expires: k.at(10 * time.Minute), Data: `{"scope": "read"}`,
	}
}

// wait stores a pending ticket and returns it as it is then.
func (k kit) wait(t *testing.T) store.Ticket {
	t.Helper()
	w := k.ticket()
	must(t, k.PutTicket(t.Context(), w))
	w.Revision = 1
	return w
}

// isTicket checks that the stored ticket is want, with the error err.
func (k kit) isTicket(t *testing.T, want store.Ticket, now time.Time, err error) {
	t.Helper()
	for _, key := range []mandate.Digest{want.Key, want.AltKey} {
		got, e := k.Ticket(t.Context(), want.Kind, key, now)
		if err == nil {
			must(t, e)
		} else {
			verdict(t, "Ticket", e, err)
		}
		same(t, "the ticket", got, want)
	}
}

func tickets() cases {
	return cases{
		"every field of a ticket comes back, by either key": func(t *testing.T, k kit) {
			var w store.Ticket
			k.fill(t, &w)
			w.Kind, w.ClientID, w.Subject, w.GrantID, w.Used = "a-kind", name(), name(), name(), time.Time{}
			must(t, k.PutTicket(t.Context(), w))
			w.Revision = 1
			k.isTicket(t, w, k.at(0), nil)
		},
		"what is empty stays empty, and tickets without a second key live side by side": func(t *testing.T, k kit) {
			for range 3 {
				w := store.Ticket{Kind: store.Pushed, Key: digest()}
				must(t, k.PutTicket(t.Context(), w))
				got, err := k.Ticket(t.Context(), w.Kind, w.Key, k.at(49*time.Minute))
				must(t, err)
				w.Revision = 1
				same(t, "the ticket", got, w)
			}
			_, err := k.Ticket(t.Context(), store.Pushed, mandate.Digest{}, k.at(0))
			verdict(t, "Ticket of no key", err, store.ErrNotFound)
		},
		"a ticket that nobody put, or of another kind, is ErrNotFound": func(t *testing.T, k kit) {
			w := k.wait(t)
			for kind, key := range map[store.Kind]mandate.Digest{store.Device: digest(), store.Pushed: w.Key, "DEVICE": w.AltKey} {
				_, err := k.Ticket(t.Context(), kind, key, k.at(0))
				verdict(t, "Ticket", err, store.ErrNotFound)
			}
			w.Kind = store.Pushed
			verdict(t, "UpdateTicket", k.UpdateTicket(t.Context(), w), store.ErrNotFound)
			w.Kind, w.Key = store.Device, digest()
			verdict(t, "UpdateTicket", k.UpdateTicket(t.Context(), w), store.ErrNotFound)
		},
		"a taken key is ErrExists, also the second": func(t *testing.T, k kit) {
			w := k.wait(t)
			next := k.ticket()
			next.Key = w.Key
			verdict(t, "the same Key", k.PutTicket(t.Context(), next), store.ErrExists)
			next.Key, next.AltKey = digest(), w.AltKey
			verdict(t, "the same AltKey", k.PutTicket(t.Context(), next), store.ErrExists)
			_, err := k.Ticket(t.Context(), next.Kind, next.Key, k.at(0))
			verdict(t, "Ticket", err, store.ErrNotFound)
			k.isTicket(t, w, k.at(0), nil)
		},
		"reading has no side effect": func(t *testing.T, k kit) {
			w := k.wait(t)
			for _, d := range []time.Duration{0, 20 * time.Minute, 0} {
				_, _ = k.Ticket(t.Context(), w.Kind, w.Key, k.at(d))
			}
			k.isTicket(t, w, k.at(0), nil)
		},
		"a ticket is over at its end, and comes with the error": func(t *testing.T, k kit) {
			w := k.wait(t)
			k.isTicket(t, w, w.Expires.Add(-time.Millisecond), nil)
			k.isTicket(t, w, w.Expires, store.ErrExpired)
			k.isTicket(t, w, w.Expires.Add(time.Minute), store.ErrExpired)
		},
		"UpdateTicket replaces what may change, and nothing else": func(t *testing.T, k kit) {
			w := k.wait(t)
			next := w
			next.State, next.Subject, next.GrantID, next.Data, next.Expires = "approved", name(), name(), `{"n":1}`, k.at(20*time.Minute)
			put := next
			put.ClientID, put.Created = name(), k.at(time.Hour)
			must(t, k.UpdateTicket(t.Context(), put))
			next.Revision = 2
			k.isTicket(t, next, k.at(0), nil)
			next.State, next.Subject, next.GrantID, next.Data, next.Expires = "", "", "", "", time.Time{}
			must(t, k.UpdateTicket(t.Context(), next))
			next.Revision = 3
			k.isTicket(t, next, k.at(49*time.Minute), nil)
		},
		"an update that changes nothing raises the revision": func(t *testing.T, k kit) {
			w := k.wait(t)
			must(t, k.UpdateTicket(t.Context(), w))
			verdict(t, "the second time", k.UpdateTicket(t.Context(), w), store.ErrConflict)
			w.Revision = 2
			k.isTicket(t, w, k.at(0), nil)
		},
		"another revision is ErrConflict and changes nothing": func(t *testing.T, k kit) {
			w := k.wait(t)
			for _, revision := range []int64{0, 2, -1} {
				next := w
				next.Revision, next.State = revision, "denied"
				verdict(t, "UpdateTicket", k.UpdateTicket(t.Context(), next), store.ErrConflict)
			}
			k.isTicket(t, w, k.at(0), nil)
		},
		"a used ticket stays as it is, and used comes before expired": func(t *testing.T, k kit) {
			w := k.wait(t)
			w.State, w.Used = "approved", k.at(time.Minute)
			must(t, k.UpdateTicket(t.Context(), w))
			w.Revision = 2
			k.isTicket(t, w, k.at(time.Minute), store.ErrUsed)
			k.isTicket(t, w, w.Expires.Add(time.Minute), store.ErrUsed)
			for _, revision := range []int64{2, 1, 3} {
				next := w
				next.Revision, next.State, next.Used = revision, "denied", time.Time{}
				verdict(t, "UpdateTicket", k.UpdateTicket(t.Context(), next), store.ErrUsed)
			}
			k.isTicket(t, w, k.at(time.Minute), store.ErrUsed)
		},
		"a flow that began in time may spend the ticket after its end": func(t *testing.T, k kit) {
			w := k.wait(t)
			_, err := k.Ticket(t.Context(), w.Kind, w.Key, w.Expires.Add(20*time.Minute))
			verdict(t, "Ticket", err, store.ErrExpired)
			w.Used = w.Expires.Add(-time.Minute)
			must(t, k.UpdateTicket(t.Context(), w))
			verdict(t, "the second time", k.UpdateTicket(t.Context(), w), store.ErrUsed)
		},
		"a cancelled context is an outage and no verdict": func(t *testing.T, k kit) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			w := k.wait(t)
			if _, err := k.Ticket(ctx, w.Kind, w.Key, k.at(0)); isVerdict(err) {
				t.Errorf("Ticket: error = %v, want none, or one that is no verdict", err)
			}
			w.Used = k.at(time.Minute)
			err := k.UpdateTicket(ctx, w)
			if isVerdict(err) {
				t.Errorf("UpdateTicket: error = %v, want none, or one that is no verdict", err)
			}
			if err != nil {
				must(t, k.UpdateTicket(t.Context(), w))
			}
			_, err = k.Ticket(t.Context(), w.Kind, w.Key, k.at(0))
			verdict(t, "Ticket after UpdateTicket", err, store.ErrUsed)
		},
		"odd and long texts come back whole": func(t *testing.T, k kit) {
			w := k.ticket()
			w.ClientID, w.State, w.Data = long(name(), 255), "a state", `{"x":"`+long("", 32<<10)+`"}`
			must(t, k.PutTicket(t.Context(), w))
			w.Revision = 1
			k.isTicket(t, w, k.at(0), nil)
			w.Subject, w.GrantID, w.Data = name()+odd, long(name(), 255), `{"x":"'\\ \u0000 %"}`
			must(t, k.UpdateTicket(t.Context(), w))
			w.Revision = 2
			k.isTicket(t, w, k.at(0), nil)
		},
		"times are kept in whole milliseconds and UTC": func(t *testing.T, k kit) {
			w := k.ticket()
			w.Created, w.Expires = inZone(k.at(0)), inZone(k.at(time.Minute))
			must(t, k.PutTicket(t.Context(), w))
			got, err := k.Ticket(t.Context(), w.Kind, w.Key, k.at(0))
			must(t, err)
			kept(t, "Created", got.Created, k.at(0))
			kept(t, "Expires", got.Expires, k.at(time.Minute))
		},
	}
}
