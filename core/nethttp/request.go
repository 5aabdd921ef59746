package nethttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// Serve reads r, lets e answer and returns the answer. ctx is what the endpoint gets: that of r with what the adapter put
// there. The body of r can be read again.
func Serve(ctx context.Context, e *mandate.Endpoint, r *http.Request) *mandate.Response {
	req, err := readRequest(r, e.Origin, e.Path, e.BodyLimit())
	if err != nil {
		return unreadable()
	}
	return e.Serve(ctx, req)
}

// readRequest reads r. Of the body it reads at most limit bytes; r has all of it again afterwards. An error is
// [mandate.InvalidRequest]: the body broke off.
func readRequest(r *http.Request, origin, path string, limit int64) (*mandate.Request, error) {
	req := &mandate.Request{Method: r.Method, Header: r.Header}
	escaped := r.URL.EscapedPath()
	req.URL = origin + escaped
	if r.URL.RawQuery != "" {
		req.URL += "?" + r.URL.RawQuery
	}
	if strings.HasSuffix(path, "/{id}") {
		req.PathID = lastSegment(escaped)
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		req.Peer = r.TLS.PeerCertificates[0]
	}
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		return req, nil
	case r.ContentLength > limit:
		req.Oversized = true
		return req, nil
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	r.Body = restored{io.MultiReader(bytes.NewReader(data), failing{r.Body, err}), r.Body}
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge || int64(len(data)) > limit:
		req.Oversized = true
	case err != nil:
		return nil, mandate.Errorf(mandate.InvalidRequest, err, "the request body broke off")
	default:
		req.Body = string(data)
	}
	return req, nil
}

func lastSegment(escaped string) string {
	segment, err := url.PathUnescape(escaped[strings.LastIndexByte(escaped, '/')+1:])
	if err != nil {
		return ""
	}
	return segment
}

// restored is a body that was read in part: the part, then the rest.
type restored struct {
	io.Reader
	io.Closer
}

// failing goes on with a body, or fails as it failed before.
type failing struct {
	body io.Reader
	err  error
}

func (f failing) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.body.Read(p)
}
