package clock

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestReadings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Clock
		for name, tc := range map[string]struct {
			age   time.Duration
			again bool
		}{
			"just read":     {},
			"young":         {age: trust - time.Nanosecond},
			"too old":       {age: trust, again: true},
			"old":           {age: 24 * time.Hour, again: true},
			"of the future": {age: -time.Nanosecond, again: true},
		} {
			read := time.Now().Add(-tc.age)
			c.read.Store(&read)
			if got := c.Now(); !got.Equal(time.Now()) {
				t.Errorf("%s: Now() = %v, want %v", name, got, time.Now())
			}
			if again := c.read.Load() != &read; again != tc.again {
				t.Errorf("%s: both clocks read again = %v, want %v", name, again, tc.again)
			}
		}
	})
}
