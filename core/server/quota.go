package server

import (
	"sync"
	"time"
)

// quota bounds what anybody can make the server keep in the name of a client that proves nothing: so many bytes for each client at
// once, of which one address gets a share: a stranger does not use up what the client's users need. It counts in the memory of this process,
// and keeps one entry for each client, and one for each client and address, that wrote lately.
type quota struct {
	most int64         // bytes of one client
	life time.Duration // of what is kept

	mu    sync.Mutex // guards all below
	used  map[quotaKey]*usage
	swept time.Time
}

// quotaKey is who wrote: a client, or a client from one network.
type quotaKey struct{ client, network string }

// quotaShares is how many addresses can write as much as one may, before a client has used up what it gets.
const quotaShares = 8

// usage is what one client wrote in the life that began at since, and in the one before.
type usage struct {
	since        time.Time
	now, earlier int64
}

func newQuota(most int64, life time.Duration) *quota {
	return &quota{most: most, life: life, used: make(map[quotaKey]*usage)}
}

// take reports whether client, asking from remote, may have size bytes kept from now on, and counts them. It never counts too little.
func (q *quota) take(client, remote string, size int64, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if since := now.Sub(q.swept); since >= q.life || since < 0 {
		for id, u := range q.used {
			if gone := now.Sub(u.since); gone >= 2*q.life || gone <= -q.life {
				delete(q.used, id)
			}
		}
		q.swept = now
	}
	from := quotaKey{client, "from " + network(remote)}
	all, own := q.of(quotaKey{client: client}, now), q.of(from, now)
	if all.sum()+size > q.most || own.sum()+size > q.most/quotaShares {
		if own.sum() == 0 {
			delete(q.used, from) // addresses are cheaper than what is written
		}
		return false
	}
	all.now += size
	own.now += size
	return true
}

// of returns what key wrote by now. The caller holds mu.
func (q *quota) of(key quotaKey, now time.Time) *usage {
	u := q.used[key]
	if u == nil {
		u = &usage{since: now}
		q.used[key] = u
	}
	switch gone := now.Sub(u.since); {
	case gone >= 2*q.life, gone <= -q.life: // or the clock was put back
		*u = usage{since: now}
	case gone >= q.life:
		*u = usage{since: u.since.Add(q.life), earlier: u.now}
	}
	return u
}

func (u *usage) sum() int64 { return u.earlier + u.now }
