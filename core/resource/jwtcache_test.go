package resource_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/store"
)

// changingKeys are keys that change.
type changingKeys struct{ set atomic.Pointer[jose.KeySet] }

func (k *changingKeys) KeySet(context.Context, *jose.KeySet) (*jose.KeySet, error) {
	return k.set.Load(), nil
}

// remembering is a guard that remembers, with hands on its clock, its keys and what it finds revoked.
type remembering struct {
	key   *jose.Key
	keys  changingKeys
	now   time.Time
	guard *resource.Guard
}

func remember(t *testing.T, change func(*resource.JWT)) *remembering {
	t.Helper()
	key, err := jose.Generate(jose.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	r := &remembering{key: key, now: today}
	r.keys.set.Store(jose.NewKeySet(key.Public()))
	v := resource.JWT{Issuer: foreignIssuer, Keys: &r.keys}
	if change != nil {
		change(&v)
	}
	r.guard = newGuard(t, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{v}
		c.Now = func() time.Time { return r.now }
	})
	return r
}

func (r *remembering) sign(t *testing.T, claims string) string {
	t.Helper()
	raw, err := jose.Sign(r.key, "at+jwt", []byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (r *remembering) check(t *testing.T, raw string) (*mandate.Token, string) {
	t.Helper()
	tok, resp := r.guard.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, r.guard.Rule(mandate.Scope("profile"), false))
	return tok, show(resp)
}

// same fails unless raw passes, and the second time with the very token of the first if it should be remembered.
func (r *remembering) same(t *testing.T, raw string, want bool) {
	t.Helper()
	first, answer := r.check(t, raw)
	second, answer2 := r.check(t, raw)
	if answer != "pass" || answer2 != "pass" {
		t.Fatalf("refused: %s, %s", answer, answer2)
	}
	if (first == second) != want {
		t.Errorf("remembered: %v, want %v", first == second, want)
	}
}

func TestRemember(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*resource.JWT)
		claims string
		want   bool
	}{
		"by default":             {nil, goodClaims, true},
		"one":                    {func(j *resource.JWT) { j.Remember = 1 }, goodClaims, true},
		"switched off":           {func(j *resource.JWT) { j.Remember = -1 }, goodClaims, false},
		"not what is over 8 KiB": {nil, strings.Replace(goodClaims, `"jti"`, `"x":"`+strings.Repeat("a", 8<<10)+`","jti"`, 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := remember(t, tc.change)
			r.same(t, r.sign(t, tc.claims), tc.want)
		})
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	const minutes10 = `1800000600`
	t.Run("at the end of the token", func(t *testing.T) {
		t.Parallel()
		r := remember(t, nil)
		raw := r.sign(t, strings.Replace(goodClaims, minutes10, `1800000060`, 1))
		r.same(t, raw, true)
		r.now = today.Add(time.Minute - time.Millisecond)
		r.same(t, raw, true)
		r.now = today.Add(time.Minute)
		if _, answer := r.check(t, raw); answer != invalid {
			t.Errorf("after its end: %s", answer)
		}
	})
	t.Run("after five minutes", func(t *testing.T) {
		t.Parallel()
		r := remember(t, nil)
		raw := r.sign(t, goodClaims)
		first, _ := r.check(t, raw)
		r.now = today.Add(5*time.Minute - time.Millisecond)
		if tok, _ := r.check(t, raw); tok != first {
			t.Error("forgotten before five minutes were over")
		}
		r.now = today.Add(5 * time.Minute)
		if tok, answer := r.check(t, raw); tok == first || answer != "pass" {
			t.Errorf("after five minutes: the same token, or %s", answer)
		}
	})
	t.Run("not before nbf, should the clock go back", func(t *testing.T) {
		t.Parallel()
		r := remember(t, nil)
		raw := r.sign(t, strings.Replace(goodClaims, `"jti"`, `"nbf":1800000000,"jti"`, 1))
		r.same(t, raw, true)
		r.now = today.Add(-time.Second)
		if _, answer := r.check(t, raw); answer != invalid {
			t.Errorf("before nbf: %s", answer)
		}
		r.now = today
		r.same(t, raw, true)
	})
	t.Run("when its key leaves the keys", func(t *testing.T) {
		t.Parallel()
		r := remember(t, nil)
		raw := r.sign(t, goodClaims)
		first, _ := r.check(t, raw)
		other, err := jose.Generate(jose.EdDSA)
		if err != nil {
			t.Fatal(err)
		}
		again, err := jose.NewPublicKey(jose.EdDSA, r.key.Public().Key(), r.key.ID())
		if err != nil {
			t.Fatal(err)
		}
		r.keys.set.Store(jose.NewKeySet(other.Public(), again)) // rotated: the old key is still there, read anew
		if tok, answer := r.check(t, raw); tok != first {
			t.Errorf("forgotten with a new set that has the key: %s", answer)
		}
		r.keys.set.Store(jose.NewKeySet(other.Public()))
		if _, answer := r.check(t, raw); answer != invalid {
			t.Errorf("without its key: %s", answer)
		}
		r.keys.set.Store(jose.NewKeySet())
		if _, answer := r.check(t, raw); answer != invalid {
			t.Errorf("without any key: %s", answer)
		}
		r.keys.set.Store(nil)
		if _, answer := r.check(t, raw); answer != invalid {
			t.Errorf("without a set: %s", answer)
		}
	})
	t.Run("never what another signature says", func(t *testing.T) {
		t.Parallel()
		r := remember(t, nil)
		raw := r.sign(t, goodClaims)
		r.same(t, raw, true)
		dot := strings.LastIndexByte(raw, '.')
		for _, forged := range []string{raw[:dot+1], raw[:dot+1] + strings.Repeat("A", len(raw)-dot-1), respelled(raw), raw + "A"} {
			if _, answer := r.check(t, forged); answer != invalid {
				t.Errorf("%s: %s", forged, answer)
			}
		}
	})
	t.Run("never what its signature is not for", func(t *testing.T) {
		t.Parallel()
		r := remember(t, nil)
		raw := r.sign(t, goodClaims)
		r.same(t, raw, true)
		part, other := strings.Split(raw, "."), strings.Split(r.sign(t, strings.Replace(goodClaims, `"ann"`, `"bob"`, 1)), ".")
		if part[1] == other[1] {
			t.Fatal("the same claims")
		}
		for name, forged := range map[string]string{
			"other claims":    part[0] + "." + other[1] + "." + part[2],
			"another header":  "eyJhbGciOiJFZERTQSJ9." + part[1] + "." + part[2],
			"another dot":     part[0] + "." + part[1][:9] + "." + part[1][9:] + "." + part[2],
			"a dot elsewhere": part[0] + "." + part[1] + part[2][:9] + "." + part[2][9:],
			"no claims":       part[0] + "." + part[2],
			"nothing else":    ".." + part[2],
		} {
			if _, answer := r.check(t, forged); answer != invalid {
				t.Errorf("%s: %s", name, answer)
			}
		}
	})
	t.Run("never a refusal", func(t *testing.T) {
		t.Parallel()
		r := remember(t, nil)
		raw := r.sign(t, strings.Replace(goodClaims, `"jti"`, `"nbf":1800000001,"jti"`, 1))
		if _, answer := r.check(t, raw); answer != invalid {
			t.Errorf("before nbf: %s", answer)
		}
		r.now = today.Add(time.Second)
		r.same(t, raw, true)
	})
}

// TestRememberedIsStillChecked shows that a token is remembered and no verdict.
func TestRememberedIsStillChecked(t *testing.T) {
	t.Parallel()
	state := &live{wantJTI: "j1", wantName: "g1", tomb: store.ErrNotFound}
	r := remember(t, func(j *resource.JWT) { j.Live = state })
	raw := r.sign(t, strings.Replace(goodClaims, `"jti"`, `"grant":"g1","jti"`, 1))
	r.same(t, raw, true)
	if _, resp := r.guard.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, r.guard.Rule(mandate.Scope("admin"), false)); statusOf(resp) != 403 {
		t.Errorf("another scope: %s", show(resp))
	}
	state.tomb = store.ErrRevoked
	if _, answer := r.check(t, raw); answer != invalid {
		t.Errorf("the token was revoked: %s", answer)
	}
	state.tomb, state.grant.Revoked = store.ErrNotFound, today.Add(-time.Second)
	if _, answer := r.check(t, raw); answer != invalid {
		t.Errorf("the grant was revoked: %s", answer)
	}
	state.grant.Revoked, state.grantErr = time.Time{}, context.DeadlineExceeded
	if _, answer := r.check(t, raw); answer != outage {
		t.Errorf("the store is down: %s", answer)
	}
	state.grantErr = nil
	r.same(t, raw, true)

	bound := r.sign(t, strings.Replace(goodClaims, `"jti":"j1"`, `"grant":"g1","jti":"j1","cnf":{"jkt":"x"}`, 1))
	for range 2 {
		if _, answer := r.check(t, bound); answer != invalid {
			t.Errorf("bound to a key that nobody proves: %s", answer)
		}
	}
}

// TestRememberIsBounded verifies many more tokens than are remembered and looks at the memory.
func TestRememberIsBounded(t *testing.T) { //nolint:paralleltest // it measures memory
	const most, distinct = 256, 10_000
	r := remember(t, func(j *resource.JWT) { j.Remember = most })
	rule := r.guard.Rule(mandate.Scope("profile"), false)
	next := func(i int) {
		raw, err := jose.Sign(r.key, "at+jwt", fmt.Appendf(nil, `{"iss":"https://login.example.com","aud":"https://api.example.com","sub":"ann","client_id":"web","exp":1800000600,"iat":1799999940,"jti":"%d","scope":"profile"}`, i))
		if err != nil {
			t.Error(err)
			return
		}
		if _, resp := r.guard.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, rule); resp != nil {
			t.Error(show(resp))
		}
	}
	for i := range 2 * most {
		next(i)
	}
	before := heap()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := w; i < distinct; i += 4 {
				next(i)
			}
		})
	}
	wg.Wait()
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("%d tokens left %d bytes more", distinct, grown)
	}
	runtime.KeepAlive(r)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestRememberKeepsTheUsed shows that a token in use is not crowded out by many that come once.
func TestRememberKeepsTheUsed(t *testing.T) {
	t.Parallel()
	r := remember(t, func(j *resource.JWT) { j.Remember = 16 })
	hot := r.sign(t, goodClaims)
	first, _ := r.check(t, hot)
	for i := range 200 {
		r.now = r.now.Add(time.Second)
		r.check(t, r.sign(t, strings.Replace(goodClaims, `"j1"`, fmt.Sprintf(`"x%d"`, i), 1)))
		if i%10 == 0 {
			continue
		}
		if tok, _ := r.check(t, hot); tok != first {
			t.Fatalf("forgotten after %d others", i)
		}
	}
}

// TestRememberUnderRotation changes the keys all the time while tokens of all of them are checked: none is refused.
func TestRememberUnderRotation(t *testing.T) {
	t.Parallel()
	r := remember(t, func(j *resource.JWT) { j.Remember = 8 })
	var raws []string
	sets := []*jose.KeySet{r.keys.set.Load()}
	for i := range 40 {
		raws = append(raws, r.sign(t, strings.Replace(goodClaims, `"j1"`, fmt.Sprintf(`"x%d"`, i), 1)))
	}
	for range 4 {
		other, err := jose.Generate(jose.EdDSA)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, jose.NewKeySet(other.Public(), r.key.Public()))
	}
	rule := r.guard.Rule(mandate.Scope("profile"), false)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 500 {
				r.keys.set.Store(sets[(i+w)%len(sets)])
				if _, resp := r.guard.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raws[(i*7+w)%len(raws)]}, rule); resp != nil {
					t.Error(show(resp))
				}
			}
		})
	}
	wg.Wait()
}
