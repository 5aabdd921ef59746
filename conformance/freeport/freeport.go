// Package freeport finds addresses for programs that tests start.
package freeport

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports that no system gives to a socket by itself: Linux begins at 32768, the others at 49152. Whoever listens on port 0, or dials, gets
// none of these, and so cannot come between finding a port and listening on it. From 20000 on the databases of .ci/databases listen, which
// tests stop and start again.
const lowest, highest = 10_240, 19_999

// next counts the ports, from a place of this process's own: two processes seldom look at the same ones.
var next = sequence{n: rand.IntN(highest - lowest + 1)} //nolint:gochecknoglobals,gosec // one for the process, and no secret

type sequence struct {
	mu sync.Mutex // guards n
	n  int
}

// Address returns an address of 127.0.0.1 on which nobody listens. It returns none twice, until all were. It is safe for concurrent use.
func Address(tb testing.TB) string {
	tb.Helper()
	next.mu.Lock()
	defer next.mu.Unlock()
	for range highest - lowest + 1 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(lowest+next.n%(highest-lowest+1)))
		next.n++
		if l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	tb.Fatalf("no port of %d to %d on 127.0.0.1 is free", lowest, highest)
	return ""
}
