package freeport_test

import (
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/go-mandate/mandate/conformance/freeport"
)

// Many at once get an address each, that can be listened on and is none that systems give away.
func TestAddress(t *testing.T) {
	t.Parallel()
	var seen sync.Map
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			addr := freeport.Address(t)
			if _, twice := seen.LoadOrStore(addr, true); twice {
				t.Errorf("%s was handed out twice", addr)
			}
			host, port, err := net.SplitHostPort(addr)
			if n, _ := strconv.Atoi(port); err != nil || host != "127.0.0.1" || n < 10_240 || n > 19_999 {
				t.Errorf("%q: %v, want a port from 10240 to 19999 of 127.0.0.1", addr, err)
			}
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			_ = l.Close()
		})
	}
	all.Wait()
}

// A port on which somebody listens is left out.
func TestAddressLeavesListeners(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(freeport.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n+1+i)))
		if err != nil {
			continue // at the end of the range, or somebody else's
		}
		t.Cleanup(func() { _ = l.Close() })
	}
	for range 20 {
		addr := freeport.Address(t)
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
		if err != nil {
			t.Errorf("%s is handed out, and somebody listens: %v", addr, err)
			continue
		}
		_ = l.Close()
	}
}
