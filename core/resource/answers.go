package resource

import (
	"sync"
	"sync/atomic"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// answers remembers what a server said of tokens, by their digests, good and bad ones apart, so that a flood of bad ones drives out no good
// one. It holds tokens and no verdicts: what a guard demands is asked each time. It is in parts, each with a lock of its own.
type answers struct{ parts [64]answersPart }

type answersPart struct {
	last atomic.Pointer[lastGood] // the good token that was added last: services often have but one, and all threads ask about it

	mu        sync.RWMutex // guards all below
	good, bad memory
	asking    map[mandate.Digest]*question
}

type lastGood struct {
	told

	key mandate.Digest
}

// question is one that is on its way to the server. Its answer may be read once it is done.
type question struct {
	told

	done chan struct{}
}

// told is what the server said: tok, or why not.
type told struct {
	tok         *mandate.Token
	err         error
	from, until time.Time
}

// memory holds up to as many answers as ring has places, and forgets the oldest first.
type memory struct {
	known map[mandate.Digest]told
	ring  []mandate.Digest
	next  int
	most  int
}

// newAnswers returns memory for at most size answers of each kind, or one for each part.
func newAnswers(size int) *answers {
	a := &answers{}
	each := max(1, size/len(a.parts))
	for i := range a.parts {
		a.parts[i].good.most, a.parts[i].bad.most = each, each
		a.parts[i].asking = map[mandate.Digest]*question{}
	}
	return a
}

func (a *answers) part(key mandate.Digest) *answersPart { return &a.parts[int(key[0])%len(a.parts)] }

// look is find without waiting for anybody, where it can.
func (p *answersPart) look(key mandate.Digest, now time.Time) (told, bool) {
	if last := p.last.Load(); last != nil && last.key == key && last.at(now) {
		return last.told, true
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.find(key, now)
}

// at reports whether a counts at now. It does not if the clock went back.
func (a *told) at(now time.Time) bool { return now.Before(a.until) && !now.Before(a.from) }

// find returns what is known at now. The caller holds mu, for reading at least.
func (p *answersPart) find(key mandate.Digest, now time.Time) (told, bool) {
	for _, m := range [...]*memory{&p.good, &p.bad} {
		if a, ok := m.known[key]; ok && a.at(now) {
			return a, true
		}
	}
	return told{}, false
}

// add remembers a. The caller holds mu.
func (m *memory) add(key mandate.Digest, a told) {
	if _, ok := m.known[key]; ok {
		m.known[key] = a
		return
	}
	if m.known == nil {
		m.known = map[mandate.Digest]told{}
	}
	if len(m.ring) < m.most {
		m.ring = append(m.ring, key)
	} else {
		delete(m.known, m.ring[m.next])
		m.ring[m.next] = key
		m.next = (m.next + 1) % m.most
	}
	m.known[key] = a
}

// forget forgets key, and takes an answer that is on its way for old.
func (p *answersPart) forget(key mandate.Digest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last.Store(nil)
	delete(p.good.known, key)
	delete(p.bad.known, key)
	delete(p.asking, key)
}
