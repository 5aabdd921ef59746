package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

// Config is what a [Server] is made of. Issuer and Store are required, and Secret unless the issuer is on loopback;
// everything else has a safe default.
type Config struct {
	// Issuer is the server's name and public base URL: https, or http on loopback, without query and fragment.
	// Every URL is made of it, never of a request's Host.
	Issuer string
	// Prefix stands before the path of every endpoint but the well-known ones: "/oauth". Default: none.
	Prefix string
	// BasePath is what a proxy strips from the front of every path below the issuer before the application sees it. Default: nothing.
	BasePath string

	// Store keeps the state.
	Store store.Store
	// Secret is the application's root secret. A server on loopback may go without: it gets one that is
	// lost at the end of the process, and with it all codes and refresh tokens.
	Secret mandate.Secret

	// Clients are fixed clients, beside those in the store. They win over one in the store of the same ID.
	Clients []*store.Client
	// Scopes are the scopes that clients may ask for.
	Scopes []Scope
	// DefaultScopes is granted where neither request nor client name a scope. Default: none, and the request is refused.
	DefaultScopes mandate.Scopes
	// Resources are the resource indicators that clients may ask for (RFC 8707), beside those of their own policy.
	Resources []string
	// DefaultAudience is the audience of tokens that were asked for without a resource. JWT access tokens need
	// one. Default: none, which means every resource of this issuer.
	DefaultAudience []string

	// Profile sets what is empty here and refuses what contradicts it: a server for web applications, for machines, for OAuth 2.1, for the Model Context
	// Protocol, and others. Default: none.
	Profile Profile
	// GrantTypes are the grants that the token endpoint serves. Default: AuthorizationCode, RefreshToken and ClientCredentials.
	GrantTypes []GrantType
	// InsecureImplicit adds the response type "token", for clients that are registered for it and for the grant type "implicit" (RFC
	// 6749, section 4.2): the access token goes through the browser, where history, referrers and scripts find it, and anybody can slip
	// a client another's. OAuth 2.1 and RFC 9700, section 2.1.2 forbid it. No refresh token goes with it. Default: false.
	InsecureImplicit bool
	// Device adds the device authorization grant (RFC 8628): for televisions and command lines. Default: none.
	Device *Device
	// OAuth1 adds OAuth 1.0a (RFC 5849), for clients that sign their requests. Default: none.
	OAuth1 *OAuth1
	// Extensions add to the server, in their order.
	Extensions []Extension

	// ResponseModes are the ways in which authorization responses reach clients: "query", "fragment" and "form_post". Default: all three. "jwt"
	// beside them offers each of them signed, too (JARM): "jwt", "query.jwt", "fragment.jwt", "form_post.jwt".
	ResponseModes []string
	// RichTypes are the types of authorization details that clients may ask for (RFC 9396). Default: none, and who asks is refused.
	RichTypes []RichType
	// PushedRequests lets clients push authorization requests (RFC 9126). Default: nil, they cannot.
	PushedRequests *PushedRequests
	// RequestObjects lets clients sign authorization requests (RFC 9101). Default: nil, they cannot.
	RequestObjects *RequestObjects

	// SignIn checks name and password for the built-in pages, which a server without a decision function of its own
	// shows. It returns mandate.AccessDenied for a wrong pair; any other error means that nobody could tell.
	SignIn func(ctx context.Context, name, password string) (User, error)
	// Pages are the built-in pages. Default: pages.New with no options.
	Pages *pages.Set
	// Locales are the built-in pages in other languages, by language tag: the client's ui_locales choose among them, then the browser's Accept-Language.
	// Default: none, and everybody gets Pages, as does who wants none of these.
	Locales map[string]*pages.Set
	// MaxAccounts is how many people can be signed in at the built-in pages of one browser at once: where there are several they are asked who they are,
	// without a password. 1: a sign-in signs out whoever was there. At most 16. Default: 5.
	MaxAccounts int
	// AccountPage adds the built-in page "Connected applications", at /interaction/applications below Prefix: people see what they allowed, take it back, and sign
	// out. It needs SignIn; pages of the application's own are made with Server.Connections and Server.Disconnect. Default: false.
	AccountPage bool
	// Logos shows, on the built-in pages, the logos (logo_uri) of clients that the operator registered. They are fetched by Fetcher, remembered and
	// served from here, so that no other site hears of who is on a page. Default: false.
	Logos bool
	// ErrorURL is where a browser is sent, with error and error_description, instead of seeing the error page. Default: none.
	ErrorURL string
	// ErrorURIs are pages for developers about errors, by code: the error_uri of JSON answers, of redirects to clients and to ErrorURL (RFC
	// 6749, sections 4.1.2.1 and 5.2), and the URI of the error that MountConfig.Error gets. Default: none.
	ErrorURIs map[mandate.Code]string

	// ClientAuthMethods are the ways in which clients may authenticate: of client_secret_basic, client_secret_post, none, private_key_jwt and
	// client_secret_jwt. Default: all but the last, which needs secrets that the server can read. Those of ClientAuth are there without being named.
	ClientAuthMethods []string
	// ClientAuth are the application's own ways. Default: none.
	ClientAuth []ClientAuthMethod
	// ClientAuthAlgs are the algorithms of client assertions. Default: all of package jose that the methods can use. A client that registered one as
	// token_endpoint_auth_signing_alg uses no other.
	ClientAuthAlgs []jose.Alg
	// StrictAssertionAudience takes a client assertion only where its aud is the issuer, as a string. Default: false, and the URL of the token endpoint
	// or an array of one is as good, as most clients send it (RFC 7523, section 3). Assertions for several audiences are never taken.
	StrictAssertionAudience bool

	// SecretCores bounds how many processor cores verify secrets that people chose (store.Bcrypt, store.Argon2id, and those of
	// VerifySecret) at once: who guesses takes no more. A secret that was right is remembered in memory and costs nothing the next
	// time. Who waits for a core more than 5 seconds is answered 503. Default: half of GOMAXPROCS, at least one.
	SecretCores int
	// VerifySecret verifies client secrets whose Form is none of package store's: hashes of another system. It reports
	// whether secret is the one that kept stands for; an error means that nobody could tell. What it says yes to is remembered,
	// under SecretCores as above. It must compare in constant time. Default: such secrets are nobody's.
	VerifySecret func(ctx context.Context, kept store.Secret, secret string) (bool, error)

	// TokenFormat is the form of access tokens where a client has no other. Default: Opaque.
	TokenFormat TokenFormat
	// SigningAlg signs JWTs. Default: ES256.
	SigningAlg jose.Alg
	// Keys are signing keys from files or a KMS. Default: made at first use, sealed in the store, shared by all processes.
	Keys jose.Ring
	// KeyRotation is how long a signing key signs. Default: 90 days. Negative: for ever.
	KeyRotation time.Duration

	// TokenPrefixes let scanners recognise tokens that leaked: an access token begins with the first of these and "a_", a code with "c_", a
	// refresh token with "r_" in the place of "a_". All of them are recognised, so that a new first one invalidates nothing. 2 to 16
	// letters a-z and digits. Default: "md", as in "mda_".
	TokenPrefixes []string
	// GenerateToken makes opaque access tokens, of 128 random bits at least: what is too short or has other characters than RFC 6750
	// allows is a server_error. It is called once for each token, by any number of goroutines. Default: 256 random bits behind the prefix.
	GenerateToken func(ctx context.Context, p TokenPlan) (string, error)
	// Claims adds claims to the access token that p describes: members of a JWT (RFC 9068, section 2.2.3: roles, groups, entitlements), and
	// what guards and introspection say of an opaque one. Names that the protocol has for itself are a server_error. An error that is a
	// *mandate.Error refuses the request. Default: none.
	Claims func(ctx context.Context, p TokenPlan) (map[string]any, error)

	// CodeTTL is how long an authorization code can be exchanged. Default: one minute.
	CodeTTL time.Duration
	// TokenTTL is the life of opaque access tokens. Default: one hour.
	TokenTTL time.Duration
	// JWTTTL is the life of JWT access tokens, which guards elsewhere honour although they were revoked. Default: 10 minutes.
	JWTTTL time.Duration
	// Lifetimes are the lives of access tokens by grant_type, of opaque ones and of JWTs: {"client_credentials": 5 * time.Minute}. A
	// client's own life counts first. Default: TokenTTL and JWTTTL, for every grant type.
	Lifetimes map[string]time.Duration
	// Lifetime says how long the access token that p describes lives; zero: what the client, Lifetimes, TokenTTL and JWTTTL say. An error
	// that is a *mandate.Error refuses the request. Default: none.
	Lifetime func(ctx context.Context, p TokenPlan) (time.Duration, error)
	// RefreshIdle is how long a refresh token can go unused. Default: 30 days. Negative: for ever.
	RefreshIdle time.Duration
	// RefreshTTL is how long after the approval the last refresh can be. Default: one year. Negative: no end.
	RefreshTTL time.Duration
	// Rotation says which clients' refresh tokens are replaced at every use. Default: RotateAlways.
	Rotation Rotation
	// Grace is how long a rotated refresh token is answered again, with the same successor. At most 5 minutes. Default: 30 seconds.
	// Negative: not at all, every second use ends the family.
	Grace time.Duration
	// ImportedRefreshTokens lets clients go on with refresh tokens of the system that this server replaces: those that
	// Server.ImportRefreshToken was told of. It costs one lookup for each refresh token that is not of this server's form. Default: false.
	ImportedRefreshTokens bool
	// PKCE says who must send a code challenge. Default: PKCERequired.
	PKCE PKCEPolicy
	// SessionIdle and SessionTTL bound the built-in pages' session: unused, and altogether. Defaults: 12 hours and 7 days.
	SessionIdle, SessionTTL time.Duration

	// Registration lets clients register themselves (RFC 7591) and manage what they registered (RFC 7592). Nil: off.
	Registration *Registration
	// ClientDocuments lets clients be known by a document on their own site, whose URL is their client_id
	// (draft-ietf-oauth-client-id-metadata-document). Nil: off.
	ClientDocuments *ClientDocuments

	// OmitIss leaves the parameter iss out of authorization responses (RFC 9207), for clients that choke on it. It opens the
	// door to mix-up attacks.
	OmitIss bool

	// Fetcher reaches what clients name by URL: keys, documents, request objects. Default: fetch.New with no options, which
	// lets strangers' URLs lead to public addresses alone. It goes nowhere for clients that name none.
	Fetcher mandate.Fetcher

	// Introspect changes what the introspection endpoint says of a token that its caller may know of. Default: nothing.
	Introspect func(ctx context.Context, a *Introspected) error
	// SignedIntrospection lets clients ask for signed answers at the introspection endpoint (RFC 9701). Default: nil, off.
	SignedIntrospection *SignedIntrospection
	// Limiter bounds guessing of passwords, user codes and secrets that people chose, and rows that anybody may ask for. Default:
	// NewLimiter with no options, which counts in this process.
	Limiter Limiter
	// RemoteAddr returns the address that a request comes from, for Limiter. Behind a proxy it is in a header that the proxy sets: without this function
	// all who come through the proxy are one. Default: the connection's other end.
	RemoteAddr func(r *mandate.Request) string
	// AllowOrigin says which origins' scripts may call the endpoints that clients call, never with cookies; metadata and keys are for all, and
	// pages for none. A native or server-side client is no script and sends no origin. Default: any.
	AllowOrigin func(origin string) bool
	// Deadlines bounds what an endpoint does for one request, by the name that hooks have for it; "" is for all others. A request whose
	// time is over is answered 503. Default: none but those of the store and the Fetcher.
	Deadlines map[string]time.Duration

	// Hooks are told what happens.
	Hooks mandate.Hooks
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// TokenFormat is a form of access tokens.
type TokenFormat string

// The forms.
const (
	Opaque TokenFormat = "opaque" // a random string that only this server's store knows
	JWT    TokenFormat = "jwt"    // RFC 9068: anybody can check it
)

// Rotation is a policy for refresh tokens.
type Rotation string

// The policies. Whatever they say, a client's own policy counts first.
const (
	RotateAlways Rotation = "always" // at every use
	RotatePublic Rotation = "public" // those of public clients; confidential ones prove who they are anyway (RFC 9700, section 4.14)
	RotateNever  Rotation = "never"  // as FAPI 2.0 demands
)

// PKCEPolicy says who must send a code challenge. Whatever it says, a challenge that was sent binds, a verifier without
// a challenge is refused, and "plain" is refused.
type PKCEPolicy string

// The policies.
const (
	PKCERequired PKCEPolicy = "required" // every client
	PKCEPublic   PKCEPolicy = "public"   // public and native clients (RFC 9700, section 2.1.1)
)

const maxGrace = 5 * time.Minute

// withDefaults sets the defaults of c, or says why it cannot be.
func (c *Config) withDefaults() (place, error) {
	at, err := parseIssuer(c.Issuer)
	if err != nil {
		return at, err
	}
	for name, path := range map[string]string{"Prefix": c.Prefix, "BasePath": c.BasePath} {
		if path != "" && (!strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") || strings.ContainsAny(path, "?#{}*: ")) {
			return at, fmt.Errorf("server: %s %q must begin with a slash, not end with one, and be plain", name, path)
		}
	}
	if !strings.HasPrefix(at.path+c.Prefix+"/", c.BasePath+"/") {
		return at, fmt.Errorf("server: BasePath %q is not the beginning of %q", c.BasePath, at.path+c.Prefix)
	}
	if c.Store == nil {
		return at, errors.New("server: Store is nil: hand over memstore.New() or another store")
	}
	if c.Secret.IsZero() {
		if !at.loop {
			return at, fmt.Errorf("server: Secret is empty and the issuer %q is not on loopback: hand over mandate.ParseSecret of 32 random bytes", c.Issuer)
		}
		c.Secret = mandate.NewRandomSecret()
	}
	if err := c.applyProfile(); err != nil {
		return at, err
	}
	c.setDefaults()
	if c.PushedRequests, err = c.PushedRequests.withDefaults(); err != nil {
		return at, err
	}
	if c.RequestObjects, err = c.RequestObjects.withDefaults(); err != nil {
		return at, err
	}
	if c.Pages == nil {
		if c.Pages, err = pages.New(pages.Options{}); err != nil {
			return at, fmt.Errorf("server: pages: %w", err)
		}
	}
	if err := c.checkPolicies(); err != nil {
		return at, err
	}
	if c.Device != nil {
		if c.Device, err = c.Device.withDefaults(); err != nil {
			return at, err
		}
	}
	if c.OAuth1, err = c.OAuth1.withDefaults(c.Issuer); err != nil {
		return at, err
	}
	if c.Fetcher == nil {
		if c.Fetcher, err = fetch.New(fetch.Config{}); err != nil {
			return at, fmt.Errorf("server: %w", err)
		}
	}
	return at, nil
}

func (c *Config) setDefaults() {
	c.Scopes, c.Resources, c.DefaultAudience = slices.Clone(c.Scopes), slices.Clone(c.Resources), slices.Clone(c.DefaultAudience)
	c.ResponseModes, c.RichTypes = slices.Clone(c.ResponseModes), slices.Clone(c.RichTypes)
	c.Lifetimes, c.TokenPrefixes, c.ErrorURIs = maps.Clone(c.Lifetimes), slices.Clone(c.TokenPrefixes), maps.Clone(c.ErrorURIs)
	if c.GrantTypes == nil {
		c.GrantTypes = []GrantType{AuthorizationCode(), RefreshToken(), ClientCredentials()}
	}
	for _, d := range []struct {
		field   *time.Duration
		initial time.Duration
	}{
		{&c.CodeTTL, time.Minute},
		{&c.TokenTTL, time.Hour},
		{&c.JWTTTL, 10 * time.Minute},
		{&c.RefreshIdle, 30 * 24 * time.Hour},
		{&c.RefreshTTL, 365 * 24 * time.Hour},
		{&c.Grace, 30 * time.Second},
		{&c.KeyRotation, 90 * 24 * time.Hour},
		{&c.SessionIdle, 12 * time.Hour},
		{&c.SessionTTL, 7 * 24 * time.Hour},
	} {
		if *d.field == 0 {
			*d.field = d.initial
		}
	}
	if c.ResponseModes == nil {
		c.ResponseModes = responseModes()
	}
	if c.MaxAccounts == 0 {
		c.MaxAccounts = 5
	}
	if c.SecretCores == 0 {
		c.SecretCores = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if len(c.TokenPrefixes) == 0 {
		c.TokenPrefixes = []string{defaultPrefix}
	}
	if c.TokenFormat == "" {
		c.TokenFormat = Opaque
	}
	if c.Rotation == "" {
		c.Rotation = RotateAlways
	}
	if c.PKCE == "" {
		c.PKCE = PKCERequired
	}
	if c.SigningAlg == "" {
		c.SigningAlg = jose.ES256
	}
	if c.Limiter == nil {
		c.Limiter = defaultLimiter()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

func (c *Config) checkPolicies() error {
	switch {
	case c.TokenFormat != Opaque && c.TokenFormat != JWT:
		return fmt.Errorf("server: TokenFormat %q is neither %q nor %q", c.TokenFormat, Opaque, JWT)
	case c.TokenFormat == JWT && len(c.DefaultAudience) == 0:
		return errors.New("server: TokenFormat is jwt and DefaultAudience is empty: name the API that the tokens are for (RFC 9068, section 3)")
	case c.Rotation != RotateAlways && c.Rotation != RotatePublic && c.Rotation != RotateNever:
		return fmt.Errorf("server: Rotation %q is none of always, public, never", c.Rotation)
	case c.PKCE != PKCERequired && c.PKCE != PKCEPublic:
		return fmt.Errorf("server: PKCE %q is neither required nor public", c.PKCE)
	case c.Grace > maxGrace:
		return fmt.Errorf("server: Grace %v is over %v", c.Grace, maxGrace)
	case c.CodeTTL < 0 || c.JWTTTL < 0 || c.SessionIdle < 0 || c.SessionTTL < 0:
		return errors.New("server: CodeTTL, JWTTTL, SessionIdle and SessionTTL cannot be negative")
	case !slices.Contains(jose.Asymmetric(), c.SigningAlg):
		return fmt.Errorf("server: SigningAlg %q is not an asymmetric algorithm: choose one of %v", c.SigningAlg, jose.Asymmetric())
	case c.Keys != (jose.Ring{}) && c.Keys.Signer(c.SigningAlg, c.Now()) == nil:
		return fmt.Errorf("server: Keys has no key that signs with SigningAlg %s: add one, or set SigningAlg to the algorithm of yours", c.SigningAlg)
	case c.JWTTTL > maxJWT:
		return fmt.Errorf("server: JWTTTL %v is over %v", c.JWTTTL, maxJWT)
	case c.CodeTTL > 10*time.Minute:
		return fmt.Errorf("server: CodeTTL %v is over 10 minutes (RFC 6749, section 4.1.2)", c.CodeTTL)
	}
	for _, check := range []func() error{c.checkTokens, c.checkErrorURIs, c.checkSignedIntrospection, c.checkLocales} {
		if err := check(); err != nil {
			return err
		}
	}
	if c.MaxAccounts < 1 || c.MaxAccounts > maxAccounts {
		return fmt.Errorf("server: MaxAccounts %d is not from 1 to %d: leave it 0 for 5", c.MaxAccounts, maxAccounts)
	}
	if c.AccountPage && c.SignIn == nil {
		return errors.New("server: AccountPage is set and SignIn is nil: nobody could come in. Set SignIn, or make a page of your own with Server.Connections")
	}
	if c.SecretCores < 0 {
		return fmt.Errorf("server: SecretCores %d is negative: leave it 0 for half of the cores", c.SecretCores)
	}
	for _, client := range c.Clients {
		if client != nil && c.VerifySecret == nil && slices.ContainsFunc(client.Secrets, func(k store.Secret) bool { return !builtInForm(k.Form) }) {
			return fmt.Errorf("server: client %q has a secret of a form that is none of store's: set Config.VerifySecret, or make it with server.HashSecret", client.ID)
		}
	}
	if err := c.setClientAuth(); err != nil {
		return err
	}
	if err := errors.Join(c.Registration.check(c.Store, c.Scopes), c.ClientDocuments.check(c.Scopes)); err != nil {
		return err
	}
	if c.ErrorURL != "" {
		if u, err := url.Parse(c.ErrorURL); err != nil || u.Fragment != "" {
			return fmt.Errorf("server: ErrorURL %q is not a URL without fragment", c.ErrorURL)
		}
	}
	for _, r := range slices.Concat(c.Resources, c.DefaultAudience) {
		if err := oauth2.CheckResource(r); err != nil {
			return fmt.Errorf("server: Resources and DefaultAudience: %w", err)
		}
	}
	if _, err := mandate.ParseScopes(string(c.DefaultScopes)); err != nil {
		return fmt.Errorf("server: DefaultScopes %q is not a list of scopes", c.DefaultScopes)
	}
	seen := make(map[string]bool)
	for _, s := range c.Scopes {
		if one, err := mandate.ParseScopes(s.Name); err != nil || s.Name == "" || strings.Contains(string(one), " ") || seen[s.Name] {
			return fmt.Errorf("server: Scopes has %q, which is not the name of one scope, once", s.Name)
		}
		if err := s.check(); err != nil {
			return err
		}
		seen[s.Name] = true
	}
	for s := range c.DefaultScopes.All() {
		if !seen[s] {
			return fmt.Errorf("server: DefaultScopes has %q, which is not among Scopes", s)
		}
	}
	return nil
}
