package gormstore_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// A token whose key is taken does not move its grant, and harms nobody who shares the commit.
func TestRedeemWithAKeyThatIsTaken(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const all = 48
			s, _ := migrated(t, open(t, d(t)))
			now := time.Now()
			for i := range all {
				approve(t, s, strconv.Itoa(i))
			}
			var wg sync.WaitGroup
			for i := range all {
				wg.Go(func() {
					id, want := strconv.Itoa(i), error(nil)
					key := mandate.DigestOf("new " + id)
					if i%3 == 0 {
						key, want = mandate.DigestOf(strconv.Itoa((i+1)%all)), store.ErrExists // another's
					}
					_, err := s.Redeem(t.Context(), store.Redemption{
						GrantID: id, Now: now, Expires: now.Add(time.Hour), Key: key,
						Token: mandate.NewToken(mandate.TokenInfo{GrantID: id, Expires: now.Add(time.Hour)}),
					})
					if !errors.Is(err, want) {
						t.Errorf("Redeem of %s: error = %v, want %v", id, err, want)
					}
				})
			}
			wg.Wait()
			for i := range all {
				moved := int64(1)
				if i%3 == 0 {
					moved = 0
				}
				if g, err := s.Grant(t.Context(), strconv.Itoa(i)); err != nil || g.Generation != moved {
					t.Errorf("grant %d is at generation %d, %v, want %d", i, g.Generation, err, moved)
				}
			}
		})
	}
}
