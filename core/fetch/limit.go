package fetch

import (
	"context"
	"sync"
)

// limit bounds how many do something at once, in all and per host.
type limit struct {
	all     chan struct{}
	perHost int

	mu    sync.Mutex // guards hosts
	hosts map[string]*host
}

// host is one host's share while somebody uses it or waits for it.
type host struct {
	slots chan struct{}
	users int
}

func newLimit(all, perHost int) *limit {
	return &limit{all: make(chan struct{}, all), perHost: perHost, hosts: map[string]*host{}}
}

// acquire waits for a place. It waits for the host's first: who waits for a slow host keeps no place
// that others could use.
func (l *limit) acquire(ctx context.Context, name string) (release func(), err error) {
	h := l.enter(name)
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		l.leave(name, h)
		return nil, ctx.Err()
	}
	select {
	case l.all <- struct{}{}:
	case <-ctx.Done():
		<-h.slots
		l.leave(name, h)
		return nil, ctx.Err()
	}
	return func() {
		<-l.all
		<-h.slots
		l.leave(name, h)
	}, nil
}

func (l *limit) enter(name string) *host {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts[name]
	if h == nil {
		h = &host{slots: make(chan struct{}, l.perHost)}
		l.hosts[name] = h
	}
	h.users++
	return h
}

func (l *limit) leave(name string, h *host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.users--; h.users == 0 {
		delete(l.hosts, name)
	}
}
