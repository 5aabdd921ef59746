package main

import (
	"sync/atomic"
	"time"
)

// clock is the time of the server, which the control listener can move. It may be used by any number of goroutines.
type clock struct {
	offset atomic.Int64 // seconds
}

func (c *clock) now() time.Time {
	return time.Now().Add(time.Duration(c.offset.Load()) * time.Second)
}
