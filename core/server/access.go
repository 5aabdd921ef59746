package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// maxJWT is the longest life of a JWT access token: its signing key must be published that long.
const maxJWT = 24 * time.Hour

// minted is an access token that is made and not yet in the store.
type minted struct {
	text   string
	token  *mandate.Token
	key    mandate.Digest // what the store finds it by
	stored bool           // an opaque one; a JWT has no row
}

// record returns what a redemption puts.
func (m minted) record() *mandate.Token {
	if m.stored {
		return m.token
	}
	return nil
}

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

func (s *Server) tokenTTL(c *store.Client) time.Duration {
	switch {
	case c.Policy.TokenTTL > 0:
		return c.Policy.TokenTTL
	case s.formatOf(c) == JWT:
		return s.config.JWTTTL
	}
	return s.config.TokenTTL
}

// refreshIdle returns how long a refresh token of c can go unused; negative: for ever.
func (s *Server) refreshIdle(c *store.Client) time.Duration {
	if c.Policy.RefreshIdle != 0 {
		return c.Policy.RefreshIdle
	}
	return s.config.RefreshIdle
}

// mint makes the access token of i. It writes nothing.
func (s *Server) mint(ctx context.Context, r *TokenRequest, i *Issue) (minted, error) {
	c, now := r.Client, r.Now
	ttl := i.TTL
	if ttl <= 0 {
		ttl = s.tokenTTL(c.Client)
	}
	if s.formatOf(c.Client) == JWT {
		ttl = min(ttl, maxJWT)
	}
	expires := now.Add(ttl)
	if ends := i.Grant.Details.Ends; !ends.IsZero() && expires.After(ends) {
		expires = ends
	}
	info := mandate.TokenInfo{
		GrantID: i.Grant.ID, Subject: i.Grant.Subject, ClientID: c.ID, Scopes: i.Scopes, Audience: i.Audience,
		IssuedAt: now, Expires: expires, AuthTime: i.Grant.Details.AuthTime, ACR: i.Grant.Details.ACR, Confirmed: i.Grant.Details.Confirmed,
	}
	if len(info.Audience) == 0 {
		info.Audience = s.config.DefaultAudience
	}
	if i.Grant.Details.Actor != "" || len(i.Claims) > 0 {
		for name := range i.Claims {
			if reserved(name) {
				return minted{}, fmt.Errorf("claim %q is the server's own: choose another name", name)
			}
		}
		claims := maps.Clone(i.Claims)
		if i.Grant.Details.Actor != "" {
			if claims == nil {
				claims = make(map[string]any, 1)
			}
			claims["act"] = json.RawMessage(i.Grant.Details.Actor)
		}
		text, err := json.Marshal(claims)
		if err != nil {
			return minted{}, fault("encode claims", err)
		}
		info.Claims = string(text)
	}
	if s.formatOf(c.Client) == JWT {
		return s.mintJWT(ctx, info)
	}
	_, _ = rand.Read(r.random[:]) // never fails (crypto/rand)
	text := r.answer.access[:]
	base64.RawURLEncoding.Encode(text[copy(text, prefixAccess):], r.random[:])
	m := minted{text: textOf(text), token: mandate.NewToken(info), stored: true}
	m.key = mandate.DigestOf(m.text)
	return m, nil
}

// mintJWT makes a JWT access token (RFC 9068, section 2).
func (s *Server) mintJWT(ctx context.Context, info mandate.TokenInfo) (minted, error) {
	key, err := s.keys.signer(ctx, s.config.SigningAlg)
	if err != nil {
		return minted{}, err
	}
	info.ID = randomText()[:22]
	if whole := info.Expires.Truncate(time.Second); !whole.Equal(info.Expires) {
		info.Expires = whole.Add(time.Second) // the wire knows whole seconds, and a client that is told 600 may use them
	}
	claims := &jose.Claims{
		Issuer: s.config.Issuer, Subject: info.Subject, Audience: info.Audience,
		Expires: info.Expires, IssuedAt: info.IssuedAt, ID: info.ID,
	}
	if claims.Subject == "" {
		claims.Subject = info.ClientID // RFC 9068, section 2.2
	}
	members := map[string]any{"client_id": info.ClientID, oauth2.GrantClaim: info.GrantID}
	if info.Scopes != "" {
		members["scope"] = string(info.Scopes)
	}
	if !info.AuthTime.IsZero() {
		members["auth_time"] = info.AuthTime.Unix()
	}
	if info.ACR != "" {
		members["acr"] = info.ACR
	}
	if info.Confirmed != (mandate.Confirmation{}) {
		members["cnf"] = info.Confirmed
	}
	if info.Claims != "" {
		var more map[string]json.RawMessage
		if err := json.Unmarshal([]byte(info.Claims), &more); err != nil {
			return minted{}, fault("decode claims", err)
		}
		for name, value := range more {
			if _, taken := members[name]; !taken {
				members[name] = value
			}
		}
	}
	for name, value := range members {
		if err := claims.Set(name, value); err != nil {
			return minted{}, fault("encode claims", err)
		}
	}
	text, err := jose.Sign(key, "at+jwt", claims)
	if err != nil {
		return minted{}, fault("sign access token", err)
	}
	if len(text) > maxToken {
		return minted{}, fmt.Errorf("access token has %d bytes, and no guard takes more than %d: give it fewer claims", len(text), maxToken)
	}
	return minted{text: text, token: mandate.NewToken(info), key: mandate.DigestOf(info.ID)}, nil
}

// reserved reports whether the claim called name says what only the server may say.
func reserved(name string) bool {
	switch name {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "auth_time", "acr", "cnf", oauth2.GrantClaim:
		return true
	}
	return false
}

// Verify returns the access token that raw is: one of this server's own, stored or a JWT. It sees
// revocation at once. An error that is [mandate.InvalidToken] blames raw; any other means that nobody
// could tell. It keeps nothing of raw, and does not allocate for a token that is stored in memory.
func (s *Server) Verify(ctx context.Context, raw string, now time.Time) (*mandate.Token, error) {
	if !strings.HasPrefix(raw, prefixAccess) && strings.Count(raw, ".") == 2 {
		return s.verifyJWT(ctx, raw, now)
	}
	t, err := s.store.Token(ctx, mandate.DigestOf(raw), now)
	if err != nil {
		return nil, tokenError(err)
	}
	return t, nil
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
