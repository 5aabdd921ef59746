package resource

import (
	"context"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// Scheme takes the tokens of v in another scheme of the Authorization field than Bearer: Scheme("ApiKey", resource.Lookup(find)) takes
// "Authorization: ApiKey ...". What follows the scheme, in the characters of a token (RFC 6750, section 2.1), is what v gets. A guard with verifiers for several
// schemes challenges for each, in a field of its own and in the order of the verifiers.
func Scheme(name string, v Verifier) Verifier { return schemed{name, v} }

type schemed struct {
	name string
	of   Verifier
}

// Open implements [Verifier].
func (s schemed) Open(settings Settings) (Opened, error) {
	if s.of == nil {
		return Opened{}, errNoVerifier
	}
	opened, err := s.of.Open(settings)
	opened.Scheme = s.name
	return opened, err
}

// scheme is a scheme other than Bearer and whose tokens come in it.
type scheme struct {
	name      string
	verifiers []Opened
}

// verifiersOf returns the verifiers of a scheme.
func (g *Guard) verifiersOf(name string) []Opened {
	if isBearer(name) {
		return g.verifiers
	}
	for _, s := range g.others {
		if strings.EqualFold(s.name, name) {
			return s.verifiers
		}
	}
	return nil
}

// other takes apart credentials of another scheme than Bearer, and returns who decides about them.
func (g *Guard) other(authorization string) (raw, used string, verifiers []Opened, o outcome, err error) {
	name, raw, _ := strings.Cut(authorization, " ")
	for _, s := range g.others {
		switch {
		case !strings.EqualFold(s.name, name):
		case !b64token(raw):
			return "", s.name, nil, malformed, errMalformedOther
		default:
			return raw, s.name, s.verifiers, granted, nil
		}
	}
	return "", bearer, nil, foreign, errScheme
}

// CheckRequest asks Config.CheckRequestWithSecrets about r, of which an adapter read up to [BodyLimit] of the body, and returns nil or the refusal.
// One whose query was left in Path is refused: nobody would find it. Adapters call it before [Guard.Check] where [Guard.ReadsRequest], and for no CORS preflight.
func (g *Guard) CheckRequest(ctx context.Context, r *mandate.Request) *mandate.Response {
	switch {
	case g == nil || r == nil:
		return nil
	case strings.IndexByte(r.Path, '?') >= 0:
		return g.judged(ctx, nil, mandate.Errorf(mandate.InvalidRequest, nil, "the path of the request has a query in it"))
	case g.request == nil:
		return nil
	}
	if err := g.request(ctx, r); err != nil {
		return g.judged(ctx, nil, err)
	}
	return nil
}

// judged is the answer to a request that the application itself refused with err.
func (g *Guard) judged(ctx context.Context, tok *mandate.Token, err error) *mandate.Response {
	resp := g.Refuse(ctx, err) // which tells of faults
	told := mandate.AsError(resp.Err)
	if g.on != nil && told.Code.Status() < 500 {
		e := tokenEvent(mandate.TokenRefused, tok)
		e.Err = &mandate.Error{Code: told.Code, Description: told.Description, Cause: err}
		g.on(ctx, e)
	}
	return resp
}

func tokenEvent(name mandate.EventName, tok *mandate.Token) mandate.Event {
	return mandate.Event{Name: name, ClientID: tok.ClientID(), Subject: tok.Subject(), GrantID: tok.GrantID(), Scopes: tok.Scopes()}
}
