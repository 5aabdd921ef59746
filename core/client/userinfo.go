package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oidc"
)

// Identifying is a [Protocol] of OpenID Connect. [OpenID] is; an app of the application's own may be.
type Identifying interface {
	// Verifier returns what verifies the provider's tokens.
	Verifier(ctx context.Context) (*oidc.Verifier, error)
	// UserInfo asks the UserInfo endpoint about subject, the "sub" of an ID token.
	UserInfo(ctx context.Context, tok *oauth2.Token, subject string) (map[string]any, error)
}

var _ Identifying = (*openidApp)(nil)

// VerifyIDToken verifies an ID token of the app: one that a mobile app of yours handed over, for example. Expect.Now is set where it is zero.
func (r *Remote) VerifyIDToken(ctx context.Context, raw string, e oidc.Expect) (*oidc.Token, error) {
	p, err := r.identifying()
	if err != nil {
		return nil, err
	}
	v, err := p.Verifier(ctx)
	if err != nil {
		return nil, asError(r.name, err)
	}
	if e.Now.IsZero() {
		e.Now = r.reg.config.Now()
	}
	id, err := v.IDToken(ctx, raw, e)
	if err != nil {
		return nil, unproven(r.name, "ID token", err)
	}
	return id, nil
}

// UserInfo asks the provider about the user of a token. subject is the user's [Profile.Subject]: an answer about anybody else is a [Mismatch].
func (r *Remote) UserInfo(ctx context.Context, tok *oauth2.Token, subject string) (map[string]any, error) {
	p, err := r.identifying()
	if err != nil {
		return nil, err
	}
	claims, err := p.UserInfo(ctx, tok, subject)
	if err != nil {
		return nil, asError(r.name, err)
	}
	return claims, nil
}

func (r *Remote) identifying() (Identifying, error) {
	if r == nil {
		return nil, errNoApp()
	}
	if p, ok := r.protocol.(Identifying); ok {
		return p, nil
	}
	return nil, r.fault("it is no app of OpenID Connect")
}

// moreOf returns what the UserInfo endpoint says, if it is asked.
func (a *openidApp) moreOf(ctx context.Context, tok *oauth2.Token, in *SignIn) (map[string]any, error) {
	at, err := a.userInfoURL(ctx)
	if err != nil || at == "" || a.o.UserInfo == UserInfoNever || a.o.UserInfo == UserInfoNeeded && !lacks(in) {
		return nil, err
	}
	subject, _ := in.IDToken["sub"].(string)
	return a.userInfo(ctx, at, tok, subject)
}

// lacks reports whether the ID token lacks what a granted scope promises (OpenID Connect Core, section 5.4).
func lacks(in *SignIn) bool {
	for scope, claims := range map[string][]string{
		"profile": {"name", "given_name", "nickname", "preferred_username"}, "email": {"email"}, "address": {"address"}, "phone": {"phone_number"},
	} {
		has := func(claim string) bool { return in.IDToken[claim] != nil }
		if slices.Contains(in.Scopes, scope) && !slices.ContainsFunc(claims, has) {
			return true
		}
	}
	return false
}

// userInfoURL returns the UserInfo endpoint, or "".
func (a *openidApp) userInfoURL(ctx context.Context) (string, error) {
	if a.o.UserInfoURL != "" || a.meta == nil {
		return a.o.UserInfoURL, nil
	}
	d, err := a.meta.Get(ctx)
	if err != nil {
		return "", &Error{Kind: Unreachable, App: a.Name, Cause: fmt.Errorf("metadata of %s: %w", a.Issuer, err)}
	}
	return d.openid.UserInfoEndpoint, nil
}

// UserInfo implements [Identifying].
func (a *openidApp) UserInfo(ctx context.Context, tok *oauth2.Token, subject string) (map[string]any, error) {
	at, err := a.userInfoURL(ctx)
	switch {
	case err != nil:
		return nil, err
	case at == "":
		return nil, &Error{Kind: Fault, App: a.Name, Cause: errors.New("the provider has no UserInfo endpoint")}
	case tok == nil || tok.AccessToken == "":
		return nil, &Error{Kind: NoToken, App: a.Name}
	}
	return a.userInfo(ctx, at, tok, subject)
}

// userInfo asks (OpenID Connect Core, section 5.3). What is about another user than the ID token must not be used (section 5.3.2).
func (a *openidApp) userInfo(ctx context.Context, at string, tok *oauth2.Token, subject string) (map[string]any, error) {
	res, err := a.w.Fetcher.Fetch(ctx, &mandate.FetchRequest{
		Method: http.MethodGet, URL: at, Purpose: "userinfo", Trust: mandate.Operator, MaxBytes: maxProfile,
		Header: mandate.Fields{{Name: "Authorization", Value: "Bearer " + tok.AccessToken}, {Name: "Accept", Value: "application/json, application/jwt"}},
	})
	switch {
	case err != nil:
		return nil, &Error{Kind: Unreachable, App: a.Name, Cause: fmt.Errorf("user info: %w", err)}
	case res.Status != http.StatusOK:
		return nil, a.refusedInfo(res)
	}
	claims, err := a.readUserInfo(ctx, res)
	if err != nil {
		return nil, err
	}
	if claims["sub"] == nil && claims["error"] != nil { // with 200: Slack
		return nil, a.refusedInfo(res)
	}
	if sub, _ := claims["sub"].(string); sub == "" || sub != subject {
		return nil, a.mismatch(fmt.Errorf("the user info is about %.100q, the ID token about %.100q", sub, subject))
	}
	return claims, nil
}

// refusedInfo is the error of an answer without user info. What is wrong stands in the body, or in the challenge (RFC 6750, section 3).
func (a *openidApp) refusedInfo(res *mandate.Response) *Error {
	status := res.Status
	if status/100 == 2 {
		status = http.StatusBadRequest // it is an error, whatever it says
	}
	e := (&Granted{asks: asks{app: a.Name}}).Refused(&Response{Status: status, Raw: res.Body, ContentType: res.Header.Get("Content-Type"), app: a.Name})
	e.Status, e.Cause = res.Status, errors.New("the user info is refused")
	if challenge := res.Header.Get("WWW-Authenticate"); e.Code == "" {
		e.Code = mandate.Code(short(quoted(challenge, "error")))
		if e.Description == "" {
			e.Description = short(quoted(challenge, "error_description"))
		}
	}
	return e
}

// quoted returns a parameter of a challenge. Some leave out the scheme.
func quoted(challenge, name string) string {
	for rest := challenge; ; {
		before, after, ok := strings.Cut(rest, name+`="`)
		if !ok {
			return ""
		}
		if before == "" || strings.ContainsAny(before[len(before)-1:], " ,") {
			value, _, _ := strings.Cut(after, `"`)
			return value
		}
		rest = after
	}
}

func (a *openidApp) readUserInfo(ctx context.Context, res *mandate.Response) (map[string]any, error) {
	if strings.EqualFold(mediaType(res.Header.Get("Content-Type")), "application/jwt") {
		v, err := a.Verifier(ctx)
		if err != nil {
			return nil, err
		}
		claims, err := v.UserInfo(ctx, strings.TrimSpace(string(res.Body)), a.w.Now())
		if err != nil {
			return nil, a.unproven("user info", err)
		}
		return claims, nil
	}
	var claims map[string]any
	dec := json.NewDecoder(strings.NewReader(string(res.Body)))
	dec.UseNumber() // ids have more digits than a float64
	if err := dec.Decode(&claims); err != nil {
		return nil, &Error{Kind: Unreachable, App: a.Name, Status: res.Status, Body: cut(res.Body), Cause: fmt.Errorf("user info: %w", err)}
	}
	return claims, nil
}

// Claims returns what ID token and user info say together. Where both have a claim the ID token's counts, which is signed; whether an address is
// verified is said of that address alone, by who names it.
func (g *Granted) Claims() map[string]any {
	if len(g.UserInfo) == 0 {
		return maps.Clone(g.IDToken)
	}
	all := maps.Clone(g.UserInfo)
	maps.Copy(all, g.IDToken)
	for _, of := range [...]struct{ claim, verified string }{{"email", "email_verified"}, {"phone_number", "phone_number_verified"}} {
		own, named := g.IDToken[of.claim]
		text, _ := own.(string) // what is none, a list for example, is compared with nothing
		_, said := g.IDToken[of.verified]
		switch other, _ := g.UserInfo[of.claim].(string); {
		case !named && g.UserInfo[of.claim] != nil: // what the ID token says is not of this one
			delete(all, of.verified)
			if yes, ok := g.UserInfo[of.verified]; ok {
				all[of.verified] = yes
			}
		case named && !said && (text == "" || text != other):
			delete(all, of.verified)
		}
	}
	return all
}
