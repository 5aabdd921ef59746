package resource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// maxLeeway bounds JWT.Leeway.
const maxLeeway = time.Minute

// JWT takes signed access tokens of one issuer, strictly as RFC 9068 has them: type at+jwt, the issuer to the letter, an
// audience, and exp, sub, client_id, iat and jti present. Its other fields are data by which issuers differ from that. It sees no
// revocation, unless Live is set.
type JWT struct {
	// Issuer is the issuer identifier, which the claim iss must be. Required.
	Issuer string
	// Keys has the issuer's public keys. Default: [RemoteKeys] of Issuer, fetched when the first token comes. [NewRemoteKeys] makes
	// others, [FixedKeys] are at hand.
	Keys KeySource
	// Algs are the signature algorithms taken. Default: ES256, EdDSA, PS256 and RS256.
	Algs []jose.Alg
	// Types are the values of typ taken, with or without "application/". Default: at+jwt.
	Types []string
	// AnyType also takes tokens without a type and those of the type JWT, for issuers that know no better. Their ID tokens
	// then differ from access tokens by the audience alone.
	AnyType bool
	// AnyAudience takes tokens made for others, and tokens for nobody: whoever gets a token of the issuer for another API may
	// use it here.
	AnyAudience bool
	// Leeway is how far the issuer's clock may be off, at most one minute. Default: not at all.
	Leeway time.Duration
	// MayLack names the claims among sub, client_id, iat and jti that the issuer may leave out.
	MayLack []string

	// ScopeClaims name where scopes stand; the first claim that is present counts. It may be a string or an array. A name that
	// begins with "/" is a JSON pointer (RFC 6901). Default: scope.
	ScopeClaims []string
	// RolesClaims name where roles stand, as above; all of them add up to the claim "roles" of the token, which mandate.Role
	// asks. Default: the claim roles as it is.
	RolesClaims []string
	// GroupsClaims and EntitlementsClaims are the same for the claims "groups" and "entitlements", which mandate.Group and
	// mandate.Entitlement ask.
	GroupsClaims, EntitlementsClaims []string
	// ClientClaims name where the client stands, as above; the first that is present counts. Default: client_id.
	ClientClaims []string

	// Live sees that a token or its grant was revoked: the store of the issuing server, where this process shares it. Tokens
	// must then name their grant, as this library's do. Nil: tokens are good until they expire.
	Live Live
	// Remember is how many verified tokens are remembered at most, their signatures by digest: the signature of a token that comes again is
	// not verified again, while the time, Live and everything that a guard demands are. A token is forgotten when it is over, when its
	// key leaves the keys, after five minutes, and when others need the room; tokens over 8 KiB are not remembered. Default: 8192, which
	// is some 10 MB of usual tokens. Less than zero: none.
	Remember int
}

// KeySource has the public keys of an issuer. It may be called by any number of goroutines.
type KeySource interface {
	// KeySet returns the keys. Where an earlier call returned missing and no key of it fits a token, it returns a newer set if
	// there is one, and otherwise missing again; else missing is nil. An error means that nobody could tell.
	KeySet(ctx context.Context, missing *jose.KeySet) (*jose.KeySet, error)
}

// FixedKeys are keys that never change.
func FixedKeys(set *jose.KeySet) KeySource { return fixedKeys{set} }

type fixedKeys struct{ set *jose.KeySet }

// KeySet implements [KeySource].
func (k fixedKeys) KeySet(context.Context, *jose.KeySet) (*jose.KeySet, error) { return k.set, nil }

// Live is what JWT.Live needs of a store; every store.Store is one.
type Live interface {
	// Token is that of store.Tokens. It is asked for the digest of a token's jti: ErrRevoked is a tombstone.
	Token(ctx context.Context, key mandate.Digest, now time.Time) (*mandate.Token, error)
	// Grant is that of store.Grants.
	Grant(ctx context.Context, id string) (store.Grant, error)
}

// Open implements [Verifier].
func (j JWT) Open(s Settings) (Opened, error) { return j.open(s, dialect{}) }

func (j JWT) open(s Settings, d dialect) (Opened, error) {
	j, err := j.withDefaults(s)
	if err != nil {
		return Opened{}, err
	}
	switch {
	case j.AnyAudience, d.lacksAudience:
	case s.Audience == "":
		return Opened{}, fmt.Errorf("JWT of %s: resource.Config.Audience is empty, and a JWT is always for somebody: name this API as the issuer does in aud, or set JWT.AnyAudience", j.Issuer)
	}
	v := &jwt{JWT: j, dialect: d}
	var roles, groups, entitlements []path
	for _, paths := range []struct {
		names []string
		into  *[]path
		field string
	}{
		{j.ScopeClaims, &v.scope, "ScopeClaims"},
		{j.ClientClaims, &v.client, "ClientClaims"},
		{j.RolesClaims, &roles, "RolesClaims"},
		{j.GroupsClaims, &groups, "GroupsClaims"},
		{j.EntitlementsClaims, &entitlements, "EntitlementsClaims"},
	} {
		for _, name := range paths.names {
			p, err := parsePath(name)
			if err != nil {
				return Opened{}, fmt.Errorf("JWT.%s: %w", paths.field, err)
			}
			*paths.into = append(*paths.into, p)
		}
	}
	for _, g := range []gathered{{"roles", roles}, {"groups", groups}, {"entitlements", entitlements}} {
		if len(g.from) > 0 {
			v.gathered = append(v.gathered, g)
		}
	}
	if j.Remember >= 0 {
		v.known = newKnownTokens(cmp.Or(j.Remember, defaultRemember))
	}
	return Opened{
		Name:     "issuer " + j.Issuer,
		Issuer:   j.Issuer,
		Match:    func(raw string) bool { return v.issued(raw, issuerOf(raw)) },
		match:    v.issued,
		Verify:   v.verify,
		Audience: v.rule(),
	}, nil
}

func (j JWT) withDefaults(s Settings) (JWT, error) {
	if j.Issuer == "" {
		return j, errors.New("JWT.Issuer is empty: it is what the issuer writes into iss")
	}
	if j.Keys == nil {
		keys, err := newRemoteKeys(RemoteConfig{Issuer: j.Issuer, Hooks: s.Hooks})
		if err != nil {
			return j, fmt.Errorf("JWT.Keys is nil, and its default cannot be: %w: correct JWT.Issuer, or set JWT.Keys to what resource.NewRemoteKeys or resource.FixedKeys returns", err)
		}
		j.Keys = keys
	}
	if j.Leeway < 0 || j.Leeway > maxLeeway {
		return j, fmt.Errorf("JWT.Leeway is %v: use 0 to %v, and set the clock", j.Leeway, maxLeeway)
	}
	if j.Remember > mostRemember {
		return j, fmt.Errorf("JWT.Remember is %d: use up to %d, 0 for the default, or less than 0 for none", j.Remember, mostRemember)
	}
	if len(j.Algs) == 0 {
		j.Algs = []jose.Alg{jose.ES256, jose.EdDSA, jose.PS256, jose.RS256}
	}
	for _, alg := range j.Algs {
		if !alg.Known() || alg.Symmetric() {
			return j, fmt.Errorf("JWT.Algs has %q: use algorithms of public keys, for example ES256", string(alg))
		}
	}
	for _, claim := range j.MayLack {
		if !slices.Contains([]string{"sub", "client_id", "iat", "jti"}, claim) {
			return j, fmt.Errorf("JWT.MayLack has %q: only sub, client_id, iat and jti may be missing", claim)
		}
	}
	if len(j.Types) == 0 {
		j.Types = []string{"at+jwt"}
	}
	if slices.Contains(j.Types, "") {
		return j, errors.New("JWT.Types has an empty type: set JWT.AnyType to take tokens without one")
	}
	if len(j.ScopeClaims) == 0 {
		j.ScopeClaims = []string{"scope"}
	}
	if len(j.ClientClaims) == 0 {
		j.ClientClaims = []string{"client_id"}
	}
	return j, nil
}

// jwt is an opened JWT.
type jwt struct {
	JWT

	dialect       dialect
	scope, client []path
	gathered      []gathered
	known         *knownTokens // nil: nothing is remembered
	scratch       sync.Pool    // of *claims
}

// issued reports whether raw is a JWT that claims to come from the issuer, which is said to be what it claims.
func (v *jwt) issued(raw, issuer string) bool {
	return jwtShaped(raw) && (issuer == v.Issuer || slices.Contains(v.dialect.aliases, issuer))
}

// rule says how the guard compares the audience.
func (v *jwt) rule() AudienceRule {
	switch {
	case v.AnyAudience:
		return AnyAudience
	case v.dialect.lacksAudience:
		return AudienceOrNone
	default:
		return AudienceNamed
	}
}

func (v *jwt) verify(ctx context.Context, raw string, now time.Time) (*mandate.Token, error) {
	set, err := v.Keys.KeySet(ctx, nil)
	if err != nil {
		return nil, unanswered(v.Issuer, err)
	}
	var tok *mandate.Token
	if v.known == nil || len(raw) > maxRemembered {
		tok, _, err = v.unseen(ctx, raw, set, now)
	} else {
		s := spellingOf(raw)
		if tok = v.known.find(&s, set, now); tok == nil {
			var k *known
			if tok, k, err = v.unseen(ctx, raw, set, now); err == nil {
				v.known.add(&s, k, now)
			}
		}
	}
	if err == nil && v.Live != nil {
		err = v.alive(ctx, tok, now)
	}
	if err != nil {
		return nil, err
	}
	return tok, nil
}

// unseen verifies a token that is not remembered, and returns what is to be remembered of it.
func (v *jwt) unseen(ctx context.Context, raw string, set *jose.KeySet, now time.Time) (*mandate.Token, *known, error) {
	f, err := jose.VerifyFrom(ctx, v.Keys, set, raw, v.Algs)
	switch {
	case err == nil:
	case errors.Is(err, jose.ErrInvalid):
		return nil, nil, mandate.Errorf(mandate.InvalidToken, err, "")
	default:
		return nil, nil, unanswered(v.Issuer, err)
	}
	if !v.typed(f.Header) {
		return nil, nil, refused("typ is %.40q, want %q: this is another kind of token, or the issuer needs JWT.Types", f.Header.Type, v.Types)
	}
	c, _ := v.scratch.Get().(*claims)
	if c == nil {
		c = new(claims)
	}
	defer v.scratch.Put(c)
	defer c.clear()
	if err := c.parse(f.Payload); err != nil {
		return nil, nil, mandate.Errorf(mandate.InvalidToken, err, "")
	}
	tok, err := v.read(c, now)
	if err != nil {
		return nil, nil, mandate.Errorf(mandate.InvalidToken, err, "")
	}
	k := &known{tok: tok, key: f.Key, from: max(c.NotBefore.UnixMilli(), c.IssuedAt.UnixMilli()) - v.Leeway.Milliseconds()}
	k.set.Store(f.Set)
	return tok, k, nil
}

// unanswered hides the code of err, if it has one: that keys cannot be read is nobody's verdict on a token.
func unanswered(issuer string, err error) error {
	return fmt.Errorf("keys of issuer %s: %s", issuer, err.Error())
}

func (v *jwt) typed(head jose.Header) bool {
	if slices.ContainsFunc(v.Types, head.Is) {
		return true
	}
	return v.AnyType && (head.Type == "" || strings.EqualFold(head.Type, "JWT"))
}

// alive asks the store of the issuing server whether the token or its grant was revoked.
func (v *jwt) alive(ctx context.Context, tok *mandate.Token, now time.Time) error {
	if tok.GrantID() == "" || tok.ID() == "" {
		return refused("the token does not name its grant (%s) or itself (jti), so that nobody could revoke it", oauth2.GrantClaim)
	}
	switch _, err := v.Live.Token(ctx, mandate.DigestOf(tok.ID()), now); {
	case errors.Is(err, store.ErrRevoked):
		return refused("the token was revoked")
	case err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrExpired):
		return fmt.Errorf("read revocation: %w", err)
	}
	grant, err := v.Live.Grant(ctx, tok.GrantID())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refused("its grant is gone")
	case err != nil:
		return fmt.Errorf("read grant: %w", err)
	case !grant.AliveAt(now):
		return refused("its grant was revoked or has expired")
	}
	return nil
}

func refused(format string, args ...any) error {
	return mandate.Errorf(mandate.InvalidToken, fmt.Errorf(format, args...), "")
}
