package server

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// typeAssertion is what verifyTrusted calls the assertion of a JWT bearer grant.
const typeAssertion = "assertion"

// JWTBearerConfig says whose assertions [JWTBearer] takes.
type JWTBearerConfig struct {
	// Issuers are those who may vouch for users. Default: none.
	Issuers []TrustedIssuer
	// Clients lets a client vouch for users itself, as service accounts do: "iss" is its client_id, and the keys are those that it
	// registered (jwks or jwks_uri), for token_endpoint_auth_signing_alg alone where it registered one. Default: false.
	Clients bool
	// User says who at this application the subject of the assertion t is, and that the client may act for them. Nobody is
	// [mandate.AccessDenied]; any other error means that nobody could tell. Required. It may be called from any number of goroutines.
	User func(ctx context.Context, client Client, t *mandate.Token) (User, error)
}

type jwtGrant struct{ config JWTBearerConfig }

// JWTBearer is the grant type of RFC 7523, section 2.1: a client brings a JWT in which an issuer that this server trusts vouches for a
// user, and gets an access token of that user's. The client authenticates as ever, in the same request. An assertion is good once, has an
// end, and is meant for this server. All tokens of one client, user and issuer stand under one grant; no refresh token goes with them:
// the client brings another assertion.
func JWTBearer(config JWTBearerConfig) GrantType {
	config.Issuers = slices.Clone(config.Issuers)
	return &jwtGrant{config}
}

// Name implements [GrantType].
func (*jwtGrant) Name() string { return oauth2.GrantJWTBearer }

// Check implements [Checker].
func (g *jwtGrant) Check(issuer string) error {
	switch {
	case len(g.config.Issuers) == 0 && !g.config.Clients:
		return errors.New("server: JWTBearerConfig.Issuers is empty and Clients is false: nobody could vouch for a user")
	case g.config.User == nil:
		return errors.New("server: JWTBearerConfig.User is nil: say who a subject is here")
	}
	return checkIssuers(g.config.Issuers, issuer)
}

// Token implements [GrantType].
func (g *jwtGrant) Token(ctx context.Context, r *TokenRequest) (*Issue, error) {
	raw, err := r.Require("assertion")
	if err != nil {
		return nil, err
	}
	t, trusted, err := g.prove(ctx, r, raw)
	if err != nil {
		return nil, err
	}
	scopes, err := g.scopes(r, trusted)
	if err != nil {
		return nil, err
	}
	audience, err := r.Audience("")
	if err != nil {
		return nil, err
	}
	user, err := g.config.User(ctx, r.Client, t)
	switch {
	case errors.Is(err, mandate.AccessDenied), err == nil && user.Subject == r.Client.ID:
		return nil, mandate.Errorf(mandate.InvalidGrant, err, "the assertion's subject is nobody for whom this client may act")
	case err != nil:
		return nil, err
	case user.Subject == "" || !plainText(user.Subject):
		return nil, fmt.Errorf("grant type JWT bearer: a user whose Subject is %q: want UTF-8 without control characters", user.Subject)
	}
	i := &Issue{Standing: t.Issuer(), Once: onceFor(t, raw, trusted), Scopes: scopes, Audience: audience}
	i.Grant.Subject, i.Grant.Details.Scopes = user.Subject, scopes
	d := &i.Grant.Details
	d.AuthTime, d.ACR, d.AMR = user.AuthTime, user.ACR, user.amr()
	return i, nil
}

// prove returns what the assertion says, and who made it.
func (g *jwtGrant) prove(ctx context.Context, r *TokenRequest, raw string) (*mandate.Token, *TrustedIssuer, error) {
	cause := errors.New("nobody who is trusted made it")
	for trusted := range g.makers(r.Client.Client, issuerOf(raw)) {
		t, err := r.server.verifyTrusted(ctx, trusted, typeAssertion, raw, r.Now)
		switch {
		case err == nil && (t.Subject() == "" || t.Subject() == r.Client.ID):
			cause = errors.New("its subject is a client")
		case err == nil || !errors.Is(err, mandate.InvalidToken):
			return t, trusted, err
		default:
			cause = err
		}
	}
	return nil, nil, mandate.Errorf(mandate.InvalidGrant, cause, "assertion is not valid")
}

// makers yields those who may have made what c brings and says it is of issuer.
func (g *jwtGrant) makers(c *store.Client, issuer string) iter.Seq[*TrustedIssuer] {
	return func(yield func(*TrustedIssuer) bool) {
		others := false
		for n := range g.config.Issuers {
			if trusted := &g.config.Issuers[n]; issuer != "" && trusted.Issuer == issuer {
				if others = true; !yield(trusted) {
					return
				}
			}
		}
		if others || !g.config.Clients || issuer != c.ID {
			return
		}
		self := &TrustedIssuer{Issuer: c.ID, client: c}
		if alg := c.Metadata.AuthAlg; alg != "" {
			self.Algs = []jose.Alg{jose.Alg(alg)}
		}
		yield(self)
	}
}

// scopes returns the scopes asked for, within what the issuer may vouch for.
func (g *jwtGrant) scopes(r *TokenRequest, trusted *TrustedIssuer) (mandate.Scopes, error) {
	scopes, err := r.Scopes()
	if err != nil || trusted.Scopes == "" || trusted.Scopes.Covers(scopes) {
		return scopes, err
	}
	if asked, _ := r.Param("scope"); asked == "" {
		if scopes = scopes.Only(trusted.Scopes); scopes != "" {
			return scopes, nil
		}
	}
	return "", mandate.Errorf(mandate.InvalidScope, nil, "scope has one that this issuer cannot vouch for")
}

// onceFor returns what must not come again: the assertion's "jti", or where it has none what was signed.
func onceFor(t *mandate.Token, raw string, trusted *TrustedIssuer) *Once {
	id := "id " + t.ID()
	if t.ID() == "" {
		id = "text " + raw[:strings.LastIndexByte(raw, '.')]
	}
	return &Once{Space: "jwt-bearer", Key: mandate.DigestOf(strconv.Quote(trusted.Issuer) + id), Expires: t.Expires().Add(2 * leeway)}
}

// checkIssuers returns what is wrong with issuers.
func checkIssuers(issuers []TrustedIssuer, own string) error {
	for n := range issuers {
		if err := issuers[n].check(own); err != nil {
			return err
		}
	}
	return nil
}
