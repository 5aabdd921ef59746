package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

func clientID(c *store.Client) string { return c.ID }

// writer returns the store as a ClientWriter, or ends the case.
func (k kit) writer(t *testing.T) store.ClientWriter {
	t.Helper()
	w, ok := k.Store.(store.ClientWriter)
	if !ok {
		t.Skip("the store is no ClientWriter")
	}
	return w
}

func clients() cases {
	return cases{
		"a client that is not registered is ErrNotFound": func(t *testing.T, k kit) {
			_, err := k.Client(t.Context(), name())
			verdict(t, "Client", err, store.ErrNotFound)
		},
		"every field of a client comes back, and the revision raised": func(t *testing.T, k kit) {
			w, ctx := k.writer(t), t.Context()
			var c store.Client
			k.fill(t, &c)
			c.ID, c.Revision = name(), 0
			want := *c.Clone()
			must(t, w.PutClient(ctx, &c))
			same(t, "what PutClient was given", &c, &want)
			got, err := k.Client(ctx, c.ID)
			must(t, err)
			want.Revision = 1
			same(t, "the client", got, &want)
		},
		"a client of which nothing is known but its ID": func(t *testing.T, k kit) {
			w, ctx, id := k.writer(t), t.Context(), name()
			must(t, w.PutClient(ctx, &store.Client{ID: id}))
			got, err := k.Client(ctx, id)
			must(t, err)
			if !got.Created.IsZero() || len(got.Secrets) != 0 || got.Disabled || got.Revision != 1 || got.Metadata.DefaultMaxAge != nil {
				t.Errorf("the client = %+v, want one with an ID and revision 1", got)
			}
		},
		"times are kept in whole milliseconds and UTC": func(t *testing.T, k kit) {
			w, ctx, id := k.writer(t), t.Context(), name()
			must(t, w.PutClient(ctx, &store.Client{
				ID: id, Created: inZone(k.at(0)), Secrets: []store.Secret{{Form: store.SHA256, Expires: inZone(k.at(time.Minute))}},
			}))
			got, err := k.Client(ctx, id)
			must(t, err)
			kept(t, "Created", got.Created, k.at(0))
			kept(t, "Expires", got.Secrets[0].Expires, k.at(time.Minute))
			if !got.Secrets[0].NotBefore.IsZero() {
				t.Errorf("NotBefore = %v, want none", got.Secrets[0].NotBefore)
			}
		},
		"a disabled client is returned": func(t *testing.T, k kit) {
			w, ctx, id := k.writer(t), t.Context(), name()
			must(t, w.PutClient(ctx, &store.Client{ID: id, Disabled: true}))
			got, err := k.Client(ctx, id)
			must(t, err)
			if !got.Disabled {
				t.Error("the client is not disabled")
			}
		},
		"revision 0 creates, and is ErrExists where the ID is taken": func(t *testing.T, k kit) {
			w, ctx, id := k.writer(t), t.Context(), name()
			must(t, w.PutClient(ctx, &store.Client{ID: id}))
			verdict(t, "the second PutClient", w.PutClient(ctx, &store.Client{ID: id, Disabled: true}), store.ErrExists)
			got, err := k.Client(ctx, id)
			must(t, err)
			if got.Disabled || got.Revision != 1 {
				t.Errorf("the client = %+v, want the first", got)
			}
		},
		"another revision than the stored one is ErrConflict": func(t *testing.T, k kit) {
			w, ctx, id := k.writer(t), t.Context(), name()
			verdict(t, "revision 1 of none", w.PutClient(ctx, &store.Client{ID: id, Revision: 1}), store.ErrConflict)
			must(t, w.PutClient(ctx, &store.Client{ID: id}))
			first, err := k.Client(ctx, id)
			must(t, err)
			next := first.Clone()
			next.Disabled = true
			must(t, w.PutClient(ctx, next))
			if first.Disabled || first.Revision != 1 {
				t.Error("a client that was returned before has changed")
			}
			for _, revision := range []int64{1, 3, -1} {
				verdict(t, "a wrong revision", w.PutClient(ctx, &store.Client{ID: id, Revision: revision}), store.ErrConflict)
			}
			got, err := k.Client(ctx, id)
			must(t, err)
			if !got.Disabled || got.Revision != 2 {
				t.Errorf("the client = %+v, want the second", got)
			}
		},
		"a put that changes nothing raises the revision": func(t *testing.T, k kit) {
			w, ctx, id := k.writer(t), t.Context(), name()
			must(t, w.PutClient(ctx, &store.Client{ID: id}))
			for want := int64(1); want < 4; want++ {
				c, err := k.Client(ctx, id)
				must(t, err)
				if c.Revision != want {
					t.Fatalf("Revision = %d, want %d", c.Revision, want)
				}
				must(t, w.PutClient(ctx, c))
			}
		},
		"a deleted client is gone, and deleting is idempotent": func(t *testing.T, k kit) {
			w, ctx, id := k.writer(t), t.Context(), name()
			must(t, w.PutClient(ctx, &store.Client{ID: id}))
			must(t, w.DeleteClient(ctx, id))
			must(t, w.DeleteClient(ctx, id))
			_, err := k.Client(ctx, id)
			verdict(t, "Client", err, store.ErrNotFound)
			verdict(t, "an update of it", w.PutClient(ctx, &store.Client{ID: id, Revision: 1}), store.ErrConflict)
			must(t, w.PutClient(ctx, &store.Client{ID: id}))
		},
		"IDs are compared byte by byte": func(t *testing.T, k kit) {
			w, ctx, prefix := k.writer(t), t.Context(), name()
			for _, id := range alike(prefix) {
				must(t, w.PutClient(ctx, &store.Client{ID: id, Policy: store.Policy{SectorID: id}}))
			}
			for _, id := range alike(prefix) {
				c, err := k.Client(ctx, id)
				must(t, err)
				if c.ID != id || c.Policy.SectorID != id {
					t.Errorf("client %q is %q", id, c.ID)
				}
			}
			must(t, w.DeleteClient(ctx, prefix+"abc"))
			_, err := k.Client(ctx, prefix+"abc")
			verdict(t, "the deleted one", err, store.ErrNotFound)
			for _, id := range alike(prefix)[1:] {
				_, err := k.Client(ctx, id)
				must(t, err)
			}
			_, err = k.Client(ctx, prefix+"Abc")
			verdict(t, "a sixth", err, store.ErrNotFound)
		},
		"pages come in the order of IDs": func(t *testing.T, k kit) {
			w, ctx, p := k.writer(t), t.Context(), "zz"+name()
			for _, id := range []string{"b", "B", "a", "c", "aa"} {
				must(t, w.PutClient(ctx, &store.Client{ID: p + id}))
			}
			got, err := w.FindClients(ctx, store.Page{After: p, Limit: 3})
			list(t, "the first page", got, err, clientID, p+"B", p+"a", p+"aa")
			got, err = w.FindClients(ctx, store.Page{After: p + "aa", Limit: 2})
			list(t, "the second page", got, err, clientID, p+"b", p+"c")
			got, err = w.FindClients(ctx, store.Page{After: p + "zz~~~", Limit: 2})
			for _, c := range got {
				if c.ID <= p+"zz~~~" {
					t.Errorf("a page begins with %q", c.ID)
				}
			}
			must(t, err)
		},
		"a page without a limit has a hundred": func(t *testing.T, k kit) {
			w, p := k.writer(t), "zy"+name()
			var want []string
			for i := range 101 {
				want = append(want, fmt.Sprintf("%s%03d", p, i))
				must(t, w.PutClient(t.Context(), &store.Client{ID: want[i]}))
			}
			got, err := w.FindClients(t.Context(), store.Page{After: p})
			list(t, "FindClients", got, err, clientID, want[:100]...)
		},
		"odd and long texts come back whole": func(t *testing.T, k kit) {
			w, ctx := k.writer(t), t.Context()
			for _, id := range []string{name() + odd, long(name(), 255)} {
				c := store.Client{ID: id}
				c.Metadata.Name = odd
				for i := range 100 {
					c.Metadata.RedirectURIs = append(c.Metadata.RedirectURIs, long(fmt.Sprintf("https://app.example.com/%d/", i), 1000))
				}
				must(t, w.PutClient(ctx, &c))
				got, err := k.Client(ctx, id)
				must(t, err)
				if got.ID != id || got.Metadata.Name != odd || !slices.Equal(got.Metadata.RedirectURIs, c.Metadata.RedirectURIs) {
					t.Errorf("the client = %.200v..., want it as it was put", got)
				}
			}
		},
	}
}
