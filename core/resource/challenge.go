package resource

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// bearer is the scheme of RFC 6750.
const bearer = "Bearer"

// challenger is what all challenges of a guard have in common.
type challenger struct {
	realm    string
	audience string
	metadata string          // where RFC 9728's document is; empty: nowhere
	more     []mandate.Field // an application's own parameters
	schemes  []string        // of the Authorization field, in the order of the verifiers
}

// reserved reports whether a parameter of a challenge is one that only the guard writes.
func reserved(name string) bool {
	switch strings.ToLower(name) {
	case "realm", "error", "error_description", "error_uri", "scope", "acr_values", "max_age", "resource_metadata":
		return true
	}
	return false
}

// newChallenger checks what Config says of challenges.
func newChallenger(c *Config) (challenger, error) {
	if mandate.Printable(c.Realm) != c.Realm {
		return challenger{}, fmt.Errorf("resource: Config.Realm %q has a character that a challenge cannot hold: use printable ASCII without quotes and backslashes", c.Realm)
	}
	for i, f := range c.ChallengeParams {
		switch {
		case f.Name == "" || strings.ContainsFunc(f.Name, func(r rune) bool { return !tchar(r) }):
			return challenger{}, fmt.Errorf("resource: Config.ChallengeParams[%d] has the name %q, which is none of a parameter (RFC 9110, section 11.2)", i, f.Name)
		case mandate.Printable(f.Value) != f.Value:
			return challenger{}, fmt.Errorf("resource: Config.ChallengeParams[%d] has the value %q, which a challenge cannot hold: use printable ASCII without quotes and backslashes", i, f.Value)
		case reserved(f.Name):
			return challenger{}, fmt.Errorf("resource: Config.ChallengeParams[%d] is %s, which the guard writes itself: see Config.Realm and Config.Metadata", i, f.Name)
		case slices.ContainsFunc(c.ChallengeParams[:i], func(o mandate.Field) bool { return strings.EqualFold(o.Name, f.Name) }):
			return challenger{}, fmt.Errorf("resource: Config.ChallengeParams[%d] is a second %s: a parameter may stand once", i, f.Name)
		}
	}
	return challenger{realm: c.Realm, audience: mandate.Printable(c.Audience), more: slices.Clone(c.ChallengeParams)}, nil
}

// params are the parameters of a challenge that depend on the requirement.
type params struct {
	scope       mandate.Scopes
	acr, maxAge string
}

// challenged is an answer with a challenge for each scheme that the guard takes (RFC 9110, section 11.6.1; RFC 6750, section 3; RFC 9470, section 3),
// each in a field of its own. That of the scheme used tells what was wrong, if named, and what to ask for.
func (c *challenger) challenged(used string, err *mandate.Error, named bool, p params) *mandate.Response {
	schemes := c.schemes
	if len(schemes) == 0 {
		schemes = []string{bearer}
	}
	if !slices.Contains(schemes, used) {
		used = schemes[0]
	}
	fields := make([]mandate.Field, 0, len(schemes)+2)
	for _, scheme := range schemes {
		var list []string
		add := func(name, value string) {
			if value != "" {
				list = append(list, name+`="`+value+`"`)
			}
		}
		add("realm", c.realm)
		if scheme == used {
			if named && strings.EqualFold(scheme, schemeOAuth1) {
				add("oauth_problem", string(problemOf(err.Code)))
			} else if named {
				add("error", string(err.Code))
				add("error_description", err.Description)
				add("error_uri", mandate.Printable(err.URI))
			}
			add("scope", string(p.scope))
			add("acr_values", p.acr)
			add("max_age", p.maxAge)
		}
		add("resource_metadata", c.metadata)
		for _, f := range c.more {
			list = append(list, f.Name+`="`+f.Value+`"`)
		}
		if len(list) == 0 { // the scheme must be followed by a parameter (RFC 6750, section 3)
			add("realm", c.audience)
		}
		if len(list) == 0 {
			add("realm", "api")
		}
		fields = append(fields, mandate.Field{Name: "WWW-Authenticate", Value: scheme + " " + strings.Join(list, ", ")})
	}
	return answer(err, p.scope, fields...)
}

// refusal makes the answer of one outcome of a request that used a scheme. What it tells is for everybody: causes go to the hooks.
func (c *challenger) refusal(used string, o outcome, need *mandate.Requirement) *mandate.Response {
	switch o {
	case granted:
		return &mandate.Response{Status: 204}
	case absent, foreign:
		// The challenge has no error code: nothing was wrong with what was sent (RFC 6750, section 3.1).
		return c.challenged(used, mandate.Errorf(mandate.MissingAuthorization, nil, "send an access token: Authorization: %s", c.first()), false, params{scope: need.Scopes()})
	case malformed:
		return c.challenged(used, mandate.Errorf(mandate.InvalidRequest, nil, "the access token is malformed"), true, params{})
	case doubled:
		return c.challenged(used, mandate.Errorf(mandate.InvalidRequest, nil, "more than one access token or scheme was sent"), true, params{})
	case insufficient:
		return c.challenged(used, mandate.Errorf(mandate.InsufficientScope, nil, "the access token does not allow this"), true, params{scope: need.Scopes()})
	case stepUp:
		p := params{scope: need.Scopes(), acr: strings.Join(need.ACR(), " ")}
		if age, ok := need.MaxAge(); ok {
			p.maxAge = strconv.FormatInt(int64(age/time.Second), 10)
		}
		return c.challenged(used, mandate.Errorf(mandate.InsufficientUserAuthentication, nil, "a more recent or stronger sign-in is required"), true, p)
	case unavailable:
		return fault(mandate.Errorf(mandate.TemporarilyUnavailable, nil, "the access token cannot be checked at the moment"), mandate.Field{Name: "Retry-After", Value: "5"})
	case broken:
		return fault(&mandate.Error{Code: mandate.ServerError, Cause: errors.New("the guard was not made with resource.New, or its error was ignored")})
	default:
		return c.challenged(used, mandate.Errorf(mandate.InvalidToken, nil, "the access token is unknown, expired, revoked or not for this resource"), true, params{})
	}
}

func (c *challenger) first() string {
	if len(c.schemes) == 0 {
		return bearer
	}
	return c.schemes[0]
}
