package server

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

const (
	maxLogo     = 128 << 10 // bytes of one
	maxLogos    = 64        // that are remembered
	logoTTL     = 24 * time.Hour
	logoWait    = 10 * time.Minute // until one that could not be had is asked for again
	logoTimeout = 10 * time.Second
)

// logos remembers the pictures of clients. All fetches of one at a time are one.
type logos struct {
	fetch func(u string, l *logo) // fetches l from u, however long whoever asked for it waits
	now   func() time.Time
	mu    sync.Mutex // guards what follows
	known map[string]*logo
}

// logo is one picture. What follows done may be read once it is closed.
type logo struct {
	until time.Time // guarded by logos.mu; zero: on its way
	used  time.Time // guarded by logos.mu
	done  chan struct{}
	kind  string // its media type; "": there is none
	body  []byte
}

// logoOf returns the URL of c's logo, where it is shown: of clients that the operator registered, and nobody else's.
func (s *Server) logoOf(c *store.Client) string {
	if !s.config.Logos || c.Origin != store.ByOperator || c.Disabled || !strings.HasPrefix(c.Metadata.LogoURI, "https://") {
		return ""
	}
	return c.Metadata.LogoURI
}

// pageClient returns what the pages show of c.
func (s *Server) pageClient(c *store.Client) pages.Client {
	d := &c.Metadata
	p := pages.Client{ID: c.ID, Name: d.Name, PolicyURL: d.PolicyURI, TermsURL: d.TermsURI, URI: d.ClientURI}
	if at := s.logoOf(c); at != "" && s.logos.get(at).wanted() {
		p.LogoURL = s.public("logo") + "?client=" + url.QueryEscape(c.ID)
	}
	return p
}

// wanted reports whether there is a picture, or may be: it is on its way.
func (l *logo) wanted() bool {
	select {
	case <-l.done:
		return l.kind != ""
	default:
		return true
	}
}

// handleLogo serves the logo of a client, so that no other site hears of who is on a page. It is a picture that no browser runs anything in.
func (s *Server) handleLogo(ctx context.Context, r *mandate.Request) *mandate.Response {
	none := &mandate.Response{Status: 404, Header: mandate.Fields{{Name: "Cache-Control", Value: "no-store"}, {Name: "X-Content-Type-Options", Value: "nosniff"}}}
	q, err := r.Query()
	if err != nil {
		return none
	}
	id, ok := good(q, "client")
	if !ok || id == "" || !visible(id, true) {
		return none
	}
	c, err := s.registered(ctx, id)
	if err != nil {
		return none
	}
	at := s.logoOf(c)
	if at == "" {
		return none
	}
	l := s.logos.get(at)
	select {
	case <-l.done:
	case <-ctx.Done():
		return none
	}
	if l.kind == "" {
		return none
	}
	return &mandate.Response{Status: 200, Body: l.body, Header: mandate.Fields{
		{Name: "Content-Type", Value: l.kind},
		{Name: "Cache-Control", Value: "private, max-age=3600"},
		{Name: "X-Content-Type-Options", Value: "nosniff"},
		{Name: "Content-Security-Policy", Value: "default-src 'none'; frame-ancestors 'none'; sandbox"},
		{Name: "Cross-Origin-Resource-Policy", Value: "same-origin"},
	}}
}

// get returns the logo at u, which may be on its way.
func (g *logos) get(u string) *logo {
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.known[u]; l != nil && (l.until.IsZero() || now.Before(l.until)) {
		l.used = now
		return l
	}
	if len(g.known) >= maxLogos && g.known[u] == nil {
		oldest := ""
		for at, l := range g.known {
			if !l.until.IsZero() && (oldest == "" || l.used.Before(g.known[oldest].used)) {
				oldest = at
			}
		}
		if oldest == "" { // all of them are on their way
			l := &logo{done: make(chan struct{})}
			close(l.done)
			return l
		}
		delete(g.known, oldest)
	}
	l := &logo{used: now, done: make(chan struct{})}
	g.known[u] = l
	go g.fetch(u, l)
	return l
}

// fetchLogo fetches l from u. Who waits for it may give up: others do not.
func (s *Server) fetchLogo(u string, l *logo) {
	wait := logoWait
	defer func() {
		if p := recover(); p != nil {
			l.kind, l.body = "", nil // the application's Fetcher: there is no handler above that would catch it
		}
		s.logos.mu.Lock()
		l.until = s.now().Add(wait)
		s.logos.mu.Unlock()
		close(l.done)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), logoTimeout)
	defer cancel()
	resp, err := s.config.Fetcher.Fetch(ctx, &mandate.FetchRequest{URL: u, Purpose: "logo", Trust: mandate.Untrusted, MaxBytes: maxLogo, Header: mandate.Fields{{Name: "Accept", Value: "image/png, image/jpeg, image/gif, image/webp"}}})
	if err != nil || resp.Status != 200 || len(resp.Body) > maxLogo {
		return
	}
	if l.kind = pictureKind(resp.Body); l.kind != "" {
		l.body, wait = resp.Body, logoTTL
	}
}

// pictureKind returns the media type of a picture by how it begins, whatever it is said to be; "" for all that could hold a script.
func pictureKind(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return "image/gif"
	case len(b) > 12 && bytes.HasPrefix(b, []byte("RIFF")) && string(b[8:12]) == "WEBP":
		return "image/webp"
	}
	return ""
}
