package gormstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

const (
	shared = 256             // how many calls share a commit
	linger = 2 * time.Second // how long the connection is kept for the next
)

// writer is the one connection through which a store writes to SQLite. Calls that come while it is busy wait, and then share a
// transaction: the disk is waited for once for all of them. Each has its verdict from its own statements, and hears
// it after the commit.
type writer struct {
	store *Store

	mu      sync.Mutex // guards what follows
	queue   []*job
	running bool
	wake    chan struct{}
}

// job is a call that waits for the writer.
type job struct {
	f     func(*run) error
	state atomic.Int32 // waiting, started or left
	err   error        // set before done is closed
	done  chan struct{}
}

const (
	waiting = iota
	started
	left
)

// do makes the call f, in a transaction.
func (w *writer) do(ctx context.Context, f func(*run) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{f: f, done: make(chan struct{})}
	w.mu.Lock()
	w.queue = append(w.queue, j)
	if !w.running {
		w.running = true
		w.wake = make(chan struct{}, 1)
		go w.work(w.wake) //nolint:contextcheck // it serves many, and outlives each
	} else {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	w.mu.Unlock()
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, left) {
			return ctx.Err()
		}
	}
	// It has begun: its outcome is near, and worth more than the deadline.
	t := time.NewTimer(w.store.timeout)
	defer t.Stop()
	select {
	case <-j.done:
		return j.err
	case <-t.C:
		return ctx.Err()
	}
}

// take returns the calls that wait. With none it waits for some, until linger is over: then it ends the writer.
func (w *writer) take(wake <-chan struct{}, keep time.Duration) []*job {
	t := time.NewTimer(keep)
	defer t.Stop()
	for over := false; ; {
		w.mu.Lock()
		if n := min(len(w.queue), shared); n > 0 {
			jobs := slices.Clone(w.queue[:n])
			w.queue = slices.Delete(w.queue, 0, n)
			w.mu.Unlock()
			return jobs
		}
		if over || keep <= 0 {
			w.running = false
			w.mu.Unlock()
			return nil
		}
		w.mu.Unlock()
		select {
		case <-wake:
		case <-t.C:
			over = true
		}
	}
}

// work writes until there has been nothing to write for a while.
func (w *writer) work(wake <-chan struct{}) {
	c := &writeConn{store: w.store}
	defer c.release()
	for {
		keep := linger
		if c.alone() { // others need the connection
			c.release()
			keep = 0
		}
		jobs := w.take(wake, keep)
		if jobs == nil {
			return
		}
		c.commit(jobs)
		for _, j := range jobs {
			close(j.done)
		}
		w.gather(len(jobs))
	}
}

// gather lets those who have just been answered ask again, so that they share the next commit too.
func (w *writer) gather(answered int) {
	for range min(4*(answered-1), 64) {
		w.mu.Lock()
		n := len(w.queue)
		w.mu.Unlock()
		if n >= answered {
			return
		}
		runtime.Gosched()
	}
}

// writeConn is the writer's connection with the statements that are prepared on it.
type writeConn struct {
	store *Store
	db    *sql.DB
	conn  *sql.Conn // nil: none yet
	stmts map[string]*sql.Stmt
}

// alone reports whether the pool has a single connection, as one in memory must.
func (c *writeConn) alone() bool {
	return c.db != nil && c.db.Stats().MaxOpenConnections == 1
}

func (c *writeConn) open(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	src, err := c.store.source()
	if err != nil {
		return err
	}
	c.db = src.db
	c.conn, err = src.db.Conn(ctx)
	c.stmts = map[string]*sql.Stmt{}
	return err
}

func (c *writeConn) release() {
	if c.conn == nil {
		return
	}
	for _, st := range c.stmts {
		_ = st.Close() // the connection goes on without it
	}
	_ = c.conn.Close() // back to the pool
	c.conn = nil
}

// drop closes the connection for good: nobody knows what state it is in.
func (c *writeConn) drop() {
	if c.conn == nil {
		return
	}
	_ = c.conn.Raw(func(any) error { return driver.ErrBadConn })
	c.release()
}

func (c *writeConn) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if st := c.stmts[query]; st != nil {
		return st, nil
	}
	st, err := c.conn.PrepareContext(ctx, query)
	if err == nil {
		c.stmts[query] = st
	}
	return st, err
}

func (c *writeConn) exec(ctx context.Context, query string) error {
	st, err := c.statement(ctx, query) //nolint:sqlclosecheck // kept
	if err != nil {
		return err
	}
	_, err = st.ExecContext(ctx)
	return err
}

// commit makes the calls in one transaction. Where one fails for another reason than a verdict the rest begins anew without it.
func (c *writeConn) commit(jobs []*job) {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return !j.state.CompareAndSwap(waiting, started) })
	deadline, cancel := context.WithTimeout(context.Background(), c.store.timeout)
	defer cancel()
	wait := 50 * time.Microsecond
	for len(jobs) > 0 {
		failed, err := c.try(deadline, jobs)
		switch {
		case err == nil:
			return
		case c.store.dialect.again(err) && pause(deadline, wait):
			wait = min(2*wait, 20*time.Millisecond)
		case failed != nil:
			failed.err = err
			jobs = slices.DeleteFunc(jobs, func(j *job) bool { return j == failed })
		default:
			for _, j := range jobs {
				j.err = err
			}
			return
		}
	}
}

// try makes the calls and commits. It returns the call that failed, if it was one of them.
func (c *writeConn) try(deadline context.Context, jobs []*job) (failed *job, err error) {
	if err := c.open(deadline); err != nil {
		return nil, err
	}
	ctx := context.WithoutCancel(deadline) // to stop in the midst helps nobody
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		if !c.store.dialect.again(err) {
			c.drop()
		}
		return nil, err
	}
	r := &run{s: c.store, ctx: ctx, pool: c.conn, prep: c.statement}
	for _, j := range jobs {
		if j.err = j.f(r); j.err != nil && !verdict(j.err) {
			failed, err = j, j.err
			break
		}
	}
	if err == nil {
		err = c.exec(ctx, "COMMIT")
	}
	if err != nil {
		if e := c.exec(ctx, "ROLLBACK"); e != nil {
			c.drop()
		}
	}
	return failed, err
}

// verdict reports whether err is one of package store's.
func verdict(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrConflict) ||
		errors.Is(err, store.ErrUsed) || errors.Is(err, store.ErrExpired) || errors.Is(err, store.ErrRevoked)
}
