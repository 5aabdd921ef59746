package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

type exchangeGrant struct{ config TokenExchangeConfig }

// TokenExchange is the grant type of RFC 8693: a client trades a user's token for one of its own, for another API, with fewer scopes,
// or with its own name in it as the actor's. The new token stands under the grant of the subject's token, so that it ends with it; it
// never lasts longer and never allows more. The token of another issuer gets a grant of its own. No refresh token goes with it, and the
// token of a client that acts for itself is nobody's: it is taken for the actor's alone.
func TokenExchange(config TokenExchangeConfig) GrantType {
	config.Audiences, config.Issuers, config.Verifiers = slices.Clone(config.Audiences), slices.Clone(config.Issuers), slices.Clone(config.Verifiers)
	return &exchangeGrant{config}
}

// Name implements [GrantType].
func (*exchangeGrant) Name() string { return oauth2.GrantTokenExchange }

// Check implements [Checker].
func (e *exchangeGrant) Check(issuer string) error {
	if e.config.Policy == nil {
		return errors.New("server: TokenExchangeConfig.Policy is nil, and every exchange would be refused: set a function that says which client may exchange what, or leave TokenExchange out")
	}
	if slices.Contains(e.config.Verifiers, nil) {
		return errors.New("server: TokenExchangeConfig.Verifiers has one that is nil")
	}
	return checkIssuers(e.config.Issuers, issuer)
}

// Token implements [GrantType].
func (e *exchangeGrant) Token(ctx context.Context, r *TokenRequest) (*Issue, error) {
	x := &Exchange{Client: r.Client}
	members, format, err := requestedType(r)
	if err != nil {
		return nil, err
	}
	i := &Issue{Format: format, Members: members}
	if err := e.readSubject(ctx, r, x, i); err != nil {
		return nil, err
	}
	if err := e.readActor(ctx, r, x); err != nil {
		return nil, err
	}
	if x.Scopes, err = exchangeScopes(r, x.Subject.Token.Scopes()); err != nil {
		return nil, err
	}
	if x.Audience, err = e.audience(r); err != nil {
		return nil, err
	}
	if err := e.decide(ctx, r, x); err != nil {
		return nil, err
	}
	if i.Grant.Details.Actor, err = actingFor(r, x); err != nil {
		return nil, err
	}
	i.Scopes, i.Audience, i.TTL, i.Until, i.Claims = x.Scopes, x.Audience, x.TTL, x.Subject.Token.Expires(), x.Claims
	if i.New {
		i.Grant.Details.Scopes, i.Grant.Details.Resources = x.Scopes, strings.Join(x.Audience, " ")
	}
	return i, nil
}

// requestedType reads requested_token_type, and returns what the answer says about it.
func requestedType(r *TokenRequest) (members map[string]any, format TokenFormat, err error) {
	asked, err := r.Param("requested_token_type")
	if err != nil {
		return nil, "", err
	}
	switch asked {
	case "":
		asked = TypeAccessToken
	case TypeAccessToken:
	case TypeJWT:
		format = JWT
	default:
		return nil, "", mandate.Errorf(mandate.InvalidRequest, nil, "requested_token_type is neither an access token nor a JWT")
	}
	return map[string]any{"issued_token_type": asked}, format, nil
}

// readSubject reads subject_token and says what the new token stands under.
func (e *exchangeGrant) readSubject(ctx context.Context, r *TokenRequest, x *Exchange, i *Issue) error {
	raw, err := r.Require("subject_token")
	if err != nil {
		return err
	}
	kind, err := r.Require("subject_token_type")
	if err != nil {
		return err
	}
	if kind == TypeRefreshToken {
		return e.readRefresh(ctx, r, x, i, raw)
	}
	x.Subject, err = e.prove(ctx, r, "subject_token", kind, raw)
	if err != nil {
		return err
	}
	t := x.Subject.Token
	if t.Subject() == "" {
		return mandate.Errorf(mandate.InvalidRequest, nil, "subject_token stands for no resource owner")
	}
	if !x.Subject.Own {
		return e.readForeign(ctx, r, x, i)
	}
	x.User = User{Subject: t.Subject(), AuthTime: t.AuthTime(), ACR: t.ACR()}
	i.Under = true
	i.Grant, err = r.GrantOf(ctx, t)
	if errors.Is(err, mandate.InvalidGrant) {
		err = invalidToken("subject_token", err)
	}
	return err
}

// readForeign asks the application who the subject of another issuer's token is here.
func (e *exchangeGrant) readForeign(ctx context.Context, r *TokenRequest, x *Exchange, i *Issue) error {
	if e.config.User == nil {
		return mandate.Errorf(mandate.InvalidRequest, errors.New("TokenExchangeConfig.User is nil"), "subject_token of another issuer is not accepted")
	}
	user, err := e.config.User(ctx, x.Subject.Token)
	switch {
	case errors.Is(err, mandate.AccessDenied):
		return mandate.Errorf(mandate.InvalidRequest, err, "subject_token is of nobody who is known here")
	case err != nil:
		return err
	case user.Subject == "" || !plainText(user.Subject):
		return fmt.Errorf("token exchange: a user whose Subject is %q: want UTF-8 without control characters", user.Subject)
	}
	x.User = user
	i.New, i.Grant = true, r.NewGrant(user.Subject, "")
	i.Grant.SessionID = user.SessionID
	d := &i.Grant.Details
	d.AuthTime, d.ACR, d.AMR = user.AuthTime, user.ACR, user.amr()
	return nil
}

// readRefresh takes a live refresh token of the client for the subject's. It is not spent, and one that was rotated away is
// refused without an alarm.
func (e *exchangeGrant) readRefresh(ctx context.Context, r *TokenRequest, x *Exchange, i *Issue, raw string) error {
	if !e.config.RefreshTokens {
		return mandate.Errorf(mandate.InvalidRequest, nil, "subject_token_type refresh_token is not accepted")
	}
	if !r.server.isKind(raw, kindRefresh) {
		return invalidToken("subject_token", nil)
	}
	g, from, err := r.Present(ctx, raw)
	switch {
	case errors.Is(err, mandate.InvalidGrant), err == nil && (g.Generation != from || !g.AliveAt(r.Now)):
		return invalidToken("subject_token", err)
	case err != nil:
		return err
	}
	info := mandate.TokenInfo{
		GrantID: g.ID, Subject: g.Subject, ClientID: g.ClientID, Scopes: g.Details.Scopes, Audience: strings.Fields(g.Details.Resources),
		IssuedAt: g.Advanced, Expires: g.Expires, AuthTime: g.Details.AuthTime, ACR: g.Details.ACR, Confirmed: g.Details.Confirmed,
	}
	if g.Details.Actor != "" {
		info.Claims = `{"act":` + g.Details.Actor + `}`
	}
	x.Subject = ExchangedToken{TypeRefreshToken, mandate.NewToken(info), true}
	x.User = User{Subject: g.Subject, AuthTime: g.Details.AuthTime, ACR: g.Details.ACR}
	i.Under, i.Grant = true, g
	return nil
}

// readActor reads actor_token, where there is one.
func (e *exchangeGrant) readActor(ctx context.Context, r *TokenRequest, x *Exchange) error {
	raw, err := r.Param("actor_token")
	if err != nil {
		return err
	}
	kind, err := r.Param("actor_token_type")
	switch {
	case err != nil:
		return err
	case raw == "" && kind == "":
		return nil
	case raw == "" || kind == "":
		return mandate.Errorf(mandate.InvalidRequest, nil, "actor_token and actor_token_type go together")
	}
	x.Actor, err = e.prove(ctx, r, "actor_token", kind, raw)
	return err
}

// prove returns the token that raw is: this server's, or one of those whom the configuration trusts. A token of this server that is
// over is nobody else's to judge.
func (e *exchangeGrant) prove(ctx context.Context, r *TokenRequest, param, kind, raw string) (ExchangedToken, error) {
	_, own := r.server.read(raw) // a code or refresh token, which is never shown to others
	if own || kind == TypeRefreshToken {
		return ExchangedToken{}, invalidToken(param, errors.New("it is a code or refresh token"))
	}
	issuer := issuerOf(raw)
	if (kind == TypeAccessToken || kind == TypeJWT && issuer != "") && (issuer == "" || issuer == r.server.config.Issuer) {
		t, err := r.Verify(ctx, raw)
		if err == nil {
			return ExchangedToken{kind, t, true}, nil
		}
		if !errors.Is(err, mandate.InvalidToken) {
			return ExchangedToken{}, err
		}
		if issuer != "" || r.server.isKind(raw, kindAccess) {
			return ExchangedToken{}, invalidToken(param, err)
		}
	}
	t, err := e.proveForeign(ctx, r, kind, raw, issuer)
	switch {
	case errors.Is(err, mandate.InvalidToken):
		return ExchangedToken{}, invalidToken(param, err)
	case err != nil:
		return ExchangedToken{}, err
	case t.Issuer() == "" || t.Issuer() == r.server.config.Issuer:
		return ExchangedToken{}, fmt.Errorf("token exchange: a verifier returned a token of the issuer %q: it must name another than this server", t.Issuer())
	case !t.Expires().IsZero() && !r.Now.Before(t.Expires()):
		return ExchangedToken{}, invalidToken(param, store.ErrExpired)
	case t.Subject() == "" && t.ClientID() == "":
		return ExchangedToken{}, invalidToken(param, errors.New("it stands for nobody"))
	}
	return ExchangedToken{kind, t, false}, nil
}

// proveForeign asks the trusted issuers and the verifiers.
func (e *exchangeGrant) proveForeign(ctx context.Context, r *TokenRequest, kind, raw, issuer string) (*mandate.Token, error) {
	failed := error(mandate.Errorf(mandate.InvalidToken, errors.New("nobody who is trusted made it"), ""))
	if issuer != "" && issuer != r.server.config.Issuer {
		for n := range e.config.Issuers {
			if trusted := &e.config.Issuers[n]; trusted.Issuer == issuer {
				t, err := r.server.verifyTrusted(ctx, trusted, kind, raw, r.Now)
				if err == nil || !errors.Is(err, mandate.InvalidToken) {
					return t, err
				}
				failed = err
			}
		}
	}
	for _, v := range e.config.Verifiers {
		t, err := v.VerifyToken(ctx, kind, raw, r.Now)
		switch {
		case err == nil && t != nil:
			return t, nil
		case err == nil:
			return nil, errors.New("token exchange: a verifier returned neither a token nor an error")
		case !errors.Is(err, mandate.InvalidToken):
			return nil, fault("verify token of another issuer", err)
		}
		failed = err
	}
	return nil, failed
}

// invalidToken is what RFC 8693, section 2.2.2 has for a token that is not good.
func invalidToken(param string, cause error) error {
	return mandate.Errorf(mandate.InvalidRequest, cause, "%s is not valid", param)
}

// exchangeScopes returns the scopes that are asked for, or all of the subject's token's that the client may have.
func exchangeScopes(r *TokenRequest, have mandate.Scopes) (mandate.Scopes, error) {
	asked, err := r.Param("scope")
	if err != nil {
		return "", err
	}
	if asked != "" {
		want, err := r.Scopes() // which the client may have
		if err == nil && !have.Covers(want) {
			err = mandate.Errorf(mandate.InvalidScope, nil, "scope is wider than the subject token's")
		}
		return want, err
	}
	scopes := have.Only(r.server.mayHave(r.Client.Client))
	if scopes == "" && r.server.allScopes != "" {
		return "", mandate.Errorf(mandate.InvalidScope, nil, "client may have none of the subject token's scopes")
	}
	return scopes, nil
}

// audience returns what resource and audience ask for. Both must be what the client may reach.
func (e *exchangeGrant) audience(r *TokenRequest) ([]string, error) {
	audience, err := r.Audience("")
	if err != nil {
		return nil, err
	}
	for _, asked := range r.Params("audience") {
		name, ok := asked, slices.Contains(e.config.Audiences, asked)
		if !ok {
			name, ok = r.server.resource(r.Client.Client, asked)
		}
		switch {
		case asked == "": // as if it were not there
		case !ok:
			return nil, mandate.Errorf(mandate.InvalidTarget, nil, "audience is unknown or not for this client")
		case !slices.Contains(audience, name):
			audience = append(audience, strings.Clone(name))
		}
	}
	return audience, nil
}

// decide honours may_act, asks the policy, and holds what it left against what was proven.
func (e *exchangeGrant) decide(ctx context.Context, r *TokenRequest, x *Exchange) error {
	party := actorOfClient(r.Client.ID)
	if x.Actor.Token != nil {
		party = x.Actor.actorOf()
	}
	if err := mayAct(x.Subject, party, r.server.config.Issuer); err != nil {
		return err
	}
	scopes := x.Scopes
	err := e.config.Policy(ctx, x)
	switch {
	case errors.Is(err, mandate.AccessDenied):
		return mandate.Errorf(mandate.InvalidRequest, whyDenied(x, err), "this exchange is not allowed")
	case err != nil:
		return err
	case !scopes.Covers(x.Scopes):
		return fmt.Errorf("token exchange: Policy widened the scopes %q to %q", scopes, x.Scopes)
	case x.Subject.Token.Confirmed() != (mandate.Confirmation{}) && r.Confirmed == (mandate.Confirmation{}) && !x.Bearer:
		return mandate.Errorf(mandate.InvalidRequest, nil, "subject_token is bound to a key, and the request proved none")
	}
	for _, a := range x.Audience {
		if !slices.Contains(e.config.Audiences, a) && oauth2.CheckResource(a) != nil {
			return fmt.Errorf("token exchange: Policy set the audience %q, which is neither a resource nor among Audiences", a)
		}
	}
	return nil
}

// whyDenied returns what the log is told of an exchange that the policy refuses: the way out where the client is no holder of the subject's token,
// which most policies ask for.
func whyDenied(x *Exchange, err error) error {
	if x.Holder() {
		return fmt.Errorf("TokenExchangeConfig.Policy: %w", err)
	}
	t := x.Subject.Token
	return fmt.Errorf("TokenExchangeConfig.Policy: %w; Exchange.Holder is false: the subject's token is %q's and for %q: if %q is one of these APIs, name it in the client's Policy.Serves", err, t.ClientID(), t.Audience(), x.Client.ID)
}

// actingFor returns the new token's "act": the actor, or the client where the policy says so, before those of the subject's token.
func actingFor(r *TokenRequest, x *Exchange) (string, error) {
	behind, err := actors(x.Subject.Token)
	if err != nil {
		return "", err
	}
	first := behind
	switch {
	case x.Actor.Token != nil:
		first = x.Actor.actorOf()
		first.Behind = behind
	case x.Delegate:
		first = actorOfClient(r.Client.ID)
		first.Behind = behind
	}
	if first == nil {
		return "", nil
	}
	if first.depth() > maxActors {
		return "", mandate.Errorf(mandate.InvalidRequest, nil, "more than %d actors stand behind one another", maxActors)
	}
	text, err := json.Marshal(first)
	if err != nil {
		return "", fault("encode actor", err)
	}
	return string(text), nil
}
