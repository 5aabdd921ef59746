//go:build !race

package memstore_test

import (
	"runtime"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// The numbers are chosen so that the tables, which double, are at their emptiest, too. The race detector
// sees nothing here that it does not see elsewhere, and takes a minute for it.
func TestMemory(t *testing.T) { //nolint:paralleltest // what runs beside it would be measured
	for name, tc := range map[string]struct {
		grants, tokens int
		want           uint64
	}{
		"a million tokens under 100,000 grants, grants included": {100_000, 10, 400},
		"tokens with a grant of their own":                       {100_000, 1, 700},
		"the same right after the tables have grown":             {110_000, 1, 700},
		"the same with smaller tables":                           {13_700, 1, 715}, // with what an empty store takes
		"the same with tables that are smaller yet":              {4_300, 1, 725},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			s := memstore.New()
			for range tc.grants {
				g := approve(t, s)
				for range tc.tokens {
					mint(t, s, g)
				}
			}
			each := (heap() - before) / uint64(tc.grants*tc.tokens)
			runtime.KeepAlive(s)
			t.Logf("%d bytes each", each)
			if each > tc.want {
				t.Errorf("a token takes %d bytes, want at most %d", each, tc.want)
			}
		})
	}
}

// Tables shrink also where few go at a time.
func TestPruneOftenGivesMemoryBack(t *testing.T) { //nolint:paralleltest // what runs beside it would be measured
	const n, seconds = 200_000, 1_000
	for name, put := range map[string]func(s *memstore.Store, end time.Time) error{
		"tokens": func(s *memstore.Store, end time.Time) error {
			return s.PutToken(t.Context(), mandate.DigestOf(text(16)), mandate.NewToken(mandate.TokenInfo{Expires: end}))
		},
		"grants": func(s *memstore.Store, end time.Time) error {
			return s.CreateGrant(t.Context(), store.Grant{ID: text(16), Key: mandate.DigestOf(text(16)), Subject: text(16), SessionID: text(16), Expires: end})
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			s := memstore.New()
			for i := range n {
				if err := put(s, start.Add(time.Duration(i%seconds)*time.Second)); err != nil {
					t.Fatal(err)
				}
			}
			full, gone := heap()-before, 0
			for i := range seconds + 1 {
				gone += forget(t, s, start.Add(time.Duration(i)*time.Second))
			}
			if gone != n {
				t.Errorf("%d records went, want %d", gone, n)
			}
			left := heap() - before
			runtime.KeepAlive(s)
			if t.Logf("%d bytes of %d are still held", left, full); left > full/16 {
				t.Errorf("%d bytes of %d are still held", left, full)
			}
		})
	}
}
