package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/conformance/storetest"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// What package store wraps around a store is a correct store too.
func TestWrapped(t *testing.T) {
	t.Parallel()
	none := func(context.Context, string) (*store.Client, error) { return nil, store.ErrNotFound }
	for name, wrap := range map[string]func(store.Store) store.Store{
		"a namespace":                 func(s store.Store) store.Store { return store.Namespace(s, "acme") },
		"a namespace named by a URL":  func(s store.Store) store.Store { return store.Namespace(s, "https://id.example.com/acme") },
		"a namespace in a namespace":  func(s store.Store) store.Store { return store.Namespace(store.Namespace(s, "acme"), "acme") },
		"one of several namespaces":   crowded,
		"overridden by nothing":       func(s store.Store) store.Store { return store.Override(s, store.Parts{}) },
		"every part overridden":       func(s store.Store) store.Store { return store.Override(memstore.New(), parts(s)) },
		"overridden in a namespace":   func(s store.Store) store.Store { return store.Namespace(store.Override(memstore.New(), parts(s)), "x") },
		"clients of one's own before": func(s store.Store) store.Store { return store.ClientsFunc(s, none) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(*testing.T) store.Store { return wrap(memstore.New()) }, storetest.Features{
				Shared: func(*testing.T) (a, b store.Store) { s := memstore.New(); return wrap(s), wrap(s) },
				Reopen: func(_ *testing.T, s store.Store) store.Store { return s },
				Rounds: 10,
			})
		})
	}
}

// parts returns s as the parts of another store.
func parts(s store.Store) store.Parts {
	return store.Parts{
		Clients: s, Ledger: s, Tickets: s, Replay: s, Consents: s, Sessions: s, SigningKeys: s, RemoteTokens: s,
	}
}

// crowded returns a namespace of s with neighbours on either side of its IDs, each with something of every kind.
func crowded(s store.Store) store.Store {
	ctx := context.Background()
	for _, name := range []string{"a", "z"} {
		n := store.Namespace(s, name)
		for i := range 3 {
			id := strconv.Itoa(i)
			_ = errors.Join( // some are there already, where one store is wrapped twice
				n.(store.ClientWriter).PutClient(ctx, &store.Client{ID: id}),
				n.CreateGrant(ctx, store.Grant{ID: id, Key: mandate.DigestOf(id), ClientID: "c", Subject: "s", SessionID: "n"}),
				n.PutConsent(ctx, store.Consent{Subject: "s", ClientID: id}),
				n.PutTicket(ctx, store.Ticket{Kind: store.Device, Key: mandate.DigestOf(id)}),
				n.PutSigningKeys(ctx, id, []byte("x"), 0),
			)
		}
	}
	return store.Namespace(s, "m")
}

func TestNamespacesDoNotMeet(t *testing.T) {
	t.Parallel()
	ctx, base := t.Context(), memstore.New()
	names := []string{"a", "a/b", "b", "", "A", "a ", strings.Repeat("long", 20), strings.Repeat("long", 21), "ä"}
	key, end := mandate.DigestOf("secret"), start.Add(time.Hour)
	g := store.Grant{ID: "g", Key: key, ClientID: "c", Subject: "s", SessionID: "n", Created: start, Expires: end}
	tok := mandate.NewToken(mandate.TokenInfo{GrantID: "g", ClientID: "c", Subject: "s", Expires: end})
	for _, name := range names { // what one has put is not there for the next
		s := store.Namespace(base, name)
		for what, err := range map[string]error{
			"PutClient":        s.(store.ClientWriter).PutClient(ctx, &store.Client{ID: "c"}),
			"CreateGrant":      s.CreateGrant(ctx, g),
			"PutToken":         s.PutToken(ctx, key, tok),
			"PutTicket":        s.PutTicket(ctx, store.Ticket{Kind: store.Device, Key: key, AltKey: mandate.DigestOf("code"), ClientID: "c"}),
			"UseOnce":          s.UseOnce(ctx, "jti", key, start, end),
			"UseOnce of zero":  s.UseOnce(ctx, "jti", mandate.Digest{}, start, end),
			"PutConsent":       s.PutConsent(ctx, store.Consent{Subject: "s", ClientID: "c"}),
			"a nameless one":   s.PutConsent(ctx, store.Consent{}),
			"PutSession":       s.PutSession(ctx, store.Session{Key: key, ID: "n", Subject: "s", Expires: end, Clients: "c d"}),
			"PutSigningKeys":   s.PutSigningKeys(ctx, "keys", []byte(name), 0),
			"PutRemoteToken":   s.PutRemoteToken(ctx, store.RemoteToken{Key: "r"}),
			"LeaseRemoteToken": s.LeaseRemoteToken(ctx, "r", 1, start, end),
		} {
			if err != nil {
				t.Errorf("%s in %q: %v", what, name, err)
			}
		}
	}
	first := store.Namespace(base, names[0])
	if err := first.RevokeGrant(ctx, "g", store.ByAdmin, start); err != nil {
		t.Fatal(err)
	}
	if ended, err := store.Namespace(base, names[2]).RevokeGrants(ctx, store.GrantQuery{ClientID: "c"}, store.ByAdmin, start); err != nil || len(ended) != 1 || ended[0].ID != "g" {
		t.Errorf("RevokeGrants = %v, %v, want g alone", ended, err)
	}
	if err := store.Namespace(base, names[3]).RevokeToken(ctx, key, end); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		s := store.Namespace(base, name)
		_, err := s.Token(ctx, key, start)
		if dead := i == 0 || i == 2 || i == 3; dead != errors.Is(err, store.ErrRevoked) || !dead && err != nil {
			t.Errorf("Token in %q: error = %v", name, err)
		}
		if got, err := s.FindGrants(ctx, store.GrantQuery{}, store.Page{}); err != nil || len(got) != 1 || got[0].Key != key || got[0].Subject != "s" {
			t.Errorf("FindGrants in %q = %+v, %v, want its own", name, got, err)
		}
		if got, err := s.(store.ClientWriter).FindClients(ctx, store.Page{}); err != nil || len(got) != 1 || got[0].ID != "c" {
			t.Errorf("FindClients in %q = %v, %v, want its own", name, got, err)
		}
		if got, err := s.FindSessions(ctx, "s", start, store.Page{}); err != nil || len(got) != 1 || got[0].Clients != "c d" {
			t.Errorf("FindSessions in %q = %+v, %v, want its own", name, got, err)
		}
		if got, _, err := s.SigningKeys(ctx, "keys"); err != nil || string(got) != name {
			t.Errorf("SigningKeys in %q = %q, %v", name, got, err)
		}
	}
}

// readOnly is a store that cannot write clients.
type readOnly struct{ store.Store }

func TestWrappedClientWriter(t *testing.T) {
	t.Parallel()
	none := func(context.Context, string) (*store.Client, error) { return nil, store.ErrNotFound }
	for name, tc := range map[string]struct {
		s      store.Store
		writes bool
	}{
		"a namespace":                        {store.Namespace(memstore.New(), "a"), true},
		"a namespace of one that is none":    {store.Namespace(readOnly{memstore.New()}, "a"), false},
		"overridden":                         {store.Override(memstore.New(), store.Parts{}), true},
		"clients that cannot be written":     {store.Override(memstore.New(), store.Parts{Clients: readOnly{memstore.New()}}), false},
		"clients that can":                   {store.Override(readOnly{memstore.New()}, store.Parts{Clients: memstore.New()}), true},
		"clients of one's own":               {store.ClientsFunc(memstore.New(), none), true},
		"clients of one's own and no others": {store.ClientsFunc(readOnly{memstore.New()}, none), false},
	} {
		if _, ok := tc.s.(store.ClientWriter); ok != tc.writes {
			t.Errorf("%s: is a ClientWriter: %v, want %v", name, ok, tc.writes)
		}
	}
}

func TestOverridePrunesEachOnce(t *testing.T) {
	t.Parallel()
	ctx, base, other := t.Context(), memstore.New(), memstore.New()
	s := store.Override(base, store.Parts{Tickets: other, Replay: other})
	for i := range 10 {
		key := mandate.DigestOf(strconv.Itoa(i))
		if err := errors.Join(
			s.UseOnce(ctx, "jti", key, start, start.Add(time.Minute)),
			s.PutToken(ctx, key, mandate.NewToken(mandate.TokenInfo{Expires: start.Add(time.Minute)})),
		); err != nil {
			t.Fatal(err)
		}
	}
	var all []int
	for range 5 {
		n, err := s.Prune(ctx, start.Add(time.Hour), 7)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	if !slices.Equal(all, []int{7, 7, 6, 0, 0}) {
		t.Errorf("Prune = %v, want 20 in parts of at most 7", all)
	}
}

func TestClientsFunc(t *testing.T) {
	t.Parallel()
	ctx, base, outage := t.Context(), memstore.New(), errors.New("connection refused")
	for _, id := range []string{"both", "nothing", "registered", "APP", "down"} {
		if err := base.PutClient(ctx, &store.Client{ID: id, Origin: store.ByRegistration}); err != nil {
			t.Fatal(err)
		}
	}
	s := store.ClientsFunc(base, func(_ context.Context, id string) (*store.Client, error) {
		switch strings.ToLower(id) { // a database with a careless collation
		case "app", "both":
			return &store.Client{ID: strings.ToLower(id)}, nil
		case "down":
			return nil, outage
		case "nothing":
			return nil, nil //nolint:nilnil // what applications do
		}
		return nil, fmt.Errorf("no row: %w", store.ErrNotFound)
	})
	for id, want := range map[string]struct {
		origin store.Origin
		err    error
	}{
		"app": {}, "both": {}, "registered": {origin: store.ByRegistration}, "nothing": {origin: store.ByRegistration},
		"APP": {origin: store.ByRegistration}, "BOTH": {err: store.ErrNotFound}, "unknown": {err: store.ErrNotFound}, "down": {err: outage},
	} {
		c, err := s.Client(ctx, id)
		if !errors.Is(err, want.err) || (err == nil) != (want.err == nil) {
			t.Errorf("Client(%q): error = %v, want %v", id, err, want.err)
		} else if err == nil && (c.ID != id || c.Origin != want.origin) {
			t.Errorf("Client(%q) = %q from %q, want from %q", id, c.ID, c.Origin, want.origin)
		}
	}
	w := s.(store.ClientWriter)
	if err := w.PutClient(ctx, &store.Client{ID: "app"}); !errors.Is(err, store.ErrExists) {
		t.Errorf("PutClient of the application's own: error = %v, want ErrExists", err)
	}
	if err := w.PutClient(ctx, &store.Client{ID: "down"}); !errors.Is(err, outage) {
		t.Errorf("PutClient in an outage: error = %v, want it", err)
	}
	if err := w.DeleteClient(ctx, "app"); err == nil {
		t.Error("DeleteClient of the application's own: no error")
	}
	if err := w.DeleteClient(ctx, "down"); !errors.Is(err, outage) {
		t.Errorf("DeleteClient in an outage: error = %v, want it", err)
	}
	if err := w.DeleteClient(ctx, "registered"); err != nil {
		t.Error(err)
	}
	if list, err := w.FindClients(ctx, store.Page{}); err != nil || len(list) != 4 {
		t.Errorf("FindClients = %v, %v, want base's four", list, err)
	}
}

// The parts alone, as a store of tickets or of what was used opens them.
func TestParts(t *testing.T) {
	t.Parallel()
	t.Run("tickets", func(t *testing.T) {
		t.Parallel()
		storetest.RunTickets(t, func(*testing.T) (a, b store.Tickets) { s := memstore.New(); return s, s }, storetest.Features{Rounds: 50})
	})
	t.Run("replay", func(t *testing.T) {
		t.Parallel()
		storetest.RunReplay(t, func(*testing.T) (a, b store.Replay) { s := memstore.New(); return s, s }, storetest.Features{Rounds: 50})
	})
}
