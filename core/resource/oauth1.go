package resource

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
)

// OAuth1 takes requests that are signed by OAuth 1.0a (RFC 5849, section 3), with the protocol's parameters in the Authorization header, a form body or
// the query. Beside [Of] it lets both generations use one route. What a token allows are the realms that it was approved for; Require
// means all of those it names, as everywhere. A request that a client signed for itself, without a token, meets RequireClient. The handler can
// read the body again, forms included.
//
// It needs the whole request, so that the body of each that has no Bearer token is read, up to 1 MiB of it; a larger one can be verified where it
// is no form and has no oauth_body_hash.
type OAuth1 struct {
	// Server is a *server.Server with Config.OAuth1: it knows clients, tokens and nonces.
	Server SignedSource
	// BaseURL is what stands before the path of each request for those who call this API, as it is configured and never as a request
	// has it: "https://api.example.com", or "https://example.com/v1" behind a proxy that strips "/v1". Clients sign it. It is https, or http on
	// loopback. Default: scheme and host of the server's issuer.
	BaseURL string
}

// SignedSource is what [OAuth1] needs of an authorization server; *server.Server is one.
type SignedSource interface {
	// Issuer returns the issuer identifier.
	Issuer() string
	// SignatureMethods returns the names of the signature methods that it takes; none: it does not speak OAuth 1.0a.
	SignatureMethods() []string
	// VerifySigned returns what r may do, which is signed for a URL below base, and uses it up. An error that is an *oauth1.Error blames r; any
	// other means that nobody could tell.
	VerifySigned(ctx context.Context, r *mandate.Request, base string, now time.Time) (*mandate.Token, error)
}

// schemeOAuth1 is the scheme of RFC 5849, section 3.5.1.
const schemeOAuth1 = "OAuth"

// Open implements [Verifier].
func (o OAuth1) Open(Settings) (Opened, error) {
	if v := reflect.ValueOf(o.Server); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return Opened{}, errors.New("OAuth1.Server is nil: check the error of server.New first")
	}
	if len(o.Server.SignatureMethods()) == 0 {
		return Opened{}, errors.New("OAuth1.Server does not speak OAuth 1.0a: set server.Config.OAuth1")
	}
	base := o.BaseURL
	if base == "" {
		base = originOf(o.Server.Issuer())
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(base, "?#") || strings.HasSuffix(base, "/") || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return Opened{}, fmt.Errorf("OAuth1.BaseURL %q is not an https URL without query, fragment and a slash at its end: http is for loopback alone", base)
	}
	return Opened{
		Name: "OAuth 1.0a of issuer " + o.Server.Issuer(), Scheme: schemeOAuth1, Audience: AudienceOrNone,
		VerifyRequest: func(ctx context.Context, r *mandate.Request, now time.Time) (*mandate.Token, error) {
			return o.Server.VerifySigned(ctx, r, base, now)
		},
		Recognize: signedOutsideHeader,
	}, nil
}

// originOf returns scheme and host of a URL.
func originOf(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// signedOutsideHeader reports whether r is signed in its query or form, or may be: a query in the path is for the verifier to refuse.
func signedOutsideHeader(r *mandate.Request) bool {
	return strings.IndexByte(r.Path, '?') >= 0 || hasSignature(r.RawQuery) || FormBody(r.Method, r.Header.Get("Content-Type")) && hasSignature(r.Body)
}

// hasSignature reports whether a form has the parameter oauth_signature, and does not only speak of it.
func hasSignature(form string) bool {
	for form != "" {
		i := strings.Index(form, "oauth_signature=")
		if i <= 0 || form[i-1] == '&' {
			return i >= 0
		}
		form = form[i+1:]
	}
	return false
}

// signer returns the verifier that c's whole request is for, or nil.
func (g *Guard) signer(c *Credentials) *Opened {
	for i := range g.signers {
		v := &g.signers[i]
		switch scheme, _, _ := strings.Cut(c.Authorization, " "); {
		case strings.EqualFold(scheme, v.Scheme), c.Authorization == "" && v.Recognize != nil && v.Recognize(c.Request):
			return v
		}
	}
	return nil
}

// checkSigned is Check for a request that v takes as a whole.
func (g *Guard) checkSigned(ctx context.Context, c *Credentials, v *Opened, r *Rule) (*mandate.Token, *mandate.Response) {
	if secondScheme(c.Authorization) || g.body && c.Body != "" || g.query && c.Query != "" {
		return nil, g.refuse(ctx, r, v.Scheme, doubled, nil, errTwice)
	}
	now := g.now()
	tok, err := v.VerifyRequest(ctx, c.Request, now)
	if problem, ok := errors.AsType[*oauth1.Error](err); ok {
		resp := g.challenges.problem(v.Scheme, problem)
		if g.on != nil {
			g.on(ctx, g.event(r, invalid, nil, err, resp))
		}
		return nil, resp
	}
	return g.admit(ctx, v, tok, err, now, r)
}

// problem is the answer to a request that was not signed as it should be: the status of RFC 5849, section 3.2, and a challenge that says what is wrong to
// clients that know oauth_problem.
func (c *challenger) problem(scheme string, e *oauth1.Error) *mandate.Response {
	told := &mandate.Error{Code: e.Code, Description: e.Description, Cause: e.Cause}
	resp := c.challenged(scheme, told, false, params{})
	for i, f := range resp.Header {
		if f.Name != "WWW-Authenticate" || !strings.HasPrefix(f.Value, scheme+" ") {
			continue
		}
		for _, p := range e.Problem() {
			resp.Header[i].Value += `, ` + p.Name + `="` + oauth1.Escape(p.Value) + `"`
		}
	}
	resp.Status = e.Status()
	return resp
}

// problemOf returns the value of oauth_problem for an error code of OAuth 2.
func problemOf(code mandate.Code) mandate.Code {
	switch code {
	case mandate.InsufficientScope, mandate.InsufficientUserAuthentication:
		return oauth1.AuthorizationRequired
	case mandate.InvalidToken:
		return oauth1.TokenRejected
	default:
		return oauth1.ParameterRejected
	}
}
