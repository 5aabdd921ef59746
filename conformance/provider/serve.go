package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// provider is a running server: the site that is served now, and what can replace it.
type provider struct {
	settings *settings
	web      web
	storage  *storage

	mu   sync.Mutex // guards site
	site *site
}

// serve runs the provider that f describes until ctx is over, and then stops it. It writes READY and the issuer to stdout once
// every listener is up.
func serve(ctx context.Context, f flags, stdout, stderr io.Writer) error {
	c, err := readConfig(f.config)
	if err != nil {
		return err
	}
	p, err := newProvider(ctx, c, f, stderr)
	if err != nil {
		return err
	}
	defer p.close() //nolint:errcheck // everything that was answered is kept
	secure, err := c.serverTLS(time.Now())
	if err != nil {
		return fmt.Errorf("%s: %w", f.config, err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	var control net.Listener
	if f.control != "" {
		if control, err = lc.Listen(ctx, "tcp", f.control); err != nil {
			return errors.Join(fmt.Errorf("-control: %w", err), l.Close())
		}
	}
	fmt.Fprintln(stdout, "READY "+c.Issuer) // the listeners are up: who connects now is served
	return p.serve(ctx, l, control)
}

// serve serves on l, and the control endpoints on control if that is not nil, until ctx is over.
func (p *provider) serve(ctx context.Context, l, control net.Listener) error {
	ended := make(chan error, 2)
	running := 1
	go func() { ended <- p.web.serve(l) }()
	controlled := p.control()
	if control != nil {
		running++
		go func() { ended <- controlled.Serve(control) }()
	}
	go gormstore.KeepPruned(ctx, p, time.Minute, p.pruned) //nolint:errcheck // ends with ctx

	var err error
	select {
	case err = <-ended:
		running--
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = errors.Join(err, p.web.shutdown(stop), controlled.Shutdown(stop))
	for range running {
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// newProvider returns the provider of c, which does not listen yet. Its caller closes it.
func newProvider(ctx context.Context, c *config, f flags, stderr io.Writer) (*provider, error) {
	st, err := openStorage(ctx, f.store, f.dsn, c.place())
	if err != nil {
		return nil, fmt.Errorf("-store %s: %w", f.store, err)
	}
	p, err := st.provide(ctx, c, f, stderr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", f.config, err), st.close())
	}
	return p, nil
}

func (st *storage) provide(ctx context.Context, c *config, f flags, stderr io.Writer) (*provider, error) {
	s, keys, err := newSettings(ctx, c, st, newLog(f.log, stderr))
	if err != nil {
		return nil, err
	}
	p := &provider{settings: s, web: newWeb(f.framework, patience, s.log), storage: st}
	w, err := s.site(st.store, keys)
	if err != nil {
		return nil, err
	}
	return p, p.put(w)
}

// close lets go of the store.
func (p *provider) close() error { return p.storage.close() }

// put serves w from now on. The caller holds mu, or is alone.
func (p *provider) put(w *site) error {
	if err := p.web.put(w); err != nil {
		return err
	}
	p.site = w
	return nil
}

// reset forgets everything: codes, tokens, sessions, consents, and the server's own keys. Other processes with the same store go
// on with keys that they have read for up to a minute.
func (p *provider) reset(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	st, err := p.storage.forget(ctx)
	if err != nil {
		return err
	}
	w, err := p.settings.site(st, p.site.keys)
	if err != nil {
		return err
	}
	return p.put(w)
}

// rotate brings new signing keys, which are published at once.
func (p *provider) rotate(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	keys, err := p.site.rotated(p.settings.clock.now())
	if errors.Is(err, errOwnKeys) {
		return p.site.server.RotateKeys(ctx)
	}
	if err != nil {
		return err
	}
	w, err := p.settings.site(p.site.store, keys)
	if err != nil {
		return err
	}
	return p.put(w)
}

// Prune is [store.Pruner] for the store of the moment, by the clock of the server.
func (p *provider) Prune(ctx context.Context, _ time.Time, limit int) (int, error) {
	p.mu.Lock()
	st := p.site.store
	p.mu.Unlock()
	return st.Prune(ctx, p.settings.clock.now(), limit)
}

// pruned hears how it went.
func (p *provider) pruned(_ int, err error) {
	if err != nil && p.settings.log != nil {
		p.settings.log.Error("prune", "cause", err.Error())
	}
}
