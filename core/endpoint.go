package mandate

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Endpoint is one path and what answers there.
type Endpoint struct {
	Name    string   // "token": metadata advertises it under this name
	Origin  string   // "https://auth.example.com", as configured: the adapter puts it before the path and query it received
	Path    string   // absolute, below the origin; its last segment may be "{id}"
	Methods []string // as in Allow; GET brings HEAD
	CORS    bool     // scripts of any origin may call it, without cookies
	Limit   int64    // of the body, in bytes; zero: 64 KiB
	// AllowOrigin says which origins CORS is for. Nil: any.
	AllowOrigin func(origin string) bool
	Handle      func(ctx context.Context, r *Request) *Response
	// TooLarge answers a body over Limit. Nil: 413 with the JSON that OAuth has for it.
	TooLarge func(ctx context.Context, r *Request) *Response
}

// Mountable is what has endpoints: an authorization server, a guard with resource metadata.
type Mountable interface {
	Endpoints() []Endpoint
}

// BodyLimit returns Limit or its default.
func (e *Endpoint) BodyLimit() int64 {
	if e.Limit > 0 {
		return e.Limit
	}
	return 64 << 10
}

// Serve answers r. An adapter registers the path for every method that its framework knows and calls
// Serve for all of them: the endpoint's own methods go to Handle; HEAD, OPTIONS, CORS preflight, 405
// and a body over the limit are answered here, so that they are alike everywhere.
func (e *Endpoint) Serve(ctx context.Context, r *Request) *Response {
	var resp *Response
	switch {
	case r.Oversized && slices.Contains(e.Methods, r.Method):
		if resp = oversized(); e.TooLarge != nil {
			resp = e.TooLarge(ctx, r)
		}
	case slices.Contains(e.Methods, r.Method):
		resp = e.Handle(ctx, r)
	case r.Method == "HEAD" && slices.Contains(e.Methods, "GET"):
		get := *r
		get.Method = "GET"
		resp = headOf(e.Handle(ctx, &get))
	case r.Method == "OPTIONS" && e.CORS && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != "":
		header, ok := e.origin(r)
		if ok {
			header = append(header,
				Field{"Access-Control-Allow-Methods", e.Allow()},
				Field{"Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP, MCP-Protocol-Version"},
				Field{"Access-Control-Max-Age", "86400"})
		}
		return &Response{Status: 204, Header: header}
	default:
		resp = &Response{Status: 405, Header: Fields{{"Allow", e.Allow()}}}
	}
	if e.CORS && (r.Method != "POST" || r.Header.Get("Origin") != "") {
		c := *resp
		header, ok := e.origin(r)
		if ok {
			header = append(header, Field{"Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce, Retry-After"})
		}
		c.Header = append(slices.Clip(c.Header), header...)
		resp = &c
	}
	return resp
}

// origin reports whether scripts of r's origin may read the answer, and returns the header fields that say so: never with cookies.
func (e *Endpoint) origin(r *Request) (Fields, bool) {
	if e.AllowOrigin == nil {
		return Fields{{"Access-Control-Allow-Origin", "*"}}, true
	}
	if origin := r.Header.Get("Origin"); origin != "" && e.AllowOrigin(origin) {
		return Fields{{"Access-Control-Allow-Origin", origin}, {"Vary", "Origin"}}, true
	}
	return Fields{{"Vary", "Origin"}}, false
}

// Allow returns the methods that the endpoint answers, as the header field Allow has them.
func (e *Endpoint) Allow() string {
	methods := slices.Clone(e.Methods)
	if i := slices.Index(methods, "GET"); i >= 0 && !slices.Contains(methods, "HEAD") {
		methods = slices.Insert(methods, i+1, "HEAD")
	}
	if e.CORS {
		methods = append(methods, "OPTIONS")
	}
	return strings.Join(methods, ", ")
}

func headOf(r *Response) *Response {
	if r.Page != nil || r.Status == 204 || r.Status == 304 {
		return r
	}
	r = r.With("Content-Length", strconv.Itoa(len(r.Body)))
	r.Body = nil
	return r
}

// oversized is RFC 9110, section 15.5.14, with the code that OAuth has for it.
func oversized() *Response {
	return &Response{
		Status: 413,
		Header: Fields{{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
		Body:   []byte(`{"error":"invalid_request","error_description":"request body is too large"}`),
	}
}
