package cachestore_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/conformance/rounds"
	"github.com/go-mandate/mandate/conformance/storetest"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	cachestore "github.com/go-mandate/mandate/stores/cache"
)

var start = time.Now().UTC().Truncate(time.Millisecond)

func open(t *testing.T, s cachestore.Settings) *cachestore.Cache {
	t.Helper()
	c, err := cachestore.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// suite holds caches of these settings against the contract. MANDATE_ROUNDS says how often each race is run.
func suite(t *testing.T, settings func(t *testing.T) cachestore.Settings) {
	t.Helper()
	features := storetest.Features{Rounds: rounds.From(t, "MANDATE_ROUNDS", 20)}
	t.Run("tickets", func(t *testing.T) {
		t.Parallel()
		storetest.RunTickets(t, func(t *testing.T) (a, b store.Tickets) {
			t.Helper()
			s := settings(t)
			return open(t, s), open(t, s)
		}, features)
	})
	t.Run("replay", func(t *testing.T) {
		t.Parallel()
		storetest.RunReplay(t, func(t *testing.T) (a, b store.Replay) {
			t.Helper()
			s := settings(t)
			return open(t, s), open(t, s)
		}, features)
	})
}

func TestFilesystem(t *testing.T) {
	t.Parallel()
	suite(t, func(t *testing.T) cachestore.Settings {
		t.Helper()
		return cachestore.Settings{Type: cachestore.Filesystem, Directory: filepath.Join(t.TempDir(), "a", "b"), Threshold: 1_000_000}
	})
}

// memcached returns settings with a prefix that nobody else has.
func memcached(t *testing.T) (s cachestore.Settings, ok bool) {
	t.Helper()
	server := os.Getenv("MANDATE_MEMCACHED")
	if server == "" {
		t.Log("left out: memcached, because MANDATE_MEMCACHED is not set; 127.0.0.1:11211, say")
		return s, false
	}
	return cachestore.Settings{Type: cachestore.Memcached, Servers: []string{server}, Prefix: rand.Text(), Timeout: 10 * time.Second}, true
}

func TestMemcached(t *testing.T) {
	t.Parallel()
	if _, ok := memcached(t); !ok {
		return
	}
	suite(t, func(t *testing.T) cachestore.Settings { t.Helper(); s, _ := memcached(t); return s })
}

// What memcached counts in seconds from now, or as a time: neither is taken for the other.
func TestMemcachedFarEnds(t *testing.T) {
	t.Parallel()
	s, ok := memcached(t)
	if !ok {
		return
	}
	c, ctx := open(t, s), t.Context()
	for _, d := range []time.Duration{time.Millisecond, 29 * 24 * time.Hour, 31 * 24 * time.Hour, 400 * 24 * time.Hour, 40 * 365 * 24 * time.Hour} {
		key := mandate.DigestOf(rand.Text())
		for _, want := range []error{nil, store.ErrUsed} {
			if err := c.UseOnce(ctx, "jti", key, start, start.Add(d)); !errors.Is(err, want) {
				t.Errorf("UseOnce until %v: error = %v, want %v", d, err, want)
			}
		}
	}
}

// A server that is not there is an outage, and never a verdict.
func TestMemcachedGone(t *testing.T) {
	t.Parallel()
	c, err := cachestore.Open(cachestore.Settings{Type: "memcache", Servers: []string{"127.0.0.1:1"}, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, key := t.Context(), mandate.DigestOf("x")
	_, read := c.Ticket(ctx, store.Device, key, start)
	for call, err := range map[string]error{
		"Check": c.Check(ctx), "UseOnce": c.UseOnce(ctx, "jti", key, start, start.Add(time.Minute)), "Ticket": read,
		"PutTicket":    c.PutTicket(ctx, store.Ticket{Kind: store.Device, Key: key}),
		"UpdateTicket": c.UpdateTicket(ctx, store.Ticket{Kind: store.Device, Key: key}),
	} {
		if err == nil || isVerdict(err) {
			t.Errorf("%s: error = %v, want an outage", call, err)
		}
	}
}

func isVerdict(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrUsed)
}

// contend uses 200 keys once, and puts and spends 200 tickets, and prints what it won.
func contend(t *testing.T, dir string) {
	t.Helper()
	c, ctx := open(t, cachestore.Settings{Type: cachestore.Filesystem, Directory: dir}), t.Context()
	for i := range 200 {
		key := mandate.DigestOf(strconv.Itoa(i))
		if err := c.UseOnce(ctx, "jti", key, start, start.Add(time.Hour)); err == nil {
			fmt.Println("won use", i)
		} else if !errors.Is(err, store.ErrUsed) {
			t.Error(err)
		}
		w := store.Ticket{Kind: store.Device, Key: key, AltKey: mandate.DigestOf("alt" + strconv.Itoa(i)), Expires: start.Add(time.Hour)}
		if err := c.PutTicket(ctx, w); err == nil {
			fmt.Println("won put", i)
		} else if !errors.Is(err, store.ErrExists) {
			t.Error(err)
		}
		w.Revision, w.Used = 1, start
		if err := c.UpdateTicket(ctx, w); err == nil {
			fmt.Println("won spend", i)
		} else if !errors.Is(err, store.ErrUsed) {
			t.Error(err)
		}
	}
}

// Four processes in one directory.
func TestProcesses(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("CACHE_CONTEND"); dir != "" {
		contend(t, dir)
		return
	}
	dir, begin := t.TempDir(), make(chan struct{})
	results := make(chan string)
	for range 4 {
		go func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcesses$", "-test.count=1")
			cmd.Env = append(os.Environ(), "CACHE_CONTEND="+dir)
			<-begin
			out, err := cmd.CombinedOutput()
			if err != nil {
				out = append(out, err.Error()...)
			}
			results <- string(out)
		}()
	}
	close(begin)
	won := map[string]int{}
	for range 4 {
		for line := range strings.Lines(<-results) {
			switch line = strings.TrimSpace(line); {
			case strings.HasPrefix(line, "won "):
				won[line]++
			case line != "PASS":
				t.Error(line)
			}
		}
	}
	if len(won) != 600 {
		t.Errorf("%d gates were passed, want 600", len(won))
	}
	for what, n := range won {
		if n != 1 {
			t.Errorf("%q by %d processes, want one", what, n)
		}
	}
}

func files(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	c := open(t, cachestore.Settings{Type: cachestore.Filesystem, Directory: dir, Threshold: 50})
	use := func(now time.Time) error {
		return c.UseOnce(ctx, "jti", mandate.DigestOf(rand.Text()), now, now.Add(time.Minute))
	}
	for range 50 {
		if err := use(start); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := use(start); err == nil || isVerdict(err) || !strings.Contains(err.Error(), "raise threshold, which is 50") {
			t.Errorf("UseOnce in a full directory: error = %v, want one that names the threshold", err)
		}
	}
	if n := len(files(t, dir)); n != 50 {
		t.Errorf("there are %d files, want the 50 that count", n)
	}
	if err := use(start.Add(time.Hour)); err != nil { // all are over now
		t.Error(err)
	}
	if n := len(files(t, dir)); n != 1 {
		t.Errorf("there are %d files, want the new one", n)
	}
	other := open(t, cachestore.Settings{Type: cachestore.Filesystem, Directory: dir, Threshold: 50})
	for range 200 { // each sees what the other makes
		_ = other.UseOnce(ctx, "jti", mandate.DigestOf(rand.Text()), start, start.Add(48*time.Hour))
		_ = use(start.Add(time.Hour))
	}
	if n := len(files(t, dir)); n > 50+2*50/16+2 {
		t.Errorf("there are %d files of two caches, want about 50", n)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	ctx, dir, end := t.Context(), t.TempDir(), start.Add(10*time.Minute)
	c := open(t, cachestore.Settings{Type: cachestore.Filesystem, Directory: dir})
	key := func(s string) mandate.Digest { return mandate.DigestOf(s) }
	w := store.Ticket{Kind: store.Device, Key: key("k"), AltKey: key("a"), Expires: start.Add(time.Minute)}
	moved := store.Ticket{Kind: store.Device, Key: key("m"), AltKey: key("n"), Expires: start.Add(time.Minute)}
	forever := store.Ticket{Kind: store.Device, Key: key("f")}
	if err := errors.Join(
		c.PutTicket(ctx, w), c.PutTicket(ctx, moved), c.PutTicket(ctx, forever),
		c.UseOnce(ctx, "jti", key("o"), start, end), c.UseOnce(ctx, "jti", key("p"), start, time.Time{}),
	); err != nil {
		t.Fatal(err)
	}
	for i := range 4 { // with versions
		moved.Revision, moved.Expires = int64(i+1), end.Add(time.Duration(i)*time.Minute)
		if err := c.UpdateTicket(ctx, moved); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		now  time.Time
		want int
	}{
		{start.Add(time.Minute), 0},
		{start.Add(time.Minute + 30*time.Second), 0},
		{start.Add(3 * time.Minute), 2},
		{end.Add(2 * time.Minute), 1},
		{end.Add(10 * time.Minute), 2},
		{end.Add(10 * 365 * 24 * time.Hour), 0},
	} {
		n, err := c.Prune(ctx, step.now, 100)
		if err != nil || n != step.want {
			t.Errorf("Prune after %v = %d, %v, want %d", step.now.Sub(start), n, err, step.want)
		}
	}
	if n := len(files(t, dir)); n != 2 {
		t.Errorf("there are %d files, want the two that never end", n)
	}
	if _, err := c.Ticket(ctx, store.Device, key("n"), start); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Ticket: error = %v, want ErrNotFound", err)
	}
	if err := c.UseOnce(ctx, "jti", key("p"), end, end); !errors.Is(err, store.ErrUsed) {
		t.Errorf("UseOnce: error = %v, want ErrUsed", err)
	}
	if err := c.PutTicket(ctx, w); err != nil {
		t.Errorf("PutTicket with the keys of one that went: %v", err)
	}
}

func TestDefaultTimeout(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	c := open(t, cachestore.Settings{Type: cachestore.Filesystem, Directory: dir, DefaultTimeout: time.Hour})
	w := store.Ticket{Kind: store.Device, Key: mandate.DigestOf("k"), Created: start}
	if err := errors.Join(c.PutTicket(ctx, w), c.UseOnce(ctx, "jti", mandate.DigestOf("o"), start, time.Time{})); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Prune(ctx, start.Add(59*time.Minute), 10); err != nil || n != 0 {
		t.Errorf("Prune = %d, %v, want none", n, err)
	}
	if n, err := c.Prune(ctx, start.Add(2*time.Hour), 10); err != nil || n != 1 {
		t.Errorf("Prune = %d, %v, want the ticket alone", n, err)
	}
}

// Names tell nothing, and nobody else may read the files.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	c := open(t, cachestore.Settings{Type: cachestore.Filesystem, Directory: dir})
	if err := c.PutTicket(t.Context(), store.Ticket{Kind: "../../etc", Key: mandate.DigestOf("k"), AltKey: mandate.DigestOf("a")}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v, want 0700", info.Mode(), err)
	}
	list := files(t, dir)
	if len(list) != 2 {
		t.Errorf("there are %d files, want 2", len(list))
	}
	for _, f := range list {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 || len(f.Name()) != 64 || strings.Trim(f.Name(), "0123456789abcdef") != "" {
			t.Errorf("file %s: %v, %v, want 64 hexadecimal digits and 0600", f.Name(), info.Mode(), err)
		}
	}
}
