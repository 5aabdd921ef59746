package server

import (
	"sync"
	"time"
)

// quota bounds what anybody can make the server keep in the name of a client that proves nothing: so many bytes for each client at
// once. It counts in the memory of this process, and keeps one entry for each client that wrote lately.
type quota struct {
	most int64         // bytes of one client
	life time.Duration // of what is kept

	mu    sync.Mutex // guards all below
	used  map[string]*usage
	swept time.Time
}

// usage is what one client wrote in the life that began at since, and in the one before.
type usage struct {
	since        time.Time
	now, earlier int64
}

func newQuota(most int64, life time.Duration) *quota {
	return &quota{most: most, life: life, used: make(map[string]*usage)}
}

// take reports whether client may have size bytes kept from now on, and counts them. It never counts too little.
func (q *quota) take(client string, size int64, now time.Time) bool {
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
	u := q.used[client]
	if u == nil {
		u = &usage{since: now}
		q.used[client] = u
	}
	switch gone := now.Sub(u.since); {
	case gone >= 2*q.life, gone <= -q.life: // or the clock was put back
		*u = usage{since: now}
	case gone >= q.life:
		*u = usage{since: u.since.Add(q.life), earlier: u.now}
	}
	if u.earlier+u.now+size > q.most {
		return false
	}
	u.now += size
	return true
}
