package server

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// formatOf returns the form of c's access tokens.
func (s *Server) formatOf(c *store.Client) TokenFormat {
	if c.Policy.TokenFormat != "" {
		return TokenFormat(c.Policy.TokenFormat)
	}
	return s.config.TokenFormat
}

func (s *Server) codeTTL(c *store.Client) time.Duration {
	if c.Policy.CodeTTL > 0 {
		return c.Policy.CodeTTL
	}
	return s.config.CodeTTL
}

// codeEnds returns until when generation 0 of g, a grant of c, can be redeemed.
func (s *Server) codeEnds(c *store.Client, g *store.Grant) time.Time {
	if ends := g.Details.CodeEnds; !ends.IsZero() {
		return ends
	}
	return g.Created.Add(s.codeTTL(c))
}

// refreshIdle returns how long a refresh token of c can go unused; negative: for ever.
func (s *Server) refreshIdle(c *store.Client) time.Duration {
	if c.Policy.RefreshIdle != 0 {
		return c.Policy.RefreshIdle
	}
	return s.config.RefreshIdle
}

// Verify returns the access token that raw is: one of this server's own, stored or a JWT. It sees
// revocation at once. An error that is [mandate.InvalidToken] blames raw; any other means that nobody
// could tell. It keeps nothing of raw, and does not allocate for a token that is stored in memory.
func (s *Server) Verify(ctx context.Context, raw string, now time.Time) (*mandate.Token, error) {
	if !s.isKind(raw, kindAccess) && strings.Count(raw, ".") == 2 {
		return s.verifyJWT(ctx, raw, now)
	}
	t, err := s.store.Token(ctx, mandate.DigestOf(raw), now)
	if err != nil {
		return nil, tokenError(err)
	}
	return t, nil
}

// Recognizes reports, by shape alone, whether raw may be a stored access token of this server's: a guard with several verifiers asks.
// With Config.GenerateToken it may be whatever is no JWT and no code or refresh token.
func (s *Server) Recognizes(raw string) bool {
	kind, _ := s.kindOf(raw)
	return kind == kindAccess || kind == 0 && s.config.GenerateToken != nil && strings.Count(raw, ".") != 2
}

// tokenError tells what a store says of a token from a store that cannot say.
func tokenError(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired), errors.Is(err, store.ErrRevoked):
		return mandate.Errorf(mandate.InvalidToken, err, "")
	}
	return fault("read token", err)
}

func (s *Server) verifyJWT(ctx context.Context, raw string, now time.Time) (*mandate.Token, error) {
	info, err := s.readJWT(ctx, raw, now, 0)
	if err != nil {
		return nil, err
	}
	_, err = s.store.Token(ctx, mandate.DigestOf(info.ID), now) // a tombstone, if anything
	if !errors.Is(err, store.ErrNotFound) {
		if err == nil {
			err = store.ErrRevoked
		}
		return nil, tokenError(err)
	}
	g, err := s.store.Grant(ctx, info.GrantID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, tokenError(store.ErrRevoked)
	case err != nil:
		return nil, fault("read grant", err)
	case !g.AliveAt(now):
		return nil, tokenError(store.ErrRevoked)
	}
	return mandate.NewToken(info), nil
}

// readJWT returns what a JWT access token of this server says, if it is one and not over, give or take leeway.
func (s *Server) readJWT(ctx context.Context, raw string, now time.Time, leeway time.Duration) (mandate.TokenInfo, error) {
	var info mandate.TokenInfo
	invalid := func(err error) (mandate.TokenInfo, error) { return info, mandate.Errorf(mandate.InvalidToken, err, "") }
	header, payload, err := s.keys.verify(ctx, raw, []jose.Alg{s.config.SigningAlg})
	switch {
	case errors.Is(err, jose.ErrInvalid):
		return invalid(err)
	case err != nil:
		return info, err
	}
	claims, err := jose.ParseClaims(payload)
	switch {
	case err != nil:
		return invalid(err)
	case !header.Is("at+jwt"):
		return invalid(errors.New("typ is " + strconv.Quote(header.Type) + ", not at+jwt"))
	case claims.Issuer != s.config.Issuer || claims.ID == "" || claims.Expires.IsZero():
		return invalid(errors.New("issuer, jti or exp is missing or another"))
	case claims.CheckTimes(now, leeway) != nil:
		return invalid(store.ErrExpired)
	}
	info = mandate.TokenInfo{
		ID: claims.ID, Issuer: claims.Issuer, Subject: claims.Subject, ClientID: claims.Text("client_id"), GrantID: claims.Text(oauth2.GrantClaim),
		Scopes: mandate.Scopes(claims.Text("scope")), Audience: claims.Audience, IssuedAt: claims.IssuedAt, Expires: claims.Expires, ACR: claims.Text("acr"),
	}
	if info.Subject == info.ClientID {
		info.Subject = ""
	}
	if info.AuthTime, err = claims.Time("auth_time"); err != nil {
		return invalid(err)
	}
	if _, err := claims.Read("cnf", &info.Confirmed); err != nil {
		return invalid(err)
	}
	more := maps.Clone(claims.Other)
	for _, name := range []string{"client_id", oauth2.GrantClaim, "scope", "auth_time", "acr", "cnf"} {
		delete(more, name)
	}
	if len(more) > 0 {
		text, err := json.Marshal(more)
		if err != nil {
			return invalid(err)
		}
		info.Claims = string(text)
	}
	return info, nil
}
