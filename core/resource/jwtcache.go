package resource

import (
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
	places [rowWidth]atomic.Pointer[known]
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
	used        atomic.Int64                // when it was last found, in units of 2^10 ms, so that hits seldom write
}

// newKnownTokens returns memory for at most so many tokens, more than half of them in any case.
func newKnownTokens(most int) *knownTokens {
	rows := max(1, most/rowWidth)
	return &knownTokens{rows: make([]knownRow, 1<<(bits.Len(uint(rows))-1)), width: min(rowWidth, most)} // #nosec G115 -- rows is not negative
}

func (t *knownTokens) row(s *spelling) *knownRow {
	d := &s.sig
	i := uint(d[0]) | uint(d[1])<<8 | uint(d[2])<<16 | uint(d[3])<<24
	return &t.rows[i&uint(len(t.rows)-1)]
}

// find returns the token that is spelled like that, if it is good at now and signed with a key of set. It does not allocate.
func (t *knownTokens) find(s *spelling, set *jose.KeySet, now time.Time) *mandate.Token {
	row := t.row(s)
	for i := range t.width {
		k := row.places[i].Load()
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
			row.places[i].CompareAndSwap(k, nil)
			return nil
		}
		if ms < k.from { // the clock went back
			return nil
		}
		if lately := ms >> 10; k.used.Load() != lately {
			k.used.Store(lately)
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
	k.used.Store(ms >> 10)
	row := t.row(s)
	row.mu.Lock()
	defer row.mu.Unlock()
	var worst int
	oldest := int64(math.MaxInt64)
	for i := range t.width {
		old := row.places[i].Load()
		if old != nil && old.spelling == *s { // somebody verified it at the same time
			worst = i
			break
		}
		age := int64(-1)
		if old != nil && ms < old.until {
			age = old.used.Load()
		}
		if age < oldest {
			worst, oldest = i, age
		}
	}
	row.places[worst].Store(k)
}
