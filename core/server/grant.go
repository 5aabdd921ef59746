package server

import (
	"context"
	"encoding/json"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// GrantType is one grant_type. It reads, proves and says what may be issued. It neither spends nor mints nor
// writes: the server does, afterwards, in the one safe order, so that no grant type can get it wrong. The
// built-in ones use nothing that an application's own cannot. It may be used by any number of goroutines.
type GrantType interface {
	// Name is the grant_type. What is configured is what metadata advertises.
	Name() string
	// Token returns what r entitles its client to. A refusal is a *mandate.Error and has changed nothing.
	Token(ctx context.Context, r *TokenRequest) (*Issue, error)
}

// Checker is a [GrantType] that can be made wrongly: [New] asks it once and fails with its error, which names the field and the
// way out.
type Checker interface {
	// Check returns what is wrong in a server of that issuer, or nil. It does no I/O.
	Check(issuer string) error
}

// TokenRequest is a request at the token endpoint, by a client that is proven and may use the grant. It is for one
// call.
type TokenRequest struct {
	Client    Client
	Request   *mandate.Request
	Confirmed mandate.Confirmation // the key that the request proved to hold (DPoP, mutual TLS)
	Tickets   store.Tickets        // the server's own, for grants that wait
	Now       time.Time

	form   mandate.Params
	server *Server

	grantType string
	random    [32]byte // room for a new access token
	answer    *tokenAnswer
	handle    handle         // of the grant that was presented or is new: what its refresh tokens are made of
	key       mandate.Digest // of handle
	issue     Issue          // what a built-in grant type returns: in one piece of memory with the rest
}

// Param returns the parameter called name, or "". One that is sent twice is [mandate.InvalidRequest].
func (r *TokenRequest) Param(name string) (string, error) {
	value, ok := r.form.Only(name)
	if !ok {
		return "", mandate.Errorf(mandate.InvalidRequest, nil, "parameter %s is repeated", name)
	}
	return value, nil
}

// Require is Param for a parameter that must be there.
func (r *TokenRequest) Require(name string) (string, error) {
	value, err := r.Param(name)
	if err == nil && value == "" {
		err = mandate.Errorf(mandate.InvalidRequest, nil, "parameter %s is missing", name)
	}
	return value, err
}

// Params returns all values of a parameter that may be repeated, as resource may.
func (r *TokenRequest) Params(name string) []string { return r.form.Values(name) }

// Scopes returns the scopes that the request asks for, or, where it asks for none, those that the client
// gets by default. It refuses what the client may not have with [mandate.InvalidScope].
func (r *TokenRequest) Scopes() (mandate.Scopes, error) {
	asked, err := r.Param("scope")
	if err != nil {
		return "", err
	}
	return r.server.scopesFor(r.Client.Client, asked)
}

// Audience returns the resources that the request asks for (RFC 8707), or, where it asks for none, those of granted. It
// refuses what granted, or without any the client, may not have with [mandate.InvalidTarget].
func (r *TokenRequest) Audience(granted string) ([]string, error) {
	return r.server.audienceFor(r.Client.Client, r.form.Values("resource"), granted)
}

// Rich returns the authorization details that the request asks for (RFC 9396, section 6), for an Issue: within granted where that
// names any, otherwise what the client may have. Nothing asked is all of granted. It refuses with [mandate.InvalidAuthorizationDetails].
func (r *TokenRequest) Rich(ctx context.Context, granted string) (string, error) {
	asked, err := r.Param(paramDetails)
	switch {
	case err != nil || asked == "" && granted == "":
		return "", err
	case granted != "":
		return r.server.richWithin(granted, asked)
	}
	return r.server.richFor(ctx, r.Client.Client, asked)
}

// Present returns the grant that a code or refresh token belongs to and the generation that it would
// spend, once it is proven: authentic before anything is read, then this client's, then bound to the
// key presented, and an unspent code not too old. An unproven one is [mandate.InvalidGrant] and changes nothing.
func (r *TokenRequest) Present(ctx context.Context, credential string) (g store.Grant, from int64, err error) {
	from, err = r.server.present(ctx, r, credential, &g)
	return g, from, err
}

// Verify is [Server.Verify] of the server that the request was sent to, at Now.
func (r *TokenRequest) Verify(ctx context.Context, raw string) (*mandate.Token, error) {
	return r.server.Verify(ctx, raw, r.Now)
}

// GrantOf returns the grant that an access token of this server stands under, for an Issue with Under: of any client. One that is
// over is [mandate.InvalidGrant].
func (r *TokenRequest) GrantOf(ctx context.Context, t *mandate.Token) (store.Grant, error) {
	return r.server.grantOfToken(ctx, t, r.Now)
}

// MayRefresh reports whether the client is registered for refresh tokens, and the server gives any.
func (r *TokenRequest) MayRefresh() bool {
	return r.Client.Metadata.Allows(grantRefresh) && r.server.grants[grantRefresh] != nil
}

// NewGrant returns a grant that is not stored yet, for an Issue with New: of this request's client, for subject, with scopes.
func (r *TokenRequest) NewGrant(subject string, scopes mandate.Scopes) store.Grant {
	return r.server.newGrant(r, subject, scopes)
}

// decided returns the issue that a built-in grant type filled in. Where that failed, nothing stays of what it did not prove: whoever wraps it
// may go on with another one.
func (r *TokenRequest) decided(err error) (*Issue, error) {
	if err != nil {
		r.issue = Issue{}
		return nil, err
	}
	return &r.issue, nil
}

// Issue is what the server is to do: it spends, puts, signs, tells the extensions, and answers; on a
// spend that was proven to be the second it revokes the grant and refuses.
type Issue struct {
	Grant    store.Grant    // what the tokens stand under; without an ID it is the client's own standing grant
	New      bool           // the grant is not stored yet
	Under    bool           // the grant is stored and nothing of it is spent: the token is put under it, bound to the key that the request proved. No refresh token goes with it
	Standing string         // who vouches for Grant.Subject, without an ID: the standing grant of client, subject and voucher, made at first use, and anew after it was revoked
	Once     *Once          // used up right before anything is written: a second request with the same is refused
	Ticket   *store.Ticket  // with New: spent first, so that one request gets tokens and a second ends them. A grant that it names must be alive, and ends
	Spend    bool           // From is spent first: always for a code, for a refresh token if it rotates
	From     int64          // what Present returned
	Grace    time.Duration  // as in store.Redemption
	Scopes   mandate.Scopes // of the access token: all of the grant's or fewer
	Audience []string       // RFC 8707; none: the server's DefaultAudience
	Rich     string         // RFC 9396: the authorization details of the access token, a JSON array; none: empty
	Refresh  bool           // a refresh token goes with it
	TTL      time.Duration  // of the access token, or InsecureNoEnd; zero: what the configuration says
	Until    time.Time      // the access token ends no later, whatever TTL says; zero: no bound
	Format   TokenFormat    // of the access token; empty: the client's, else the server's
	Claims   map[string]any // more claims for this access token; a refresh asks the refresh grant, which knows nothing of them
	Members  map[string]any // more members for this response
}

// Once is what a request may be sent with one time only: the ID of an assertion.
type Once struct {
	Space   string         // whose: "jwt-bearer"
	Key     mandate.Digest // of issuer and ID
	Expires time.Time      // until when the value would be accepted
}

// TokenResponse is what the token endpoint is about to answer.
type TokenResponse struct {
	AccessToken  string
	TokenType    string
	Expires      time.Time // zero: no expires_in
	RefreshToken string
	Scopes       mandate.Scopes
	Members      map[string]any // id_token, issued_token_type, an application's own
}

// Extension adds to the server and has no door of its own. A nil function does nothing and costs
// nothing; several extensions run in their order.
type Extension struct {
	// Name is for error messages.
	Name string
	// GrantTypes are added to those of the configuration.
	GrantTypes []GrantType
	// Endpoints returns more endpoints, once, when the server is made. Their paths are below the issuer and the prefix; the server
	// completes Origin and Path, and advertises "<Name>_endpoint". They may call any method of s later.
	Endpoints func(s *Server) []mandate.Endpoint
	// Responses are added to the response types; "code" is there already.
	Responses []ResponseType

	// Begin checks and completes an authorization request whose client and redirect URI are proven. params are the
	// request's own, and there only this time: what must outlive the sign-in goes into a.Request. An error goes to the client by redirect.
	Begin func(ctx context.Context, a *Ask, params mandate.Params) error
	// Approve runs on an approval before anything is written. It refuses, or fills in the grant.
	Approve func(ctx context.Context, a *Ask, user User, g *store.Grant) error
	// Issued completes a token response after the spend. t is the access token.
	Issued func(ctx context.Context, i *Issue, t *mandate.Token, r *TokenResponse) error
	// Metadata adds members to the metadata document, once, when the server is made.
	Metadata func(members map[string]json.RawMessage) error
}

// ResponseType is one word of response_type: "code", "token", "id_token". A request may ask for several.
type ResponseType struct {
	Name string
	// Front says that what Respond adds is a token, which no query may carry: the default mode is fragment.
	Front bool
	// Respond adds parameters to the authorization response. g is the approved grant, already stored.
	Respond func(ctx context.Context, a *Ask, g store.Grant, add func(name, value string)) error
}
