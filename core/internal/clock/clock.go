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

const (
	// trust is for how long the wall clock goes as the monotonic clock does: a step of it is seen so much later.
	trust = 10 * time.Millisecond
	// exact is how far apart the two clocks of a reading may be, between which the processor may have been taken away.
	exact = 50 * time.Microsecond
)

// Now returns the current time. A step of the wall clock, and what it went on by while the machine slept, shows within ten milliseconds.
func (c *Clock) Now() time.Time {
	if read := c.read.Load(); read != nil {
		// The clock of a bubble is decades away from that outside, so that neither takes the reading of the other for fresh.
		if passed := time.Since(*read); passed >= 0 && passed < trust {
			return read.Add(passed)
		}
	}
	begun := time.Now() //nolint:forbidigo // what a default of Now is made of
	now := time.Now()   //nolint:forbidigo // as above
	if now.Sub(begun) < exact {
		c.read.Store(&now)
	}
	return now
}
