package nethttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unsafe"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// Serve reads r, lets e answer and returns the answer. ctx is what the endpoint gets: that of r with what the adapter put
// there. The body of r can be read again.
func Serve(ctx context.Context, e *mandate.Endpoint, r *http.Request) *mandate.Response {
	return new(reading).serve(ctx, e, r)
}

// reading is a request as it was read, in one piece of memory with what gives its body back.
type reading struct {
	request mandate.Request
	body    restored
}

// serve is [Serve].
func (x *reading) serve(ctx context.Context, e *mandate.Endpoint, r *http.Request) *mandate.Response {
	req := &x.request
	req.Origin, req.Path, req.RawQuery = e.Origin, r.URL.EscapedPath(), r.URL.RawQuery
	if strings.HasSuffix(e.Path, "/{id}") {
		req.PathID = lastSegment(req.Path)
	}
	if err := x.read(r, e.BodyLimit()); err != nil {
		return unreadable()
	}
	return e.Serve(ctx, req)
}

// readRequest reads r for a guard, which knows no origin.
func readRequest(r *http.Request, limit int64) (*mandate.Request, error) {
	x := new(reading)
	x.request.Path, x.request.RawQuery = r.URL.EscapedPath(), r.URL.RawQuery
	err := x.read(r, limit)
	if err == nil && x.request.Body == "" && !x.request.Oversized {
		x.again(r)
	}
	return &x.request, err
}

// again makes good for somebody who read the body before. A form is made anew of what the handler will see; of other bodies it is told that they
// are not to be had, or a guard would judge by an empty one.
func (x *reading) again(r *http.Request) {
	switch {
	case len(r.PostForm) > 0 && resource.FormBody(r.Method, r.Header.Get("Content-Type")):
		x.request.Body = r.PostForm.Encode()
	case r.ContentLength > 0:
		x.request.Oversized = true
	}
}

// read reads all of r but its URL. Of the body it reads at most limit bytes; r has all of it again afterwards. An error is
// [mandate.InvalidRequest]: the body broke off.
func (x *reading) read(r *http.Request, limit int64) error {
	req := &x.request
	req.Method, req.Header, req.Remote = r.Method, header(r.Header), r.RemoteAddr
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		req.Peer = r.TLS.PeerCertificates[0]
	}
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		return nil
	case r.ContentLength > limit:
		req.Oversized = true
		return nil
	}
	data, err := readAtMost(r.Body, r.ContentLength, limit+1)
	x.body = restored{ReadCloser: r.Body, data: data}
	if err != nil {
		x.body.ReadCloser = broken{r.Body, err}
	}
	r.Body = &x.body
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge || int64(len(data)) > limit:
		req.Oversized = true
	case err != nil:
		return mandate.Errorf(mandate.InvalidRequest, err, "the request body broke off")
	default:
		req.Body = data
	}
	return nil
}

// header is an http.Header that does not look at every letter of a name that is met all the time.
type header http.Header

// Get implements [mandate.Header].
func (h header) Get(name string) string {
	if values := h.Values(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// Values implements [mandate.Header].
func (h header) Values(name string) []string { return h[canonical(name)] }

// maxTrusted bounds the memory that is set aside because a request says how long it is.
const maxTrusted = 8 << 10

// readAtMost reads body to its end, or limit bytes of it. expect is how long it says it is; negative: it does not say.
func readAtMost(body io.Reader, expect, limit int64) (string, error) {
	if expect < 0 {
		expect = 511
	}
	buf := make([]byte, 0, min(expect, maxTrusted)+1) // with room for the read that finds the end
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := body.Read(buf[len(buf):min(int64(cap(buf)), limit)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF, err == nil && int64(len(buf)) >= limit: // io.Reader returns the very value
			return text(buf), nil
		case err != nil:
			return text(buf), err
		}
	}
}

// text returns b as a string without copying it. Nobody writes to b again.
func text(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) // #nosec G103 -- read only from here on
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
	io.ReadCloser

	data string
}

// Read implements io.Reader.
func (b *restored) Read(p []byte) (int, error) {
	if b.data == "" {
		return b.ReadCloser.Read(p)
	}
	n := copy(p, b.data)
	b.data = b.data[n:]
	return n, nil
}

// broken is the rest of a body that broke off.
type broken struct {
	io.ReadCloser

	err error
}

// Read implements io.Reader.
func (b broken) Read([]byte) (int, error) { return 0, b.err }
