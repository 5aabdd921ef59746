package store

import (
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// Who sleeps does not notice by the monotonic clock that time passes.
func TestCachedTokenAfterSleep(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tc := range map[string]struct {
		slept time.Duration
		want  bool
	}{
		"awake":                      {want: true},
		"asleep for less than Stale": {slept: 4 * time.Second, want: true},
		"asleep for longer":          {slept: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &cachedToken{tok: mandate.NewToken(mandate.TokenInfo{}), at: now, ms: now.Add(-tc.slept).UnixMilli()}
			e.last.Store(e.ms)
			if got := e.fresh(now, 5*time.Second); got != tc.want {
				t.Errorf("fresh = %v, want %v", got, tc.want)
			}
		})
	}
}
