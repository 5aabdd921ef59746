package oidc

import (
	"context"
	"slices"
	"time"

	"github.com/go-mandate/mandate/core/jose"
)

// LogoutType is the "typ" of logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.4).
const LogoutType = "logout+jwt"

// LogoutEvent is the member of "events" that makes a token one for logout.
const LogoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// LogoutWindow is how old a logout token may be, besides the leeway.
const LogoutWindow = 2 * time.Minute

// LogoutToken is what an authentic logout token says: that a session with the issuer has ended, or all of a user.
type LogoutToken struct {
	Issuer    string    // "iss"
	Subject   string    // "sub"; it may be empty, and then SessionID is not
	SessionID string    // "sid": that of the ID token of the session. Empty: all sessions of the subject have ended
	ID        string    // "jti"
	IssuedAt  time.Time // "iat"
	// Until is when the token is refused for its age at the latest: remember ID until then.
	Until time.Time
}

// LogoutToken verifies a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6), all but that its ID comes once, which is for who has a
// memory. Errors are as those of [Verifier.IDToken].
func (v *Verifier) LogoutToken(ctx context.Context, raw string, now time.Time) (*LogoutToken, error) {
	head, t, err := v.open(ctx, raw, v.c.Algs)
	if err != nil {
		return nil, err
	}
	if !head.Is(LogoutType) && (!v.c.AnyLogoutType || head.Type != "" && !head.Is("JWT")) {
		return nil, invalid("typ is %.40q, want %q", head.Type, LogoutType)
	}
	if err := v.checkIssuer(t); err != nil {
		return nil, err
	}
	window := LogoutWindow + v.c.Leeway
	_, nonce := t.more.Find("nonce")
	switch {
	case !slices.Contains(t.Audience, v.c.ClientID):
		return nil, invalid("aud is %.200q, which is not %q", t.Audience, v.c.ClientID)
	case !isLogout(t.more):
		return nil, invalid("events has no member %s that is an object: this is no logout token", LogoutEvent)
	case nonce:
		return nil, invalid("there is a nonce, which no logout token has: this is an ID token")
	case t.Subject == "" && t.SessionID == "":
		return nil, invalid("there is neither sub nor sid")
	case len(t.Subject) > maxSubject || len(t.SessionID) > maxSubject:
		return nil, invalid("sub or sid has more than %d bytes", maxSubject)
	case t.claims.ID == "" || len(t.claims.ID) > maxSubject:
		return nil, invalid("jti is missing or has more than %d bytes", maxSubject)
	case t.IssuedAt.IsZero():
		return nil, invalid("iat is missing")
	case !now.Before(t.IssuedAt.Add(window)):
		return nil, invalid("iat is %s, more than %v ago", t.IssuedAt.UTC().Format(time.RFC3339), window)
	case now.Add(v.c.Leeway).Before(t.IssuedAt), now.Add(v.c.Leeway).Before(t.claims.NotBefore):
		return nil, invalid("the token is good in the future only")
	case !t.Expires.IsZero() && !now.Before(t.Expires.Add(v.c.Leeway)): // before the final text there was no exp; the window is shorter anyway
		return nil, invalid("expired at %s", t.Expires.UTC().Format(time.RFC3339))
	}
	return &LogoutToken{
		Issuer: t.Issuer, Subject: t.Subject, SessionID: t.SessionID, ID: t.claims.ID, IssuedAt: t.IssuedAt, Until: t.IssuedAt.Add(window),
	}, nil
}

// isLogout reports whether "events" says that a token is one for logout.
func isLogout(more jose.Members) bool {
	raw, ok := more.Find("events")
	if !ok {
		return false
	}
	events, err := jose.ParseMembers([]byte(raw), nil)
	if err != nil {
		return false
	}
	event, _ := events.Find(LogoutEvent)
	return event != "" && event[0] == '{'
}
