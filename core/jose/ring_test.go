package jose_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/jose"
)

const (
	overlap   = 10 * time.Minute
	retention = time.Hour
	every     = 24 * time.Hour
)

func ids(set *jose.KeySet) []string {
	var list []string
	for k := range set.All() {
		list = append(list, k.ID())
	}
	return list
}

func TestRing(t *testing.T) {
	t.Parallel()
	start := time.Unix(1700000000, 0)
	first, err := jose.NewRing(start, jose.ES256, jose.RS256)
	if err != nil {
		t.Fatal(err)
	}
	// All processes sign from the first moment, also one whose clock is behind.
	es, rs := first.Signer(jose.ES256, start.Add(-time.Hour)), first.Signer(jose.RS256, start)
	if es == nil || rs == nil || first.Signer(jose.EdDSA, start) != nil {
		t.Fatalf("signers = %v, %v", es, rs)
	}
	if got, want := ids(first.Public(start)), []string{es.ID(), rs.ID()}; !slices.Equal(got, want) {
		t.Errorf("published = %q, want %q", got, want)
	}
	if first.Due(start.Add(every-1), every) || !first.Due(start.Add(every), every) {
		t.Error("Due is not after a day")
	}

	at := start.Add(every)
	second, err := first.Rotate(at, overlap, retention)
	if err != nil {
		t.Fatal(err)
	}
	if second.Due(at, every) || !first.Due(at, every) {
		t.Error("Due after the rotation, or the old ring changed")
	}
	switches := at.Add(overlap)
	for name, tc := range map[string]struct {
		at        time.Time
		signsOld  bool
		published int
	}{
		"at the rotation":             {at, true, 4},
		"until the others have it":    {switches.Add(-1), true, 4},
		"when the others have it":     {switches, false, 4},
		"while its last token lives":  {switches.Add(retention - 1), false, 4},
		"when its last token is over": {switches.Add(retention), false, 2},
		"long after":                  {switches.Add(every), false, 2},
	} {
		if got := second.Signer(jose.ES256, tc.at) == es; got != tc.signsOld {
			t.Errorf("%s: old key signs = %v, want %v", name, got, tc.signsOld)
		}
		if got := second.Public(tc.at).Len(); got != tc.published {
			t.Errorf("%s: %d keys published, want %d", name, got, tc.published)
		}
		if k := second.Signer(jose.ES256, tc.at); second.Public(tc.at).Key(jose.ES256, k.ID()) == nil {
			t.Errorf("%s: the signing key is not published", name)
		}
	}

	// Two processes that rotate one after the other make one successor.
	again, err := second.Rotate(at.Add(time.Minute), overlap, retention)
	if err != nil || !slices.Equal(ids(again.Public(at)), ids(second.Public(at))) {
		t.Errorf("a second rotation = %q, %v, want no other keys than %q", ids(again.Public(at)), err, ids(second.Public(at)))
	}
	// Longer retention reaches what is retired already, shorter does not.
	longer, err := second.Rotate(switches.Add(-1), overlap, 2*retention)
	if err != nil || longer.Public(switches.Add(2*retention-1)).Len() != 4 {
		t.Errorf("retention of two hours: %v, want the old keys until then", err)
	}
	shorter, err := second.Rotate(switches.Add(-1), overlap, 0)
	if err != nil || shorter.Public(switches.Add(retention-1)).Len() != 4 {
		t.Errorf("no retention: %v, want the old keys as long as promised", err)
	}
	// The next rotation leaves out what is over.
	third, err := second.Rotate(at.Add(every), overlap, retention)
	if err != nil {
		t.Fatal(err)
	}
	if got := third.Public(at); got.Len() != 4 || got.Key(jose.ES256, es.ID()) != nil {
		t.Errorf("third ring = %q, want four keys without the first", ids(got))
	}
	if _, err := first.Rotate(at, -1, 0); err == nil {
		t.Error("negative overlap: want an error")
	}
}

func TestRingWith(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	ring, err := jose.NewRing(now, jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	same, err := ring.With(now, jose.ES256)
	if err != nil || same != ring {
		t.Errorf("With nothing new = %v, %v, want the ring itself", same, err)
	}
	more, err := ring.With(now, jose.EdDSA, jose.ES256, jose.EdDSA)
	if err != nil || more.Public(now).Len() != 2 || more.Signer(jose.EdDSA, now) == nil || ring.Signer(jose.EdDSA, now) != nil {
		t.Errorf("With EdDSA = %v, %v", more, err)
	}
	if _, err := ring.With(now, jose.HS256); err == nil {
		t.Error("With HS256: want an error")
	}
	var none jose.Ring
	if none.Signer(jose.ES256, now) != nil || none.Public(now).Len() != 0 || none.Due(now, 0) {
		t.Error("the zero ring has keys")
	}
	k := newKey(t, jose.ES256)
	old := newKey(t, jose.ES256)
	if given := jose.RingOf(k, nil, old); given.Due(now, every) || given.Signer(jose.ES256, now) != k || given.Public(now).Len() != 2 {
		t.Error("of given keys the first must sign, all be published and none be due")
	}
}

func TestRingMarshal(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	ring, err := jose.NewRing(now, jose.ES256, jose.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	if ring, err = ring.Rotate(now, overlap, retention); err != nil {
		t.Fatal(err)
	}
	data, err := ring.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := jose.ParseRing(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.Marshal()
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("ring read and written = %s, %v, want %s", again, err, data)
	}
	for _, at := range []time.Time{now, now.Add(overlap), now.Add(overlap + retention)} {
		if back.Signer(jose.ES256, at).ID() != ring.Signer(jose.ES256, at).ID() || !slices.Equal(ids(back.Public(at)), ids(ring.Public(at))) {
			t.Errorf("at %v the ring read is another", at)
		}
	}
	for name, data := range map[string]string{
		"empty":           "",
		"another version": `{"v":2,"keys":[]}`,
		"no version":      `{"keys":[]}`,
		"a public key":    `{"v":1,"keys":[{"jwk":` + es256Key + `}]}`,
		"a broken key":    `{"v":1,"keys":[{"jwk":{}}]}`,
		"no key":          `{"v":1,"keys":[{}]}`,
	} {
		if ring, err := jose.ParseRing([]byte(data)); err == nil {
			t.Errorf("%s: ParseRing = %v, want an error", name, ring)
		}
	}
	remote, err := jose.NewKey(jose.ES256, kms{signer(t, mustPEM(t))}, "")
	if err != nil {
		t.Fatal(err)
	}
	if data, err := jose.RingOf(remote).Marshal(); err == nil {
		t.Errorf("Marshal of a KMS = %s, want an error", data)
	}
}

func mustPEM(t *testing.T) []byte {
	t.Helper()
	pem, err := newKey(t, jose.ES256).MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	return pem
}
