package nethttp

import (
	"context"
	"net/http"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// Check checks r for rule. A token that g verified earlier in the same request is not verified again; otherwise fresh is true, and
// the caller may put it into the request with [Enter]. Token and refusal are both nil where the request may pass without a
// token.
func Check(r *http.Request, g *resource.Guard, rule *resource.Rule) (tok *mandate.Token, fresh bool, refusal *mandate.Response) {
	ctx := r.Context()
	if tok = verified(ctx, g); tok != nil {
		return tok, false, g.CheckAgain(ctx, tok, rule)
	}
	c := credentials(r, g)
	if g.ReadsRequest(c) {
		if c.Request, refusal = ask(r, g); refusal != nil {
			return nil, false, refusal
		}
	}
	tok, refusal = g.Check(ctx, c, rule)
	return tok, tok != nil, refusal
}

// ask reads r and asks g about it, which may refuse it before its token is looked at.
func ask(r *http.Request, g *resource.Guard) (*mandate.Request, *mandate.Response) {
	req, err := readRequest(r, resource.BodyLimit)
	if err != nil {
		return nil, g.Refuse(r.Context(), err)
	}
	return req, g.CheckRequest(r.Context(), req)
}

// CheckFor is [Check] inside a handler, for a requirement that is known only now. No request passes without a token.
func CheckFor(r *http.Request, g *resource.Guard, need mandate.Requirement) (tok *mandate.Token, fresh bool, refusal *mandate.Response) {
	return checkFor(r, g, need, nil)
}

// checkFor is CheckFor for a request of which req was read, and g asked about; nil: it was not.
func checkFor(r *http.Request, g *resource.Guard, need mandate.Requirement, req *mandate.Request) (tok *mandate.Token, fresh bool, refusal *mandate.Response) {
	ctx := r.Context()
	if tok = verified(ctx, g); tok != nil {
		return tok, false, g.CheckAgainFor(ctx, tok, need)
	}
	c := credentials(r, g)
	c.Preflight = false
	if req == nil && g.ReadsRequest(c) {
		if req, refusal = ask(r, g); refusal != nil {
			return nil, false, refusal
		}
	}
	c.Request = req
	tok, refusal = g.CheckFor(ctx, c, need)
	return tok, tok != nil, refusal
}

// CheckRequest is [Check] for a requirement that f makes of the request.
func CheckRequest(r *http.Request, g *resource.Guard, f func(context.Context, *mandate.Request) mandate.Requirement) (tok *mandate.Token, fresh bool, refusal *mandate.Response) {
	if preflight(r) {
		tok, refusal = g.CheckFor(r.Context(), resource.Credentials{Preflight: true}, mandate.Requirement{})
		return tok, false, refusal
	}
	req, refusal := ask(r, g)
	if refusal != nil {
		return nil, false, refusal
	}
	return checkFor(r, g, f(r.Context(), req), req)
}

// MarkPrivate sets Cache-Control in the header of an answer to r if g took the token out of r's query: no cache may share what is
// found under such a URL (RFC 6750, section 2.3). The handler may set a stricter one.
func MarkPrivate(header http.Header, r *http.Request, g *resource.Guard) {
	if g.ReadsQuery() && resource.QueryToken(r.URL.RawQuery) != "" {
		header.Set("Cache-Control", "private")
	}
}

// Enter returns r with tok, which g verified, in its context. g is nil for a token from elsewhere.
func Enter(r *http.Request, g *resource.Guard, tok *mandate.Token) *http.Request {
	return r.WithContext(resource.Carry(r.Context(), g, tok)) //nolint:contextcheck // it descends from that of r
}

// LoadUser loads the user of tok, with the one that a middleware of g has on board where there is one.
func LoadUser(r *http.Request, g *resource.Guard, tok *mandate.Token) (any, error) {
	ctx := r.Context()
	if a := resource.AccessFrom(ctx); a != nil && a.Guard() == g && a.Token() == tok {
		return a.User(ctx)
	}
	return g.User(ctx, tok)
}

// verified returns the token that g itself verified in this request, or nil.
func verified(ctx context.Context, g *resource.Guard) *mandate.Token {
	if a := resource.AccessFrom(ctx); a != nil && a.Guard() == g && g != nil {
		return a.Token()
	}
	return nil
}

func credentials(r *http.Request, g *resource.Guard) resource.Credentials {
	var c resource.Credentials
	switch fields := r.Header["Authorization"]; len(fields) {
	case 0:
	case 1:
		c.Authorization = fields[0]
	default:
		c.Authorization = strings.Join(fields, ", ")
	}
	c.Preflight = preflight(r)
	if g.ReadsBody() {
		c.Body = bodyToken(r)
	}
	if g.ReadsQuery() {
		c.Query = resource.QueryToken(r.URL.RawQuery)
	}
	return c
}

func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// bodyToken returns the access token of a form body, and leaves the body as it was.
func bodyToken(r *http.Request) string {
	if !resource.FormBody(r.Method, r.Header.Get("Content-Type")) {
		return ""
	}
	req, err := readRequest(r, 64<<10)
	if err != nil {
		return ""
	}
	return resource.BodyToken(req.Body)
}
