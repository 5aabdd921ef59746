package storetest

import (
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// hold stores a token of another server's and returns it as it is then.
func (k kit) hold(t *testing.T) store.RemoteToken {
	t.Helper()
	r := store.RemoteToken{Key: name(), Sealed: []byte{0, 255, 'x', '\''}, Expires: k.at(40 * time.Minute)}
	must(t, k.PutRemoteToken(t.Context(), r))
	r.Revision = 1
	return r
}

// isRemote checks that the stored token is want.
func (k kit) isRemote(t *testing.T, want store.RemoteToken) {
	t.Helper()
	got, err := k.RemoteToken(t.Context(), want.Key)
	must(t, err)
	same(t, "the token", got, want)
}

func remote() cases {
	return cases{
		"a token that nobody put is ErrNotFound": func(t *testing.T, k kit) {
			_, err := k.RemoteToken(t.Context(), name())
			verdict(t, "RemoteToken", err, store.ErrNotFound)
			err = k.LeaseRemoteToken(t.Context(), name(), 1, k.at(0), k.at(time.Minute))
			verdict(t, "LeaseRemoteToken", err, store.ErrNotFound, store.ErrConflict)
		},
		"every field of a token comes back, and the revision raised": func(t *testing.T, k kit) {
			var r store.RemoteToken
			k.fill(t, &r)
			r.Key = name()
			for revision := range int64(3) {
				r.Revision = revision
				must(t, k.PutRemoteToken(t.Context(), r))
				r.Revision++
				k.isRemote(t, r)
			}
			r.Expires = time.Time{}
			must(t, k.PutRemoteToken(t.Context(), r))
			r.Revision++
			k.isRemote(t, r)
		},
		"another revision than the stored one is ErrConflict": func(t *testing.T, k kit) {
			verdict(t, "revision 1 of none", k.PutRemoteToken(t.Context(), store.RemoteToken{Key: name(), Revision: 1}), store.ErrConflict)
			r := k.hold(t)
			for _, revision := range []int64{0, 2, -1} {
				verdict(t, "a wrong revision", k.PutRemoteToken(t.Context(), store.RemoteToken{Key: r.Key, Revision: revision}), store.ErrConflict)
			}
			k.isRemote(t, r)
		},
		"the lease is one caller's until its end": func(t *testing.T, k kit) {
			r, ctx := k.hold(t), t.Context()
			must(t, k.LeaseRemoteToken(ctx, r.Key, 1, k.at(0), k.at(time.Minute)))
			for _, d := range []time.Duration{0, time.Second, time.Minute - time.Millisecond} {
				verdict(t, "a second lease", k.LeaseRemoteToken(ctx, r.Key, 1, k.at(d), k.at(2*time.Minute)), store.ErrConflict)
			}
			k.isRemote(t, r)
			must(t, k.LeaseRemoteToken(ctx, r.Key, 1, k.at(time.Minute), k.at(2*time.Minute)))
			verdict(t, "after that", k.LeaseRemoteToken(ctx, r.Key, 1, k.at(time.Minute), k.at(2*time.Minute)), store.ErrConflict)
		},
		"the lease ends when the token is put": func(t *testing.T, k kit) {
			r, ctx := k.hold(t), t.Context()
			must(t, k.LeaseRemoteToken(ctx, r.Key, 1, k.at(0), k.at(time.Minute)))
			must(t, k.PutRemoteToken(ctx, r))
			verdict(t, "a lease of the old one", k.LeaseRemoteToken(ctx, r.Key, 1, k.at(0), k.at(time.Minute)), store.ErrConflict)
			must(t, k.LeaseRemoteToken(ctx, r.Key, 2, k.at(0), k.at(time.Minute)))
		},
		"another revision is not leased": func(t *testing.T, k kit) {
			r, ctx := k.hold(t), t.Context()
			for _, revision := range []int64{0, 2, -1} {
				verdict(t, "LeaseRemoteToken", k.LeaseRemoteToken(ctx, r.Key, revision, k.at(0), k.at(time.Minute)), store.ErrConflict)
			}
			must(t, k.LeaseRemoteToken(ctx, r.Key, 1, k.at(0), k.at(time.Minute)))
		},
		"deleting is idempotent": func(t *testing.T, k kit) {
			r, ctx := k.hold(t), t.Context()
			must(t, k.LeaseRemoteToken(ctx, r.Key, 1, k.at(0), k.at(time.Minute)))
			for range 2 {
				must(t, k.DeleteRemoteToken(ctx, r.Key))
			}
			_, err := k.RemoteToken(ctx, r.Key)
			verdict(t, "RemoteToken", err, store.ErrNotFound)
			r.Revision = 0
			must(t, k.PutRemoteToken(ctx, r))
			must(t, k.LeaseRemoteToken(ctx, r.Key, 1, k.at(0), k.at(time.Minute)))
		},
		"keys are compared byte by byte": func(t *testing.T, k kit) {
			p := name()
			for _, key := range alike(p) {
				must(t, k.PutRemoteToken(t.Context(), store.RemoteToken{Key: key, Sealed: []byte(key)}))
			}
			for _, key := range alike(p) {
				k.isRemote(t, store.RemoteToken{Key: key, Revision: 1, Sealed: []byte(key)})
			}
		},
		"the bytes are the store's own": func(t *testing.T, k kit) {
			r := store.RemoteToken{Key: name(), Sealed: []byte("sealed")}
			must(t, k.PutRemoteToken(t.Context(), r))
			want := store.RemoteToken{Key: r.Key, Revision: 1, Sealed: []byte("sealed")}
			r.Sealed[0] = 'X'
			k.isRemote(t, want)
			got, err := k.RemoteToken(t.Context(), r.Key)
			must(t, err)
			got.Sealed[0] = 'Y'
			k.isRemote(t, want)
		},
	}
}
