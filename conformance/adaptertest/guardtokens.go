package adaptertest

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/store"
)

func tokenCases() cases {
	return cases{
		"tokens are for the guards that they name": testAudience,
		"what a store revokes is refused at once":  testRevocation,
	}
}

func testAudience(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	g.app.Handle(http.MethodGet, "/named", g.whoRoute(), g.auth.Require("profile"))
	nameless := g.app.Auth(g.another(t, func(c *resource.Config) { c.Audience = "" }), AuthConfig{})
	g.app.Handle(http.MethodGet, "/nameless", g.whoRoute(), nameless.Require("profile"))
	for path, rule := range map[string]resource.AudienceRule{"/strict": resource.AudienceNamed, "/lax": resource.AnyAudience} {
		auth := g.app.Auth(g.another(t, func(c *resource.Config) { c.Verifiers = []resource.Verifier{ruled{g.vault, rule}} }), AuthConfig{})
		g.app.Handle(http.MethodGet, path, g.whoRoute(), auth.Require("profile"))
	}
	g.app.Handle(http.MethodGet, "/other", g.whoRoute(), g.auth.RequireThat(mandate.Audience("https://other.example.com")))
	g.start(t)
	for name, tc := range map[string]struct{ path, token, want string }{
		"no audience: for every resource of the issuer":          {"/named", "ann", ""},
		"the guard's audience":                                   {"/named", "here", ""},
		"the guard's audience in another spelling (RFC 3986, 6)": {"/named", "spelled", ""},
		"another audience":                                       {"/named", "away", invalid()},
		"a path below the guard's":                               {"/named", "below", invalid()},
		"a JWT without an audience (RFC 9068, 3)":                {"/named", "jwt", invalid()},
		"a guard without audience and a token without":           {"/nameless", "ann", ""},
		"a guard without audience and a token with one":          {"/nameless", "here", invalid()},
		"a strict verifier, and no audience":                     {"/strict", "ann", invalid()},
		"a strict verifier, and the guard's audience":            {"/strict", "here", ""},
		"a verifier for all audiences, loudly":                   {"/lax", "away", ""},
		"a verifier for all audiences proves no key":             {"/lax", "dpop", invalid()},
		"a route's own audience":                                 {"/other", "here", invalid()},
		"a route's own audience, and a token with none":          {"/other", "ann", invalid()},
		"bound to a DPoP key, of type DPoP (RFC 9449, 7.2)":      {"/named", "dpop", invalid()},
		"bound to a DPoP key":                                    {"/named", "jkt", invalid()},
		"bound to a certificate (RFC 8705, 3)":                   {"/named", "mtls", invalid()},
		"bound by an unknown method (RFC 7800)":                  {"/named", "odd", invalid()},
		"of a type that is not Bearer":                           {"/named", "mac", invalid()},
		"of the type bearer (RFC 6749, 5.1)":                     {"/named", "lower", ""},
		"a millisecond before its end":                           {"/named", "ending", ""},
		"at its end":                                             {"/named", "ended", invalid()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // also where something was remembered
				ans := g.get(t, tc.path, as(tc.token)...)
				if tc.want == "" {
					ans.passed(t, "ann")
				} else {
					ans.same(t, tc.want)
				}
			}
		})
	}
}

// testRevocation guards with a real server: its store says what is alive.
func testRevocation(t *testing.T, a Adapter) {
	t.Helper()
	w := newWorld(t, a, func(s *setup) {
		s.more = func(w *world) {
			guard, err := resource.New(resource.Config{Audience: apiName, Verifiers: []resource.Verifier{resource.Of(w.srv)}, Now: w.clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			w.app.Handle(http.MethodGet, "/read", w.app.Route(who), w.app.Auth(guard, AuthConfig{}).Require("read"))
		}
	})
	put := func(raw, grant string, life time.Duration) {
		t.Helper()
		now := w.clock.Now()
		err := w.store.CreateGrant(t.Context(), store.Grant{ID: grant, Key: mandate.DigestOf("key of " + grant), ClientID: "web", Subject: "ann", Created: now, Expires: now.Add(24 * time.Hour)})
		if err != nil && !errors.Is(err, store.ErrExists) {
			t.Fatal(err)
		}
		info := mandate.TokenInfo{Subject: "ann", ClientID: "web", GrantID: grant, Scopes: "read", IssuedAt: now, Expires: now.Add(life)}
		if err := w.store.PutToken(t.Context(), mandate.DigestOf(raw), mandate.NewToken(info)); err != nil {
			t.Fatal(err)
		}
	}
	good := func(raw string) {
		t.Helper()
		w.get(t, "/read", as(raw)...).passed(t, "ann")
	}
	bad := func(raw string) {
		t.Helper()
		w.get(t, "/read", as(raw)...).same(t, invalid())
	}
	put("one", "g1", time.Hour)
	put("two", "g1", time.Hour)
	put("three", "g2", time.Hour)
	put("short", "g2", time.Minute)
	for _, raw := range []string{"one", "two", "three", "short"} {
		good(raw)
	}
	bad("four")
	if err := w.store.RevokeToken(t.Context(), mandate.DigestOf("one"), w.clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	bad("one")
	good("two") // of the same grant
	if err := w.store.RevokeGrant(t.Context(), "g1", store.BySubject, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	bad("two")
	good("three")
	w.clock.Pass(time.Minute)
	bad("short")
	good("three")

	// A JWT of the server's own dies with its grant, though its signature stays good. Its sub is the client: no subject.
	signed := w.token(jwtWeb(), url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}).tokens(t).Access
	if strings.Count(signed, ".") != 2 {
		t.Fatalf("access token %q is no JWT", signed)
	}
	w.get(t, "/read", as(signed)...).passed(t, "")
	bad(signed[:len(signed)-6] + "AAAAAA")
	if _, err := w.store.RevokeGrants(t.Context(), store.GrantQuery{ClientID: jwtWeb().id}, store.ByAdmin, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	bad(signed)
}
