package mandate

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// TokenInfo is what is known of an access token. [NewToken] makes a [Token] of it.
type TokenInfo struct {
	ID        string       `json:"jti,omitempty"`        // of a JWT; an opaque token is known by its digest
	GrantID   string       `json:"grant,omitempty"`      // what it stands under (a client's standing grant for client credentials); empty: it comes from elsewhere
	Issuer    string       `json:"iss,omitempty"`        // empty: this server
	Subject   string       `json:"sub,omitempty"`        // resource owner; empty where the client acts for itself
	ClientID  string       `json:"client_id,omitempty"`  //
	Type      string       `json:"token_type,omitempty"` // "Bearer" or "DPoP"; empty: Bearer
	Scopes    Scopes       `json:"scope,omitempty"`      //
	Audience  []string     `json:"aud,omitempty"`        // RFC 8707; empty: every resource of the issuer
	IssuedAt  time.Time    `json:"iat,omitzero"`         //
	Expires   time.Time    `json:"exp,omitzero"`         // zero: never
	AuthTime  time.Time    `json:"auth_time,omitzero"`   // when and how the subject signed in (RFC 9470)
	ACR       string       `json:"acr,omitempty"`        //
	Confirmed Confirmation `json:"cnf,omitzero"`         // the key that its sender must hold
	Claims    string       `json:"claims,omitempty"`     // JSON object of the rest: act, authorization_details, roles, sid, an application's own
}

// Confirmation binds a token, code or grant to a key (RFC 7800). The zero value binds nothing.
type Confirmation struct {
	JKT   string `json:"jkt,omitempty"`      // thumbprint of a DPoP key (RFC 9449)
	X5T   string `json:"x5t#S256,omitempty"` // thumbprint of a client certificate (RFC 8705)
	Other bool   `json:"other,omitempty"`    // by a method that this library does not know
}

// Token is an access token that somebody verified: what it allows and for whom, never its secret.
// It cannot change once made, so that a store, a cache and all handlers share one without copying.
// All methods may be called on nil, which answers like a token that allows nothing.
type Token struct {
	id, grant, subject, client string
	scopes                     Scopes
	audience                   []string
	issued, expires, authTime  int64 // Unix milliseconds; 0: unknown, never
	rare                       *rare
}

// rare is what most tokens do not have, apart so that a store of a million stays small.
type rare struct {
	issuer, kind, acr, claims string
	confirmed                 Confirmation

	once   sync.Once // guards parsed and lists
	parsed map[string]json.RawMessage
	lists  map[string][]string // of parsed, those that requirements ask for; nil if there are none
}

// NewToken returns the token that info describes. Times are kept in whole milliseconds.
func NewToken(info TokenInfo) *Token {
	t := &Token{
		id: info.ID, grant: info.GrantID, subject: info.Subject, client: info.ClientID,
		scopes: info.Scopes, audience: slices.Clone(info.Audience),
		issued: Milli(info.IssuedAt), expires: Milli(info.Expires), authTime: Milli(info.AuthTime),
	}
	if info.Issuer != "" || info.Type != "" || info.ACR != "" || info.Claims != "" || info.Confirmed != (Confirmation{}) {
		t.rare = &rare{issuer: info.Issuer, kind: info.Type, acr: info.ACR, claims: info.Claims, confirmed: info.Confirmed}
	}
	return t
}

// Info returns a copy of all that is known. The other methods do not allocate.
func (t *Token) Info() TokenInfo {
	if t == nil {
		return TokenInfo{}
	}
	kind := ""
	if t.rare != nil {
		kind = t.rare.kind
	}
	return TokenInfo{
		ID: t.id, GrantID: t.grant, Issuer: t.Issuer(), Subject: t.subject, ClientID: t.client, Type: kind,
		Scopes: t.scopes, Audience: slices.Clone(t.audience), IssuedAt: t.IssuedAt(), Expires: t.Expires(),
		AuthTime: t.AuthTime(), ACR: t.ACR(), Confirmed: t.Confirmed(), Claims: t.Claims(),
	}
}

// ID returns the token's jti; empty for an opaque token.
func (t *Token) ID() string {
	if t == nil {
		return ""
	}
	return t.id
}

// GrantID returns the public id of the grant that the token stands under.
func (t *Token) GrantID() string {
	if t == nil {
		return ""
	}
	return t.grant
}

// Issuer returns who issued the token; empty for this server.
func (t *Token) Issuer() string {
	if t == nil || t.rare == nil {
		return ""
	}
	return t.rare.issuer
}

// Subject returns the resource owner; empty where the client acts for itself.
func (t *Token) Subject() string {
	if t == nil {
		return ""
	}
	return t.subject
}

// ClientID returns the client that the token was issued to.
func (t *Token) ClientID() string {
	if t == nil {
		return ""
	}
	return t.client
}

// Type returns "Bearer" or "DPoP".
func (t *Token) Type() string {
	if t == nil {
		return ""
	}
	if t.rare == nil || t.rare.kind == "" {
		return "Bearer"
	}
	return t.rare.kind
}

// Scopes returns what the token allows.
func (t *Token) Scopes() Scopes {
	if t == nil {
		return ""
	}
	return t.scopes
}

// IssuedAt returns when the token was made; zero if unknown.
func (t *Token) IssuedAt() time.Time {
	if t == nil {
		return time.Time{}
	}
	return FromMilli(t.issued)
}

// Expires returns when the token ends; zero means never.
func (t *Token) Expires() time.Time {
	if t == nil {
		return time.Time{}
	}
	return FromMilli(t.expires)
}

// AuthTime returns when the subject signed in; zero if unknown.
func (t *Token) AuthTime() time.Time {
	if t == nil {
		return time.Time{}
	}
	return FromMilli(t.authTime)
}

// ACR returns how strongly the subject signed in (OpenID Connect Core, section 2).
func (t *Token) ACR() string {
	if t == nil || t.rare == nil {
		return ""
	}
	return t.rare.acr
}

// Confirmed returns the key that the token's sender must hold.
func (t *Token) Confirmed() Confirmation {
	if t == nil || t.rare == nil {
		return Confirmation{}
	}
	return t.rare.confirmed
}

// Bound reports whether the token's sender must hold a key, which [Token.Confirmed] names.
func (t *Token) Bound() bool {
	return t != nil && t.rare != nil && t.rare.confirmed != Confirmation{}
}

// Claims returns the JSON object of all other claims, or "".
func (t *Token) Claims() string {
	if t == nil || t.rare == nil {
		return ""
	}
	return t.rare.claims
}

// Claim returns the claim called name of [Token.Claims] as JSON, or nil. The object is parsed once, and nobody may change what
// is returned: where tokens are remembered, many requests share one.
func (t *Token) Claim(name string) json.RawMessage {
	if t == nil || t.rare == nil || t.rare.claims == "" {
		return nil
	}
	t.rare.parse()
	return slices.Clip(t.rare.parsed[name])
}

// list returns one of the claims roles, groups and entitlements, as a list. It allocates on the first call alone.
func (t *Token) list(claim string) []string {
	if t == nil || t.rare == nil || t.rare.claims == "" {
		return nil
	}
	t.rare.parse()
	return t.rare.lists[claim]
}

func (r *rare) parse() {
	r.once.Do(func() {
		_ = json.Unmarshal([]byte(r.claims), &r.parsed)
		for _, name := range [...]string{"roles", "groups", "entitlements"} {
			if list := listOf(r.parsed[name]); len(list) > 0 {
				if r.lists == nil {
					r.lists = make(map[string][]string, 1)
				}
				r.lists[name] = list
			}
		}
	})
}

// listOf reads a claim that is a JSON array of strings, or one string; nil for anything else.
func listOf(raw json.RawMessage) []string {
	var list []string
	if raw == nil || json.Unmarshal(raw, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	return nil
}

// Audience returns the resources that the token is for; none means every resource of its issuer.
func (t *Token) Audience() []string {
	if t == nil {
		return nil
	}
	return slices.Clone(t.audience)
}

// For reports whether the token may be used at resource: it names it, or it names none.
func (t *Token) For(resource string) bool {
	return t != nil && (len(t.audience) == 0 || slices.Contains(t.audience, resource))
}

// Restricted reports whether the token names the resources that it is for.
func (t *Token) Restricted() bool { return t != nil && len(t.audience) > 0 }

// ExpiredAt reports whether the token has ended at now.
func (t *Token) ExpiredAt(now time.Time) bool {
	return t == nil || t.expires != 0 && now.UnixMilli() >= t.expires
}

// String names grant and client, never what could be used.
func (t *Token) String() string {
	if t == nil {
		return "no token"
	}
	return "token of client " + t.client + " under grant " + t.grant
}

// LogValue shows client, grant and scopes.
func (t *Token) LogValue() slog.Value {
	return slog.GroupValue(slog.String("client", t.ClientID()), slog.String("grant", t.GrantID()), slog.String("scope", string(t.Scopes())))
}

// TokenKey is the context key of the current token: every request context of a guarded route answers
// it with a *Token, Fiber's own included.
type TokenKey struct{}

// TokenFrom returns the current token of the request that ctx belongs to, or nil.
func TokenFrom(ctx context.Context) *Token {
	t, _ := ctx.Value(TokenKey{}).(*Token)
	return t
}

// Milli returns t in the milliseconds that stores keep (Unix time); a zero time is 0.
func Milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMilli is the reverse of [Milli].
func FromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
