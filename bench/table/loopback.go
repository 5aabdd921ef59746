package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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

// serveLoopback answers on a free port of loopback, which it prints. To each line that it reads it answers with the CPU
// time that it has used so far; at the end of the input it ends.
func serveLoopback(name string) error {
	h := subject.Fixed()
	if name == "mandate" {
		h = subject.Mandate()
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			var u syscall.Rusage
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
			fmt.Println(u.Utime.Nano() + u.Stime.Nano())
		}
		_ = srv.Close()
	}()
	fmt.Println(l.Addr())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// loopback compares the CPU time of a token request over loopback HTTP with that of a fixed answer: two servers, each a
// process on one CPU, under the same load in turn.
func loopback(t *table) {
	ratio, ours, fixed, err := compareLoopback()
	what, target := "client credentials over loopback HTTP, in fixed answers of net/http", "at most 1.4"
	if err != nil {
		t.add(what, target, err.Error(), false)
		return
	}
	t.add(what, target, fmt.Sprintf("%.2f (%.1f us on %.1f us of CPU)", ratio, ours/1000, fixed/1000), ratio <= 1.4)
}

func compareLoopback() (ratio, ours, fixed float64, err error) {
	var servers [2]*child
	for i, name := range []string{"fixed", "mandate"} {
		if servers[i], err = start(name); err != nil {
			return 0, 0, 0, err
		}
		defer servers[i].end()
	}
	var ratios, us, them []float64
	for i := range sliceCount + 2 {
		var cost [2]float64
		for _, j := range []int{i % 2, 1 - i%2} {
			if cost[j], err = servers[j].cost(); err != nil {
				return 0, 0, 0, err
			}
		}
		if i >= 2 { // the first ones warm up
			ratios, us, them = append(ratios, cost[1]/cost[0]), append(us, cost[1]), append(them, cost[0])
		}
	}
	return median(ratios), median(us), median(them), nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// child is a server in a process of its own.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	conns []*conn
}

func start(name string) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	argv := []string{exe, "-serve", name}
	if taskset, err := exec.LookPath("taskset"); err == nil {
		argv = append([]string{taskset, "-c", "0"}, argv...)
	}
	c := &child{cmd: exec.CommandContext(context.Background(), argv[0], argv[1:]...)}
	c.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	addr, err := c.out.ReadString('\n')
	for range connections {
		if err != nil {
			break
		}
		var n net.Conn
		if n, err = new(net.Dialer).DialContext(context.Background(), "tcp", strings.TrimSpace(addr)); err == nil {
			c.conns = append(c.conns, &conn{Conn: n, buf: make([]byte, 8<<10)})
		}
	}
	if err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// end ends the process and waits for it.
func (c *child) end() {
	for _, n := range c.conns {
		_ = n.Close()
	}
	_ = c.in.Close()
	_ = c.cmd.Wait()
}

// cpu returns the CPU time that the server has used, in nanoseconds.
func (c *child) cpu() (float64, error) {
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		return 0, err
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(line), 64)
}

// cost loads the server for a slice and returns its CPU time for a request.
func (c *child) cost() (float64, error) {
	before, err := c.cpu()
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
	after, err := c.cpu()
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
