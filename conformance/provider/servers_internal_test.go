package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dbServer is a database server of the test's own.
type dbServer struct {
	t    *testing.T
	name string // as .ci/databases/start calls it
	dir  string
	dsn  string
}

// newServer starts one, or leaves the test out where there is none for other tests either.
func newServer(t *testing.T, name, store string) *dbServer {
	t.Helper()
	dsnOf(t, store)
	const scripts = "../../.ci/databases/"
	variable := "MANDATE_" + strings.ToUpper(name)
	out, err := exec.CommandContext(t.Context(), "bash", "-c",
		`eval "$(`+scripts+`start `+name+`)" && echo "$MANDATE_DATABASES" && echo "$`+variable+`"`).Output()
	lines := strings.Split(string(out), "\n")
	if err != nil || len(lines) < 2 {
		t.Fatalf("start %s: %v, %q", name, err, out)
	}
	s := &dbServer{t, name, lines[0], lines[1]}
	t.Cleanup(func() {
		for _, pid := range s.processes() {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
		if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "bash", scripts+"stop", s.dir).CombinedOutput(); err != nil {
			t.Errorf("stop %s: %v, %s", name, err, out)
		}
	})
	return s
}

// pid is the server's.
func (s *dbServer) pid() int {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, s.name+".pid"))
	pid, fail := strconv.Atoi(string(bytes.TrimSpace(data)))
	if err != nil || fail != nil {
		s.t.Fatal(err, fail)
	}
	return pid
}

// processes are the server's own and those that it started, one for each connection.
func (s *dbServer) processes() []int {
	s.t.Helper()
	parent := strconv.Itoa(s.pid())
	all := []int{s.pid()}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		data, _ := os.ReadFile(name) // some are over by now
		_, rest, _ := strings.Cut(string(data), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == parent {
			if pid, err := strconv.Atoi(strings.Split(name, "/")[2]); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}

// stop ends the server at once, whoever is connected.
func (s *dbServer) stop() {
	s.t.Helper()
	pid := s.pid()
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		s.t.Fatal(err)
	}
	s.t.Log(s.name, "is told to stop")
	until(s.t, "the server to end", func() bool {
		data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		return err != nil || strings.Contains(string(data), ") Z ")
	})
}

// restart starts it where it was, with what it had.
func (s *dbServer) restart() {
	s.t.Helper()
	if out, err := exec.CommandContext(s.t.Context(), filepath.Join(s.dir, s.name+".run")).CombinedOutput(); err != nil {
		s.t.Fatalf("restart %s: %v, %s", s.name, err, out)
	}
}

// freeze lets it take connections and answer nothing; thaw undoes it.
func (s *dbServer) freeze() { s.signal(syscall.SIGSTOP) }
func (s *dbServer) thaw()   { s.signal(syscall.SIGCONT) }

func (s *dbServer) signal(sig syscall.Signal) {
	s.t.Helper()
	for i, pid := range s.processes() {
		if err := syscall.Kill(pid, sig); err != nil && i == 0 { // the others come and go
			s.t.Fatal(err)
		}
	}
}

// until waits for something, half a minute at most.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited half a minute for %s", what)
		}
	}
}
