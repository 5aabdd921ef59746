package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/go-mandate/mandate/core/oauth1"
)

// OAuth1Transport signs each request with OAuth 1.0 (RFC 5849) and hands it on: the Transport of an *http.Client. The request that it gets stays as it is.
// A request to which redirects led goes out signed again if all of them stayed at scheme and host of the first one, and unsigned otherwise.
// It may be used by any number of goroutines.
type OAuth1Transport struct {
	Signer *oauth1.Signer    // required
	Base   http.RoundTripper // sends what is signed. nil: http.DefaultTransport
}

var _ http.RoundTripper = (*OAuth1Transport)(nil)

// RoundTrip implements [http.RoundTripper]. It reads a body that is a part of what is signed: that of a form, or any if the signer sends
// oauth_body_hash. A request with an Authorization header of its own is an error, and one that cannot be signed as well.
func (t *OAuth1Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport //nolint:forbidigo // what nil means to an http.Client, too
	}
	if elsewhere(r) {
		return base.RoundTrip(r)
	}
	signed, err := t.sign(r)
	if err != nil {
		if r.Body != nil {
			err = errors.Join(err, r.Body.Close())
		}
		return nil, err
	}
	return base.RoundTrip(signed)
}

// elsewhere reports whether redirects led a request to another server, though it be back by now: that one chose what it is for.
func elsewhere(r *http.Request) bool {
	for r.Response != nil && r.Response.Request != nil {
		before := r.Response.Request
		if before.URL.Scheme != r.URL.Scheme || !strings.EqualFold(before.URL.Host, r.URL.Host) {
			return true
		}
		r = before
	}
	return false
}

// sign returns a signed copy of a request.
func (t *OAuth1Transport) sign(r *http.Request) (*http.Request, error) {
	if t.Signer == nil {
		return nil, errors.New("client: OAuth1Transport.Signer is nil: make one with oauth1.NewSigner")
	}
	if r.Header.Get("Authorization") != "" {
		return nil, errors.New("client: the request has an Authorization header of its own, which the signature would replace")
	}
	u := *r.URL
	if r.Host != "" {
		u.Host = r.Host // what the server will see
	}
	u.User = nil
	out := oauth1.Outgoing{Method: r.Method, URL: u.String(), ContentType: r.Header.Get("Content-Type")}
	if out.Method == "" {
		out.Method = http.MethodGet
	}
	read := r.Body != nil && r.Body != http.NoBody && t.Signer.NeedsBody(out.ContentType)
	if read {
		body, err := io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, fmt.Errorf("client: read the body to be signed: %w", err)
		}
		out.Body = string(body)
	}
	s, err := t.Signer.Sign(out)
	if err != nil {
		return nil, err
	}

	signed := *r // the context stays
	signed.Header = make(http.Header, len(r.Header)+1)
	for name, values := range r.Header {
		signed.Header[name] = slices.Clone(values)
	}
	if s.Authorization != "" {
		signed.Header.Set("Authorization", s.Authorization)
	}
	if s.ContentType != out.ContentType {
		signed.Header.Set("Content-Type", s.ContentType)
	}
	if s.URL != out.URL {
		query := *r.URL
		_, query.RawQuery, _ = strings.Cut(s.URL, "?")
		query.RawQuery, _, _ = strings.Cut(query.RawQuery, "#")
		signed.URL = &query
	}
	if read || s.Body != "" {
		data := []byte(s.Body)
		signed.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		signed.Body = io.NopCloser(bytes.NewReader(data))
		signed.ContentLength = int64(len(data))
	}
	return &signed, nil
}
