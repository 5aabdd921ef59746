package redisstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

const codes = 3000

// keyBy is the key of the token for which a process redeems code i.
func keyBy(process string, i int) mandate.Digest {
	return mandate.DigestOf(process + "/" + strconv.Itoa(i))
}

// contend redeems all codes, from a random one on, and prints those that it won.
func contend(t *testing.T, prefix, process string) {
	t.Helper()
	s, ctx, from := with(t, server(t), redisstore.Config{Prefix: prefix}), t.Context(), rand.N(codes)
	for n := range codes {
		i := (from + n) % codes
		id := strconv.Itoa(i)
		_, err := s.Redeem(ctx, store.Redemption{
			GrantID: id, Now: time.Now(), Expires: time.Now().Add(time.Hour), KeyID: "k", Key: keyBy(process, i),
			Token: mandate.NewToken(mandate.TokenInfo{GrantID: id, Expires: time.Now().Add(time.Hour)}),
		})
		if err == nil {
			fmt.Println("won", i)
		} else if !errors.Is(err, store.ErrUsed) && !errors.Is(err, store.ErrRevoked) {
			t.Error(err)
		}
	}
}

// Processes that redeem the same codes, some of them killed on the way, while some grants are revoked: no code is spent twice, no token
// is live under a grant that is dead, and what was won otherwise is there.
func TestKilled(t *testing.T) {
	t.Parallel()
	if prefix, process, ok := strings.Cut(os.Getenv("REDIS_CONTEND"), " "); ok {
		contend(t, prefix, process)
		return
	}
	client := server(t)
	if client == nil {
		return
	}
	c := empty(t, client)
	s, ctx := with(t, client, c), t.Context()
	for i := range codes {
		if err := s.CreateGrant(ctx, store.Grant{ID: strconv.Itoa(i), Subject: "s" + strconv.Itoa(i%10), Created: time.Now(), Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	const processes = 6
	var mu sync.Mutex // guards won
	won := map[string][]string{}
	var wg sync.WaitGroup
	for n := range processes {
		wg.Go(func() {
			process := strconv.Itoa(n)
			ctx, kill := context.WithCancel(ctx)
			defer kill()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilled$", "-test.count=1")
			cmd.Env = append(os.Environ(), "REDIS_CONTEND="+c.Prefix+" "+process)
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Error(err)
				return
			}
			patience := 10 + rand.N(200) // lines, of those that are killed
			for lines := bufio.NewScanner(out); lines.Scan(); {
				if id, ok := strings.CutPrefix(lines.Text(), "won "); ok {
					mu.Lock()
					won[id] = append(won[id], process)
					mu.Unlock()
				} else if lines.Text() != "PASS" {
					t.Error(lines.Text())
				}
				if patience--; patience == 0 && n > 0 {
					kill() // SIGKILL
				}
			}
			if err := cmd.Wait(); err != nil && n == 0 {
				t.Error(err)
			}
		})
	}
	ended, err := s.RevokeGrants(ctx, store.GrantQuery{Subject: "s3"}, store.BySubject, time.Now())
	if err != nil || len(ended) != codes/10 {
		t.Errorf("RevokeGrants ended %d, %v, want %d", len(ended), err, codes/10)
	}
	wg.Wait()
	for i := range codes {
		id := strconv.Itoa(i)
		if n := len(won[id]); n > 1 {
			t.Errorf("code %d was spent by processes %q", i, won[id])
		}
		var live []string
		for n := range processes {
			if _, err := s.Token(ctx, keyBy(strconv.Itoa(n), i), time.Now()); err == nil {
				live = append(live, strconv.Itoa(n))
			}
		}
		switch {
		case i%10 == 3:
			if len(live) > 0 {
				t.Errorf("code %d: tokens of processes %q are live under a grant that is dead", i, live)
			}
		case len(live) != 1 || len(won[id]) == 1 && won[id][0] != live[0]:
			t.Errorf("code %d: tokens of processes %q are live, and %q say that they won", i, live, won[id])
		}
	}
}
