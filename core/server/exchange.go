package server

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
)

// The token types of RFC 8693, section 3.
const (
	TypeAccessToken  = "urn:ietf:params:oauth:token-type:access_token"
	TypeRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token"
	TypeIDToken      = "urn:ietf:params:oauth:token-type:id_token"
	TypeJWT          = "urn:ietf:params:oauth:token-type:jwt"
)

// TokenExchangeConfig says what [TokenExchange] allows. Policy is required: nobody else can say who may act for whom.
type TokenExchangeConfig struct {
	// Policy decides about an exchange whose tokens are proven and whose scopes and targets the client may have. It allows with
	// nil, may narrow and complete x, and refuses with [mandate.AccessDenied] (the client is told invalid_request, as RFC 8693,
	// section 2.2.2 wants) or with another [mandate.Error], which the client is told as it is: InvalidTarget, say. Any other error
	// means that nobody could tell. Nil is an error of [New]. It may be called from any number of goroutines.
	Policy func(ctx context.Context, x *Exchange) error
	// Audiences are logical names that the parameter audience may have, beside the resources of the client. Default: none.
	Audiences []string
	// RefreshTokens lets a client bring a refresh token of its own as the subject's. It is not spent. Default: false.
	RefreshTokens bool

	// Issuers are other servers whose JWTs are taken for the subject's or the actor's token. Default: none.
	Issuers []TrustedIssuer
	// Verifiers prove other tokens of others: opaque ones, SAML assertions. They are asked in their order, after Issuers. Default: none.
	Verifiers []TokenVerifier
	// User says who at this application the subject of another issuer's token t is. Nobody is [mandate.AccessDenied]. Nil: tokens
	// of others are taken for the actor's alone.
	User func(ctx context.Context, t *mandate.Token) (User, error)
}

// TokenVerifier proves tokens that this server did not make.
type TokenVerifier interface {
	// VerifyToken returns what raw says, a token of the type called tokenType, once it is proven to be good at now and meant for
	// this server or its clients: Issuer, which is not this server's, and Subject as the issuer says them, Scopes as far as they
	// mean anything here, Expires, and in Claims "act" and "may_act" where it has any. An error that is [mandate.InvalidToken] blames raw, and the next
	// verifier is asked; any other means that nobody could tell. It may be called from any number of goroutines.
	VerifyToken(ctx context.Context, tokenType, raw string, now time.Time) (*mandate.Token, error)
}

// Exchange is a token exchange that waits for [TokenExchangeConfig.Policy].
type Exchange struct {
	Client  Client         // who asks
	Subject ExchangedToken // on whose behalf
	Actor   ExchangedToken // who acts for the subject; its Token is nil where the client sent none
	User    User           // who the subject is here

	// Scopes of the new token: those asked for, or all of the subject's token's that the client may have. Policy may take some away.
	Scopes mandate.Scopes
	// Audience is what the new token is for: resources and logical names. Empty: the server's DefaultAudience. Policy may take
	// some away, or set it where nothing was asked for.
	Audience []string

	// TTL is the life of the new token, which never is longer than the subject's token's. Zero: the client's, else the server's.
	TTL time.Duration
	// Delegate names the client itself as the actor where it sent no actor token. False: the new token shows the subject and not who acts.
	Delegate bool
	// Bearer lets the new token go unbound although the subject's token is bound to a key and the client proved none.
	Bearer bool
	// Claims are more claims of the new token.
	Claims map[string]any
}

// ExchangedToken is a token that was brought for exchange, and proven.
type ExchangedToken struct {
	Type  string         // what the client called it: TypeAccessToken and the like
	Token *mandate.Token // of a refresh token: what its grant allows
	Own   bool           // this server's
}

// Holder reports whether the subject's token was given to the client that asks, or is meant for an API that it is
// (Policy.Serves): whoever else has the token may have found it.
func (x *Exchange) Holder() bool {
	t := x.Subject.Token
	return t.ClientID() == x.Client.ID || slices.ContainsFunc(strings.Fields(x.Client.Policy.Serves), func(serves string) bool {
		return slices.ContainsFunc(t.Audience(), func(a string) bool { return oauth2.SameResource(a, serves) })
	})
}

// maxActors is how many actors may stand behind one another in a token.
const maxActors = 4

// actor is the claim "act" (RFC 8693, section 4.1): who acts, and for whom that one acts.
type actor struct {
	Issuer   string `json:"iss,omitempty"` // empty: this server
	Subject  string `json:"sub,omitempty"`
	ClientID string `json:"client_id,omitempty"` // of a client that acts for itself: no user has its name
	Behind   *actor `json:"act,omitempty"`
}

// actorOf returns who a token stands for.
func (x ExchangedToken) actorOf() *actor {
	a := &actor{Subject: x.Token.Subject()}
	if !x.Own {
		a.Issuer = x.Token.Issuer()
	}
	if a.Subject == "" {
		a.Subject, a.ClientID = x.Token.ClientID(), x.Token.ClientID()
	}
	return a
}

// actorOfClient returns the actor that a client is.
func actorOfClient(id string) *actor { return &actor{Subject: id, ClientID: id} }

// actors returns the claim "act" of a token, without what is no name; nil where there is none.
func actors(t *mandate.Token) (*actor, error) {
	raw := t.Claim("act")
	if raw == nil {
		return nil, nil
	}
	var first *actor
	if err := json.Unmarshal(raw, &first); err != nil || first == nil {
		return nil, mandate.Errorf(mandate.InvalidRequest, err, "the subject token's act is no actor")
	}
	for a := first; a != nil; a = a.Behind {
		if a.Subject == "" && a.ClientID == "" {
			return nil, mandate.Errorf(mandate.InvalidRequest, nil, "the subject token's act is no actor")
		}
	}
	return first, nil
}

// depth returns how many actors stand behind one another.
func (a *actor) depth() int {
	n := 0
	for ; a != nil; a = a.Behind {
		n++
	}
	return n
}

// mayAct refuses a party whom the subject's token does not name although it names somebody (RFC 8693, section 4.4). A member that
// nobody here understands is met by nobody.
func mayAct(subject ExchangedToken, party *actor, issuer string) error {
	raw := subject.Token.Claim("may_act")
	if raw == nil {
		return nil
	}
	refusal := mandate.Errorf(mandate.InvalidRequest, nil, "the subject token's may_act names another party")
	var named map[string]string
	if json.Unmarshal(raw, &named) != nil || len(named) == 0 {
		return refusal
	}
	if _, ok := named["iss"]; !ok { // a name alone is one of whoever made the token
		named["iss"] = issuer
		if !subject.Own {
			named["iss"] = subject.Token.Issuer()
		}
	}
	if party.Issuer != "" {
		issuer = party.Issuer
	}
	for name, value := range named {
		switch {
		case name == "iss" && value == issuer:
		case name == "sub" && value == party.Subject:
		case name == "client_id" && value == party.ClientID:
		default:
			return refusal
		}
	}
	if len(named) == 1 { // an issuer alone is no name
		return refusal
	}
	return nil
}
