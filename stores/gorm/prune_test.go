package gormstore_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// What was revoked and has no end goes too, long after.
func TestPruneRevokedWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			s, _ := migrated(t, open(t, d))
			now := time.Now()
			for _, id := range []string{"alive", "revoked"} {
				must(t, s.CreateGrant(t.Context(), store.Grant{ID: id, Created: now}))
			}
			must(t, s.RevokeGrant(t.Context(), "revoked", store.BySubject, now))
			must(t, s.RevokeGrant(t.Context(), "never made", store.ByReuse, now))
			for after, want := range map[time.Duration]int{time.Hour: 0, 29 * 24 * time.Hour: 0} {
				if n, err := s.Prune(t.Context(), now.Add(after), 100); n != want || err != nil {
					t.Errorf("Prune after %v = %d, %v, want %d", after, n, err, want)
				}
			}
			if n, err := s.Prune(t.Context(), now.Add(31*24*time.Hour), 100); n != 2 || err != nil {
				t.Errorf("Prune after a month = %d, %v, want both that were revoked", n, err)
			}
			_, err := s.Grant(t.Context(), "alive")
			must(t, err)
		})
	}
}

// Two that prune at once remove every record once.
func TestPruneSideBySide(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			s, _ := migrated(t, open(t, d))
			now := time.Now()
			const records = 300
			for i := range records {
				must(t, s.UseOnce(t.Context(), "jti", mandate.Digest{byte(i), byte(i >> 8), 1}, now, now.Add(time.Second)))
			}
			total := make(chan int)
			for range 4 {
				go func() {
					sum := 0
					for {
						n, err := s.Prune(t.Context(), now.Add(time.Minute), 20)
						if err != nil {
							t.Error(err)
						}
						if sum += n; n == 0 || err != nil {
							break
						}
					}
					total <- sum
				}()
			}
			sum := 0
			for range 4 {
				sum += <-total
			}
			rest, err := s.Prune(t.Context(), now.Add(time.Minute), 1000) // those that another held
			must(t, err)
			if sum+rest != records {
				t.Errorf("%d records went, want %d", sum+rest, records)
			}
		})
	}
}

// pruner removes as many as are left, and fails at its third call.
type pruner struct {
	left, calls int
	times       []time.Time
}

var errPruner = errors.New("out of order")

func (p *pruner) Prune(_ context.Context, now time.Time, limit int) (int, error) {
	p.times = append(p.times, now)
	if p.calls++; p.calls == 3 {
		return 0, errPruner
	}
	n := min(limit, p.left)
	p.left -= n
	return n, nil
}

func TestKeepPruned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		p := &pruner{left: 1500}
		type heard struct {
			n   int
			err error
		}
		var all []heard
		err := gormstore.KeepPruned(ctx, p, time.Minute, func(n int, err error) { all = append(all, heard{n, err}) })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("KeepPruned: error = %v, want that of its context", err)
		}
		want := []heard{{1500, nil}, {0, errPruner}, {0, nil}}
		if len(all) != len(want) {
			t.Fatalf("heard %v, want %v", all, want)
		}
		for i := range want {
			if all[i].n != want[i].n || !errors.Is(all[i].err, want[i].err) {
				t.Errorf("heard %v, want %v", all[i], want[i])
			}
		}
		if last := p.times[len(p.times)-1]; last.Sub(p.times[0]) != 2*time.Minute {
			t.Errorf("pruned until %v after the first time, want two minutes", last.Sub(p.times[0]))
		}
	})
}

func TestKeepPrunedStopsWithItsContext(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t, open(t, file(filepath.Join(t.TempDir(), "test.db"))))
	ctx, cancel := context.WithCancel(t.Context())
	must(t, s.UseOnce(ctx, "jti", mandate.DigestOf("x"), time.Now(), time.Now().Add(-time.Hour)))
	err := gormstore.KeepPruned(ctx, s, 0, func(n int, err error) {
		if n != 1 || err != nil {
			t.Errorf("heard %d, %v, want 1", n, err)
		}
		cancel()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("KeepPruned: error = %v, want %v", err, context.Canceled)
	}
}
