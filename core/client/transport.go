package client

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// Transport is an http.RoundTripper that sends a token along: for an http.Client, or anything else that takes one. The token goes to the
// origins of Allowed, and to no other: a request to another one fails with [WrongHost], unless a redirect leads there, which is followed to its end
// without the token, and without all header fields that could be a secret. It may be used by any number of goroutines, and must not be changed once it is.
type Transport struct {
	// Source is where tokens come from: a [Source], or any other. Required.
	Source oauth2.TokenSource
	// Allowed are the origins to which the token may go: "https://api.example.com". http is for loopback alone. Required.
	Allowed []string
	// Base sends the requests. Required: http.DefaultTransport, for example.
	Base http.RoundTripper
	// Before may change each request right before it is sent, with the token already in it: for APIs that want it elsewhere. Its error is
	// that of the request. What it is given is a copy. May be nil.
	Before func(r *http.Request) error
}

var _ http.RoundTripper = (*Transport)(nil)

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case t.Base == nil:
		return refuse(r, &Error{Kind: Fault, Cause: errors.New("the Transport has no Base: http.DefaultTransport, for example")})
	case t.strayed(r):
		return t.Base.RoundTrip(stripped(r))
	case !t.allows(r.URL):
		return refuse(r, wrongHost(r.URL))
	}
	header, err := t.header(r)
	if err != nil {
		return refuse(r, err)
	}
	if t.Before != nil {
		return t.roundTripBefore(r, header)
	}
	out := r.WithContext(r.Context()) // a copy: a RoundTripper changes nothing of what it is given
	out.Header = make(http.Header, len(r.Header)+1)
	for name, values := range r.Header {
		out.Header[name] = slices.Clip(values)
	}
	out.Header["Authorization"] = header
	return t.Base.RoundTrip(out)
}

// stripped returns a copy of a request with those header fields alone that are no secrets: an API may have keys in any other.
func stripped(r *http.Request) *http.Request {
	out := r.WithContext(r.Context())
	out.Header = http.Header{}
	for _, name := range [...]string{"Accept", "Accept-Encoding", "Accept-Language", "If-Modified-Since", "If-None-Match", "If-Range", "Range", "User-Agent"} {
		if values, ok := r.Header[name]; ok {
			out.Header[name] = slices.Clone(values)
		}
	}
	return out
}

// strayed reports whether redirects led a request to another origin, though it be back by now: what it is for was chosen there.
func (t *Transport) strayed(r *http.Request) bool {
	for ; r != nil && r.Response != nil; r = r.Response.Request { // the answer that redirects here
		if !t.allows(r.URL) {
			return true
		}
	}
	return false
}

func (t *Transport) roundTripBefore(r *http.Request, header []string) (*http.Response, error) {
	out := r.Clone(r.Context())
	if out.Header == nil {
		out.Header = http.Header{}
	}
	out.Header["Authorization"] = []string{header[0]}
	if err := t.Before(out); err != nil {
		return refuse(r, err)
	}
	if !t.allows(out.URL) {
		return refuse(r, wrongHost(out.URL))
	}
	return t.Base.RoundTrip(out)
}

// header returns the Authorization of a request.
func (t *Transport) header(r *http.Request) ([]string, error) {
	if s, ok := t.Source.(*Source); ok {
		h, err := s.get(r.Context())
		if err != nil {
			return nil, err
		}
		return h.header, sendable(h.tok)
	}
	if t.Source == nil {
		return nil, &Error{Kind: NoToken, Cause: errors.New("the Transport has no Source")}
	}
	tok, err := t.Source.Token()
	if err != nil {
		return nil, err
	}
	return []string{tok.Type() + " " + tok.AccessToken}, sendable(tok)
}

// sendable refuses a token that is worth nothing without a proof that is not made here, or is no access token.
func sendable(tok *oauth2.Token) error {
	switch kind := tok.TokenType; len(kind) {
	case len("DPoP"), len("mac"):
		if strings.EqualFold(kind, "DPoP") || strings.EqualFold(kind, "mac") || strings.EqualFold(kind, "N_A") {
			return &Error{Kind: NoToken, Cause: fmt.Errorf("a token of the type %q cannot be sent as it is", kind)}
		}
	}
	return nil
}

// refuse answers without sending: a RoundTripper closes the body all the same.
func refuse(r *http.Request, err error) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return nil, err
}

func wrongHost(u *url.URL) error {
	return &Error{Kind: WrongHost, Cause: fmt.Errorf("%.200q is not among the origins to which the token may go", u.Scheme+"://"+u.Host)}
}

// allows reports whether the token may go to u.
func (t *Transport) allows(u *url.URL) bool {
	for _, o := range t.Allowed {
		if len(o) == len(u.Scheme)+3+len(u.Host) && o[:len(u.Scheme)] == u.Scheme && o[len(u.Scheme):len(u.Scheme)+3] == "://" && o[len(u.Scheme)+3:] == u.Host {
			return safe(u)
		}
	}
	if !safe(u) {
		return false
	}
	to := originOf(u)
	for _, o := range t.Allowed {
		if a, err := url.Parse(o); err == nil && a.Host != "" && originOf(a) == to {
			return true
		}
	}
	return false
}

// safe reports whether nobody in between can read what goes to u.
func safe(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopbackHost(u.Hostname())
}

func loopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// originOf returns the origin of u in the one spelling that can be compared.
func originOf(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
