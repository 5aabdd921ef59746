package freeport_test

import (
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/go-mandate/mandate/conformance/freeport"
)

func port(t *testing.T, addr string) int {
	t.Helper()
	host, text, err := net.SplitHostPort(addr)
	n, bad := strconv.Atoi(text)
	if err != nil || bad != nil || host != "127.0.0.1" || n < 10_240 || n > 19_999 {
		t.Fatalf("%q: want a port from 10240 to 19999 of 127.0.0.1", addr)
	}
	return n
}

// Many at once get an address each, of those that no system gives away and on which nobody listens.
func TestAddress(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex // guards seen
	var seen []string
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			addr := freeport.Address(t)
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, addr)
		})
	}
	all.Wait()
	once := map[int]bool{}
	for _, addr := range seen {
		n := port(t, addr)
		if once[n] {
			t.Errorf("%s was handed out twice", addr)
		}
		once[n] = true
	}

	last, taken := port(t, freeport.Address(t)), map[int]bool{}
	for n := last + 1; n <= last+20; n++ {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n)))
		if err != nil {
			continue // beyond the highest, or somebody else's
		}
		t.Cleanup(func() { _ = l.Close() })
		taken[n] = true
	}
	if n := port(t, freeport.Address(t)); taken[n] {
		t.Errorf("port %d is handed out, and somebody listens", n)
	}
}
