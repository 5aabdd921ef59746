package resource

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
)

const (
	defaultRemember = 8192
	mostRemember    = 16 << 20
	rememberFor     = 5 * time.Minute
	maxRemembered   = 8 << 10 // bytes of a token; what is kept of one is less than twice that
)

// knownTokens remembers verified tokens by all that they are: what is signed, to the letter, and the digest of the signature. To
// compare costs much less than a digest, and what is kept is no credential, as nobody can use a token without its signature. It
// holds the token and no verdict: what depends on the request, such as a proof that the sender has the token's key, is asked each
// time, by the guard. It is a table of small rows, each of which forgets for itself. Reading takes no lock.
type knownTokens struct {
	rows  []knownRow // a power of two of them
	width int        // places that are used in a row
}

const rowWidth = 8

type knownRow struct {
	mu     sync.Mutex // held while a place is chosen
	places [rowWidth]knownPlace
}

// knownPlace is where one token may be. Beside it stands what tells most others apart, and what a place is chosen by: a look at each token of a
// row would wait for memory each time.
type knownPlace struct {
	known atomic.Pointer[known]
	tag   atomic.Uint32 // of the signature's digest
	used  atomic.Uint32 // when it was last found, in units of 2^10 ms, so that hits seldom write
	over  atomic.Uint32 // when it is over, in the same units, rounded up
}

// spelling is a token as it was sent: the digest of its signature, and all that comes before. Two are equal if the tokens are.
type spelling struct {
	sig    mandate.Digest
	signed string
}

// spellingOf takes raw apart. It is good as long as raw is.
func spellingOf(raw string) spelling {
	_, rest, _ := strings.Cut(raw, ".") // from the front: a search from the back looks at each byte of a long signature
	_, sig, _ := strings.Cut(rest, ".")
	return spelling{mandate.DigestOf(sig), raw[:len(raw)-len(sig)]}
}

// known is a verified token. It is good while key is among the keys, at times, in Unix milliseconds, that are not before
// from and before until.
type known struct {
	spelling    spelling
	tok         *mandate.Token
	key         *jose.PublicKey
	from, until int64
	set         atomic.Pointer[jose.KeySet] // the keys among which key was seen last
}

// newKnownTokens returns memory for at most so many tokens, more than half of them in any case.
func newKnownTokens(most int) *knownTokens {
	rows := max(1, most/rowWidth)
	return &knownTokens{rows: make([]knownRow, 1<<(bits.Len(uint(rows))-1)), width: min(rowWidth, most)} // #nosec G115 -- rows is not negative
}

func (t *knownTokens) row(s *spelling) *knownRow {
	return &t.rows[uint(binary.LittleEndian.Uint32(s.sig[:]))&uint(len(t.rows)-1)]
}

// tag is of another part of the digest than what the row is chosen by.
func (s *spelling) tag() uint32 { return binary.LittleEndian.Uint32(s.sig[4:]) }

// lately returns ms, in Unix milliseconds, in the units of a place.
func lately(ms int64) uint32 { return uint32(ms >> 10) } // #nosec G115 -- it wraps around in 2109: a place is then chosen less well

// find returns the token that is spelled like that, if it is good at now and signed with a key of set. It does not allocate.
func (t *knownTokens) find(s *spelling, set *jose.KeySet, now time.Time) *mandate.Token {
	row, tag := t.row(s), s.tag()
	for i := range t.width {
		place := &row.places[i]
		if place.tag.Load() != tag {
			continue
		}
		k := place.known.Load()
		if k == nil || k.spelling != *s {
			continue
		}
		ms := now.UnixMilli()
		trusted := k.set.Load() == set
		if !trusted && set.Has(k.key) {
			k.set.Store(set)
			trusted = true
		}
		if !trusted || ms >= k.until {
			place.known.CompareAndSwap(k, nil)
			return nil
		}
		if ms < k.from { // the clock went back
			return nil
		}
		if used := lately(ms); place.used.Load() != used {
			place.used.Store(used)
		}
		return k.tok
	}
	return nil
}

// add remembers k, spelled like s, in the place of one that is over or that nobody asked for the longest time.
func (t *knownTokens) add(s *spelling, k *known, now time.Time) {
	k.spelling = spelling{s.sig, strings.Clone(s.signed)} // it belongs to the request
	ms := now.UnixMilli()
	k.until = ms + rememberFor.Milliseconds()
	if end := k.tok.Expires(); !end.IsZero() {
		k.until = min(k.until, end.UnixMilli())
	}
	row, tag, used := t.row(s), s.tag(), lately(ms)
	row.mu.Lock()
	defer row.mu.Unlock()
	var worst int
	oldest := int64(math.MaxInt64)
	for i := range t.width {
		place := &row.places[i]
		old := place.known.Load()
		if old != nil && place.tag.Load() == tag && old.spelling == *s { // somebody verified it at the same time
			worst = i
			break
		}
		age := int64(-1)
		if old != nil && used < place.over.Load() {
			age = int64(place.used.Load())
		}
		if age < oldest {
			worst, oldest = i, age
		}
	}
	place := &row.places[worst]
	place.known.Store(k)
	place.tag.Store(tag)
	place.used.Store(used)
	place.over.Store(lately(k.until) + 1)
}
