package server

import (
	"sync"
	"time"
)

const (
	freeMisses = 5                // that cost nothing
	firstDelay = 30 * time.Second // and then twice as long each time
	maxDelay   = 10 * time.Minute
	missTTL    = 15 * time.Minute // how long a miss is remembered
	maxMissers = 10_000
)

// misses slows down who guesses: by who it is and by where it comes from, in the memory of one process.
type misses struct {
	mu   sync.Mutex
	seen map[string]missed
}

type missed struct {
	times int
	last  time.Time
}

// wait returns how long, from last on, nothing is answered.
func (m missed) wait() time.Duration {
	if m.times < freeMisses {
		return 0
	}
	return min(firstDelay<<min(m.times-freeMisses, 8), maxDelay)
}

// judge returns how long those of keys must wait before they are answered, or 0, and then counts a miss where this is one. Both are one step,
// so that guesses sent at once are counted one by one.
func (l *misses) judge(now time.Time, hit bool, keys ...string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		m := l.seen[key]
		if left := m.last.Add(m.wait()).Sub(now); m.times >= freeMisses && left > 0 {
			return left
		}
	}
	if hit {
		return 0 // which clears nobody: codes of one's own are easy to get
	}
	for _, key := range keys {
		m := l.seen[key]
		if now.Sub(m.last) >= missTTL {
			m.times = 0
		}
		l.put(key, missed{m.times + 1, now})
	}
	return 0
}

// put remembers m, and forgets what is over, or else anybody, where there are too many.
func (l *misses) put(key string, m missed) {
	if l.seen == nil {
		l.seen = make(map[string]missed)
	}
	if _, known := l.seen[key]; !known && len(l.seen) >= maxMissers {
		for k, old := range l.seen {
			if m.last.Sub(old.last) >= missTTL {
				delete(l.seen, k)
			}
		}
		for k := range l.seen {
			if len(l.seen) < maxMissers {
				break
			}
			delete(l.seen, k)
		}
	}
	l.seen[key] = m
}
