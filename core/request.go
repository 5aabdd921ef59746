package mandate

import (
	"crypto/x509"
	"log/slog"
	"strings"
)

// Header is the header of a request, by canonical name. http.Header is one as it is; Fiber's is
// wrapped without copying.
type Header interface {
	Get(name string) string
	Values(name string) []string
}

// Request is a request as endpoints see it, whatever the framework. Its strings may be kept: the adapter
// has copied what its framework uses again. Header may not be used after the answer. A Request belongs
// to one goroutine.
type Request struct {
	Method    string
	Origin    string            // what stands before Path for clients, like "https://auth.example.com": as configured, never from Host. "" at a guard
	Path      string            // percent-encoded as it was received, without the query: a '?' in it is an error, never a query
	RawQuery  string            // percent-encoded as it was received, without the '?'
	Header    Header            // never nil for an endpoint
	Body      string            // at most the endpoint's limit; the adapter restores it for later handlers
	Oversized bool              // the body was over the limit, or at a guard somebody read it before; Body is empty
	Remote    string            // address and port of the connection's other end: behind a proxy that is the proxy
	Peer      *x509.Certificate // the client's TLS certificate, or nil
	PathID    string            // what stood for the path's "{id}", decoded

	query, form Params   // nil: not parsed yet, or not to be parsed
	room        [7]Field // for what is parsed first, in one piece of memory with the rest: an authorization request with state and PKCE has seven
}

// parse returns what s is, once parsed, and keeps it in p, which is query or form of r. What is not to be parsed is tried again by who asks
// again, and fails alike.
func (r *Request) parse(p *Params, s string) (Params, error) {
	if *p != nil {
		return *p, nil
	}
	var room []Field
	if r.query == nil && r.form == nil {
		room = r.room[:]
	}
	var err error
	*p, err = parseParams(s, room)
	return *p, err
}

// URL returns the URL as the client sees it, absolute but at a guard, which knows no origin: there it is path and query. It is
// put together anew by every call.
func (r *Request) URL() string {
	if r.RawQuery == "" {
		return r.Origin + r.Path
	}
	return r.Origin + r.Path + "?" + r.RawQuery
}

// Query returns the parameters of RawQuery. It parses them once, and they are good until r is assigned anew: they may stand in
// it. Where the query was left in Path, the error is [InvalidRequest]: it is not taken for a request without one.
func (r *Request) Query() (Params, error) {
	if strings.IndexByte(r.Path, '?') >= 0 {
		return nil, Errorf(InvalidRequest, nil, "the path of the request has a query in it")
	}
	return r.parse(&r.query, r.RawQuery)
}

const formType = "application/x-www-form-urlencoded"

// isForm reports whether a Content-Type is that of a form, whatever its parameters.
func isForm(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	return strings.EqualFold(strings.TrimSpace(kind), formType)
}

// Form returns the parameters of the body, which must be application/x-www-form-urlencoded; the
// parameters of the URL are not among them. It parses them once, and they are good as long as those of [Request.Query]. An
// error is [InvalidRequest].
func (r *Request) Form() (Params, error) {
	if r.Body == "" || r.Header == nil {
		return nil, nil
	}
	if kind := r.Header.Get("Content-Type"); kind != formType && !isForm(kind) {
		return nil, Errorf(InvalidRequest, nil, "content type must be application/x-www-form-urlencoded")
	}
	return r.parse(&r.form, r.Body)
}

// Cookie returns the value of the cookie called name, or "". One that comes twice is none: a prefix __Host- means that there is
// one, and whatever else has its name was planted.
func (r *Request) Cookie(name string) string {
	if r.Header == nil {
		return ""
	}
	found, times := "", 0
	for _, line := range r.Header.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			// Blanks alone, no other white space: to a browser that is a part of the name (RFC 6265, section 5.4).
			if have, value, ok := strings.Cut(strings.Trim(pair, " \t"), "="); ok && have == name {
				found = strings.Trim(value, `"`)
				times++
			}
		}
	}
	if times != 1 {
		return ""
	}
	return found
}

// String shows method and path, and nothing that could be a secret.
func (r *Request) String() string {
	path, _, _ := strings.Cut(r.Path, "?") // no adapter leaves a query there; one that did would have it in logs
	return r.Method + " " + r.Origin + path
}

// GoString is String: printing with %#v leaks nothing either.
func (r *Request) GoString() string { return r.String() }

// LogValue is String for package slog.
func (r *Request) LogValue() slog.Value { return slog.StringValue(r.String()) }
