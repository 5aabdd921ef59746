package server

import (
	"maps"
	"slices"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
)

// memberStatement is the member that carries a software statement, in requests, in answers, and in the store.
const memberStatement = "software_statement"

// statementSkew is how far the clock of an issuer of statements may be ahead.
const statementSkew = 10 * time.Second

// applyStatement lets the claims of the software statement among members override them (RFC 7591, section 2.3). It returns the claims and
// what its issuer's clients may register for; nil claims where there is none. One that the client has registered before, kept, need not be in time
// any more.
func (s *Server) applyStatement(members map[string]string, kept string) (*jose.Claims, RegistrationLimits, error) {
	var limits RegistrationLimits
	raw, ok := members[memberStatement]
	if !ok {
		if kept == "" {
			return nil, limits, nil
		}
		raw = kept // what it says holds as long as the client is registered by it
		members[memberStatement] = raw
	}
	bad := func(cause error, why string) (*jose.Claims, RegistrationLimits, error) {
		return nil, limits, mandate.Errorf(mandate.InvalidSoftwareStatement, cause, "software statement %s", why)
	}
	text, ok := jose.Text(raw)
	if !ok || len(text) > maxStatement {
		return bad(nil, "is not a string, or too long")
	}
	_, payload, err := jose.Unverified(text)
	if err != nil {
		return bad(err, "is not a signed JWT")
	}
	claims, err := jose.ParseClaims(payload)
	if err != nil {
		return bad(err, "has malformed claims")
	}
	list := s.config.Registration.Statements
	i := slices.IndexFunc(list, func(i StatementIssuer) bool { return i.Issuer == claims.Issuer })
	if i < 0 {
		return nil, limits, mandate.Errorf(mandate.UnapprovedSoftwareStatement, nil, "software statement is of an issuer that is not trusted here")
	}
	algs := list[i].Algs
	if len(algs) == 0 {
		algs = jose.Asymmetric()
	}
	header, payload, err := jose.Verify(text, list[i].Keys, algs)
	switch {
	case err != nil:
		return bad(err, "does not verify")
	case header.Type != "" && !header.Is("JWT") && !header.Is("software-statement+jwt"):
		return bad(nil, "is a JWT for something else")
	case !header.Is("software-statement+jwt") && claims.Subject != "" && claims.Subject != claims.Issuer && claims.Subject != claims.Text("software_id"):
		return bad(nil, "is about somebody, and not about software") // an ID token or an assertion of an issuer that makes both (RFC 8725, section 3.12)
	case len(claims.Audience) > 0 && !claims.For(s.config.Issuer):
		return bad(nil, "is for another server")
	}
	if raw != kept {
		now := s.now() // without an end it has none: many issuers give none
		if !claims.Expires.IsZero() && !now.Before(claims.Expires.Add(statementSkew)) || now.Add(statementSkew).Before(claims.NotBefore) {
			return bad(nil, "is over, or not valid yet")
		}
	}
	said, err := readMembers(string(payload))
	if err != nil {
		return bad(err, "has a claim twice")
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", memberStatement} {
		delete(said, name)
	}
	maps.Copy(members, said)
	return claims, list[i].Limits, nil
}
