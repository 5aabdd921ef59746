package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-mandate/mandate/bench/internal/subject"
)

// The load: its length and the requests in a slice are bounded, whatever the machine.
const (
	connections = 16
	sliceCount  = 24
	sliceLength = 150 * time.Millisecond
	sliceMost   = 10_000
)

// ourselves is what this program serves as, by name.
func ourselves() map[string]func() http.Handler {
	return map[string]func() http.Handler{"fixed": subject.Fixed, "floor": subject.Floor, "mandate": subject.Mandate, "fosite": subject.Fosite, "go-oauth2": subject.GoOAuth2}
}

// serveLoopback answers on a free port of loopback, which it prints, until its input ends.
func serveLoopback(name string) error {
	open, ok := ourselves()[name]
	if !ok {
		return fmt.Errorf("there is no server called %q", name)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: open(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = srv.Close()
	}()
	fmt.Println(l.Addr())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// loopback compares the CPU time of a token request over loopback HTTP with that of a fixed answer, and that of other servers with ours: two
// processes at a time, each on one CPU, under the same load in turn.
func loopback(t *table) {
	names := map[string]string{"fixed": "a fixed answer of net/http", "floor": "the hand-written bound", "mandate": "ours"}
	named := func(name string) string {
		if n, ok := names[name]; ok {
			return n
		}
		return name
	}
	for _, c := range []struct {
		other, base string
		most, least float64 // what is promised of the ratio; zero: nothing
	}{
		{"mandate", "fixed", 1.4, 0},
		{"floor", "fixed", 0, 0},
		{"fosite", "mandate", 0, 1.9},
		{"fosite", "floor", 0, 0},
		{"go-oauth2", "mandate", 0, 1.9},
		{"go-oauth2", "floor", 0, 0},
		{"node-oidc-provider", "mandate", 0, 7},
		{"Authlib on Flask", "mandate", 0, 14},
	} {
		what, target := "client credentials over loopback HTTP: "+named(c.other)+", in "+named(c.base), ""
		switch {
		case c.most > 0:
			target = fmt.Sprintf("at most %.1f", c.most)
		case c.least > 0:
			target = fmt.Sprintf("at least %.1f", c.least)
		}
		ratio, others, bases, err := compareLoopback(c.base, c.other)
		switch {
		case errors.Is(err, errNotHere):
			fmt.Fprintln(os.Stderr, c.other, "is not measured:", err)
		case err != nil:
			t.add(what, target, err.Error(), false)
		default:
			t.add(what, target, fmt.Sprintf("%.2f (%.1f us on %.1f us of CPU)", ratio, others/1000, bases/1000), (c.most == 0 || ratio <= c.most) && ratio >= c.least)
		}
	}
}

// compareLoopback returns how many times the CPU of base other takes, and what each takes for a request, in nanoseconds.
func compareLoopback(base, other string) (ratio, others, bases float64, err error) {
	var servers [2]*child
	for i, name := range []string{base, other} {
		if servers[i], err = start(name); err != nil {
			return 0, 0, 0, fmt.Errorf("%s: %w", name, err)
		}
		defer servers[i].end()
	}
	var ratios, them, us []float64
	for i := range sliceCount + 2 {
		var cost [2]float64
		for _, j := range []int{i % 2, 1 - i%2} {
			if cost[j], err = servers[j].cost(); err != nil {
				return 0, 0, 0, err
			}
		}
		if i >= 2 { // the first ones warm up
			ratios, them, us = append(ratios, cost[1]/cost[0]), append(them, cost[1]), append(us, cost[0])
		}
	}
	return median(ratios), median(them), median(us), nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// cost loads the server for a slice and returns its CPU time for a request.
func (c *child) cost() (float64, error) {
	before, err := used(c.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	end := time.Now().Add(sliceLength)
	for _, n := range c.conns {
		wg.Go(func() {
			for time.Now().Before(end) && done.Load() < sliceMost {
				if err := n.request(); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	after, err := used(c.cmd.Process.Pid)
	return (after - before) / float64(done.Load()), err
}

// conn is a connection that is kept. It speaks as little HTTP as it must, so that the load costs less than what is loaded.
type conn struct {
	net.Conn

	buf []byte
}

//nolint:gochecknoglobals // constant by nature
var raw = subject.Raw()

func (c *conn) request() error {
	if _, err := c.Write(raw); err != nil {
		return err
	}
	n := 0
	for {
		m, err := c.Read(c.buf[n:])
		if n += m; err != nil {
			return err
		}
		head := bytes.Index(c.buf[:n], []byte("\r\n\r\n"))
		if head < 0 {
			continue
		}
		if !bytes.HasPrefix(c.buf[:n], []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("answer %q", c.buf[:n])
		}
		_, tail, ok := bytes.Cut(c.buf[:head], []byte("Content-Length: "))
		number, _, _ := bytes.Cut(tail, []byte("\r\n"))
		length, err := strconv.Atoi(string(number))
		if !ok || err != nil {
			return fmt.Errorf("answer without Content-Length: %q", c.buf[:n])
		}
		if n >= head+4+length {
			return nil
		}
	}
}
