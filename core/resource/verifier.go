package resource

import (
	"context"
	"errors"
	"reflect"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// Verifier describes whose tokens a guard takes: [Of], [JWT], [Lookup], or an application's own.
type Verifier interface {
	// Open checks the description and makes it ready, once, when the guard is made. It does no I/O. Its error names the
	// field and the way out.
	Open(s Settings) (Opened, error)
}

// Settings are what a verifier knows of the guard that opens it.
type Settings struct {
	Audience string        // Config.Audience; empty: the guard has none
	Hooks    mandate.Hooks // Config.Hooks: for what goes wrong while no request waits for it
}

// Opened is a verifier at work. Its functions may be called by any number of goroutines.
type Opened struct {
	// Name tells two verifiers apart in errors: "issuer https://id.example.com". A guard refuses two of one name.
	// Empty: it is not compared.
	Name string
	// Issuer is whose tokens they are: Config.Metadata lists it among its AuthorizationServers where it lists none itself. May be empty.
	Issuer string
	// Match reports, by shape and unverified issuer alone, whether Verify should decide about raw. It does no I/O and
	// is asked only where a guard has several verifiers. Nil: about every token.
	Match func(raw string) bool
	match func(raw, issuer string) bool // Match, with what issuerOf says of raw: a guard reads it once for all verifiers
	// Verify returns the token that raw is: alive at now and proven to be its issuer's. An error that is
	// [mandate.InvalidToken] blames raw; any other says that nobody could tell, and is answered 503. The guard itself checks
	// audience, key binding, expiry and requirement. raw may not be kept: its memory may be used again.
	Verify func(ctx context.Context, raw string, now time.Time) (*mandate.Token, error)
	// VerifyRequest stands in the place of Verify where credentials are no token but go with the request that they sign, in a Scheme of their own: it is
	// given the whole of it. An error that is an *oauth1.Error is answered as RFC 5849, section 3.2 says; for all others Verify's rules hold. The adapters read the
	// body of each request that has no Bearer token for it, so give it to guards that need it.
	VerifyRequest func(ctx context.Context, r *mandate.Request, now time.Time) (*mandate.Token, error)
	// Recognize reports whether a request without an Authorization field is signed in another place, for VerifyRequest. Nil: none is.
	Recognize func(r *mandate.Request) bool
	// Scheme is the scheme of the Authorization field in which the tokens come (RFC 9110, section 11.1). Empty: Bearer. [Scheme] sets it.
	Scheme string
	// Forget forgets what is remembered of the token with that digest, answers on their way included. Nil: nothing is remembered.
	Forget func(token mandate.Digest)
	// Audience says what becomes of a token that does not name the guard's audience.
	Audience AudienceRule

	place int // in Config.Verifiers
}

// AudienceRule is how strictly a guard compares the audience of a verifier's tokens. The zero value is the strictest.
type AudienceRule int

// The rules.
const (
	// AudienceNamed takes tokens that name the guard's audience; a guard without an audience takes those that name none.
	AudienceNamed AudienceRule = iota
	// AudienceOrNone is AudienceNamed, but a token that names no audience is good at every guard: what an issuer in the
	// same hands means by it.
	AudienceOrNone
	// AnyAudience does not compare: tokens made for others are taken too.
	AnyAudience
)

// Lookup takes an application's own tokens, which find knows. An error of find that is [mandate.InvalidToken] blames
// raw; any other means that nobody could tell. find may not keep raw. A token without an audience is good at every
// guard: set TokenInfo.Audience where the tokens are not for this API alone. A token that find returns is taken to be
// alive until its Expires.
func Lookup(find func(ctx context.Context, raw string, now time.Time) (*mandate.Token, error)) Verifier {
	return lookup(find)
}

type lookup func(ctx context.Context, raw string, now time.Time) (*mandate.Token, error)

// Open implements [Verifier].
func (l lookup) Open(Settings) (Opened, error) {
	if l == nil {
		return Opened{}, errors.New("Lookup has no function: hand it one that finds a token")
	}
	return Opened{Verify: l, Audience: AudienceOrNone}, nil
}

// Source is what [Of] needs of an authorization server; *server.Server is one.
type Source interface {
	// Issuer returns the issuer identifier.
	Issuer() string
	// Verify is [Opened.Verify] for the server's own tokens, stored ones and JWTs. It sees revocation.
	Verify(ctx context.Context, raw string, now time.Time) (*mandate.Token, error)
}

// Recognizer is what a [Source] may be as well: then [Of] leaves to the other verifiers of a guard what cannot be the
// server's own. A Source that is none gets every token that is no JWT.
type Recognizer interface {
	// Recognizes reports, by shape alone, whether raw, which is no JWT, may be an access token of the server.
	Recognizes(raw string) bool
}

// Of takes the access tokens of an authorization server in the same process: stored ones, and its own JWTs. It sees
// revocation at once. A stored token without an audience is good at every guard, as it is for every resource of the issuer;
// a JWT always names one.
func Of(src Source) Verifier { return of{src} }

type of struct{ src Source }

// Open implements [Verifier].
func (o of) Open(Settings) (Opened, error) {
	if v := reflect.ValueOf(o.src); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return Opened{}, errors.New("Of has no server: check the error of server.New first")
	}
	issuer := o.src.Issuer()
	return Opened{
		Name:   "issuer " + issuer,
		Issuer: issuer,
		Match:  func(raw string) bool { return o.matches(issuer, raw, issuerOf(raw)) },
		match:  func(raw, said string) bool { return o.matches(issuer, raw, said) },
		Verify: func(ctx context.Context, raw string, now time.Time) (*mandate.Token, error) {
			tok, err := o.src.Verify(ctx, raw, now)
			if err == nil && tok.ID() != "" && !tok.Restricted() {
				return nil, mandate.Errorf(mandate.InvalidToken, errors.New("a JWT without aud"), "")
			}
			return tok, err
		},
		Audience: AudienceOrNone,
	}, nil
}

// matches reports whether raw may be of the server that calls itself issuer; it is a JWT that claims to come from said, or none.
func (o of) matches(issuer, raw, said string) bool {
	if jwtShaped(raw) {
		return said == issuer
	}
	recognizer, ok := o.src.(Recognizer)
	return !ok || recognizer.Recognizes(raw)
}
