package resource_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// opens is a Verifier that opens to what it is.
type opens struct {
	opened resource.Opened
	err    error
}

func (o opens) Open(resource.Settings) (resource.Opened, error) { return o.opened, o.err }

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	own := resource.Of(stored())
	keys := resource.FixedKeys(nil)
	find := resource.Lookup(func(context.Context, string, time.Time) (*mandate.Token, error) { return nil, mandate.InvalidToken })
	jwt := func(change func(*resource.JWT)) resource.Config {
		j := resource.JWT{Issuer: foreignIssuer, Keys: keys}
		change(&j)
		return resource.Config{Audience: api, Verifiers: []resource.Verifier{j}}
	}
	with := func(v ...resource.Verifier) resource.Config { return resource.Config{Audience: api, Verifiers: v} }
	for name, tc := range map[string]struct {
		config resource.Config
		want   []string // all of them stand in the error
	}{
		"no verifier":                      {resource.Config{Audience: api}, []string{"Verifiers", "resource.Of"}},
		"a nil verifier":                   {with(own, nil), []string{"Verifiers[1]", "nil"}},
		"a realm with a quote":             {resource.Config{Realm: `a"b`, Verifiers: []resource.Verifier{own}}, []string{"Realm", `a\"b`}},
		"one server twice":                 {with(own, own), []string{"[0]", "[1]", "https://id.example.com"}},
		"one issuer twice":                 {with(resource.JWT{Issuer: "i", Keys: keys}, resource.JWT{Issuer: "i", Keys: keys}), []string{"issuer i"}},
		"behind one that takes all":        {with(find, own), []string{"[0]", "[1]", "last"}},
		"a lookup without a function":      {with(resource.Lookup(nil)), []string{"Verifiers[0]", "Lookup"}},
		"no server":                        {with(resource.Of(nil)), []string{"Of", "server.New"}},
		"a server that is nil":             {with(resource.Of((*tokens)(nil))), []string{"Of", "server.New"}},
		"a verifier that cannot open":      {with(opens{err: errors.New("its own reason")}), []string{"Verifiers[0]", "its own reason"}},
		"a verifier that opens to nothing": {with(opens{}), []string{"Verifiers[0]", "Verify"}},

		"a JWT without an audience here": {resource.Config{Verifiers: []resource.Verifier{resource.JWT{Issuer: "i", Keys: keys}}}, []string{"Audience", "JWT.AnyAudience"}},
		"a JWT without an issuer":        {jwt(func(j *resource.JWT) { j.Issuer = "" }), []string{"JWT.Issuer"}},
		"a JWT without keys of no URL":   {jwt(func(j *resource.JWT) { j.Issuer, j.Keys = "accounts", nil }), []string{"JWT.Keys", "JWT.Issuer", "FixedKeys"}},
		"a JWT without keys on http":     {jwt(func(j *resource.JWT) { j.Issuer, j.Keys = "http://id.example.com", nil }), []string{"JWT.Issuer", "http", "AllowInsecureHTTP"}},
		"a leeway over a minute":         {jwt(func(j *resource.JWT) { j.Leeway = 61 * time.Second }), []string{"JWT.Leeway", "1m1s"}},
		"a negative leeway":              {jwt(func(j *resource.JWT) { j.Leeway = -1 }), []string{"JWT.Leeway"}},
		"a symmetric algorithm":          {jwt(func(j *resource.JWT) { j.Algs = []jose.Alg{jose.HS256} }), []string{"JWT.Algs", "HS256", "ES256"}},
		"an unknown algorithm":           {jwt(func(j *resource.JWT) { j.Algs = []jose.Alg{"none"} }), []string{"JWT.Algs", "none"}},
		"an empty type":                  {jwt(func(j *resource.JWT) { j.Types = []string{"at+jwt", ""} }), []string{"JWT.Types", "AnyType"}},
		"exp may not lack":               {jwt(func(j *resource.JWT) { j.MayLack = []string{"exp"} }), []string{"JWT.MayLack", "exp"}},
		"more memory than there is":      {jwt(func(j *resource.JWT) { j.Remember = 1 << 62 }), []string{"JWT.Remember", "4611686018427387904"}},
		"an empty scope claim":           {jwt(func(j *resource.JWT) { j.ScopeClaims = []string{""} }), []string{"JWT.ScopeClaims"}},
		"a pointer to nothing":           {jwt(func(j *resource.JWT) { j.RolesClaims = []string{"/"} }), []string{"JWT.RolesClaims"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := resource.New(tc.config)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not mention %q", err, want)
				}
			}
		})
	}
}

func TestVerifiersByIssuer(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	s := stored()
	var asked []string
	g := newGuard(t, func(c *resource.Config) {
		c.Now = func() time.Time { return today }
		c.Verifiers = []resource.Verifier{
			resource.JWT{Issuer: foreignIssuer, Keys: m.keys(t)},
			resource.Of(s),
			resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
				asked = append(asked, raw)
				return nil, mandate.InvalidToken
			}),
		}
	})
	third := m.es256(t, goodHead, but(t, `"https://login.example.com"`, `"https://third.example.com"`))
	rule := g.Rule(mandate.Scope("profile"), false)
	for raw, want := range map[string]string{
		m.es256(t, goodHead, goodClaims): "pass",
		"good":                           "pass",
		"nobody":                         invalid, // the server's: no JWT
		third:                            invalid,
		"eyJ.e30.x":                      invalid, // shaped like a JWT, of no issuer
		"eyJ.!!!.x":                      malformed,
		"eyJ.AAA.x":                      invalid,
	} {
		if _, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, rule); show(resp) != want {
			t.Errorf("%.20s: got\n%s\nwant\n%s", raw, show(resp), want)
		}
	}
	if len(asked) != 3 {
		t.Errorf("the last verifier was asked for %q, want the three JWTs of nobody else", asked)
	}
}

// recognizer is a server that knows its own tokens by shape.
type recognizer struct{ *tokens }

// Recognizes implements resource.Recognizer.
func (recognizer) Recognizes(raw string) bool { return strings.HasPrefix(raw, "good") }

func TestVerifiersByShape(t *testing.T) {
	t.Parallel()
	var asked []string
	own := resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
		asked = append(asked, raw)
		if raw == "legacy" {
			return mandate.NewToken(mandate.TokenInfo{Subject: "u1", Scopes: "profile"}), nil
		}
		return nil, mandate.InvalidToken
	})
	g := newGuard(t, func(c *resource.Config) { c.Verifiers = []resource.Verifier{resource.Of(recognizer{stored()}), own} })
	rule := g.Rule(mandate.Scope("profile"), false)
	for raw, want := range map[string]string{"good": "pass", "goodness": invalid, "legacy": "pass", "nobody": invalid} {
		if _, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, rule); show(resp) != want {
			t.Errorf("%s: got\n%s\nwant\n%s", raw, show(resp), want)
		}
	}
	if slices.Sort(asked); !slices.Equal(asked, []string{"legacy", "nobody"}) {
		t.Errorf("the last verifier was asked for %q, want what the server does not recognize", asked)
	}
}

func TestDialects(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	extra := but(t, `"scope":"profile"`, `"scp":["profile","email"],"azp":"spa","realm_access":{"roles":["manager"]},"https://x/roles":"lead","roles":["stranger"],"a/b":{"c~d":["odd"]}`)
	for name, tc := range map[string]struct {
		change func(*resource.JWT)
		look   func(*mandate.Token) string
		want   string
	}{
		"scopes elsewhere":          {func(*resource.JWT) {}, func(t *mandate.Token) string { return string(t.Scopes()) }, "profile email"},
		"the client elsewhere":      {func(j *resource.JWT) { j.ClientClaims = []string{"appid", "azp"} }, (*mandate.Token).ClientID, "spa"},
		"roles at their own place":  {func(*resource.JWT) {}, roles, `["stranger"]`},
		"roles by pointer":          {func(j *resource.JWT) { j.RolesClaims = []string{"/realm_access/roles"} }, roles, `["manager"]`},
		"roles add up":              {func(j *resource.JWT) { j.RolesClaims = []string{"/realm_access/roles", "https://x/roles"} }, roles, `["manager","lead"]`},
		"an escaped pointer":        {func(j *resource.JWT) { j.RolesClaims = []string{"/a~1b/c~0d"} }, roles, `["odd"]`},
		"roles that are not there":  {func(j *resource.JWT) { j.RolesClaims = []string{"/realm_access/none", "/scp/0"} }, roles, ""},
		"the other claims stay too": {func(j *resource.JWT) { j.RolesClaims = []string{"/realm_access/roles"} }, func(t *mandate.Token) string { return string(t.Claim("azp")) }, `"spa"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok, resp, cause := m.judge(t, m.es256(t, goodHead, extra), func(j *resource.JWT) {
				j.ScopeClaims = []string{"scope", "scp"}
				tc.change(j)
			})
			if resp != nil {
				t.Fatalf("refused: %s, %s", show(resp), cause)
			}
			if got := tc.look(tok); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func roles(t *mandate.Token) string { return string(t.Claim("roles")) }

func TestDialectsRefuse(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	for name, tc := range map[string]struct {
		claims string
		change func(*resource.JWT)
		cause  string
	}{
		"roles that are numbers":  {but(t, `"jti"`, `"r":[1],"jti"`), func(j *resource.JWT) { j.RolesClaims = []string{"r"} }, "claim r is neither"},
		"roles that are null":     {but(t, `"jti"`, `"r":["a",null],"jti"`), func(j *resource.JWT) { j.RolesClaims = []string{"r"} }, "claim r is neither"},
		"a client that is a list": {but(t, `"jti"`, `"azp":["a"],"jti"`), func(j *resource.JWT) { j.ClientClaims = []string{"azp"} }, "claim azp is not a string"},
		"a client that is null":   {but(t, `"web"`, `null`), func(*resource.JWT) {}, "client_id is missing"},
		"scopes in an object":     {but(t, `"profile"`, `{"profile":true}`), func(*resource.JWT) {}, "claim scope is neither"},
		"a scope with a quote":    {but(t, `"profile"`, `"pro\"file"`), func(*resource.JWT) {}, "claim scope"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, resp, cause := m.judge(t, m.es256(t, goodHead, tc.claims), tc.change)
			if show(resp) != invalid || !strings.Contains(cause, tc.cause) {
				t.Errorf("cause %q, want %q; got\n%s\nwant\n%s", cause, tc.cause, show(resp), invalid)
			}
		})
	}
}
