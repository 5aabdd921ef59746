package jose_test

import (
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/jose"
)

// TestList: a key is published, signs, is retired and gone, and its successor follows.
func TestList(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ring, err := jose.NewRing(start, jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	rotated := start.Add(time.Hour)
	if ring, err = ring.Rotate(rotated, time.Minute, time.Hour); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		after  time.Duration // the rotation
		states []jose.KeyState
	}{
		"at once":                  {0, []jose.KeyState{jose.Signing, jose.Published}},
		"when the successor signs": {time.Minute, []jose.KeyState{jose.Retired, jose.Signing}},
		"when the old one is gone": {time.Minute + time.Hour, []jose.KeyState{jose.Signing}},
	} {
		list := ring.List(rotated.Add(tc.after))
		if len(list) != len(tc.states) {
			t.Errorf("%s: %+v, want %v", name, list, tc.states)
			continue
		}
		for i, k := range list {
			if k.State != tc.states[i] || k.Alg != jose.ES256 || k.ID == "" || k.Created.IsZero() {
				t.Errorf("%s: key %d is %+v, want it %s", name, i, k, tc.states[i])
			}
		}
	}
	list := ring.List(rotated)
	old, next := list[0], list[1]
	if !old.Created.Equal(start) || !old.Ends.Equal(rotated.Add(time.Minute)) || !old.Gone.Equal(old.Ends.Add(time.Hour)) || !next.Signs.Equal(old.Ends) || !next.Ends.IsZero() {
		t.Errorf("times are %+v and %+v", old, next)
	}

	one, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	two, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	given := jose.RingOf(one, two).List(start)
	if len(given) != 2 || given[0].State != jose.Signing || given[1].State != jose.Published || given[0].ID != one.ID() || !given[0].Created.IsZero() {
		t.Errorf("given keys are %+v, want the first to sign", given)
	}
	if list := (jose.Ring{}).List(start); len(list) != 0 {
		t.Errorf("no keys are %+v", list)
	}
}
