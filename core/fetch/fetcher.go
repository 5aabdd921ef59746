package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// ErrRefused means that the guard refused: the URL, an address it led to, or a redirect.
var ErrRefused = errors.New("refused")

// ErrTooLarge means that the answer is larger than the request allowed. A body is never cut off.
var ErrTooLarge = errors.New("answer is too large")

const (
	defaultMaxBytes = 64 << 10
	maxHeaderBytes  = 32 << 10
	maxRedirects    = 3
	maxURL          = 8 << 10
)

// Fetcher is the guarded [mandate.Fetcher]. It may be used by any number of goroutines.
type Fetcher struct {
	config    Config
	guarded   *http.Transport // strangers' URLs
	operator  *http.Transport
	plain     *http.Transport // operator's URLs with http
	strangers *limit
	operators *limit
}

var _ mandate.Fetcher = (*Fetcher)(nil)

// New returns a Fetcher. It does not touch the network. An error names the field of c.
func New(c Config) (*Fetcher, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	anywhere := func(netip.Addr) bool { return true }
	strangers, plain := Public, loopback
	if c.AllowPrivateNetworks {
		strangers = anywhere
	}
	if c.AllowInsecureHTTP {
		plain = anywhere
	}
	return &Fetcher{
		config:    c,
		guarded:   c.transport(strangers),
		operator:  c.transport(anywhere),
		plain:     c.transport(plain),
		strangers: newLimit(c.Concurrency, c.PerHost),
		operators: newLimit(c.Concurrency, c.PerHost),
	}, nil
}

func (c Config) transport(allow func(netip.Addr) bool) *http.Transport {
	dialer := &net.Dialer{Timeout: c.Timeout, Resolver: c.Resolver, ControlContext: control(allow)}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:       nil, // a proxy would look names up in our place, and past the guard
		DialContext: dialer.DialContext,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            c.RootCAs,
			InsecureSkipVerify: c.InsecureSkipVerify, // #nosec G402 -- loud, and off by default
		},
		TLSHandshakeTimeout:    c.Timeout,
		Protocols:              protocols,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           max(64, c.PerHost),
		MaxIdleConnsPerHost:    c.PerHost, // what is fetched at once can be fetched again without new connections
		IdleConnTimeout:        30 * time.Second,
	}
}

// Close closes the connections that wait for more. The Fetcher may be used on.
func (f *Fetcher) Close() {
	f.guarded.CloseIdleConnections()
	f.operator.CloseIdleConnections()
	f.plain.CloseIdleConnections()
}

// Fetch sends r and returns the answer, whatever its status. An error wraps its cause ([ErrRefused], [ErrTooLarge], that of the
// context, or the network's) and shows neither the query of the URL nor anything that was sent. The
// fields of the answer are in the order of their names.
func (f *Fetcher) Fetch(ctx context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	if r.Method == "" || r.Method == http.MethodGet {
		if body, ok := f.config.Documents[r.URL]; ok {
			return document(r, body)
		}
	}
	res, err := f.fetch(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", redact(r.URL), err)
	}
	return res, nil
}

func document(r *mandate.FetchRequest, body string) (*mandate.Response, error) {
	if int64(len(body)) > limitOf(r) {
		return nil, fmt.Errorf("fetch %s: %w", redact(r.URL), tooLarge(r))
	}
	return &mandate.Response{
		Status: http.StatusOK,
		Header: mandate.Fields{{Name: "Content-Type", Value: "application/json"}},
		Body:   []byte(body),
	}, nil
}

func (f *Fetcher) fetch(ctx context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	if r.MaxBytes < 0 {
		return nil, fmt.Errorf("MaxBytes is %d", r.MaxBytes)
	}
	to, err := parseURL(r.URL)
	if err != nil {
		return nil, err
	}
	transport, limit, err := f.route(r.Trust, to)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.config.Timeout)
	defer cancel()
	release, err := limit.acquire(ctx, strings.ToLower(to.Hostname()))
	if err != nil {
		return nil, fmt.Errorf("wait for a turn: %w", err)
	}
	defer release()

	for range maxRedirects + 1 {
		res, next, err := f.send(ctx, transport, r, to)
		if err != nil || next == nil {
			return res, err
		}
		to = next
	}
	return nil, fmt.Errorf("%w: more than %d redirects", ErrRefused, maxRedirects)
}

// route checks the scheme and chooses the way out.
func (f *Fetcher) route(trust mandate.Trust, to *url.URL) (*http.Transport, *limit, error) {
	switch {
	case trust == mandate.Operator && to.Scheme == "https":
		return f.operator, f.operators, nil
	case trust == mandate.Operator && to.Scheme == "http" && (f.config.AllowInsecureHTTP || isLoopback(to.Hostname())):
		return f.plain, f.operators, nil
	case trust == mandate.Operator:
		return nil, nil, fmt.Errorf("%w: scheme %q, want https, or http to loopback", ErrRefused, to.Scheme)
	case to.Scheme != "https": // whatever else Trust may be, it is no more than this
		return nil, nil, fmt.Errorf("%w: scheme %q, want https", ErrRefused, to.Scheme)
	default:
		return f.guarded, f.strangers, nil
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && loopback(addr)
}

// send sends one request. It returns the answer, or where a redirect leads.
func (f *Fetcher) send(ctx context.Context, transport *http.Transport, r *mandate.FetchRequest, to *url.URL) (*mandate.Response, *url.URL, error) {
	req, err := f.request(ctx, r, to)
	if err != nil {
		return nil, nil, err
	}
	res, err := transport.RoundTrip(req) // not a Client: it would follow redirects and put the URL into errors
	if err != nil {
		if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
			err = fmt.Errorf("%w: %w", ended, err)
		}
		return nil, nil, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	if res.StatusCode/100 == 3 && res.StatusCode != http.StatusNotModified {
		next, err := redirect(r, to, res)
		return nil, next, err
	}
	body, err := read(r, res)
	if err == nil {
		err = ctx.Err() // a server that notices the hang-up may end its answer early, and in good form
	}
	if err != nil {
		return nil, nil, err
	}
	return &mandate.Response{Status: res.StatusCode, Header: fields(res.Header), Body: body}, nil, nil
}

func (f *Fetcher) request(ctx context.Context, r *mandate.FetchRequest, to *url.URL) (*http.Request, error) {
	var body io.Reader
	if r.Body != "" {
		body = strings.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, to.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: the method is no token", ErrRefused) // the URL is one already
	}
	for _, field := range r.Header {
		req.Header.Add(field.Name, field.Value)
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", f.config.UserAgent)
	}
	return req, nil
}

// redirect returns where res leads, if r may go there.
func redirect(r *mandate.FetchRequest, from *url.URL, res *http.Response) (*url.URL, error) {
	if r.Trust != mandate.Operator {
		return nil, fmt.Errorf("%w: a redirect (status %d)", ErrRefused, res.StatusCode)
	}
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		if r.Method != "" && r.Method != http.MethodGet && r.Method != http.MethodHead {
			return nil, fmt.Errorf("%w: a redirect of a %s (status %d)", ErrRefused, r.Method, res.StatusCode)
		}
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, fmt.Errorf("%w: status %d", ErrRefused, res.StatusCode)
	}
	ref, err := url.Parse(res.Header.Get("Location"))
	if err != nil || ref.String() == "" {
		return nil, fmt.Errorf("%w: a redirect (status %d) without a usable Location", ErrRefused, res.StatusCode)
	}
	to := from.ResolveReference(ref)
	if to.Scheme != from.Scheme || !strings.EqualFold(to.Hostname(), from.Hostname()) || port(to) != port(from) || to.User != nil {
		return nil, fmt.Errorf("%w: a redirect to another origin, %.100q", ErrRefused, origin(to))
	}
	to.Fragment, to.RawFragment = "", ""
	return to, nil
}

func read(r *mandate.FetchRequest, res *http.Response) ([]byte, error) {
	limit := limitOf(r)
	if res.ContentLength > limit && r.Method != http.MethodHead {
		return nil, tooLarge(r)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, tooLarge(r)
	}
	return body, nil
}

func limitOf(r *mandate.FetchRequest) int64 {
	if r.MaxBytes == 0 {
		return defaultMaxBytes
	}
	return min(r.MaxBytes, 1<<40) // one more is still a number
}

func tooLarge(r *mandate.FetchRequest) error {
	return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limitOf(r))
}

// fields returns h in the order of its names.
func fields(h http.Header) mandate.Fields {
	list := make(mandate.Fields, 0, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			list = append(list, mandate.Field{Name: name, Value: value})
		}
	}
	return list
}
