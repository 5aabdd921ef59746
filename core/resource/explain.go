package resource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// Why a guard refused. event puts the particulars in.
var (
	errNobodys        = errors.New("no verifier of the guard knows the token by its shape and issuer, or it is longer than 16 KiB")
	errNoToken        = errors.New("the verifier returned neither a token nor an error")
	errExpired        = errors.New("the token has expired")
	errBound          = errors.New("the token is bound to a key")
	errAudience       = errors.New("the token is for another audience")
	errRevoked        = errors.New("Config.Revoked says that the token is revoked")
	errNoVerifier     = errors.New("Scheme has no verifier")
	errMalformedOther = errors.New("the Authorization header field is not its scheme, one space and a token")
	errNeed           = errors.New("the token does not meet the requirement")
	errNoLoader       = errors.New("resource: Config.User is not set, so that nobody can load a user")
)

// event is what the hooks hear of a refusal. It is made only where somebody listens.
func (g *Guard) event(r *Rule, o outcome, tok *mandate.Token, why error, resp *mandate.Response) mandate.Event {
	e := tokenEvent(mandate.TokenRefused, tok)
	if o == unavailable {
		e.Name = mandate.Fault
	}
	told := mandate.AsError(resp.Err)
	e.Err = &mandate.Error{Code: told.Code, Description: told.Description, Cause: g.explain(r, o, tok, why)}
	return e
}

// explain says in the developer's terms what kept the request out, and the way in.
func (g *Guard) explain(r *Rule, o outcome, tok *mandate.Token, why error) error {
	switch {
	case errors.Is(why, errExpired):
		return fmt.Errorf("the token expired at %s", tok.Expires().Format(time.RFC3339))
	case errors.Is(why, errBound):
		return fmt.Errorf("the token is of type %s and may be bound to a key (cnf), which this guard cannot prove: issue bearer tokens for this API", tok.Type())
	case errors.Is(why, errAudience) && g.audience == "":
		return fmt.Errorf("aud is %q, this API has no name: set resource.Config.Audience to what tokens for it say", tok.Audience())
	case errors.Is(why, errAudience) && !tok.Restricted():
		return fmt.Errorf("aud is missing, this API is %q: have the issuer name it in aud", g.audience)
	case errors.Is(why, errAudience):
		return fmt.Errorf("aud is %q, this API is %q: have the client ask for it (resource), add an audience mapper at the issuer, or correct resource.Config.Audience", tok.Audience(), g.audience)
	case !errors.Is(why, errNeed):
		if e, ok := errors.AsType[*mandate.Error](why); ok && e.Cause != nil { // its own text is for the peer
			return e.Cause
		}
		return why
	case r.Err() != nil:
		return fmt.Errorf("no token can meet the requirement of this route: %w", r.Err())
	case o == stepUp:
		return fmt.Errorf("the user signed in at %v with acr %q, this route needs acr %q and its maximum age: send the user to sign in again", tok.AuthTime().Format(time.RFC3339), tok.ACR(), r.need.ACR())
	case o == invalid:
		return fmt.Errorf("aud is %q, this route needs another", tok.Audience())
	case r.need.Scopes() != "" && !tok.Scopes().Covers(r.need.Scopes()):
		return fmt.Errorf("scope is %q, this route needs %q: have the client ask for it", string(tok.Scopes()), string(r.need.Scopes()))
	}
	return fmt.Errorf("the token does not meet what this route needs: %v", r.need)
}

// LogRefusals returns hooks that write one line for each request that a guard refused, with the cause: what the peer is
// never told. Faults are logged as errors, all else at level info. No line holds a token.
func LogRefusals(logger *slog.Logger) mandate.Hooks {
	return mandate.Hooks{On: func(ctx context.Context, e mandate.Event) {
		level, text := slog.LevelInfo, "access refused"
		switch e.Name {
		case mandate.TokenRefused:
		case mandate.Fault:
			level, text = slog.LevelError, "fault"
		default:
			return
		}
		told := mandate.AsError(e.Err)
		cause := told.Error()
		if told.Cause != nil {
			cause = told.Cause.Error()
		}
		logger.LogAttrs(ctx, level, text, slog.String("code", string(told.Code)), slog.String("cause", cause), slog.String("client", e.ClientID))
	}}
}
