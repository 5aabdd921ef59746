package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// ClientDocuments is how clients are known by a document on their own site, whose URL is their client_id
// (draft-ietf-oauth-client-id-metadata-document): nobody registers them, and nothing of them is stored. The zero value takes those of all
// hosts. A client that is registered under such a URL, or configured, counts in place of its document: with Disabled it is blocked.
//
// Such a client is a stranger, as one that registered itself openly: it has the grants authorization_code, refresh_token and device_code, the
// response type code, and Scopes. What its document has beyond that is left out. Documents are fetched with
// Config.Fetcher and remembered in memory as their HTTP headers say, but 5 minutes at least and 24 hours at most. An authorization wants a fresh
// one; grants live on for 24 hours with the last that was good. Nothing that failed is remembered, and no host is asked more than 5 times a minute for new
// documents, and as often for those that are remembered.
type ClientDocuments struct {
	// Scopes are what these clients may ask for. Default: the scopes that are Public.
	Scopes mandate.Scopes
	// Allow says whether the client called id, an https URL, may be known by its document: it is asked before anything is fetched, and at each
	// use. An error that is a [mandate.Error] refuses it; any other means that nobody could tell. Default: every client may.
	Allow func(ctx context.Context, id *url.URL) error
	// Policy sees a client whenever its document was read, and may change c, or refuse it with a [mandate.Error]. It is called in
	// the background, with no request's context. Default: what passed the checks is taken.
	Policy func(ctx context.Context, c *store.Client) error
	// Size is how many documents are remembered at most, some 10 KB each. What was not used for longest is forgotten first. Default: 1000.
	Size int
}

const (
	maxDocument       = 5 << 10
	documentFreshMin  = 5 * time.Minute // also where its headers say nothing
	documentFreshMax  = 24 * time.Hour
	documentGood      = 24 * time.Hour // how long after it was fetched the last good one does for what is granted already
	documentTimeout   = 10 * time.Second
	defaultDocuments  = 1000
	documentsEachHost = 5 // fetches a minute
)

// check returns what is wrong with d, of a server with these scopes. Nil is nothing wrong.
func (d *ClientDocuments) check(scopes []Scope) error {
	if d == nil {
		return nil
	}
	if d.Size < 0 {
		return fmt.Errorf("server: ClientDocuments.Size %d is negative: leave it 0 for %d", d.Size, defaultDocuments)
	}
	return checkScopes("ClientDocuments.Scopes", d.Scopes, scopes)
}

// documentURL returns the URL that a client_id is, if a document may be there: https, with a path, without user information, fragment and
// segments that are dots.
func documentURL(id string) (*url.URL, bool) {
	if !strings.HasPrefix(id, "https://") || !validClientID(id) || !webURL(id) {
		return nil, false
	}
	u, err := url.Parse(id)
	if err != nil || u.Path == "" {
		return nil, false
	}
	for segment := range strings.SplitSeq(u.Path, "/") { // decoded: %2e is a dot
		if segment == "." || segment == ".." {
			return nil, false
		}
	}
	return u, true
}

// documentError is a refusal that this server says of a client's document, not something that a store said.
type documentError struct{ refusal *mandate.Error }

// Error returns what the client is told.
func (e *documentError) Error() string { return e.refusal.Error() }

// Unwrap returns the refusal itself.
func (e *documentError) Unwrap() error { return e.refusal }

// badDocument is what is wrong with a client that is known by its document: there is no such client.
func badDocument(cause error, format string, args ...any) error {
	return &documentError{mandate.Errorf(mandate.InvalidClient, errors.Join(store.ErrNotFound, cause), "client metadata document "+format, args...)}
}

// allowDocument asks Allow.
func (s *Server) allowDocument(ctx context.Context, u *url.URL) error {
	allow := s.config.ClientDocuments.Allow
	if allow == nil {
		return nil
	}
	err := allow(ctx, u)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*mandate.Error](err); ok && e.Code != mandate.ServerError && e.Code != mandate.TemporarilyUnavailable {
		return badDocument(err, "is not accepted here")
	}
	return fault("ClientDocuments.Allow", err)
}

// fetchDocument returns the client that is described at id, and how long that is fresh.
func (s *Server) fetchDocument(ctx context.Context, id string) (*store.Client, time.Duration, error) {
	res, err := s.config.Fetcher.Fetch(ctx, &mandate.FetchRequest{
		URL: id, Header: mandate.Fields{{Name: "Accept", Value: "application/json"}},
		Purpose: "client document", Trust: mandate.Untrusted, MaxBytes: maxDocument,
	})
	switch { // what kept it from an answer is not told: it would show what is behind the URL
	case err != nil:
		return nil, 0, badDocument(err, "could not be read")
	case res == nil || res.Status != 200 || len(res.Body) > maxDocument:
		return nil, 0, badDocument(nil, "could not be read")
	case !isJSON(res.Header.Get("Content-Type")):
		return nil, 0, badDocument(nil, "is not application/json")
	}
	c, err := s.readDocument(ctx, id, string(res.Body))
	return c, freshFor(res.Header, s.now()), err
}

// isJSON reports whether kind is application/json, or a kind of its own that is JSON.
func isJSON(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// readDocument returns the client called id, which body describes.
func (s *Server) readDocument(ctx context.Context, id, body string) (*store.Client, error) {
	d := s.config.ClientDocuments
	bad := func(err error) (*store.Client, error) {
		return nil, badDocument(err, "is not valid: %s", mandate.AsError(err).Description)
	}
	members, err := readMembers(body)
	if err != nil {
		return bad(err)
	}
	if own, _ := jose.Text(members["client_id"]); own != id {
		return nil, badDocument(nil, "has another client_id than its URL")
	}
	for _, name := range []string{"client_secret", "client_secret_expires_at"} {
		if _, ok := members[name]; ok {
			return nil, badDocument(nil, "has %s, which anybody can read", name)
		}
	}
	c := &store.Client{ID: id, Origin: store.ByDocument}
	if c.Metadata, err = readMetadata(members); err != nil {
		return bad(err)
	}
	m := &c.Metadata
	switch {
	case m.AuthMethod == "":
		m.AuthMethod = methodNone
	case strings.HasPrefix(m.AuthMethod, "client_secret"), jose.Alg(m.AuthAlg).Symmetric():
		return nil, badDocument(nil, "asks for authentication with a secret, which it cannot have")
	}
	b := bounds{scopes: d.Scopes, grants: s.openGrants(), lenient: true}
	if b.scopes == "" {
		b.scopes = s.publicScopes()
	}
	if err := s.completeMetadata(m, b); err != nil {
		return bad(err)
	}
	if d.Policy != nil {
		if err := d.Policy(ctx, c); err != nil {
			return nil, badDocument(err, "is not accepted here")
		}
		c.ID, c.Origin, c.Secrets = id, store.ByDocument, nil
	}
	if err := s.CheckClient(c); err != nil {
		return nil, badDocument(err, "is not valid: %s", strings.ReplaceAll(strings.TrimPrefix(err.Error(), "server: "), `"`, "'"))
	}
	return c, nil
}

// httpDate is the one form of times that HTTP has today (RFC 9110, section 5.6.7).
const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

// freshFor returns how long an answer with header is fresh (RFC 9111, section 4.2), within the bounds.
func freshFor(header mandate.Header, now time.Time) time.Duration {
	fresh, said := time.Duration(0), false
	for _, line := range header.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
			switch name {
			case "no-store", "no-cache":
				return documentFreshMin
			case "max-age":
				if n, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32); err == nil && !said {
					fresh, said = time.Duration(n)*time.Second, true
				}
			}
		}
	}
	if !said {
		at := now
		if date, err := time.Parse(httpDate, header.Get("Date")); err == nil {
			at = date
		}
		if end, err := time.Parse(httpDate, header.Get("Expires")); err == nil {
			fresh = end.Sub(at)
		}
	}
	if age, err := strconv.ParseInt(header.Get("Age"), 10, 32); err == nil && age > 0 {
		fresh -= time.Duration(age) * time.Second
	}
	return min(max(fresh, documentFreshMin), documentFreshMax)
}
