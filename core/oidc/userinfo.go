package oidc

import (
	"context"
	"slices"
	"time"
)

// UserInfo verifies user info that came as a JWT, and returns its claims (OpenID Connect Core, section 5.3.2). The caller compares "sub" with that of the
// ID token. Errors are as those of [Verifier.IDToken].
func (v *Verifier) UserInfo(ctx context.Context, raw string, now time.Time) (map[string]any, error) {
	head, t, err := v.open(ctx, raw, v.c.UserInfoAlgs)
	if err != nil {
		return nil, err
	}
	if otherKind(head) {
		return nil, invalid("typ is %.40q: this is no user info", head.Type)
	}
	if t.Issuer != "" {
		if err := v.checkIssuer(t); err != nil {
			return nil, err
		}
	}
	switch {
	case len(t.Audience) > 0 && !slices.Contains(t.Audience, v.c.ClientID):
		return nil, invalid("aud is %.200q, which is not %q", t.Audience, v.c.ClientID)
	case !t.Expires.IsZero() && !now.Before(t.Expires.Add(v.c.Leeway)):
		return nil, invalid("expired at %s", t.Expires.UTC().Format(time.RFC3339))
	case now.Add(v.c.Leeway).Before(t.claims.NotBefore):
		return nil, invalid("the user info is good in the future only")
	}
	return t.Claims(), nil
}
