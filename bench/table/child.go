package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// child is a server in a process of its own, which is on one CPU where there is taskset.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser // its end is the server's
	conns []*conn
}

// errNotHere means that a server needs what is not installed.
var errNotHere = errors.New("it is not installed: see bench/README.md")

// command returns the program that is the server called name. It prints its address, unless it serves on its file 3, a listener.
func command(name string) (argv []string, printed bool, err error) {
	switch name {
	case "node-oidc-provider":
		dir := filepath.Join("peers", "oidc-provider")
		if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
			return nil, false, errNotHere
		}
		return []string{"node", filepath.Join(dir, "server.mjs")}, true, installed("node")
	case "Authlib on Flask":
		return []string{
			"gunicorn", "--chdir", filepath.Join("peers", "authlib"), "--workers", "1", "--worker-class", "gthread", "--threads", "4",
			"--keep-alive", "30", "--log-level", "error", "--bind", "fd://3", "server:app",
		}, false, installed("gunicorn")
	}
	exe, err := os.Executable()
	return []string{exe, "-serve", name}, true, err
}

func installed(program string) error {
	if _, err := exec.LookPath(program); err != nil {
		return errNotHere
	}
	return nil
}

func start(name string) (*child, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	file, err := l.File()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	argv, printed, err := command(name)
	if err != nil {
		return nil, err
	}
	if taskset, err := exec.LookPath("taskset"); err == nil {
		argv = append([]string{taskset, "-c", "0"}, argv...)
	}
	c := &child{cmd: exec.CommandContext(context.Background(), argv[0], argv[1:]...)} // #nosec G204 -- the programs above
	c.cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "AUTHLIB_INSECURE_TRANSPORT=1", "PYTHONDONTWRITEBYTECODE=1")
	c.cmd.Stderr, c.cmd.ExtraFiles = io.Discard, []*os.File{file}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	if printed {
		addr, err = bufio.NewReader(out).ReadString('\n')
	}
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
	_ = c.cmd.Process.Signal(os.Interrupt) // to who does not look at its input
	_ = c.cmd.Wait()
}

// used returns the CPU time, in nanoseconds, that the living threads of a process and of its children have used.
func used(pid int) (float64, error) {
	all, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*")
	if err != nil {
		return 0, err
	}
	var sum float64
	found := false
	for _, task := range all {
		stat, err := os.ReadFile(filepath.Join(task, "stat")) // #nosec G304 -- of the system
		if err != nil {
			continue // it ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest) // the state, the parent, and so on
		process := strings.Split(task, "/")[2]
		if own := strconv.Itoa(pid); process != own && (len(fields) < 2 || fields[1] != own) {
			continue
		}
		sched, err := os.ReadFile(filepath.Join(task, "schedstat")) // #nosec G304 -- of the system
		if err != nil {
			continue
		}
		first, _, _ := strings.Cut(string(sched), " ")
		ran, err := strconv.ParseFloat(first, 64)
		if err != nil {
			return 0, err
		}
		sum, found = sum+ran, true
	}
	if !found {
		return 0, fmt.Errorf("process %d is not there", pid)
	}
	return sum, nil
}
