package storetest

import (
	"bytes"
	"testing"

	"github.com/go-mandate/mandate/core/store"
)

// hasKeys checks the stored key set.
func (k kit) hasKeys(t *testing.T, set string, want []byte, revision int64) {
	t.Helper()
	got, rev, err := k.SigningKeys(t.Context(), set)
	must(t, err)
	if !bytes.Equal(got, want) || rev != revision {
		t.Errorf("SigningKeys = %q at revision %d, want %q at %d", got, rev, want, revision)
	}
}

func keys() cases {
	return cases{
		"keys that nobody made are ErrNotFound": func(t *testing.T, k kit) {
			_, _, err := k.SigningKeys(t.Context(), name())
			verdict(t, "SigningKeys", err, store.ErrNotFound)
		},
		"every put raises the revision, and bytes are bytes": func(t *testing.T, k kit) {
			set := name()
			for i, sealed := range [][]byte{{0, 255, 0, '\'', '\\', 128}, []byte("second"), bytes.Repeat([]byte{1, 200}, 50_000), []byte("second")} {
				must(t, k.PutSigningKeys(t.Context(), set, sealed, int64(i)))
				k.hasKeys(t, set, sealed, int64(i+1))
			}
		},
		"another revision than the stored one is ErrConflict": func(t *testing.T, k kit) {
			set := name()
			verdict(t, "revision 1 of none", k.PutSigningKeys(t.Context(), set, []byte("x"), 1), store.ErrConflict)
			must(t, k.PutSigningKeys(t.Context(), set, []byte("first"), 0))
			for _, revision := range []int64{0, 2, -1} {
				verdict(t, "a wrong revision", k.PutSigningKeys(t.Context(), set, []byte("x"), revision), store.ErrConflict)
			}
			k.hasKeys(t, set, []byte("first"), 1)
		},
		"names are compared byte by byte": func(t *testing.T, k kit) {
			p := name()
			for _, set := range alike(p) {
				must(t, k.PutSigningKeys(t.Context(), set, []byte(set), 0))
			}
			for _, set := range alike(p) {
				k.hasKeys(t, set, []byte(set), 1)
			}
		},
		"the bytes are the store's own": func(t *testing.T, k kit) {
			set, sealed := name(), []byte("sealed")
			must(t, k.PutSigningKeys(t.Context(), set, sealed, 0))
			sealed[0] = 'X'
			k.hasKeys(t, set, []byte("sealed"), 1)
			got, _, err := k.SigningKeys(t.Context(), set)
			must(t, err)
			got[0] = 'Y'
			k.hasKeys(t, set, []byte("sealed"), 1)
		},
	}
}
