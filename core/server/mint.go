package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
)

// maxJWT is the longest life of a JWT access token: its signing key must be published that long.
const maxJWT = 24 * time.Hour

// usualClaims is room for the claims that every token has.
const usualClaims = 448

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

// mint makes the access token of i. It writes nothing.
func (s *Server) mint(ctx context.Context, r *TokenRequest, i *Issue) (minted, error) {
	info := mandate.TokenInfo{
		GrantID: i.Grant.ID, Subject: i.Grant.Subject, ClientID: r.Client.ID, Scopes: i.Scopes, Audience: i.Audience,
		IssuedAt: r.Now, AuthTime: i.Grant.Details.AuthTime, ACR: i.Grant.Details.ACR, Confirmed: i.Grant.Details.Confirmed,
	}
	if i.Under {
		info.Confirmed = r.Confirmed // whoever asks now holds another key than whoever was granted it
	}
	if len(info.Audience) == 0 {
		info.Audience = s.config.DefaultAudience
	}
	format := i.Format
	if format == "" {
		format = s.formatOf(r.Client.Client)
	} else if format == JWT && len(info.Audience) == 0 { // RFC 9068, section 3
		return minted{}, mandate.Errorf(mandate.InvalidTarget, nil, "resource is missing: a JWT is for somebody")
	}
	var err error
	if info.Expires, err = s.expiry(ctx, r, i, &info, format); err != nil {
		return minted{}, err
	}
	if info.Claims, err = s.claimsOf(ctx, r, i, &info, format); err != nil {
		return minted{}, err
	}
	if format == JWT {
		return s.mintJWT(ctx, info)
	}
	m := minted{token: mandate.NewToken(info), stored: true}
	if s.config.GenerateToken != nil {
		m.text, err = s.generated(ctx, r.plan(i, &info, format))
	} else {
		_, _ = rand.Read(r.random[:]) // never fails (crypto/rand)
		m.text = textOf(base64.RawURLEncoding.AppendEncode(append(r.answer.access[:0], s.lead.access...), r.random[:]))
	}
	m.key = mandate.DigestOf(m.text)
	return m, err
}

// mintJWT makes a JWT access token (RFC 9068, section 2).
func (s *Server) mintJWT(ctx context.Context, info mandate.TokenInfo) (minted, error) {
	key, err := s.keys.signer(ctx, s.config.SigningAlg)
	if err != nil {
		return minted{}, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	info.ID = base64.RawURLEncoding.EncodeToString(id[:])
	if whole := info.Expires.Truncate(time.Second); !whole.Equal(info.Expires) {
		info.Expires = whole.Add(time.Second) // the wire knows whole seconds, and a client that is told 600 may use them
	}
	text, err := jose.Sign(key, "at+jwt", s.appendClaims(make([]byte, 0, usualClaims+len(info.Claims)), &info))
	if err != nil {
		return minted{}, fault("sign access token", err)
	}
	if len(text) > maxToken {
		return minted{}, fmt.Errorf("access token has %d bytes, and no guard takes more than %d: give it fewer claims", len(text), maxToken)
	}
	return minted{text: text, token: mandate.NewToken(info), key: mandate.DigestOf(info.ID)}, nil
}

// appendClaims appends the payload of the JWT that says what info says. None of info.Claims is reserved, so that no name is there twice.
func (s *Server) appendClaims(b []byte, info *mandate.TokenInfo) []byte {
	member := func(name, value string) {
		if value != "" {
			b = append(append(append(b, ',', '"'), name...), '"', ':')
			b = appendString(b, value)
		}
	}
	date := func(name string, t time.Time) {
		if !t.IsZero() {
			b = append(append(append(b, ',', '"'), name...), '"', ':')
			b = strconv.AppendInt(b, t.Unix(), 10)
		}
	}
	b = appendString(append(b, `{"iss":`...), s.config.Issuer)
	if info.Subject == "" {
		member("sub", info.ClientID) // RFC 9068, section 2.2
	} else {
		member("sub", info.Subject)
	}
	if len(info.Audience) == 1 {
		member("aud", info.Audience[0])
	} else if len(info.Audience) > 1 {
		b = append(b, `,"aud":`...)
		for i, a := range info.Audience {
			b = appendString(append(b, "[,"[min(i, 1)]), a)
		}
		b = append(b, ']')
	}
	date("exp", info.Expires)
	date("iat", info.IssuedAt)
	member("jti", info.ID)
	member("client_id", info.ClientID)
	member(oauth2.GrantClaim, info.GrantID)
	member("scope", string(info.Scopes))
	date("auth_time", info.AuthTime)
	member("acr", info.ACR)
	if info.Confirmed != (mandate.Confirmation{}) {
		cnf, _ := json.Marshal(info.Confirmed) // strings always can be
		b = append(append(b, `,"cnf":`...), cnf...)
	}
	if len(info.Claims) > len("{}") {
		return append(append(b, ','), info.Claims[1:]...) // with its closing brace
	}
	return append(b, '}')
}

// claimsOf returns the claims of an access token that are not the protocol's own, as a JSON object, or "" if there are none: what the
// grant type says, what the application adds, by what means the user signed in, and who acts for them.
func (s *Server) claimsOf(ctx context.Context, r *TokenRequest, i *Issue, info *mandate.TokenInfo, format TokenFormat) (string, error) {
	d := &i.Grant.Details
	if s.config.Claims == nil && len(i.Claims) == 0 && d.Actor == "" && d.AMR == "" && i.Rich == "" {
		return "", nil
	}
	claims := make(map[string]any)
	if s.config.Claims != nil {
		more, err := s.config.Claims(ctx, r.plan(i, info, format))
		if err != nil {
			return "", fmt.Errorf("Config.Claims: %w", err)
		}
		for name, value := range more {
			if reserved(name) || name == "act" {
				return "", fmt.Errorf("Config.Claims gave the claim %q, which is the server's own: choose another name", name)
			}
			claims[name] = value
		}
	}
	for name, value := range i.Claims {
		if reserved(name) {
			return "", fmt.Errorf("claim %q is the server's own: choose another name", name)
		}
		claims[name] = value
	}
	if d.AMR != "" {
		claims["amr"] = strings.Fields(d.AMR)
	}
	if i.Rich != "" {
		claims[paramDetails] = json.RawMessage(i.Rich)
	}
	if d.Actor != "" {
		claims["act"] = json.RawMessage(d.Actor)
	}
	if len(claims) == 0 {
		return "", nil
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", fault("encode claims", err)
	}
	return string(text), nil
}

// reserved reports whether the claim called name says what only the server may say.
func reserved(name string) bool {
	switch name {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "auth_time", "acr", "amr", "cnf", "active", "token_type", paramDetails, oauth2.GrantClaim:
		return true
	}
	return false
}
