// Package clock tells the time to those who ask for it with every request.
package clock

import (
	"sync/atomic"
	"time"
)

// Clock is time.Now for half the price: most calls read the monotonic clock alone. The zero value is ready. It may be used by any number of
// goroutines, in bubbles of testing/synctest and outside of them.
type Clock struct {
	read atomic.Pointer[time.Time] // what time.Now last said
}

// trust is for how long the wall clock goes as the monotonic clock does: a step of it is seen so much later.
const trust = 10 * time.Millisecond

// Now returns the current time. A step of the wall clock, and what it went on by while the machine slept, shows within ten milliseconds.
func (c *Clock) Now() time.Time {
	if read := c.read.Load(); read != nil {
		// The clocks of a bubble are decades away from those outside, so that neither takes the other's reading for fresh.
		if passed := time.Since(*read); passed >= 0 && passed < trust {
			return read.Add(passed)
		}
	}
	now := time.Now() //nolint:forbidigo // what a default of Now is made of
	c.read.Store(&now)
	return now
}
