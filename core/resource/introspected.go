package resource

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
)

// reader says what the answers of an introspection endpoint mean (RFC 7662, section 2.2).
type reader struct {
	jwt // what is read as in a JWT

	anyType bool
}

func newReader(i Introspection) (*reader, error) {
	r := &reader{jwt: jwt{JWT: JWT{Issuer: i.Issuer, Leeway: i.Leeway}}, anyType: i.AnyType}
	var roles []path
	for _, paths := range []struct {
		names, otherwise []string
		into             *[]path
		field            string
	}{
		{i.ScopeClaims, []string{"scope"}, &r.scope, "Introspection.ScopeClaims"},
		{i.ClientClaims, []string{"client_id"}, &r.client, "Introspection.ClientClaims"},
		{i.RolesClaims, nil, &roles, "Introspection.RolesClaims"},
	} {
		if len(paths.names) == 0 {
			paths.names = paths.otherwise
		}
		for _, name := range paths.names {
			p, err := parsePath(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", paths.field, err)
			}
			*paths.into = append(*paths.into, p)
		}
	}
	if len(roles) > 0 {
		r.gathered = []gathered{{"roles", roles}}
	}
	return r, nil
}

// token returns the token that body describes. An error that is [mandate.InvalidToken] blames the token, any other the answer.
func (r *reader) token(body []byte, now time.Time) (*mandate.Token, error) {
	var room [24]jose.Member
	all, err := jose.ParseMembers(body, room[:0])
	if err != nil {
		return nil, fmt.Errorf("the answer is no JSON object: %w", err)
	}
	all = slices.DeleteFunc(all, func(m jose.Member) bool { return m.Value == "null" }) // what some write for what is absent
	switch active, _ := all.Find("active"); active {
	case "true":
	case "false":
		return nil, refused("the introspection endpoint says that it is not active: expired, revoked, unknown, or not for this client to know of")
	default: // a string "true" as well
		return nil, errors.New(`the answer has no member "active" that is true or false (RFC 7662, section 2.2)`)
	}
	claims, rest, err := all.Claims()
	if err != nil {
		return nil, fmt.Errorf("the answer: %w", err)
	}
	switch {
	case r.Issuer != "" && claims.Issuer != "" && claims.Issuer != r.Issuer:
		return nil, refused("iss is %.200q, want %q", claims.Issuer, r.Issuer)
	case !claims.Expires.IsZero() && !now.Before(claims.Expires.Add(r.Leeway)):
		return nil, refused("the token expired at %s", claims.Expires.Format(time.RFC3339))
	case now.Add(r.Leeway).Before(claims.NotBefore):
		return nil, refused("the token is not valid before %s", claims.NotBefore.Format(time.RFC3339))
	}
	info := mandate.TokenInfo{ID: claims.ID, Issuer: claims.Issuer, Subject: claims.Subject, Audience: claims.Audience, IssuedAt: claims.IssuedAt}
	if info.Issuer == "" {
		info.Issuer = r.Issuer
	}
	if !claims.Expires.IsZero() {
		info.Expires = claims.Expires.Add(r.Leeway)
	}
	if err := r.fill(&info, rest); err != nil {
		return nil, err
	}
	return mandate.NewToken(info), nil
}

// fill reads what is no registered claim.
func (r *reader) fill(info *mandate.TokenInfo, rest jose.Members) (err error) {
	if info.Type, err = r.kind(rest); err != nil {
		return err
	}
	if info.ClientID, err = r.clientOf(rest); err != nil {
		return err
	}
	if info.Subject == info.ClientID { // the client acts for itself
		info.Subject = ""
	}
	if info.Scopes, err = r.scopesOf(rest); err != nil {
		return err
	}
	if raw, ok := rest.Find("auth_time"); ok {
		if info.AuthTime, ok = jose.NumericDate(raw); !ok {
			return errors.New("auth_time is not a number of seconds")
		}
	}
	info.ACR = memberText(rest, "acr")
	if raw, ok := rest.Find("cnf"); ok {
		info.Confirmed = confirmation(raw)
		if info.Confirmed.JKT != "" {
			info.Type = "DPoP"
		}
	}
	kept := slices.DeleteFunc(slices.Clone(rest), func(m jose.Member) bool { return m.Name == "active" || m.Name == "token_type" })
	info.Claims, err = r.rest(kept)
	return err
}

// kind returns the token's type, and an error unless it is an access token by the word of the server. token_type is that of RFC 7662;
// token_use (Ory, Amazon), token_usage (OpenIddict) and typ (Keycloak) tell access tokens from refresh and ID tokens.
func (r *reader) kind(rest jose.Members) (string, error) {
	kind, told := memberText(rest, "token_type"), false
	if _, ok := rest.Find("token_type"); ok {
		if kind == "" {
			return "", errors.New("token_type is no string")
		}
		if slices.Contains([]string{"refresh_token", "refresh", "offline", "id_token", "id"}, strings.ToLower(kind)) { // a guard compares it for Bearer alone
			return "", refused("token_type is %.40q: this is no access token", kind)
		}
		told = true
	}
	for name, access := range map[string][]string{
		"token_use": {"access_token", "access"}, "token_usage": {"access_token"}, "typ": {"bearer", "at+jwt", "application/at+jwt", "dpop"},
	} {
		if _, ok := rest.Find(name); !ok {
			continue
		}
		value := strings.ToLower(memberText(rest, name))
		if name == "typ" && value == "jwt" { // an ID token is one as well
			continue
		}
		if !slices.Contains(access, value) {
			return "", refused("%s is %.40q: this is no access token", name, value)
		}
		told = true
	}
	if !told && !r.anyType {
		return "", refused("the introspection endpoint does not say what it is (token_type), and it could be a refresh token: set Introspection.AnyType if the server never says it of access tokens")
	}
	return kind, nil
}

// memberText returns a member that is a string; "" if it is absent or none.
func memberText(m jose.Members, name string) string {
	raw, _ := m.Find(name)
	s, _ := jose.Text(raw)
	return s
}
