//go:build !race

package resource

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
)

// TestAMillionTokens offers a million tokens, each of which would be good for hours, to a memory for few, without their signatures: it
// looks at what is left. Under the race detector it would take long and see no more than TestRememberUnderRotation.
func TestAMillionTokens(t *testing.T) { //nolint:paralleltest // it measures memory
	const most, distinct, workers = 256, 1_000_000, 4
	key, err := jose.Generate(jose.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	set, now := jose.NewKeySet(key.Public()), time.Unix(1_800_000_000, 0)
	tokens := newKnownTokens(most)
	signed := strings.Repeat("a", 300)
	add := func(i int) *mandate.Token {
		tok := mandate.NewToken(mandate.TokenInfo{ID: strconv.Itoa(i), Expires: now.Add(12 * time.Hour)})
		k := &known{tok: tok, key: key.Public()}
		k.set.Store(set)
		s := spellingOf(fmt.Sprintf("eyJ.%s%d.%d", signed, i, i))
		tokens.add(&s, k, now)
		return tokens.find(&s, set, now)
	}
	for i := range 4 * most {
		if tok := add(distinct + i); tok == nil || tok.ID() != strconv.Itoa(distinct+i) {
			t.Fatalf("the token that was just added: %v", tok)
		}
	}
	before := liveHeap()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < distinct; i += workers {
				if tok := add(i); tok != nil && tok.ID() != strconv.Itoa(i) {
					t.Errorf("token %d is %s", i, tok.ID())
				}
			}
		})
	}
	wg.Wait()
	if grown := int64(liveHeap()) - int64(before); grown > 1<<18 { // #nosec G115 -- a heap of less than 2^63 bytes
		t.Errorf("%d tokens left %d bytes more", distinct, grown)
	}
	kept := 0
	for i := range tokens.rows {
		for j := range tokens.rows[i].places {
			if tokens.rows[i].places[j].known.Load() != nil {
				kept++
			}
		}
	}
	if kept > most || kept < most/2 {
		t.Errorf("%d tokens are remembered, want at most %d and more than half of them", kept, most)
	}
}

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
