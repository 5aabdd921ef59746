package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-mandate/mandate/core/jose"
)

// maxLeeway bounds Config.Leeway.
const maxLeeway = 5 * time.Minute

// maxSubject is how long a subject may be (OpenID Connect Core, section 2).
const maxSubject = 255

// Config says whose tokens are taken. ClientID, one of Issuer and CheckIssuer, and Keys or Secret are required.
type Config struct {
	// Issuer is what "iss" must be, to the letter. It may have the part {tenantid}, which is what the token says in "tid": the issuer of all
	// tenants of Microsoft, for example.
	Issuer string
	// CheckIssuer decides instead, for an issuer with many names. All but the audience and the time has still to be checked then. An
	// error refuses the token.
	CheckIssuer func(t *Token) error
	// ClientID is what this client is to the issuer: "aud" must name it.
	ClientID string
	// Audiences may stand in "aud" besides. A token with others is refused, unless "azp" says that it was made for this client.
	Audiences []string

	// Keys has the issuer's public keys.
	Keys jose.KeySource
	// Algs are the signature algorithms taken. Default: RS256, which every issuer has (OpenID Connect Core, section 15.1). There is no way to take
	// unsigned tokens. HS256 and its like are taken only where they are named here; then they stand alone, and Secret is the key.
	Algs []jose.Alg
	// UserInfoAlgs are those of signed user info. Default: Algs.
	UserInfoAlgs []jose.Alg
	// Secret is the client secret, as the key of HS256: at least 32 bytes.
	Secret string

	// Leeway is how far the issuer's clock may be off, at most five minutes. Default: not at all.
	Leeway time.Duration
	// AnyLogoutType also takes logout tokens without a type and those of the type JWT, for issuers that know no better.
	AnyLogoutType bool
}

// Verifier verifies the tokens of one issuer for one client. It may be used by any number of goroutines.
type Verifier struct {
	c         Config
	symmetric bool
}

// NewVerifier returns the verifier that c describes. Its error names all faults.
func NewVerifier(c Config) (*Verifier, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("oidc: Config."+format, args...)) }
	if c.Issuer == "" && c.CheckIssuer == nil {
		fault("Issuer is empty: it is what the issuer writes into iss")
	}
	if c.ClientID == "" {
		fault("ClientID is empty: it is what the issuer writes into aud")
	}
	if c.Leeway < 0 || c.Leeway > maxLeeway {
		fault("Leeway is %v: use 0 to %v, and set the clock", c.Leeway, maxLeeway)
	}
	if len(c.Algs) == 0 {
		c.Algs = []jose.Alg{jose.RS256}
	}
	if len(c.UserInfoAlgs) == 0 {
		c.UserInfoAlgs = c.Algs
	}
	for field, algs := range map[string][]jose.Alg{"Algs": c.Algs, "UserInfoAlgs": c.UserInfoAlgs} {
		for _, alg := range algs {
			switch {
			case !alg.Known():
				fault("%s has %q, which is none that can be verified", field, string(alg))
			case alg.Symmetric() != c.Algs[0].Symmetric():
				fault("%s has %q beside others: algorithms of public keys and of the client secret do not mix", field, string(alg))
			}
		}
	}
	symmetric := c.Algs[0].Symmetric()
	switch {
	case symmetric && len(c.Secret) < 32:
		fault("Secret has %d bytes: %s needs at least 32 (RFC 7518, section 3.2)", len(c.Secret), string(c.Algs[0]))
	case !symmetric && c.Keys == nil:
		fault("Keys is nil: nothing could be verified")
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	c.Algs, c.UserInfoAlgs, c.Audiences = slices.Clone(c.Algs), slices.Clone(c.UserInfoAlgs), slices.Clone(c.Audiences)
	return &Verifier{c, symmetric}, nil
}

// Expect is what an ID token must fit. Now is required.
type Expect struct {
	Now time.Time
	// Nonce is that of the authentication request. A token without it, or with another one, belongs to another request.
	Nonce string
	// NoNonce says that the token is no answer to a request in a browser, that of a refresh for example: Nonce is not looked at.
	NoNonce bool
	// NonceQuirk takes a token that says "nonce_supported": false and has no nonce, as Apple's have been for some devices.
	NonceQuirk bool
	// NonceOptional takes any token without a nonce, for issuers that leave it out. One that is there must be right.
	NonceOptional bool
	// AccessToken and Code are what came with the token: its at_hash and c_hash, where it has them, must be theirs. Empty: there was none.
	AccessToken, Code string
	// Hashes says that the token came through the browser, so that at_hash and c_hash must be there.
	Hashes bool
	// AuthAfter is the time before which the user must not have signed in, give or take the leeway: that of the request less max_age.
	// Zero: whenever.
	AuthAfter time.Time
	// ACR are the values of "acr" that will do. Empty: any.
	ACR []string
}

// IDToken verifies an ID token (OpenID Connect Core, sections 3.1.3.7, 3.1.3.8 and 3.3.2.11). An error that is [jose.ErrInvalid] says what is wrong
// with it; any other that nobody could tell, because the keys are out of reach.
func (v *Verifier) IDToken(ctx context.Context, raw string, e Expect) (*Token, error) {
	head, t, err := v.open(ctx, raw, v.c.Algs)
	if err != nil {
		return nil, err
	}
	if otherKind(head) {
		return nil, invalid("typ is %.40q: this is no ID token", head.Type)
	}
	if isLogout(t.more) {
		return nil, invalid("events has a member for logout: this is no ID token")
	}
	if err := v.checkWhose(t); err != nil {
		return nil, err
	}
	if err := t.claims.CheckTimes(e.Now, v.c.Leeway); err != nil {
		return nil, err
	}
	if t.IssuedAt.IsZero() {
		return nil, invalid("iat is missing")
	}
	if err := v.expected(t, head, e); err != nil {
		return nil, err
	}
	return t, nil
}

// open verifies the signature, and reads what was signed.
func (v *Verifier) open(ctx context.Context, raw string, algs []jose.Alg) (jose.Header, *Token, error) {
	if strings.Count(raw, ".") == 4 {
		return jose.Header{}, nil, invalid("the token is encrypted, which this client did not ask for: register it without id_token_encrypted_response_alg")
	}
	var f jose.Found
	var err error
	switch {
	case v.symmetric:
		f.Header, f.Payload, err = jose.VerifyHMAC(raw, []byte(v.c.Secret), algs)
	case v.c.Keys == nil:
		err = errors.New("the Verifier is the zero value: make one with NewVerifier")
	default:
		f, err = jose.VerifyFrom(ctx, v.c.Keys, nil, raw, algs)
	}
	switch {
	case err == nil:
	case errors.Is(err, jose.ErrInvalid):
		return f.Header, nil, err
	default:
		return f.Header, nil, fmt.Errorf("oidc: keys of %s: %w", v.c.Issuer, err)
	}
	t := &Token{key: f.Key}
	return f.Header, t, t.parse(f.Payload)
}

// otherKind reports whether a token says of itself that it is something else: all kinds but the ID token have a type of their own
// (RFC 8725, section 3.11).
func otherKind(h jose.Header) bool {
	const suffix = "+jwt"
	n := len(h.Type) - len(suffix)
	return n >= 0 && strings.EqualFold(h.Type[n:], suffix)
}

// checkWhose checks who made a token, and for whom, and whom it is about.
func (v *Verifier) checkWhose(t *Token) error {
	if err := v.checkIssuer(t); err != nil {
		return err
	}
	if !slices.Contains(t.Audience, v.c.ClientID) {
		return invalid("aud is %.200q, which is not %q", t.Audience, v.c.ClientID)
	}
	if t.AuthorizedParty != "" && t.AuthorizedParty != v.c.ClientID {
		return invalid("azp is %.200q, want %q: it was made for another client", t.AuthorizedParty, v.c.ClientID)
	}
	for _, a := range t.Audience {
		if a != v.c.ClientID && t.AuthorizedParty == "" && !slices.Contains(v.c.Audiences, a) {
			return invalid("aud also has %.200q, and there is no azp: name it in the trusted audiences if it should be there", a)
		}
	}
	if t.Subject == "" || len(t.Subject) > maxSubject {
		return invalid("sub is missing or has more than %d bytes", maxSubject)
	}
	if strings.ContainsFunc(t.Subject, func(c rune) bool { return c < ' ' || c == 0x7f || c == utf8.RuneError }) {
		return invalid("sub has characters that stand for nothing, or for others: %.100q", t.Subject)
	}
	return nil
}

func (v *Verifier) checkIssuer(t *Token) error {
	if t.Issuer == "" {
		return invalid("iss is missing")
	}
	if v.c.CheckIssuer != nil {
		if err := v.c.CheckIssuer(t); err != nil {
			return invalid("iss %.200q: %w", t.Issuer, err)
		}
		return nil
	}
	want := v.c.Issuer
	if before, after, ok := strings.Cut(want, TenantPart); ok {
		tenant := t.Text("tid")
		if tenant == "" || !plain(tenant) {
			return invalid("tid is missing or no tenant")
		}
		want = before + tenant + after
		if t.key != nil && t.key.Issuer() != "" && !IsTenantIssuer(t.key.Issuer(), want) { // tenants have one set of keys, and not all sign for all
			return invalid("the key is that of the issuer %.200q, want one of %q", t.key.Issuer(), want)
		}
	}
	if t.Issuer != want {
		return invalid("iss is %.200q, want %q", t.Issuer, want)
	}
	return nil
}

// TenantPart is the part of an issuer for which each tenant has a value of its own.
const TenantPart = "{tenantid}"

// IsTenantIssuer reports whether issuer is template, or what it is for one tenant.
func IsTenantIssuer(template, issuer string) bool {
	before, after, ok := strings.Cut(template, TenantPart)
	if !ok || template == issuer {
		return template == issuer
	}
	rest, ok := strings.CutPrefix(issuer, before)
	if !ok {
		return false
	}
	tenant, ok := strings.CutSuffix(rest, after)
	return ok && plain(tenant)
}

// plain reports whether s can be a tenant: no part of it can be taken for another part of a URL.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// expected checks what the request has to do with an authentic token.
func (v *Verifier) expected(t *Token, head jose.Header, e Expect) error {
	switch {
	case e.NoNonce:
	case t.Nonce == "" && (e.NonceOptional || e.NonceQuirk && t.nonceless):
	case e.Nonce == "":
		return errors.New("oidc: Expect.Nonce is empty: every authentication request needs one")
	case t.Nonce == "":
		return invalid("nonce is missing, which the request had")
	case subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(e.Nonce)) != 1:
		return invalid("nonce is not that of the request: the token belongs to another one")
	}
	for _, h := range [...]struct{ name, has, value string }{{"at_hash", t.accessHash, e.AccessToken}, {"c_hash", t.codeHash, e.Code}} {
		switch {
		case h.value == "", h.has == "" && !e.Hashes:
		case h.has == "":
			return invalid("%s is missing", h.name)
		case subtle.ConstantTimeCompare([]byte(h.has), []byte(Hash(head.Alg, h.value))) != 1:
			return invalid("%s is that of another value than came along", h.name)
		}
	}
	switch {
	case e.AuthAfter.IsZero():
	case t.AuthTime.IsZero():
		return invalid("auth_time is missing, which max_age demands")
	case t.AuthTime.Add(v.c.Leeway).Before(e.AuthAfter.Truncate(time.Second)):
		return invalid("the user signed in at %s, which is longer ago than max_age", t.AuthTime.UTC().Format(time.RFC3339))
	}
	if len(e.ACR) > 0 && !slices.Contains(e.ACR, t.ACR) {
		return invalid("acr is %.200q, want one of %q", t.ACR, e.ACR)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", jose.ErrInvalid, fmt.Errorf(format, args...))
}
