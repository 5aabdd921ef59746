package resource

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-mandate/mandate/core/jose"
)

// dialect is what the tokens of a product need beyond the fields of JWT.
type dialect struct {
	aliases       []string                            // other spellings of the issuer
	lacksAudience bool                                // a token without an audience is taken; kind says for whom it is then
	kind          func(c *claims) error               // tells an access token from all else that the issuer signs
	machine       func(c *claims, client string) bool // reports whether the client acts for itself, so that the subject is not a user
}

// fill sets the fields of j that are zero to those of product. AnyType is what the product needs: none of them marks its access
// tokens in the header at all times, which is what kind makes up for.
func (j JWT) fill(product JWT) JWT {
	if j.Issuer == "" {
		j.Issuer = product.Issuer
	}
	j.AnyType = true
	for _, f := range []struct{ mine, theirs *[]string }{
		{&j.Types, &product.Types},
		{&j.MayLack, &product.MayLack},
		{&j.ScopeClaims, &product.ScopeClaims},
		{&j.RolesClaims, &product.RolesClaims},
		{&j.GroupsClaims, &product.GroupsClaims},
		{&j.EntitlementsClaims, &product.EntitlementsClaims},
		{&j.ClientClaims, &product.ClientClaims},
	} {
		if len(*f.mine) == 0 {
			*f.mine = *f.theirs
		}
	}
	if len(j.Algs) == 0 {
		j.Algs = product.Algs
	}
	return j
}

// rs256 is what most products sign with, all of their tokens.
func rs256() []jose.Alg { return []jose.Alg{jose.RS256} }

// idToken refuses what OpenID Connect puts into an ID token and nobody puts into an access token.
func idToken(c *claims) error {
	for _, name := range [...]string{"nonce", "at_hash", "c_hash", "s_hash"} {
		if c.has(name) {
			return fmt.Errorf("it has the claim %s, so that it is an ID token: have the client send the access token", name)
		}
	}
	return nil
}

// hostOf checks the domain of a tenant, which is a host without a scheme.
func hostOf(field, domain, example string) (string, error) {
	switch {
	case domain == "":
		return "", fmt.Errorf("%s is empty: use the domain of the tenant, for example %s", field, example)
	case strings.ContainsAny(domain, "/?#@ "):
		return "", fmt.Errorf("%s is %q: use the domain alone, for example %s", field, domain, example)
	}
	return domain, nil
}

// segmentOf checks what becomes a segment of the issuer's path.
func segmentOf(field, value, example string) (string, error) {
	if value == "" || strings.ContainsAny(value, "/?#% ") {
		return "", fmt.Errorf("%s is %q: use its name as it stands in the issuer, for example %s", field, value, example)
	}
	return value, nil
}

// oneOf reports whether have is among want, where there is a want.
func oneOf(want []string, have string) bool {
	return len(want) == 0 || have != "" && slices.Contains(want, have)
}

var errLogout = errors.New("it has the claim events, so that it is a logout or security event token")
