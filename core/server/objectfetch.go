package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/internal/kept"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

const (
	objectFresh   = 10 * time.Second // of what may be another the next time
	objectKept    = time.Hour        // of what its URI has the hash of
	objectTimeout = 5 * time.Second
	maxObjects    = 256 // that are kept at once
)

// checkRequestURI returns why uri cannot be a request_uri (RFC 9101, section 5.2.1): https, with a host and without a user.
func checkRequestURI(uri string) error {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || len(uri) > 512 || !visible(uri, false) || strings.Contains(uri, `\`) {
		return fmt.Errorf("%.200q is not an https URL of at most 512 bytes", uri)
	}
	return nil
}

// objects are request objects by their URIs, for a short time. What is kept is bounded: the oldest one goes first.
type objects struct {
	fetcher mandate.Fetcher
	now     func() time.Time

	mu  sync.Mutex // guards set
	set map[string]*objectAt
}

// objectAt is the object at one URI.
type objectAt struct {
	begun time.Time
	kept.Value[string]
}

// fetchObject returns the request object that uri leads to, where c may name it. Who waits holds up nobody else.
func (s *Server) fetchObject(ctx context.Context, c *store.Client, uri string) (string, error) {
	if err := checkRequestURI(uri); err != nil || !s.mayName(c, uri) {
		return "", mandate.Errorf(mandate.InvalidRequestURI, err, "request_uri is none of the client's request_uris")
	}
	object, err := s.objects.at(uri).Get(ctx)
	if err != nil {
		return "", mandate.Errorf(mandate.InvalidRequestURI, hiddenError{err}, "what request_uri leads to cannot be had")
	}
	return *object, nil
}

// mayName reports whether c may name uri: it registered it to the letter, or the server allows it to all.
func (s *Server) mayName(c *store.Client, uri string) bool {
	if slices.Contains(c.Metadata.RequestURIs, uri) {
		return true
	}
	bare, _, _ := strings.Cut(uri, "#")
	return slices.ContainsFunc(s.config.RequestObjects.URIs, func(allowed string) bool {
		if bare == allowed {
			return true
		}
		rest, ok := strings.CutPrefix(bare, allowed)
		path, _, _ := strings.Cut(rest, "?")
		return ok && strings.HasSuffix(allowed, "/") && !strings.Contains("/"+path+"/", "/../") && !strings.Contains(strings.ToLower(path), "%2e") && !strings.Contains(strings.ToLower(path), "%2f")
	})
}

func (o *objects) at(uri string) *objectAt {
	o.mu.Lock()
	defer o.mu.Unlock()
	if of := o.set[uri]; of != nil {
		return of
	}
	if len(o.set) >= maxObjects {
		var oldest string
		for name, of := range o.set {
			if oldest == "" || of.begun.Before(o.set[oldest].begun) {
				oldest = name
			}
		}
		delete(o.set, oldest)
	}
	of := &objectAt{begun: o.now(), Value: kept.Value[string]{
		Fetch:  func(ctx context.Context, _ *string) (*string, time.Duration, error) { return o.fetch(ctx, uri) },
		Failed: func(error, time.Time) {}, Now: o.now, Timeout: objectTimeout, Patience: objectTimeout, Interval: time.Second,
	}}
	o.set[uri] = of
	return of
}

// fetch returns the object at uri, and for how long it need not be asked for again.
func (o *objects) fetch(ctx context.Context, uri string) (*string, time.Duration, error) {
	bare, fragment, _ := strings.Cut(uri, "#")
	res, err := o.fetcher.Fetch(ctx, &mandate.FetchRequest{
		URL: bare, Header: mandate.Fields{{Name: "Accept", Value: "application/oauth-authz-req+jwt, application/jwt"}},
		Purpose: "request_uri", Trust: mandate.Untrusted, MaxBytes: jose.MaxSize,
	})
	switch {
	case err != nil:
		return nil, 0, err
	case res == nil || res.Status != 200:
		return nil, 0, fmt.Errorf("%.200q did not answer 200", uri)
	case len(res.Body) > jose.MaxSize:
		return nil, 0, fmt.Errorf("%.200q has more than %d bytes", uri, jose.MaxSize)
	}
	object, fresh := strings.TrimSpace(string(res.Body)), objectFresh
	if len(fragment) == base64.RawURLEncoding.EncodedLen(sha256.Size) {
		sum := sha256.Sum256(res.Body)
		if base64.RawURLEncoding.EncodeToString(sum[:]) != fragment {
			return nil, 0, errors.New("the content of request_uri is not what its fragment is the hash of")
		}
		fresh = objectKept
	}
	return &object, fresh, nil
}
