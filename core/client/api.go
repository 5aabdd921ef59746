package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

const (
	defaultMaxBytes = 10 << 20
	defaultCall     = 30 * time.Second
)

// APIConfig describes an API. BaseURL is required.
type APIConfig struct {
	// App names the API in errors.
	App string
	// BaseURL is what relative URLs of calls are resolved against, as links of a page in that folder are: with
	// "https://api.example.com/v2" the URL "me" is https://api.example.com/v2/me, and "/me" is https://api.example.com/me. http is for
	// loopback alone.
	BaseURL string
	// Allowed are more origins to which tokens may go: "https://uploads.example.com".
	Allowed []string
	// Header is sent with every request that does not bring its own.
	Header http.Header
	// ContentType is taken for that of every answer, whatever the API says.
	ContentType string
	// Before may change each request right before it is sent: see [Transport.Before].
	Before func(r *http.Request) error
	// Base sends the requests. Default: a transport of the API's own, without a proxy.
	Base http.RoundTripper
	// Timeout bounds a call whose context has no deadline. Default: 30 seconds.
	Timeout time.Duration
	// MaxBytes bounds the body of an answer. Default: 10 MiB.
	MaxBytes int64
}

// API calls an API with a token. [API.With] gives the token. It may be used by any number of goroutines.
type API struct {
	c      APIConfig
	base   *url.URL
	direct *Transport
	client *http.Client
	fault  error // why there is no API, if there is none
}

// NewAPI returns the API that c describes, without a token. Make one for each API, and one of that with each token: so that they share
// connections. It does no I/O. Its error names all faults.
func NewAPI(c APIConfig) (*API, error) {
	var faults []error
	if err := checkURL("APIConfig.BaseURL", c.BaseURL); err != nil {
		faults = append(faults, fmt.Errorf("client: %w", err))
	}
	for _, o := range c.Allowed {
		if err := checkURL("APIConfig.Allowed", o); err != nil {
			faults = append(faults, fmt.Errorf("client: %w", err))
		}
	}
	if c.Timeout < 0 || c.MaxBytes < 0 {
		faults = append(faults, fmt.Errorf("client: APIConfig.Timeout is %v and MaxBytes %d, want more than 0, or 0 for the default", c.Timeout, c.MaxBytes))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	base, _ := folder(c.BaseURL) // it was checked
	if c.Base == nil {
		c.Base = &http.Transport{
			ForceAttemptHTTP2: true, MaxIdleConns: 100, MaxIdleConnsPerHost: 16,
			IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: time.Second,
		}
	}
	if c.Timeout == 0 {
		c.Timeout = defaultCall
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	c.Header = c.Header.Clone()
	allowed := []string{base.Scheme + "://" + base.Host}
	for _, o := range c.Allowed {
		u, _ := url.Parse(o) // it was checked
		allowed = append(allowed, u.Scheme+"://"+u.Host)
	}
	a := &API{c: c, base: base, direct: &Transport{Allowed: allowed, Base: c.Base, Before: c.Before}}
	return a.With(nil), nil
}

// With returns the API with the tokens of source: a [Source], or any other.
func (a *API) With(source oauth2.TokenSource) *API {
	if a.broken() != nil {
		return a
	}
	out, t := *a, *a.direct
	t.Source = source
	out.direct = &t
	out.client = &http.Client{Transport: &t, CheckRedirect: t.checkRedirect}
	return &out
}

// broken returns why there is no API, if there is none.
func (a *API) broken() error {
	if a.fault == nil && a.base == nil {
		return &Error{Kind: Fault, Cause: errors.New("the API is the zero value: make one with NewAPI")}
	}
	return a.fault
}

// checkRedirect follows redirects, but takes nobody's data to other origins.
func (t *Transport) checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !t.allows(r.URL) {
		return wrongHost(r.URL)
	}
	return nil
}

// HTTP returns an http.Client that sends the token along to the API's origins alone: for everything that Call does not do, such as streams.
// It has no timeout.
func (a *API) HTTP() *http.Client {
	if err := a.broken(); err != nil {
		return &http.Client{Transport: brokenTrip{err}}
	}
	return a.client
}

// Call is a request to an API.
type Call struct {
	Method string // default: GET
	URL    string // relative to the BaseURL, or absolute
	Query  url.Values
	Header http.Header
	// Body is what is sent: url.Values as a form, a []byte, string or io.Reader as it is, anything else that is not nil as JSON.
	Body any
	// ContentType is that of the Body. Default: what it is encoded as; for what is sent as it is, application/octet-stream.
	ContentType string
}

// Get gets a URL with the parameters query, which may be nil. The answer is an answer, whatever its status: an error means that there is
// none. It is an [*Error].
func (a *API) Get(ctx context.Context, rawURL string, query url.Values) (*Response, error) {
	return a.Do(ctx, Call{URL: rawURL, Query: query})
}

// Post posts body, which is encoded as [Call.Body] says.
func (a *API) Post(ctx context.Context, rawURL string, body any) (*Response, error) {
	return a.Do(ctx, Call{Method: http.MethodPost, URL: rawURL, Body: body})
}

// Put is Post with another method.
func (a *API) Put(ctx context.Context, rawURL string, body any) (*Response, error) {
	return a.Do(ctx, Call{Method: http.MethodPut, URL: rawURL, Body: body})
}

// Patch is Post with another method.
func (a *API) Patch(ctx context.Context, rawURL string, body any) (*Response, error) {
	return a.Do(ctx, Call{Method: http.MethodPatch, URL: rawURL, Body: body})
}

// Delete deletes what is at a URL.
func (a *API) Delete(ctx context.Context, rawURL string) (*Response, error) {
	return a.Do(ctx, Call{Method: http.MethodDelete, URL: rawURL})
}

// Do makes any call.
func (a *API) Do(ctx context.Context, c Call) (*Response, error) {
	if err := a.broken(); err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.c.Timeout)
		defer cancel()
	}
	r, err := a.request(ctx, c)
	if err != nil {
		return nil, &Error{Kind: Fault, App: a.c.App, Cause: err}
	}
	res, err := a.client.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // it shows the URL with its query
		}
		if e, ok := errors.AsType[*Error](err); ok {
			return nil, asError(a.c.App, e)
		}
		return nil, &Error{Kind: Unreachable, App: a.c.App, Cause: err}
	}
	defer res.Body.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(res.Body, a.c.MaxBytes+1))
	if err == nil && int64(len(raw)) > a.c.MaxBytes {
		err = fmt.Errorf("it has more than %d bytes", a.c.MaxBytes)
	}
	if err != nil {
		return nil, &Error{Kind: Unreachable, App: a.c.App, Status: res.StatusCode, Cause: fmt.Errorf("read the answer: %w", err)}
	}
	kind := res.Header.Get("Content-Type")
	if a.c.ContentType != "" {
		kind = a.c.ContentType
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Raw: raw, ContentType: kind, app: a.c.App}, nil
}

// request makes the request of c.
func (a *API) request(ctx context.Context, c Call) (*http.Request, error) {
	u, err := a.base.Parse(c.URL)
	if err != nil {
		return nil, errors.New("the URL of the call is none") // its error would show the query
	}
	if len(c.Query) > 0 {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+c.Query.Encode(), "&")
	}
	body, kind, err := encode(c.Body)
	if err != nil {
		return nil, fmt.Errorf("the body of the call: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, strings.ToUpper(c.Method), u.String(), body)
	if err != nil {
		return nil, errors.New("the method of the call is none")
	}
	for _, h := range []http.Header{a.c.Header, c.Header} {
		for name, values := range h {
			r.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
		}
	}
	if c.ContentType != "" {
		kind = c.ContentType
	}
	if kind != "" && (c.ContentType != "" || r.Header.Get("Content-Type") == "") {
		r.Header.Set("Content-Type", kind)
	}
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json, */*;q=0.5")
	}
	return r, nil
}

// encode returns what is sent for body, and what that is.
func encode(body any) (io.Reader, string, error) {
	switch b := body.(type) {
	case nil:
		return nil, "", nil
	case url.Values:
		return strings.NewReader(b.Encode()), formType, nil
	case []byte:
		return bytes.NewReader(b), "application/octet-stream", nil
	case string:
		return strings.NewReader(b), "application/octet-stream", nil
	case io.Reader:
		return b, "application/octet-stream", nil
	}
	encoded, err := json.Marshal(body)
	return bytes.NewReader(encoded), "application/json", err
}
