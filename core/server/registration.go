package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// Registration is how clients register themselves (RFC 7591). The zero value takes those that bring an initial access token, which
// [Server.NewRegistrationToken] makes. The store must be a [store.ClientWriter].
//
// A registered client is a stranger: it is not told of errors by a redirect before somebody has signed in, its consent is not remembered
// where any program could pose as it, and it may ask for public scopes alone, unless Trusted says otherwise.
type Registration struct {
	// Open lets everybody register, with neither token nor software statement: for the grants authorization_code, refresh_token and
	// device_code, the response type code, and Scopes. Each such registration is a row in the store, which
	// Config.Limiter bounds. Default: false.
	Open bool
	// Management lets clients read, replace and delete their registration (RFC 7592). Default: false.
	Management bool

	// Scopes are what a client may register for whose token or software statement names none. Default: the scopes that are Public.
	Scopes mandate.Scopes
	// ScopeIsDefault takes the scope of a registration for what the client gets where it asks for nothing, and lets it ask for all that it
	// could have registered. For one that names no scope the default is Config.DefaultScopes, or all that it could have registered, and the answer shows
	// it (RFC 7591, section 2). Default: false, the scope is a limit.
	ScopeIsDefault bool
	// Trusted makes every client that registers count as one of the operator's: all grants and scopes of the server, redirects to
	// it at once, consent remembered. DANGEROUS with Open: whoever finds the endpoint is trusted. Default: false.
	Trusted bool

	// Statements are the issuers whose software statements are taken (RFC 7591, section 2.3). One of theirs stands in for a token,
	// and what it claims overrides what the client says.
	Statements []StatementIssuer
	// Token returns what an initial access token allows that is not of this server's making. An error that is
	// [mandate.InvalidToken] refuses it; any other means that nobody could tell. Compare in constant time. Default: such tokens are refused.
	Token func(ctx context.Context, token string) (RegistrationLimits, error)
	// Policy sees each registration and each change of one before it is stored, and may change r.Client, or refuse with a
	// [mandate.Error], such as one of [mandate.InvalidClientMetadata]. Default: what passed the checks is taken.
	Policy func(ctx context.Context, r *Registering) error
}

// RegistrationLimits are what a client may register for. The zero value allows what the Registration does, and every grant of the server.
type RegistrationLimits struct {
	Scopes     mandate.Scopes `json:"scopes,omitempty"`      // empty: Registration.Scopes
	GrantTypes []string       `json:"grant_types,omitempty"` // none: all of the server's
	Trusted    bool           `json:"trusted,omitempty"`     // as Registration.Trusted, for this client
}

// StatementIssuer signs software statements.
type StatementIssuer struct {
	Issuer string       // the claim iss, to the letter
	Keys   *jose.KeySet // what its statements verify with
	Algs   []jose.Alg   // none: every asymmetric one
	Limits RegistrationLimits
}

// Registering is a registration, or the change of one, on its way into the store.
type Registering struct {
	Client    *store.Client              // what will be stored, complete but for the secrets: Policy may change Metadata, Policy and Origin
	Old       *store.Client              // at a change what is stored now, not to be changed. Nil: the client is new
	Via       string                     // "open", "token" or "statement"
	Statement *jose.Claims               // of the software statement, verified; nil without one
	Members   map[string]json.RawMessage // all that the client sent, also what this server does not know
	Request   *mandate.Request           // holds secrets: do not log it
}

// The ways to a registration.
const (
	viaOpen      = "open"
	viaToken     = "token"
	viaStatement = "statement"
)

// check returns what is wrong with r, of a server with these scopes. Nil is nothing wrong.
func (r *Registration) check(st store.Store, scopes []Scope) error {
	if r == nil {
		return nil
	}
	if _, ok := st.(store.ClientWriter); !ok {
		return fmt.Errorf("server: Registration is set and the store %T is no store.ClientWriter: nothing could be registered in it", st)
	}
	if err := checkScopes("Registration.Scopes", r.Scopes, scopes); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, i := range r.Statements {
		switch {
		case i.Issuer == "" || seen[i.Issuer]:
			return fmt.Errorf("server: Registration.Statements has the issuer %q, which is empty or there twice", i.Issuer)
		case i.Keys.Len() == 0:
			return fmt.Errorf("server: Registration.Statements has the issuer %q without keys: nothing of it could be verified", i.Issuer)
		case slices.ContainsFunc(i.Algs, func(a jose.Alg) bool { return !slices.Contains(jose.Asymmetric(), a) }):
			return fmt.Errorf("server: Registration.Statements has the issuer %q with Algs %v: choose from %v", i.Issuer, i.Algs, jose.Asymmetric())
		}
		seen[i.Issuer] = true
		if err := checkScopes("the Limits of Registration.Statements", i.Limits.Scopes, scopes); err != nil {
			return err
		}
	}
	return nil
}

// checkScopes returns which of some is none of all.
func checkScopes(field string, some mandate.Scopes, all []Scope) error {
	list, err := mandate.ParseScopes(string(some))
	if err != nil {
		return fmt.Errorf("server: %s %q is not a list of scopes", field, some)
	}
	for name := range list.All() {
		if !slices.ContainsFunc(all, func(s Scope) bool { return s.Name == name }) {
			return fmt.Errorf("server: %s has %q, which is not among Scopes", field, name)
		}
	}
	return nil
}

// checkLimits returns why l cannot be what a registration is allowed.
func (s *Server) checkLimits(l RegistrationLimits) error {
	if err := checkScopes("RegistrationLimits.Scopes", l.Scopes, s.config.Scopes); err != nil {
		return err
	}
	for _, g := range l.GrantTypes {
		if s.grants[g] == nil {
			return fmt.Errorf("server: RegistrationLimits.GrantTypes has %q, which is not among GrantTypes", g)
		}
	}
	return nil
}

// bounds are what a client may say of itself.
type bounds struct {
	scopes  mandate.Scopes
	grants  []string
	anyType bool // of response, not code alone
	lenient bool // leave out what is not offered, where that leaves something: a document is written for all servers
}

// boundsOf returns what limits allow who came that way.
func (s *Server) boundsOf(via string, l RegistrationLimits) bounds {
	r := s.config.Registration
	trusted := r.Trusted || l.Trusted
	b := bounds{scopes: l.Scopes, grants: l.GrantTypes, anyType: via != viaOpen || trusted}
	switch {
	case b.scopes != "":
	case r.Scopes != "":
		b.scopes = r.Scopes
	case trusted:
		b.scopes = s.allScopes
	default:
		b.scopes = s.publicScopes()
	}
	switch {
	case len(b.grants) > 0:
	case b.anyType:
		b.grants = slices.Sorted(maps.Keys(s.grants))
	default:
		b.grants = s.openGrants()
	}
	return b
}

// openGrants returns the grants that need a person's approval, which anybody may register for.
func (s *Server) openGrants() []string {
	device := oauth2.GrantDeviceCode // RFC 8628
	return slices.DeleteFunc([]string{grantCode, grantRefresh, device}, func(g string) bool { return s.grants[g] == nil })
}

// errNoRegistration answers who wants something of a registration that is off.
var errNoRegistration = errors.New("server: Config.Registration is nil: set it, so that clients can register")
