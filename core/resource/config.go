package resource

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/internal/clock"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
)

// Config says what a [Guard] guards and whose tokens it takes.
type Config struct {
	// Audience names this API: what a token must be made for (RFC 8707, RFC 9068). URLs are compared as
	// oauth2.SameResource does. Empty: only tokens that name no audience are taken, which no JWT does.
	Audience string
	// Verifiers say whose tokens are taken. Required. With several, the first that knows a token by its shape
	// and issuer decides about it.
	Verifiers []Verifier
	// User loads who the token's subject is, for the adapters' User and WithUser. It is called at most once for each
	// request, on the first use, and never for a token without a subject. An error that is [mandate.InvalidToken]
	// refuses the token (the account is gone); any other is a fault. Nil: there are no users.
	User func(ctx context.Context, t *mandate.Token) (any, error)
	// PassPreflights hands CORS preflights on, without a token, for CORS middleware behind the guard. Whoever sends one then reaches
	// every handler behind it that is registered for OPTIONS. Default: the guard answers them with an empty 204, so that CORS middleware
	// before it is heard.
	PassPreflights bool
	// Realm stands in the challenges (RFC 9110, section 11.5). Empty: they name none.
	Realm string
	// ChallengeParams stand in every challenge, after those that the guard writes itself. Names and values are checked by New.
	ChallengeParams []mandate.Field
	// Metadata is what this API says about itself (RFC 9728). Challenges tell where it is (resource_metadata), and the adapters'
	// MountResource puts it there. Resource defaults to Audience, and Audience to Resource; it must be an https URL; BearerMethods to what this guard reads, AuthorizationServers to
	// the issuers that Verifiers name.
	// Nil: nothing is said and nothing advertised.
	Metadata *oauth2.ResourceMetadata
	// MetadataKey also puts the metadata into it as a JWT of this API (signed_metadata; RFC 9728, section 2.2), signed once, in New.
	// Publish its public half under Metadata.JWKSURI. Nil: it is not signed.
	MetadataKey *jose.Key
	// BodyToken also takes the token from the parameter access_token of a form body (RFC 6750, section 2.2). Default:
	// only the Authorization header counts.
	BodyToken bool
	// QueryTokenInLogsAndReferers also takes the token from the parameter access_token of the URL's query (RFC 6750, section 2.3), from where it gets into
	// logs, histories and Referer fields: for clients that can do nothing else, such as a browser's EventSource and WebSocket, and then
	// with tokens that allow little and end soon. Default: never.
	QueryTokenInLogsAndReferers bool
	// CheckRequestWithSecrets looks at each request before its token does: maintenance, a signature of a gateway, a limit. It sees
	// credentials and up to 1 MiB of the body, which it must not log. An error refuses the request, as [Guard.Refuse] answers it. A CORS
	// preflight is not asked about. Nil costs nothing: otherwise every guarded request is read for it.
	CheckRequestWithSecrets func(ctx context.Context, r *mandate.Request) error
	// Revoked is asked about each good token, remembered or not, that carries no liveness of its own: a list of revoked JWTs. True refuses
	// it; an error means that nobody could tell, and is answered 503. Nil: what the verifier says holds.
	Revoked func(ctx context.Context, t *mandate.Token) (bool, error)
	// CheckToken has the last word about a token that is good and meets the route's requirement, once for each request: a suspended account, a
	// tenant, a quota. An error refuses the request, as [Guard.Refuse] answers it. Nil: the requirement has it.
	CheckToken func(ctx context.Context, t *mandate.Token) error
	// Hooks hear of [mandate.TokenAuthenticated], [mandate.TokenRefused] and [mandate.Fault] in On. [LogRefusals] makes
	// some. Around, BeforeWithSecrets and After are not called.
	Hooks mandate.Hooks
	// Now tells the time. Default: the system's clock, whose steps are noticed within ten milliseconds.
	Now func() time.Time
}

// New returns the guard that c describes. It does no I/O. Its error names the field and the way out.
func New(c Config) (*Guard, error) {
	if c.Now == nil {
		c.Now = new(clock.Clock).Now
	}
	if c.Audience == "" && c.Metadata != nil {
		c.Audience = c.Metadata.Resource // clients are told to ask for it: a guard without an audience would refuse what they get
	}
	challenges, err := newChallenger(&c)
	if err != nil {
		return nil, err
	}
	if len(c.Verifiers) == 0 {
		return nil, errors.New("resource: Config.Verifiers is empty, so that no token could pass: name one, for example resource.Of(server)")
	}
	g := &Guard{
		audience: c.Audience, challenges: challenges, body: c.BodyToken, query: c.QueryTokenInLogsAndReferers, preflights: c.PassPreflights, on: c.Hooks.On, now: c.Now, user: c.User,
		request: c.CheckRequestWithSecrets, revoked: c.Revoked, verdict: c.CheckToken,
	}
	var issuers []string
	for i, v := range c.Verifiers {
		if v == nil {
			return nil, fmt.Errorf("resource: Config.Verifiers[%d] is nil", i)
		}
		opened, err := v.Open(Settings{Audience: c.Audience, Hooks: c.Hooks})
		if err != nil {
			return nil, fmt.Errorf("resource: Config.Verifiers[%d]: %w", i, err)
		}
		if opened.Verify == nil && opened.VerifyRequest == nil {
			return nil, fmt.Errorf("resource: Config.Verifiers[%d]: %T opened without a Verify function", i, v)
		}
		if err := g.add(i, opened); err != nil {
			return nil, err
		}
		if opened.Issuer != "" && !slices.Contains(issuers, opened.Issuer) {
			issuers = append(issuers, opened.Issuer)
		}
	}
	if err := g.publish(&c, issuers); err != nil {
		return nil, err
	}
	return g, nil
}

// add takes the verifier Config.Verifiers[i] in.
func (g *Guard) add(i int, opened Opened) error {
	if opened.Scheme == "" || isBearer(opened.Scheme) {
		opened.Scheme = bearer
	}
	if strings.ContainsFunc(opened.Scheme, func(r rune) bool { return !tchar(r) }) {
		return fmt.Errorf("resource: Config.Verifiers[%d] has the scheme %q, which is none (RFC 9110, section 11.1)", i, opened.Scheme)
	}
	if opened.VerifyRequest != nil {
		return g.addSigner(i, opened)
	}
	taken := g.verifiersOf(opened.Scheme)
	if slices.ContainsFunc(g.signers, func(s Opened) bool { return strings.EqualFold(s.Scheme, opened.Scheme) }) {
		return fmt.Errorf("resource: Config.Verifiers[%d] is for tokens in the scheme %s, which another takes for signed requests", i, opened.Scheme)
	}
	for _, other := range taken {
		if opened.Name != "" && other.Name == opened.Name {
			return fmt.Errorf("resource: Config.Verifiers[%d] and [%d] are both for %s: the second would never be asked", other.place, i, opened.Name)
		}
		if other.Match == nil {
			return fmt.Errorf("resource: Config.Verifiers[%d] takes every token, so that [%d] would never be asked: put it last", other.place, i)
		}
	}
	opened.place = i
	if taken == nil {
		g.challenges.schemes = append(g.challenges.schemes, opened.Scheme)
	}
	switch i := slices.IndexFunc(g.others, func(s scheme) bool { return strings.EqualFold(s.name, opened.Scheme) }); {
	case opened.Scheme == bearer:
		g.verifiers = append(g.verifiers, opened)
	case i >= 0:
		g.others[i].verifiers = append(g.others[i].verifiers, opened)
	default:
		g.others = append(g.others, scheme{opened.Scheme, []Opened{opened}})
	}
	return nil
}

// addSigner takes the verifier Config.Verifiers[i] in, which wants whole requests.
func (g *Guard) addSigner(i int, opened Opened) error {
	switch {
	case opened.Scheme == bearer:
		return fmt.Errorf("resource: Config.Verifiers[%d] has VerifyRequest and the scheme Bearer, whose tokens sign nothing: give it a Scheme of its own", i)
	case opened.Verify != nil:
		return fmt.Errorf("resource: Config.Verifiers[%d] has both Verify and VerifyRequest: it is one or the other", i)
	case g.verifiersOf(opened.Scheme) != nil || slices.ContainsFunc(g.signers, func(s Opened) bool { return strings.EqualFold(s.Scheme, opened.Scheme) }):
		return fmt.Errorf("resource: Config.Verifiers[%d] is for signed requests in the scheme %s, which another has: the second would never be asked", i, opened.Scheme)
	}
	g.signers = append(g.signers, opened)
	g.challenges.schemes = append(g.challenges.schemes, opened.Scheme)
	return nil
}
