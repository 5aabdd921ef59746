package server

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// TokenPlan is an access token that the server is about to make: what Config.Lifetime, Config.Claims and Config.GenerateToken are told.
// Nothing was written or spent for it yet, and it may still come to nothing.
type TokenPlan struct {
	Client    Client      // it is proven
	GrantType string      // of the request
	Grant     store.Grant // what the token will stand under: Subject, empty where the client acts for itself, and what was approved
	Scopes    mandate.Scopes
	Audience  []string // share it, change nothing
	Format    TokenFormat
	IssuedAt  time.Time
	Expires   time.Time // zero: never. Config.Lifetime is not told

	form mandate.Params
}

// Param returns a parameter of the token request, or "". It may be a secret.
func (p TokenPlan) Param(name string) string { return p.form.Get(name) }

// plan returns what an application's functions are told.
func (r *TokenRequest) plan(i *Issue, info *mandate.TokenInfo, format TokenFormat) TokenPlan {
	return TokenPlan{r.Client, r.grantType, i.Grant, i.Scopes, info.Audience, format, info.IssuedAt, info.Expires, r.form}
}

// InsecureNoEnd is the life of an opaque access token that never ends by itself: the token response has no expires_in, and whoever
// steals it has it until somebody revokes it. It is for [Config].TokenTTL, Lifetimes, Lifetime, [Issue].TTL and the TokenTTL of a client's
// policy. The absolute end of its grant ends refreshing, and not such a token. A JWT always ends: it lives Config.JWTTTL instead.
const InsecureNoEnd time.Duration = math.MinInt64

// expiry returns when the access token of i ends; zero: never. The first that says something counts: the grant type, Config.Lifetime, the
// client's policy, Config.Lifetimes, the configured default.
func (s *Server) expiry(ctx context.Context, r *TokenRequest, i *Issue, info *mandate.TokenInfo, format TokenFormat) (time.Time, error) {
	ttl := i.TTL
	if ttl == 0 && s.config.Lifetime != nil {
		var err error
		if ttl, err = s.config.Lifetime(ctx, r.plan(i, info, format)); err != nil {
			return time.Time{}, fmt.Errorf("Config.Lifetime: %w", err)
		}
	}
	if ttl == 0 {
		if ttl = s.tokenTTL(r.Client.Client, r.grantType); format == JWT && s.formatOf(r.Client.Client) == Opaque {
			ttl = min(ttl, s.config.JWTTTL)
		}
	}
	switch {
	case ttl < 0 && ttl != InsecureNoEnd:
		return time.Time{}, fmt.Errorf("grant type %s: the life %v of an access token is negative: it is InsecureNoEnd, or more than 0", r.grantType, ttl)
	case format == JWT && ttl == InsecureNoEnd:
		ttl = s.config.JWTTTL
	case format == JWT:
		ttl = min(ttl, maxJWT)
	case ttl == InsecureNoEnd:
		return i.bound(time.Time{}, format, info.IssuedAt)
	}
	expires := info.IssuedAt.Add(ttl)
	if ends := i.Grant.Details.Ends; !ends.IsZero() && expires.After(ends) {
		expires = ends
	}
	return i.bound(expires, format, info.IssuedAt)
}

// bound returns expires, or what must not be passed where that is sooner: Until, and the end of a grant that this token does not move.
func (i *Issue) bound(expires time.Time, format TokenFormat, now time.Time) (time.Time, error) {
	until := i.Until
	if ends := i.Grant.Expires; i.Under && !ends.IsZero() && (until.IsZero() || until.After(ends)) {
		until = ends
	}
	if format == JWT {
		until = until.Truncate(time.Second) // a JWT's end is rounded up to whole seconds
	}
	switch {
	case until.IsZero() || !expires.IsZero() && !expires.After(until):
		return expires, nil
	case !until.After(now):
		return time.Time{}, mandate.Errorf(mandate.InvalidGrant, nil, "grant is over")
	}
	return until, nil
}

// tokenTTL returns the life of c's access tokens by grantType, as far as it is configured.
func (s *Server) tokenTTL(c *store.Client, grantType string) time.Duration {
	if c.Policy.TokenTTL != 0 {
		return c.Policy.TokenTTL
	}
	if ttl, ok := s.config.Lifetimes[grantType]; ok {
		return ttl
	}
	if s.formatOf(c) == JWT {
		return s.config.JWTTTL
	}
	return s.config.TokenTTL
}

// checkTokens refuses what no access token can be like.
func (c *Config) checkTokens() error {
	if err := checkPrefixes(c.TokenPrefixes); err != nil {
		return err
	}
	if err := checkTTL("TokenTTL", c.TokenTTL, Opaque); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Lifetimes)) {
		ttl := c.Lifetimes[name]
		if ttl == 0 {
			return fmt.Errorf("server: Lifetimes[%q] is 0: leave it out for the default", name)
		}
		if err := checkTTL(fmt.Sprintf("Lifetimes[%q]", name), ttl, c.TokenFormat); err != nil {
			return fmt.Errorf("server: %w", err)
		}
	}
	return nil
}

// checkTTL refuses a life that no access token can have.
func checkTTL(field string, ttl time.Duration, format TokenFormat) error {
	switch {
	case ttl < 0 && ttl != InsecureNoEnd:
		return fmt.Errorf("%s %v cannot be negative: for tokens without an end it is server.InsecureNoEnd", field, ttl)
	case ttl == InsecureNoEnd && format == JWT:
		return fmt.Errorf("%s is InsecureNoEnd and the tokens are JWTs, which nobody can be told of that they were revoked: give them an end, or make them opaque", field)
	}
	return nil
}

// generated returns the access token that Config.GenerateToken makes, once it is one that nobody guesses and no client chokes on.
func (s *Server) generated(ctx context.Context, p TokenPlan) (string, error) {
	text, err := s.config.GenerateToken(ctx, p)
	if err != nil {
		return "", fmt.Errorf("Config.GenerateToken: %w", err)
	}
	if err := s.checkGenerated(text); err != nil {
		return "", fmt.Errorf("Config.GenerateToken: %w", err)
	}
	return text, nil
}

// minGenerated and maxGenerated bound a generated token: 128 bits of base64, and what fits into every header.
const minGenerated, maxGenerated = 22, 1024

// checkGenerated refuses an access token that cannot have 128 bits of randomness, that RFC 6750, section 2.1 has no room for, or that
// would be taken for something else. An error does not show it.
func (s *Server) checkGenerated(text string) error {
	var seen [128]bool
	var distinct, digits, hex int
	body := strings.TrimRight(text, "=")
	for i := range len(body) {
		c := body[i]
		switch {
		case c >= '0' && c <= '9':
			digits++
			hex++
		case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			hex++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '.', c == '_', c == '~', c == '+', c == '/':
		default:
			return fmt.Errorf("the token has a character that is none of A-Z a-z 0-9 - . _ ~ + / (RFC 6750, section 2.1)")
		}
		if !seen[c] {
			seen[c] = true
			distinct++
		}
	}
	least := minGenerated
	switch len(body) {
	case digits:
		least = 39
	case hex:
		least = 32
	}
	switch {
	case len(body) < least || distinct < 6:
		return fmt.Errorf("the token has %d characters, %d of them different, which is not 128 bits: make it of 16 or more random bytes", len(body), distinct)
	case len(text) > maxGenerated:
		return fmt.Errorf("the token has %d characters, want at most %d", len(text), maxGenerated)
	case strings.Count(text, ".") == 2:
		return fmt.Errorf("the token has two dots, as a JWT has: use another character")
	case s.isKind(text, kindCode), s.isKind(text, kindRefresh):
		return fmt.Errorf("the token begins as the server's own codes and refresh tokens do: use another prefix")
	}
	return nil
}
