//go:build !race

package memstore_test

import (
	"runtime"
	"testing"

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
