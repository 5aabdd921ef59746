package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// TrustedIssuer is another server whose JWTs count here: as the subject's or the actor's in a token exchange, as the assertion
// of a JWT bearer grant. It may be used by any number of goroutines.
type TrustedIssuer struct {
	// Issuer is the "iss" of its JWTs. Required, and not this server's own.
	Issuer string
	// Keys are the keys that it signs with, or JWKSURI where they are published: fetched when the first JWT comes, and anew every 10
	// minutes and for a key that is unknown. One of the two is required.
	Keys    *jose.KeySet
	JWKSURI string
	// Algs are the algorithms that it signs with. Default: ES256, PS256, RS256 and EdDSA.
	Algs []jose.Alg
	// Audience is whom its JWTs must be meant for: one of these. Default: this server's issuer or its token endpoint.
	Audience []string
	// Scopes are what its tokens are good for here, in a token exchange. Default: what the token says.
	Scopes mandate.Scopes
	// MaxAge is how long after "iat" a JWT is taken, and the longest that its "exp" may be ahead. Default: one hour.
	MaxAge time.Duration

	client *store.Client // whose keys they are, where a client vouches for itself
}

// leeway is how far the clock of another party may be ahead of, or behind, this server's.
const leeway = 10 * time.Second

// check returns what is wrong with t.
func (t *TrustedIssuer) check(own string) error {
	switch {
	case t.Issuer == "" || t.Issuer == own:
		return fmt.Errorf("server: TrustedIssuer has the Issuer %q, which must be another server's", t.Issuer)
	case (t.Keys == nil || t.Keys.Len() == 0) == (t.JWKSURI == ""):
		return fmt.Errorf("server: TrustedIssuer %q has neither Keys nor JWKSURI, or both: want one of them", t.Issuer)
	case t.MaxAge < 0:
		return fmt.Errorf("server: TrustedIssuer %q has a negative MaxAge", t.Issuer)
	}
	for _, alg := range t.Algs {
		if !slices.Contains(jose.Asymmetric(), alg) {
			return fmt.Errorf("server: TrustedIssuer %q has the algorithm %q, which is none of %v", t.Issuer, alg, jose.Asymmetric())
		}
	}
	return nil
}

// issuerOf returns what raw says is its issuer, unproven, if it is a JWT; or "".
func issuerOf(raw string) string {
	if strings.Count(raw, ".") != 2 {
		return ""
	}
	_, payload, err := jose.Unverified(raw)
	if err != nil {
		return ""
	}
	value, _ := jose.Peek(payload, "iss")
	issuer, _ := jose.Text(value)
	return issuer
}

// signed returns header and payload of raw, if t signed it.
func (t *TrustedIssuer) signed(ctx context.Context, s *Server, raw string) (jose.Header, []byte, error) {
	algs := t.Algs
	if len(algs) == 0 {
		algs = []jose.Alg{jose.ES256, jose.PS256, jose.RS256, jose.EdDSA}
	}
	switch {
	case t.client != nil:
		return s.verifyByClient(ctx, t.client, raw, algs)
	case t.Keys != nil:
		return jose.Verify(raw, t.Keys, algs)
	}
	return s.clientKeys.verifyAt(ctx, t.JWKSURI, mandate.Operator, raw, algs)
}

// verifyTrusted returns what raw, a JWT that names the issuer trusted, says, once it is proven. An error that is
// [mandate.InvalidToken] blames raw.
func (s *Server) verifyTrusted(ctx context.Context, trusted *TrustedIssuer, kind, raw string, now time.Time) (*mandate.Token, error) {
	invalid := func(err error) (*mandate.Token, error) { return nil, mandate.Errorf(mandate.InvalidToken, err, "") }
	header, payload, err := trusted.signed(ctx, s, raw)
	switch {
	case errors.Is(err, jose.ErrInvalid):
		return invalid(err)
	case err != nil:
		return nil, err
	}
	if !typeFits(header, kind) {
		return invalid(fmt.Errorf("typ %q is not one of %s", header.Type, kind))
	}
	claims, err := jose.ParseClaims(payload)
	if err != nil {
		return invalid(err)
	}
	audience := trusted.Audience
	if len(audience) == 0 {
		audience = []string{s.config.Issuer, s.url("token")}
	}
	age := trusted.MaxAge
	if age == 0 {
		age = time.Hour
	}
	switch {
	case claims.Issuer != trusted.Issuer:
		return invalid(errors.New("iss is another"))
	case !slices.ContainsFunc(audience, claims.For):
		return invalid(fmt.Errorf("aud is %q, not one of %q", claims.Audience, audience))
	case claims.Expires.IsZero():
		return invalid(errors.New("exp is missing"))
	case claims.Subject == "" || !plainText(claims.Subject):
		return invalid(errors.New("sub is missing or no text"))
	case !claims.IssuedAt.IsZero() && now.Sub(claims.IssuedAt) > age+leeway:
		return invalid(errors.New("it is older than MaxAge"))
	case claims.Expires.Sub(now) > age+leeway:
		return invalid(errors.New("exp is further ahead than MaxAge"))
	}
	if err := claims.CheckTimes(now, leeway); err != nil {
		return invalid(err)
	}
	return trusted.token(claims)
}

// typeFits reports whether a JWT of such a header can be a token of the type called kind: what says that it is something else is
// nothing else.
func typeFits(h jose.Header, kind string) bool {
	switch {
	case h.Type == "" || h.Is("JWT"):
		return true
	case kind == typeAssertion:
		return h.Is("authorization-grant+jwt")
	case kind == TypeIDToken:
		return false
	}
	return h.Is("at+jwt")
}

// token returns what claims say.
func (t *TrustedIssuer) token(claims *jose.Claims) (*mandate.Token, error) {
	info := mandate.TokenInfo{
		ID: claims.ID, Issuer: claims.Issuer, Subject: claims.Subject, ClientID: claims.Text("client_id"), Audience: claims.Audience,
		Scopes: t.Scopes, IssuedAt: claims.IssuedAt, Expires: claims.Expires, ACR: claims.Text("acr"),
	}
	var err error
	if info.Scopes == "" {
		info.Scopes, err = mandate.ParseScopes(claims.Text("scope"))
	}
	if err == nil {
		info.AuthTime, err = claims.Time("auth_time")
	}
	if err == nil {
		var bound bool
		bound, err = claims.Read("cnf", &info.Confirmed)
		info.Confirmed.Other = bound && info.Confirmed == (mandate.Confirmation{})
	}
	if err != nil {
		return nil, mandate.Errorf(mandate.InvalidToken, err, "")
	}
	if info.Subject == info.ClientID {
		info.Subject = "" // a client that acts for itself (RFC 9068, section 2.2)
	}
	more := maps.Clone(claims.Other)
	for _, name := range []string{"client_id", "scope", "auth_time", "acr", "cnf"} {
		delete(more, name)
	}
	if len(more) > 0 {
		text, err := json.Marshal(more)
		if err != nil {
			return nil, fault("encode claims", err)
		}
		info.Claims = string(text)
	}
	return mandate.NewToken(info), nil
}
