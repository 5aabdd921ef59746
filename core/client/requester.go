package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/oidc"
)

// maxAnswer bounds what a server answers to a request for a token.
const maxAnswer = 64 << 10

// TokenConfig says where a server's endpoints are and how this application authenticates there. TokenURL and Credentials.ID are
// required.
type TokenConfig struct {
	// App names the server in errors, and in the keys of what is kept.
	App string
	// TokenURL is the token endpoint; the others are needed for what they are named after alone.
	TokenURL, DeviceURL, RevocationURL, IntrospectionURL string

	Credentials Credentials
	// Issuer is the issuer identifier, the audience of assertions that authenticate the application. Default: TokenURL.
	Issuer string

	// Header is sent with every request, and Params are put in place of a request's own.
	Header mandate.Fields
	Params url.Values
	// ContentType is taken for that of every answer, whatever the server says.
	ContentType string
	// Encoding is how parameters are sent. Default: [EncodeForm].
	Encoding Encoding
	// RevocationRequest makes the request that revokes a token, for servers without RFC 7009. RevocationURL is not used then. Method, URL, Header and
	// Body are taken of it.
	RevocationRequest func(c Credentials, tok *oauth2.Token) (*mandate.FetchRequest, error)
	// Answer may change each answer before it is read, for servers that answer in a way of their own.
	Answer func(res *mandate.Response)

	// Fetcher reaches the server. Default: the guarded one of package fetch, which takes plain http on loopback alone.
	Fetcher mandate.Fetcher
	// Now tells the time. Default: time.Now.
	Now func() time.Time
}

// Encoding is how the parameters of requests to a token endpoint are sent.
type Encoding string

// The encodings.
const (
	EncodeForm  Encoding = ""      // a POST of a form (RFC 6749, section 4.1.3)
	EncodeQuery Encoding = "query" // a GET, against RFC 6749, section 3.2: secrets may be logged on their way
	EncodeJSON  Encoding = "json"  // a POST of an object of JSON
)

func (e Encoding) check() error {
	switch e {
	case EncodeForm, EncodeQuery, EncodeJSON:
		return nil
	}
	return fmt.Errorf("Encoding is %q, want one of %q", e, []Encoding{EncodeForm, EncodeQuery, EncodeJSON})
}

// encode returns method, URL, content type and body of a request with the parameters form.
func (e Encoding) encode(to string, form url.Values) (method, target, kind, body string, err error) {
	switch e {
	case EncodeQuery:
		separator := "?"
		if strings.Contains(to, "?") {
			separator = "&"
		}
		return http.MethodGet, to + separator + form.Encode(), "", "", nil
	case EncodeJSON:
		members := make(map[string]any, len(form))
		for name, values := range form {
			members[name] = values
			if len(values) == 1 {
				members[name] = values[0]
			}
		}
		encoded, err := json.Marshal(members)
		return http.MethodPost, to, "application/json", string(encoded), err
	default:
		return http.MethodPost, to, formType, form.Encode(), nil
	}
}

// TokenRequester asks one server for tokens. Every error is an [*Error]. It may be used by any number of goroutines.
type TokenRequester struct {
	c    TokenConfig
	find func(context.Context) (*endpoints, error)
	// renewed checks what came with a token in place of the one that had the ID token before; nil: nothing is checked.
	renewed func(ctx context.Context, before string, tok *oauth2.Token) (*oauth2.Token, error)
}

// Want is what is asked for along with a grant. The zero value asks for nothing in particular.
type Want struct {
	Scopes    []string
	Resources []string   // RFC 8707
	Params    url.Values // more, as the server's documentation says
}

// NewTokenRequester returns the requester that c describes. It does no I/O. Its error names all faults.
func NewTokenRequester(c TokenConfig) (*TokenRequester, error) {
	var faults []error
	for _, u := range []struct{ name, value string }{
		{"TokenURL", c.TokenURL}, {"DeviceURL", c.DeviceURL}, {"RevocationURL", c.RevocationURL}, {"IntrospectionURL", c.IntrospectionURL},
	} {
		if u.value == "" && u.name != "TokenURL" {
			continue
		}
		if err := checkURL("TokenConfig."+u.name, u.value); err != nil {
			faults = append(faults, fmt.Errorf("client: %w", err))
		}
	}
	for _, err := range c.Credentials.faults() {
		faults = append(faults, fmt.Errorf("client: TokenConfig: %w", err))
	}
	if err := c.Encoding.check(); err != nil {
		faults = append(faults, fmt.Errorf("client: TokenConfig.%w", err))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if c.Fetcher == nil {
		f, err := fetch.New(fetch.Config{})
		if err != nil {
			return nil, fmt.Errorf("client: %w", err)
		}
		c.Fetcher = f
	}
	if c.Issuer == "" {
		c.Issuer = c.TokenURL
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Header, c.Params = slices.Clone(c.Header), maps.Clone(c.Params)
	e := &endpoints{token: c.TokenURL, revocation: c.RevocationURL, introspection: c.IntrospectionURL, device: c.DeviceURL}
	return &TokenRequester{c: c, find: func(context.Context) (*endpoints, error) { return e, nil }}, nil
}

// requester returns what asks the provider of a for tokens.
func (a *oauth2App) requester() *TokenRequester {
	c := TokenConfig{
		App: a.Name, Credentials: a.Credentials, Issuer: a.Issuer, Header: a.TokenHeader, Params: url.Values{}, Fetcher: a.w.Fetcher, Now: a.w.Now,
		Encoding: a.TokenEncoding, Answer: a.TokenAnswer,
	}
	if a.RevocationRequest != nil {
		c.RevocationRequest = a.revocation
	}
	for _, p := range a.TokenParams {
		c.Params.Add(p.Name, p.Value)
	}
	return &TokenRequester{c: c, find: a.endpoints}
}

// revocation is RevocationRequest with its URL resolved.
func (a *oauth2App) revocation(c Credentials, tok *oauth2.Token) (*mandate.FetchRequest, error) {
	r, err := a.RevocationRequest(c, tok)
	if err != nil {
		return nil, err
	}
	base, err := folder(a.APIURL)
	if err != nil {
		return nil, err
	}
	u, err := base.Parse(r.URL)
	if err != nil {
		return nil, errors.New("its URL is none") // the error would show the query
	}
	r.URL = u.String()
	return r, nil
}

// App returns the name of the server.
func (r *TokenRequester) App() string { return r.c.App }

// Token asks with any parameters, "grant_type" among them: for grants that have no method here.
func (r *TokenRequester) Token(ctx context.Context, params url.Values) (*oauth2.Token, error) {
	form := maps.Clone(params)
	if form == nil {
		form = url.Values{}
	}
	res, err := r.post(ctx, "token", form)
	if err != nil {
		return nil, err
	}
	tok, fault := readToken(res, r.c.ContentType, form.Get("scope"), r.c.Now())
	if fault != nil {
		fault.App = r.c.App
		return nil, fault
	}
	return tok, nil
}

// grant is Token for one grant.
func (r *TokenRequester) grant(ctx context.Context, grantType string, w Want, pairs ...string) (*oauth2.Token, error) {
	form := w.form(pairs...)
	form.Set("grant_type", grantType)
	return r.Token(ctx, form)
}

// form returns the parameters of w and the pairs, without those that are empty.
func (w Want) form(pairs ...string) url.Values {
	form := url.Values{}
	if len(w.Scopes) > 0 {
		form.Set("scope", strings.Join(w.Scopes, " "))
	}
	if len(w.Resources) > 0 {
		form["resource"] = slices.Clone(w.Resources)
	}
	maps.Copy(form, w.Params)
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			form.Set(pair[0], pair[1])
		}
	}
	return form
}

var errNoEndpoint = errors.New("the server has no such endpoint, or its URL is not set")

// post sends form, which it adds to, to one of the endpoints and returns the answer, whatever it says.
func (r *TokenRequester) post(ctx context.Context, purpose string, form url.Values) (*mandate.Response, error) {
	e, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	to := e.token
	switch purpose {
	case "device_authorization":
		to = e.device
	case "revocation":
		to = e.revocation
	case "introspection":
		to = e.introspection
	default:
		maps.Copy(form, r.c.Params)
	}
	if to == "" {
		return nil, r.fail(Fault, fmt.Errorf("%w: the %s endpoint", errNoEndpoint, purpose))
	}
	audience := r.c.Issuer
	if audience == "" || strings.Contains(audience, oidc.TenantPart) { // nobody's name
		audience = e.token
	}
	header, err := r.c.Credentials.authenticate(audience, r.c.Now(), form)
	if err != nil {
		return nil, r.fail(Fault, err)
	}
	method, to, kind, body, err := r.c.Encoding.encode(to, form)
	if err != nil {
		return nil, r.fail(Fault, err)
	}
	if kind != "" {
		header = append(header, mandate.Field{Name: "Content-Type", Value: kind})
	}
	header = append(header, mandate.Field{Name: "Accept", Value: "application/json"})
	for _, own := range r.c.Header { // in place of ours
		header = slices.DeleteFunc(header, func(f mandate.Field) bool { return strings.EqualFold(f.Name, own.Name) })
	}
	header = append(header, r.c.Header...)
	res, err := r.c.Fetcher.Fetch(ctx, &mandate.FetchRequest{
		Method: method, URL: to, Header: header, Body: body, Purpose: purpose, Trust: mandate.Operator, MaxBytes: maxAnswer,
	})
	if err != nil {
		return nil, r.fail(Unreachable, fmt.Errorf("%s endpoint: %w", purpose, err))
	}
	if r.c.Answer != nil {
		r.c.Answer(res)
	}
	return res, nil
}

func (r *TokenRequester) fail(kind Kind, cause error) *Error {
	return &Error{Kind: kind, App: r.c.App, Cause: cause}
}
