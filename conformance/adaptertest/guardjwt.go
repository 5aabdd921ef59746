package adaptertest

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

func jwtCases() cases {
	return cases{
		"signed tokens are believed as far as RFC 9068 goes":     testSigned,
		"what was true of one token is not believed of the next": testForgetful,
		"verifiers share a guard by shape and issuer":            testVerifiers,
	}
}

// signer makes tokens of one issuer.
type signer struct {
	key *jose.Key
	now time.Time
}

func newSigner(t *testing.T, now time.Time) signer {
	t.Helper()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, now}
}

func (s signer) keys() resource.KeySource {
	return resource.FixedKeys(jose.NewKeySet(s.key.Public()))
}

// sign returns an access token after change, which may be nil, as a token of type typ.
func (s signer) sign(t *testing.T, typ string, change func(c *jose.Claims), more ...any) string {
	t.Helper()
	c := jose.Claims{Issuer: vaultIssuer, Subject: "ann", Audience: []string{guardedAPI}, ID: "j1", IssuedAt: s.now, Expires: s.now.Add(10 * time.Minute)}
	more = append([]any{"client_id", "web", "scope", "profile email"}, more...)
	for i := 0; i+1 < len(more); i += 2 {
		name, _ := more[i].(string)
		if err := c.Set(name, more[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&c)
	}
	raw, err := jose.Sign(s.key, typ, c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func testSigned(t *testing.T, a Adapter) {
	t.Helper()
	now := NewClock().Now()
	s, stranger := newSigner(t, now), newSigner(t, now)
	g := newGuarded(t, a, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{resource.JWT{Issuer: vaultIssuer, Keys: s.keys()}}
	})
	g.app.Handle(http.MethodGet, "/profile", g.whoRoute(), g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/client", g.whoRoute(), g.auth.RequireClient())
	g.app.Handle(http.MethodGet, "/user", g.auth.WithUser(func(c Ctx, user *User) error {
		return c.JSON(200, map[string]any{"subject": user.ID, "anonymous": false})
	}))
	g.start(t)
	good := s.sign(t, "at+jwt", nil)
	_, rest, _ := strings.Cut(good, ".")
	payload, sig, _ := strings.Cut(rest, ".")
	symmetric, err := jose.SignHMAC(jose.HS256, []byte(strings.Repeat("k", 32)), "at+jwt", map[string]string{"iss": vaultIssuer})
	if err != nil {
		t.Fatal(err)
	}
	head := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	own := s.sign(t, "at+jwt", func(c *jose.Claims) { c.Subject = "web" })
	for name, tc := range map[string]struct{ path, token, subject, want string }{
		"as it should be":                     {"/profile", good, "ann", ""},
		"with its user":                       {"/user", good, "ann", ""},
		"several audiences":                   {"/profile", s.sign(t, "at+jwt", func(c *jose.Claims) { c.Audience = []string{"x", guardedAPI} }), "ann", ""},
		"scopes in a list":                    {"/profile", s.sign(t, "at+jwt", nil, "scope", []string{"email", "profile"}), "ann", ""},
		"a scope lacks":                       {"/profile", s.sign(t, "at+jwt", nil, "scope", "email"), "", lacking("profile")},
		"a client for itself (RFC 9068, 2.2)": {"/client", own, "", ""},
		"a client for itself is no user":      {"/user", own, "", userless()},
		"a user is no client":                 {"/client", good, "", lacking("")},
		"an ID token":                         {"/profile", s.sign(t, "JWT", nil), "", invalid()},
		"no type":                             {"/profile", s.sign(t, "", nil), "", invalid()},
		"alg none (RFC 8725, 2.1)":            {"/profile", head(`{"alg":"none","typ":"at+jwt"}`) + "." + payload + ".", "", invalid()},
		"alg none and a signature":            {"/profile", head(`{"alg":"none","typ":"at+jwt"}`) + "." + payload + "." + sig, "", invalid()},
		"HS256":                               {"/profile", symmetric, "", invalid()},
		"of somebody else":                    {"/profile", stranger.sign(t, "at+jwt", nil), "", invalid()},
		"of another issuer":                   {"/profile", s.sign(t, "at+jwt", func(c *jose.Claims) { c.Issuer = "https://evil.example.com" }), "", invalid()},
		"for another API":                     {"/profile", s.sign(t, "at+jwt", func(c *jose.Claims) { c.Audience = []string{"account"} }), "", invalid()},
		"for nobody":                          {"/profile", s.sign(t, "at+jwt", func(c *jose.Claims) { c.Audience = nil }), "", invalid()},
		"over":                                {"/profile", s.sign(t, "at+jwt", func(c *jose.Claims) { c.Expires = now }), "", invalid()},
		"without an end":                      {"/profile", s.sign(t, "at+jwt", func(c *jose.Claims) { c.Expires = time.Time{} }), "", invalid()},
		"not yet":                             {"/profile", s.sign(t, "at+jwt", func(c *jose.Claims) { c.NotBefore = now.Add(time.Second) }), "", invalid()},
		"from the future":                     {"/profile", s.sign(t, "at+jwt", func(c *jose.Claims) { c.IssuedAt = now.Add(time.Second) }), "", invalid()},
		"without a subject":                   {"/profile", s.sign(t, "at+jwt", func(c *jose.Claims) { c.Subject = "" }), "", invalid()},
		"without an id":                       {"/profile", s.sign(t, "at+jwt", func(c *jose.Claims) { c.ID = "" }), "", invalid()},
		"bound to a key, as Bearer (RFC 9449, 7.2)": {"/profile", s.sign(t, "at+jwt", nil, "cnf", map[string]string{"jkt": "x"}), "", invalid()},
		"bound to a certificate (RFC 8705, 3)":      {"/profile", s.sign(t, "at+jwt", nil, "cnf", map[string]string{"x5t#S256": "x"}), "", invalid()},
		"changed":                                   {"/profile", head(`{"alg":"ES256","typ":"at+jwt"}`) + "." + payload + "." + sig, "", invalid()},
		"two dots":                                  {"/profile", "..", "", invalid()},
		"one dot":                                   {"/profile", "a.b", "", invalid()},
		"garbage":                                   {"/profile", "eyJ.eyJ.eyJ", "", invalid()},
		"encrypted":                                 {"/profile", "a.b.c.d.e", "", invalid()},
		"padding":                                   {"/profile", good + "=", "", invalid()},
		"padding inside":                            {"/profile", strings.Replace(good, ".", "=.", 1), "", malformed()},
		"12 KiB":                                    {"/profile", strings.Repeat("a", 6<<10) + "." + strings.Repeat("a", 6<<10) + ".a", "", invalid()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // also where something was remembered
				if ans := g.get(t, tc.path, as(tc.token)...); tc.want != "" {
					ans.same(t, tc.want)
				} else {
					ans.passed(t, tc.subject)
				}
			}
		})
	}
}

// testForgetful sends good and bad tokens of one length in turns, over one connection: they may lie in one and the same buffer.
func testForgetful(t *testing.T, a Adapter) {
	t.Helper()
	s := newSigner(t, NewClock().Now())
	g := newGuarded(t, a, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{resource.JWT{Issuer: vaultIssuer, Keys: s.keys()}}
	})
	g.app.Handle(http.MethodGet, "/profile", g.whoRoute(), g.auth.Require("profile"))
	g.start(t)
	good, evil := s.sign(t, "at+jwt", nil), s.sign(t, "at+jwt", func(c *jose.Claims) { c.Subject = "eve" })
	head, rest, _ := strings.Cut(good, ".")
	_, foreign, _ := strings.Cut(evil, ".")
	payload, _, _ := strings.Cut(rest, ".")
	_, sig, _ := strings.Cut(foreign, ".")
	for range 16 {
		g.get(t, "/profile", as(good)...).passed(t, "ann")
		g.get(t, "/profile", as(s.sign(t, "id+jwt", nil))...).same(t, invalid()) // of another type
		g.get(t, "/profile", as(evil)...).passed(t, "eve")
		g.get(t, "/profile", as(head+"."+foreign[:len(payload)]+"."+rest[len(payload)+1:])...).same(t, invalid()) // eve's claims, ann's signature
		g.get(t, "/profile", as(head+"."+payload+"."+sig)...).same(t, invalid())                                  // and the other way about
	}
}

// noKeys is an issuer that cannot be reached.
type noKeys struct{}

// KeySet implements resource.KeySource.
func (noKeys) KeySet(context.Context, *jose.KeySet) (*jose.KeySet, error) {
	return nil, errors.New("no route to the issuer")
}

func testVerifiers(t *testing.T, a Adapter) {
	t.Helper()
	now := NewClock().Now()
	s, other := newSigner(t, now), newSigner(t, now)
	const otherIssuer, lostIssuer = "https://other.example.com", "https://lost.example.com"
	g := newGuarded(t, a, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{
			resource.JWT{Issuer: otherIssuer, Keys: other.keys()}, resource.JWT{Issuer: lostIssuer, Keys: noKeys{}}, c.Verifiers[0],
		}
	})
	g.app.Handle(http.MethodGet, "/profile", g.whoRoute(), g.auth.Require("profile"))
	g.start(t)
	from := func(s signer, issuer string) string {
		return s.sign(t, "at+jwt", func(c *jose.Claims) { c.Issuer = issuer })
	}
	g.get(t, "/profile", as("ann")...).passed(t, "ann")
	g.asked(t, 1)
	g.get(t, "/profile", as(from(other, otherIssuer))...).passed(t, "ann")
	g.get(t, "/profile", as(from(s, otherIssuer))...).same(t, invalid())
	g.get(t, "/profile", as(from(s, lostIssuer))...).same(t, away())
	g.get(t, "/profile", as(from(s, "https://nobody.example.com"))...).same(t, invalid())
	g.get(t, "/profile", as("a.b.c")...).same(t, invalid())
	g.get(t, "/profile", as("outage")...).same(t, away())
}
