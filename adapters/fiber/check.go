package mandatefiber

import (
	"bytes"
	"context"

	"github.com/gofiber/fiber/v2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// check checks the request for rule. Token and refusal are both nil where it may pass without a token; fresh is a token that
// no earlier guard had verified. ctx is what [inherited] found.
func (a *Auth) check(ctx context.Context, c *fiber.Ctx, rule *resource.Rule) (tok *mandate.Token, fresh bool, refusal *mandate.Response) { //nolint:contextcheck // there is none to inherit
	if ctx == nil {
		ctx = context.Background()
	} else if tok = verified(c, a.guard); tok != nil { // what a guard leaves is a context too
		return tok, false, a.guard.CheckAgain(ctx, tok, rule)
	}
	var presented resource.Credentials
	readCredentials(&presented, c, a.guard)
	if a.guard.ReadsRequest(presented) {
		if presented.Request, refusal = a.ask(c); refusal != nil {
			return nil, false, refusal
		}
	}
	tok, refusal = a.guard.Check(ctx, presented, rule)
	return tok, tok != nil, refusal
}

// ask reads the request and asks the guard about it, which may refuse it before its token is looked at.
func (a *Auth) ask(c *fiber.Ctx) (*mandate.Request, *mandate.Response) {
	r := request(c, "", "", resource.BodyLimit)
	if r.Oversized && c.Request().IsBodyStream() && c.Request().Header.ContentLength() < 0 {
		// A part of it is read, and the handler would get the rest alone.
		return nil, a.guard.Refuse(c.UserContext(), mandate.Errorf(mandate.InvalidRequest, nil, "the request body comes in chunks and is too large to be checked: send its length"))
	}
	return r, a.guard.CheckRequest(c.UserContext(), r)
}

// checkFor is check for a requirement that is known only now, of a request of which r was read, and the guard asked about; nil: it was not. No
// request passes without a token.
func (a *Auth) checkFor(c *fiber.Ctx, need mandate.Requirement, r *mandate.Request) (tok *mandate.Token, fresh bool, refusal *mandate.Response) {
	ctx := c.UserContext()
	if tok = verified(c, a.guard); tok != nil {
		return tok, false, a.guard.CheckAgainFor(ctx, tok, need)
	}
	var presented resource.Credentials
	readCredentials(&presented, c, a.guard)
	presented.Preflight = false
	if r == nil && a.guard.ReadsRequest(presented) {
		if r, refusal = a.ask(c); refusal != nil {
			return nil, false, refusal
		}
	}
	presented.Request = r
	tok, refusal = a.guard.CheckFor(ctx, presented, need)
	return tok, tok != nil, refusal
}

// user loads the user of tok, with the one that a middleware has on board where there is one.
func (a *Auth) user(c *fiber.Ctx, tok *mandate.Token) (any, error) {
	ctx := c.UserContext()
	if have := verified(c, a.guard); have != nil && have == tok {
		return access(c).User(Context(c))
	}
	return a.guard.User(ctx, tok)
}

// readCredentials makes presented views of Fiber's buffers: good for a call, and not to be kept.
func readCredentials(presented *resource.Credentials, c *fiber.Ctx, g *resource.Guard) {
	header := &c.Request().Header
	switch fields := header.PeekAll(fiber.HeaderAuthorization); len(fields) {
	case 0:
	case 1:
		field := fields[0]
		if padded(field) {
			field = bytes.Trim(field, " \t")
		}
		presented.Authorization = view(field)
	default:
		presented.Authorization = string(bytes.Join(fields, []byte(", ")))
	}
	presented.Preflight = header.IsOptions() && preflight(c) // which looks again, but is a call
	if g.ReadsBody() && resource.FormBody(c.Method(), view(header.ContentType())) {
		presented.Body = bodyToken(c)
	}
	if g.ReadsQuery() {
		presented.Query = queryToken(c)
	}
}

// maxForm bounds a form in which a token is looked for.
const maxForm = 64 << 10

func bodyToken(c *fiber.Ctx) string {
	if oversizedStream(c, maxForm) {
		c.Context().SetConnectionClose()
		if c.Request().Header.ContentLength() < 0 {
			return "," // no token: a part of the form is read, and the handler would get the rest alone
		}
		return ""
	}
	if body := c.Request().Body(); len(body) <= maxForm {
		return resource.BodyToken(view(body))
	}
	return ""
}

func queryToken(c *fiber.Ctx) string {
	return resource.QueryToken(view(c.Request().URI().QueryString()))
}

// markPrivate sets Cache-Control if the guard took the token out of the query: no cache may share what is found under such a URL
// (RFC 6750, section 2.3). The handler may set a stricter one.
func (a *Auth) markPrivate(c *fiber.Ctx) {
	if a.guard.ReadsQuery() {
		markQuery(c)
	}
}

// markQuery is markPrivate for a guard that looks there. It is apart, so that nothing is called for all others.
func markQuery(c *fiber.Ctx) {
	if queryToken(c) != "" {
		c.Set(fiber.HeaderCacheControl, "private")
	}
}

// padded reports whether there may be blanks around a field, of which fasthttp leaves tabs (RFC 9110, section 5.5). There hardly ever are any.
func padded(field []byte) bool {
	n := len(field)
	return n > 0 && (field[0] <= ' ' || field[n-1] <= ' ')
}

func preflight(c *fiber.Ctx) bool {
	header := &c.Request().Header
	return header.IsOptions() && len(header.Peek(fiber.HeaderOrigin)) > 0 && len(header.Peek(fiber.HeaderAccessControlRequestMethod)) > 0
}
