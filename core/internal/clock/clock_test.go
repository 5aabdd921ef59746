package clock_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-mandate/mandate/core/internal/clock"
)

// near fails the test where c does not say what time.Now does before and after.
func near(t *testing.T, c *clock.Clock) {
	t.Helper()
	before := time.Now()
	got := c.Now()
	if after := time.Now(); got.Before(before) || got.After(after) {
		t.Errorf("Now() = %v, want a time from %v to %v", got, before, after)
	}
	if wall := time.Now().Round(0).Sub(got.Round(0)); wall < -time.Second || wall > time.Minute {
		t.Errorf("Now() = %v, which is %v before the wall clock", got, wall)
	}
}

func TestNow(t *testing.T) {
	t.Parallel()
	var c clock.Clock
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 1000 {
				near(t, &c)
			}
		})
	}
	wg.Wait()
}

func TestNowInBubbles(t *testing.T) {
	t.Parallel()
	var c clock.Clock
	near(t, &c)
	for range 2 { // one after the other: each begins at the same time
		synctest.Test(t, func(t *testing.T) {
			for _, d := range []time.Duration{0, time.Nanosecond, 9 * time.Millisecond, 10 * time.Millisecond, time.Second, 48 * time.Hour} {
				time.Sleep(d)
				if got, want := c.Now(), time.Now(); !got.Equal(want) || got.UnixNano() != want.UnixNano() {
					t.Errorf("Now() = %v after %v more, want %v", got, d, want)
				}
			}
		})
		near(t, &c)
	}
}

//nolint:paralleltest // testing.AllocsPerRun counts what others allocate too
func TestNowAllocates(t *testing.T) {
	var c clock.Clock
	if n := testing.AllocsPerRun(1000, func() { c.Now() }); n != 0 {
		t.Errorf("Now allocates %v times, want 0", n)
	}
}
