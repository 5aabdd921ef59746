package adaptertest

import (
	"sync/atomic"
	"time"
)

// Clock is a clock that moves when it is told to: it goes into Config.Now. It may be used by any number of goroutines.
type Clock struct{ milli atomic.Int64 }

// NewClock returns a clock that stands at the middle of an ordinary day.
func NewClock() *Clock {
	c := new(Clock)
	c.milli.Store(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

// Now returns the time.
func (c *Clock) Now() time.Time { return time.UnixMilli(c.milli.Load()).UTC() }

// Pass lets d pass.
func (c *Clock) Pass(d time.Duration) { c.milli.Add(d.Milliseconds()) }
