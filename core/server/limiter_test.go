package server_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/server"
)

func guess(account, remote string, at time.Time) server.Attempt {
	return server.Attempt{What: server.PasswordAttempt, Account: account, Remote: remote, At: at}
}

func newLimiter(t *testing.T, c server.LimiterConfig) server.Limiter {
	t.Helper()
	l, err := server.NewLimiter(c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// try makes an attempt that is wrong, and returns how long it must wait first.
func try(t *testing.T, l server.Limiter, a server.Attempt) time.Duration {
	t.Helper()
	wait, err := l.Try(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if wait == 0 {
		l.Done(t.Context(), a, server.Wrong)
	}
	return wait
}

func TestLimiterDoublesTheWait(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, server.LimiterConfig{})
	now := time.Unix(1_700_000_000, 0)
	for range 5 {
		if wait := try(t, l, guess("alice", "192.0.2.1", now)); wait != 0 {
			t.Fatalf("wait = %v among the first five", wait)
		}
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
		want *= time.Second
		if wait := try(t, l, guess("alice", "192.0.2.1", now)); wait != want {
			t.Fatalf("wait = %v, want %v", wait, want)
		}
		if wait := try(t, l, guess("alice", "192.0.2.1", now.Add(want-time.Millisecond))); wait != time.Millisecond {
			t.Fatalf("wait = %v a millisecond before the end", wait)
		}
		if now = now.Add(want); try(t, l, guess("alice", "192.0.2.1", now)) != 0 {
			t.Fatalf("still waiting after %v", want)
		}
	}
	for name, other := range map[string]server.Attempt{
		"another account": guess("bob", "192.0.2.1", now), "another address": guess("alice", "192.0.2.2", now),
		"another kind": {What: server.UserCodeAttempt, Account: "alice", Remote: "192.0.2.1", At: now},
	} {
		if wait := try(t, l, other); wait != 0 {
			t.Errorf("%s waits %v", name, wait)
		}
	}
	if wait := try(t, l, guess(" ALICE ", "192.0.2.1", now)); wait == 0 {
		t.Error("another way to write the name has tries of its own")
	}
	if wait := try(t, l, guess("alice", "192.0.2.1", now.Add(10*time.Minute))); wait != 0 {
		t.Errorf("wait = %v after ten quiet minutes", wait)
	}
}

func TestLimiterForgetsWhatWasRight(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, server.LimiterConfig{Free: 2})
	now := time.Unix(1_700_000_000, 0)
	for range 10 {
		if wait := try(t, l, guess("alice", "", now)); wait != 0 {
			t.Fatalf("wait = %v", wait)
		}
		a := guess("alice", "", now)
		if wait, err := l.Try(t.Context(), a); wait != 0 || err != nil {
			t.Fatalf("wait = %v, %v", wait, err)
		}
		l.Done(t.Context(), a, server.Right)
	}
}

func TestLimiterForgivesWhatNobodyCouldTell(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, server.LimiterConfig{Free: 2})
	now := time.Unix(1_700_000_000, 0)
	try(t, l, guess("alice", "", now))
	for range 10 {
		a := guess("alice", "", now)
		if wait, err := l.Try(t.Context(), a); wait != 0 || err != nil {
			t.Fatalf("wait = %v, %v", wait, err)
		}
		l.Done(t.Context(), a, server.Undecided)
	}
	try(t, l, guess("alice", "", now))
	if wait := try(t, l, guess("alice", "", now)); wait == 0 {
		t.Error("an outage clears the count")
	}
}

func TestLimiterCountsThoseWhoTryAtOnce(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, server.LimiterConfig{})
	now := time.Unix(1_700_000_000, 0)
	var all sync.WaitGroup
	var passed atomic.Int64
	for range 64 {
		all.Go(func() {
			if wait, err := l.Try(t.Context(), guess("alice", "", now)); err == nil && wait == 0 {
				passed.Add(1)
			}
		})
	}
	if all.Wait(); passed.Load() != 5 {
		t.Errorf("%d of 64 passed, want 5", passed.Load())
	}
}

func TestLimiterOfWrites(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, server.LimiterConfig{Writes: 3})
	now := time.Unix(1_700_000_000, 0)
	write := func(at time.Time) time.Duration {
		t.Helper()
		return try(t, l, server.Attempt{What: server.WriteAttempt, ClientID: "app", At: at})
	}
	for range 3 {
		if wait := write(now.Add(10 * time.Second)); wait != 0 {
			t.Fatalf("wait = %v", wait)
		}
	}
	if wait := write(now.Add(30 * time.Second)); wait != 40*time.Second {
		t.Errorf("wait = %v, want until the minute is over", wait)
	}
	if wait := write(now.Add(70 * time.Second)); wait != 0 {
		t.Errorf("wait = %v in the next minute", wait)
	}
}

func TestLimiterCountsNetworks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		one, other string
		together   bool
	}{
		"addresses of one IPv6 network":         {"2001:db8:1:2::1", "2001:db8:1:2:ffff::2", true},
		"addresses of two IPv6 networks":        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		"the zone of an address":                {"fe80::1%eth0", "fe80::1%eth1", true},
		"an IPv4 address, and the same in IPv6": {"192.0.2.1", "::ffff:192.0.2.1", true},
		"two IPv4 addresses":                    {"192.0.2.1", "192.0.2.2", false},
		"two IPv4 addresses in IPv6":            {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		"what is no address":                    {"a", "b", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, now := newLimiter(t, server.LimiterConfig{}), time.Now()
			for range 6 {
				_ = try(t, l, guess("alice", c.one, now))
			}
			if wait := try(t, l, guess("alice", c.other, now)); (wait > 0) != c.together {
				t.Errorf("after six attempts from %s, one from %s waits %v", c.one, c.other, wait)
			}
		})
	}
}

func TestLimiterOutlastsAClockThatIsPutBack(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]time.Duration{"a little": 5 * time.Second, "a minute": time.Minute, "a day": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			l := newLimiter(t, server.LimiterConfig{Writes: 3})
			for range 20 {
				_ = try(t, l, guess("alice", "192.0.2.1", now))
				_ = try(t, l, server.Attempt{What: server.WriteAttempt, ClientID: "tv", Remote: "192.0.2.1", At: now})
			}
			if wait := try(t, l, guess("alice", "192.0.2.1", now.Add(-back))); wait > 30*time.Second {
				t.Errorf("a password waits %v", wait)
			}
			if wait := try(t, l, server.Attempt{What: server.WriteAttempt, ClientID: "tv", Remote: "192.0.2.1", At: now.Add(-back)}); wait > time.Minute {
				t.Errorf("a row waits %v", wait)
			}
		})
	}
	l, now := newLimiter(t, server.LimiterConfig{}), time.Now()
	for range 6 {
		_ = try(t, l, guess("alice", "192.0.2.1", now))
	}
	if wait := try(t, l, guess("alice", "192.0.2.1", now.Add(-5*time.Millisecond))); wait == 0 { // as of two processors
		t.Error("a clock that is behind a little frees who guesses")
	}
}

func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, server.LimiterConfig{Free: 1, Keys: 100})
	now := time.Unix(1_700_000_000, 0)
	for i := range 1000 {
		try(t, l, guess(fmt.Sprint("name ", i), "", now))
	}
	if wait := try(t, l, guess("name 999", "", now)); wait == 0 {
		t.Error("the newest is forgotten")
	}
	if wait := try(t, l, guess("name 0", "", now)); wait != 0 {
		t.Error("more than Keys are remembered")
	}
}

func TestLimiterRefuses(t *testing.T) {
	t.Parallel()
	for field, c := range map[string]server.LimiterConfig{
		"Free": {Free: -1}, "Writes": {Writes: -1}, "Registrations": {Registrations: -1}, "Keys": {Keys: -1}, "MaxWait": {MaxWait: -1}, "Forget": {Forget: -1},
	} {
		if _, err := server.NewLimiter(c); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: error = %v", field, err)
		}
	}
}
