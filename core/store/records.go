package store

import (
	"encoding/json"
	"slices"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
)

// Client is a registered client. A stored one is shared: never change it, change a [Client.Clone].
type Client struct {
	ID       string
	Revision int64 // raised by every PutClient; 0: not stored yet
	Disabled bool
	Created  time.Time
	Origin   Origin   // how it came to be registered; empty: by the operator
	Secrets  []Secret // more than one while a secret is being replaced

	Metadata oauth2.ClientMetadata // what the client says about itself
	Policy   Policy                // what this server says about it
}

// Clone returns a deep copy, which the caller may change and put.
func (c *Client) Clone() *Client {
	n := *c
	n.Secrets = slices.Clone(c.Secrets)
	for i := range n.Secrets {
		n.Secrets[i].Value = slices.Clone(n.Secrets[i].Value)
	}
	n.Metadata = c.Metadata.Clone()
	n.Policy.Extra = slices.Clone(c.Policy.Extra)
	return &n
}

// Origin says how a client came to be registered.
type Origin string

// The origins. What a stranger registered is trusted less: see the server's rules for error redirects and consent.
const (
	ByOperator     Origin = ""           // by the application itself, or its administrator
	ByRegistration Origin = "registered" // by itself (RFC 7591)
	ByDocument     Origin = "document"   // its id is the URL of its metadata
)

// Secret is a client secret at rest.
type Secret struct {
	ID        string     `json:"id,omitempty"`
	Form      SecretForm `json:"form"`
	Value     []byte     `json:"value"`
	NotBefore time.Time  `json:"not_before,omitzero"` // zero: always
	Expires   time.Time  `json:"expires,omitzero"`    // zero: never
}

// SecretForm says what a [Secret] keeps. What has a form of an application's own is verified by the server's Config.VerifySecret.
type SecretForm string

// The forms.
const (
	SHA256   SecretForm = "sha256"   // the digest of a generated secret of at least 128 bits
	Bcrypt   SecretForm = "bcrypt"   // of a secret that a person chose
	Argon2id SecretForm = "argon2id" // of a secret that a person chose, in PHC string form
	Sealed   SecretForm = "sealed"   // the secret itself under the server's keys, where a protocol needs it back
)

// Policy is the server's own setting for one client. The zero value follows the server's defaults.
type Policy struct {
	Scopes      mandate.Scopes `json:"scopes,omitempty"`       // what it may ask for; empty: what Metadata says
	Default     mandate.Scopes `json:"default,omitempty"`      // what it gets where it asks for nothing
	Resources   string         `json:"resources,omitempty"`    // RFC 8707: what it may ask for, space-separated; empty: the server's default
	Serves      string         `json:"serves,omitempty"`       // the resources that it is, space-separated: it may introspect their tokens
	Introspect  string         `json:"introspect,omitempty"`   // "all": it may introspect every token
	TokenFormat string         `json:"token_format,omitempty"` // "opaque" or "jwt"; empty: the server's

	TokenTTL    time.Duration `json:"token_ttl,omitempty"`
	CodeTTL     time.Duration `json:"code_ttl,omitempty"`
	RefreshIdle time.Duration `json:"refresh_idle,omitempty"` // between two refreshes
	RefreshTTL  time.Duration `json:"refresh_ttl,omitempty"`  // from the approval

	Rotation       string        `json:"rotation,omitempty"`        // "always", "public" or "never"; empty: the server's
	Grace          time.Duration `json:"grace,omitempty"`           // of a rotated refresh token; negative: none
	PKCE           bool          `json:"pkce,omitempty"`            // required, whatever the server's policy
	PAR            bool          `json:"par,omitempty"`             // pushed requests only (RFC 9126)
	SignedRequest  bool          `json:"signed_request,omitempty"`  // request objects only (RFC 9101)
	DPoP           bool          `json:"dpop,omitempty"`            // tokens bound to a key only (RFC 9449)
	Certificate    bool          `json:"certificate,omitempty"`     // tokens bound to a certificate only (RFC 8705)
	Consent        string        `json:"consent,omitempty"`         // "always" or "never" asked for; empty: once
	AssumeIdentity bool          `json:"assume_identity,omitempty"` // remembered consent counts although any program could pose as this client

	SubjectType string `json:"subject_type,omitempty"` // "public" or "pairwise"
	SectorID    string `json:"sector_id,omitempty"`    // host whose clients share pairwise subjects

	RegistrationKey mandate.Digest  `json:"registration_key,omitzero"` // of the registration access token (RFC 7592)
	Registered      Registered      `json:"registered,omitzero"`       // how it registered itself, which bounds what it may change
	Extra           json.RawMessage `json:"extra,omitempty"`           // an application's own
}

// Registered says how a client came to register itself (RFC 7591), and what that entitled it to. The zero value is a
// client of the operator's.
type Registered struct {
	Via        string         `json:"via,omitempty"`         // "open", "token" or "statement"
	Scopes     mandate.Scopes `json:"scopes,omitempty"`      // what its initial access token or software statement allows; empty: the server's default
	GrantTypes string         `json:"grant_types,omitempty"` // the same, space-separated
	Trusted    bool           `json:"trusted,omitempty"`     // it counts as the operator's
}

// Grant is one approval and everything that comes of it: code, token family, OAuth 1 access credential.
type Grant struct {
	ID         string         // public: in lists, hooks and JWTs
	Key        mandate.Digest // of the random handle in its code and refresh tokens; unique. A dump and the MAC key together forge nothing
	KeyID      string         // of the MAC key of the current generation
	ClientID   string
	Subject    string    // empty where the client acts for itself
	SessionID  string    // the session it was made in (OpenID "sid"); may be empty
	Generation int64     // 0 until redeemed; then that of the newest refresh token
	Advanced   time.Time // when it came to this generation; the grace runs from here
	Created    time.Time // the age of a code counts from here
	Expires    time.Time // no token under it ends later; zero: never
	Revoked    time.Time // zero: alive
	Reason     Reason
	Details    Details
}

// AliveAt reports whether the grant is neither revoked nor expired at now.
func (g Grant) AliveAt(now time.Time) bool {
	return g.Revoked.IsZero() && (g.Expires.IsZero() || now.Before(g.Expires))
}

// Details is what a grant carries and no store looks into. Members are only ever added. All are
// values, so that a copy of a grant is a deep one: sets are [mandate.Scopes] or JSON text.
type Details struct {
	Scopes    mandate.Scopes       `json:"scope,omitempty"`
	Resources string               `json:"resource,omitempty"`              // RFC 8707, space-separated URIs
	Rich      string               `json:"authorization_details,omitempty"` // RFC 9396, JSON array
	Confirmed mandate.Confirmation `json:"cnf,omitzero"`                    // binds code and refresh tokens
	Actor     string               `json:"act,omitempty"`                   // RFC 8693, JSON object

	Ends     time.Time `json:"ends,omitzero"`    // absolute end of refreshing; zero: none
	Offline  bool      `json:"offline,omitzero"` // outlives the session (OpenID offline_access)
	AuthTime time.Time `json:"auth_time,omitzero"`
	ACR      string    `json:"acr,omitempty"`
	AMR      string    `json:"amr,omitempty"`
	Claims   string    `json:"claims,omitempty"` // OpenID "claims" parameter, JSON object

	// What the redemption of generation 0 proves. Of no use afterwards.
	RedirectURI string    `json:"redirect_uri,omitempty"`
	Challenge   string    `json:"code_challenge,omitempty"`
	Nonce       string    `json:"nonce,omitempty"`
	CodeEnds    time.Time `json:"code_ends,omitzero"` // until when; zero: as long as an authorization code

	Sealed string `json:"sealed,omitempty"` // the one recoverable secret: the OAuth 1 token secret, under the server's keys
	Extra  string `json:"extra,omitempty"`  // JSON object, by extension name
}

// Redemption asks [Grants] to spend one generation of a grant.
type Redemption struct {
	GrantID string
	From    int64          // the generation presented: 0 for a code, n for a refresh token
	Grace   time.Duration  // how long From is answered again after it was spent; 0 for a code
	Now     time.Time      //
	Expires time.Time      // the grant's new end: idle time, but not after Details.Ends
	KeyID   string         // of the MAC key of generation From+1
	Key     mandate.Digest // of the access token to put
	Token   *mandate.Token // nil: none to put (JWT, OAuth 1)
	Keep    bool           // the generation stays: only Expires is set and the token put (refresh tokens that do not rotate)
}

// Moves reports whether r may move g: the condition of the one conditional write.
func (r Redemption) Moves(g Grant) bool { return g.Generation == r.From && g.AliveAt(r.Now) }

// Verdict is what Redeem returns for a grant that it did not move: nil for a repeat within the grace.
func (r Redemption) Verdict(g Grant) error {
	repeat := r.Grace > 0 && g.Generation == r.From+1 && !r.Now.After(g.Advanced.Add(r.Grace))
	switch {
	case g.Generation != r.From && !repeat:
		return ErrUsed
	case !g.Revoked.IsZero():
		return ErrRevoked
	case !g.AliveAt(r.Now):
		return ErrExpired
	case repeat:
		return nil
	}
	return ErrConflict // it could still move: this was read from a replica that lags
}

// GrantQuery selects grants by every field that is not empty.
type GrantQuery struct{ Subject, ClientID, SessionID string }

// Page is a part of a list: at most Limit (0: 100) records whose ID comes after After.
type Page struct {
	After string
	Limit int
}

// Reason says why a grant was revoked.
type Reason string

// The reasons that this library gives; an application may have its own.
const (
	ByClient  Reason = "client"  // RFC 7009
	BySubject Reason = "subject" // the resource owner, on a page
	ByAdmin   Reason = "admin"
	ByReuse   Reason = "reuse" // a code or refresh token was proven to be used twice
	ByLogout  Reason = "logout"
)

// Kind is a kind of ticket; an extension may have its own.
type Kind string

// The kinds of this library.
const (
	Pushed        Kind = "par"            // RFC 9126
	Device        Kind = "device"         // RFC 8628; the AltKey is the user code's
	Backchannel   Kind = "ciba"           // OpenID CIBA
	Temporary     Kind = "oauth1"         // RFC 5849 temporary credential
	Registration  Kind = "registration"   // initial access token, RFC 7591
	Interaction   Kind = "interaction"    // a pending authorization request too large for a URL
	LegacyRefresh Kind = "legacy_refresh" // a refresh token of another system, spent once
	Login         Kind = "login"          // a client's own pending login
)

// Ticket is a short-lived record with one key, perhaps two.
type Ticket struct {
	Kind     Kind
	Key      mandate.Digest
	AltKey   mandate.Digest // zero: none. Keyed with a server secret where the code is short
	Revision int64
	State    string // the kind's own: "pending", "approved", "denied"
	ClientID string
	Subject  string // once approved
	GrantID  string // once approved
	Created  time.Time
	Expires  time.Time
	Used     time.Time // zero: not used
	Data     string    // JSON, the kind's own
}

// Consent is what a subject allowed a client.
type Consent struct {
	Subject, ClientID string
	Revision          int64
	Scopes            mandate.Scopes
	Updated           time.Time
	Expires           time.Time // zero: never
	Data              string    // JSON: resources, claims, authorization_details
}

// Session is one sign-in of a subject in one browser.
type Session struct {
	Key      mandate.Digest // of the browser's cookie
	ID       string         // public: the OpenID "sid"
	Subject  string
	Clients  string    // IDs of the clients to notify, parted by spaces; a client ID has no space in it
	AuthTime time.Time // when the subject signed in
	Expires  time.Time // the idle end, which TouchSession moves
	Ends     time.Time // the absolute end, which nothing moves; zero: none
	Ended    time.Time // zero: live
	ACR      string
	AMR      string // space-separated
	Data     string // JSON
}

// LiveAt reports whether the session has neither ended nor expired at now.
func (s Session) LiveAt(now time.Time) bool {
	return s.Ended.IsZero() && now.Before(s.Expires) && (s.Ends.IsZero() || now.Before(s.Ends))
}

// RemoteToken is a token that this application holds at another server.
type RemoteToken struct {
	Key      string // app and account
	Revision int64
	Sealed   []byte    // access, refresh and ID token under the application's Secret
	Expires  time.Time // when the row may go: the end of the refresh token, not of the access token; zero: never
}
