package server

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// documents are the clients that are known by a document, as far as they are remembered. All fetches of one document at a time are one,
// and none is made for a request alone: who gives up takes it from nobody.
type documents struct {
	server *Server
	size   int

	mu      sync.Mutex // guards what follows, and documents and flights
	known   map[string]*document
	flights map[string]*documentFlight
	hosts   map[string]hostBudget // of documents that nobody has seen yet
	again   map[string]hostBudget // of those that are remembered: links to documents that there are not must not use theirs up
}

// document is a client whose document was good.
type document struct {
	client *store.Client
	used   time.Time
	ahead  time.Time // from then on it is fetched anew while it is still fresh, so that nobody waits
	fresh  time.Time
	good   time.Time // for what was granted before
}

// documentFlight is a fetch on its way. client and err may be read once it is done.
type documentFlight struct {
	done   chan struct{}
	client *store.Client
	err    error
}

// hostBudget counts the fetches from one host.
type hostBudget struct {
	began time.Time
	n     int
}

// maxHosts bounds the hosts that are asked in a minute: who has many names has no more than these.
const maxHosts = 1024

func newDocuments(s *Server) *documents {
	d := &documents{server: s, size: s.config.ClientDocuments.Size, known: make(map[string]*document), flights: make(map[string]*documentFlight), hosts: make(map[string]hostBudget), again: make(map[string]hostBudget)}
	if d.size == 0 {
		d.size = defaultDocuments
	}
	return d
}

// client returns the client that is described at u, whose text is id. Where it must be fresh that is what its document says now, as HTTP sees
// it; otherwise the last good one does, and the network is not waited for.
func (d *documents) client(ctx context.Context, id string, u *url.URL, fresh bool) (*store.Client, error) {
	if err := d.server.allowDocument(ctx, u); err != nil {
		return nil, err
	}
	now := d.server.now()
	d.mu.Lock()
	have := d.known[id]
	if have != nil {
		have.used = now
		still := now.Before(have.fresh)
		if still || !fresh && now.Before(have.good) {
			if !still || !now.Before(have.ahead) {
				_, _ = d.begin(id, u, now) //nolint:contextcheck // nobody waits for it, and it outlives the request
			}
			d.mu.Unlock()
			return have.client, nil
		}
	}
	f, err := d.begin(id, u, now) //nolint:contextcheck // others may wait for it too
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case <-f.done:
		return f.client, f.err
	case <-ctx.Done():
		return nil, fault("wait for a client metadata document", ctx.Err())
	}
}

// remembered returns the client that is described at id, as far as is known without asking, or nil.
func (d *documents) remembered(id string) *store.Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	if have := d.known[id]; have != nil {
		return have.client
	}
	return nil
}

// begin returns the fetch of id that is on its way, or sends one off. The caller holds mu.
func (d *documents) begin(id string, u *url.URL, now time.Time) (*documentFlight, error) {
	if f := d.flights[id]; f != nil {
		return f, nil
	}
	budgets, most := d.hosts, maxHosts
	if d.known[id] != nil {
		budgets, most = d.again, d.size
	}
	if !spend(budgets, most, strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), now) {
		return nil, &documentError{mandate.Errorf(mandate.TemporarilyUnavailable, nil, "too many client metadata documents are asked for: try again in a minute")}
	}
	f := &documentFlight{done: make(chan struct{})}
	d.flights[id] = f
	go d.fly(id, f)
	return f, nil
}

// spend reports whether host may be asked once more, where there are budgets for most hosts. The caller holds mu.
func spend(budgets map[string]hostBudget, most int, host string, now time.Time) bool {
	over := func(b hostBudget) bool { age := now.Sub(b.began); return age < 0 || age >= time.Minute }
	b, ok := budgets[host]
	if !ok && len(budgets) >= most {
		for name, other := range budgets {
			if over(other) {
				delete(budgets, name)
			}
		}
		if len(budgets) >= most {
			return false
		}
	}
	if !ok || over(b) {
		b = hostBudget{began: now}
	}
	b.n++
	budgets[strings.Clone(host)] = b
	return b.n <= documentsEachHost
}

// fly fetches id.
func (d *documents) fly(id string, f *documentFlight) {
	ctx, cancel := context.WithTimeout(context.Background(), documentTimeout)
	defer cancel()
	client, fresh, err := d.try(ctx, id)
	now := d.server.now()
	d.mu.Lock()
	delete(d.flights, id)
	if f.client, f.err = client, err; err == nil {
		d.remember(id, &document{client: client, used: now, ahead: now.Add(fresh - fresh/5), fresh: now.Add(fresh), good: now.Add(max(fresh, documentGood))})
	}
	d.mu.Unlock()
	close(f.done)
}

// try fetches id, with a panic of the application's functions as an error: there is no handler above that would catch it.
func (d *documents) try(ctx context.Context, id string) (c *store.Client, fresh time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, fault("read client metadata document", fmt.Errorf("panic: %v", p))
		}
	}()
	return d.server.fetchDocument(ctx, strings.Clone(id))
}

// remember keeps one, and forgets what was not used for longest where there are too many. The caller holds mu.
func (d *documents) remember(id string, one *document) {
	if len(d.known) >= d.size && d.known[id] == nil {
		oldest := ""
		for name, other := range d.known {
			if oldest == "" || other.used.Before(d.known[oldest].used) {
				oldest = name
			}
		}
		delete(d.known, oldest)
	}
	d.known[one.client.ID] = one
}
