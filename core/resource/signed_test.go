package resource_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/store"
)

func TestSignedTokens(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	for name, tc := range map[string]struct {
		raw    string
		change func(*resource.JWT)
		look   func(*mandate.Token) string
		want   string
	}{
		"as RFC 9068 has it": {raw: m.es256(t, goodHead, goodClaims), look: (*mandate.Token).Subject, want: "ann"},
		"of an RSA key":      {raw: m.rs256(t, `{"alg":"RS256","kid":"rsa","typ":"at+jwt"}`, goodClaims), look: (*mandate.Token).ClientID, want: "web"},
		"without a key id":   {raw: m.es256(t, `{"alg":"ES256","typ":"at+jwt"}`, goodClaims), look: (*mandate.Token).ID, want: "j1"},
		"type in full, in capitals (RFC 7515, 4.1.9)":     {raw: m.es256(t, `{"alg":"ES256","kid":"ec","typ":"application/AT+JWT"}`, goodClaims), look: (*mandate.Token).Issuer, want: foreignIssuer},
		"several audiences":                               {raw: m.es256(t, goodHead, but(t, `"https://api.example.com"`, `["account","https://api.example.com"]`)), look: (*mandate.Token).Subject, want: "ann"},
		"the other spelling of the audience":              {raw: m.es256(t, goodHead, but(t, `"https://api.example.com"`, `"https://API.example.com:443/"`)), look: (*mandate.Token).Subject, want: "ann"},
		"fractional times":                                {raw: m.es256(t, goodHead, but(t, `1800000600`, `1800000000.5`)), look: func(t *mandate.Token) string { return t.Expires().Format(".000") }, want: ".500"},
		"times with an exponent":                          {raw: m.es256(t, goodHead, but(t, `1800000600`, `1.8000006e9`)), look: func(t *mandate.Token) string { return t.Expires().Sub(today).String() }, want: "10m0s"},
		"nbf and iat now":                                 {raw: m.es256(t, goodHead, strings.Replace(but(t, `1799999940`, `1800000000`), `"jti"`, `"nbf":1800000000,"jti"`, 1)), look: (*mandate.Token).Subject, want: "ann"},
		"scopes in a list":                                {raw: m.es256(t, goodHead, but(t, `"profile"`, `["email","profile"]`)), look: func(t *mandate.Token) string { return string(t.Scopes()) }, want: "email profile"},
		"scopes with spaces to spare":                     {raw: m.es256(t, goodHead, but(t, `"profile"`, `" email  profile email "`)), look: func(t *mandate.Token) string { return string(t.Scopes()) }, want: "email profile"},
		"a client for itself: no subject (RFC 9068, 2.2)": {raw: m.es256(t, goodHead, but(t, `"ann"`, `"web"`)), look: (*mandate.Token).Subject, want: ""},
		"nesting in a claim of another's":                 {raw: m.es256(t, goodHead, but(t, `"jti"`, `"x":`+strings.Repeat("[", 63)+strings.Repeat("]", 63)+`,"jti"`)), look: (*mandate.Token).Subject, want: "ann"},
		"the other claims":                                {raw: m.es256(t, goodHead, but(t, `"jti"`, `"roles":["lead"],"jti"`)), look: (*mandate.Token).Claims, want: `{"roles":["lead"]}`},
		"how and when the user signed in":                 {raw: m.es256(t, goodHead, but(t, `"jti"`, `"acr":"gold","auth_time":1799999990,"jti"`)), look: func(t *mandate.Token) string { return t.ACR() + today.Sub(t.AuthTime()).String() }, want: "gold10s"},
		"without sub where it may lack":                   {raw: m.es256(t, goodHead, but(t, `"sub":"ann",`, ``)), change: func(j *resource.JWT) { j.MayLack = []string{"sub"} }, look: (*mandate.Token).Subject, want: ""},
		"without a type, loudly":                          {raw: m.es256(t, `{"alg":"ES256","kid":"ec"}`, goodClaims), change: func(j *resource.JWT) { j.AnyType = true }, look: (*mandate.Token).Subject, want: "ann"},
		"for somebody else, loudly":                       {raw: m.es256(t, goodHead, but(t, `"https://api.example.com"`, `"account"`)), change: func(j *resource.JWT) { j.AnyAudience = true }, look: (*mandate.Token).Subject, want: "ann"},
		"just over, with leeway":                          {raw: m.es256(t, goodHead, but(t, `1800000600`, `1799999990`)), change: func(j *resource.JWT) { j.Leeway = 11 * time.Second }, look: (*mandate.Token).Subject, want: "ann"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok, resp, _ := m.judge(t, tc.raw, tc.change)
			if resp != nil {
				t.Fatalf("refused: %s", show(resp))
			}
			if got := tc.look(tok); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestLoudSwitchesStayShut(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	for name, tc := range map[string]struct {
		raw    string
		change func(*resource.JWT)
	}{
		"AnyType takes no logout token":                {m.es256(t, `{"alg":"ES256","kid":"ec","typ":"logout+jwt"}`, goodClaims), func(j *resource.JWT) { j.AnyType = true }},
		"a leeway of 11 s is over after 11":            {m.es256(t, goodHead, but(t, `1800000600`, `1799999989`)), func(j *resource.JWT) { j.Leeway = 11 * time.Second }},
		"MayLack of sub lets no client_id lack":        {m.es256(t, goodHead, but(t, `"client_id":"web",`, ``)), func(j *resource.JWT) { j.MayLack = []string{"sub"} }},
		"MayLack of client_id takes no number for one": {m.es256(t, goodHead, but(t, `"web"`, `7`)), func(j *resource.JWT) { j.MayLack = []string{"client_id"} }},
		"AnyAudience proves no key (cnf)":              {m.es256(t, goodHead, but(t, `"jti"`, `"cnf":{"jkt":"x"},"jti"`)), func(j *resource.JWT) { j.AnyAudience = true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, resp, _ := m.judge(t, tc.raw, tc.change); show(resp) != invalid {
				t.Errorf("got\n%s\nwant\n%s", show(resp), invalid)
			}
		})
	}
}

// askedKeys is a KeySource that says what it was asked.
type askedKeys struct {
	first, newer *jose.KeySet
	err, again   error
	asked        int
}

func (k *askedKeys) KeySet(_ context.Context, missing *jose.KeySet) (*jose.KeySet, error) {
	k.asked++
	if missing == nil {
		return k.first, k.err
	}
	return k.newer, k.again
}

func TestKeySource(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	known, err := m.keys(t).KeySet(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	empty := jose.NewKeySet()
	good := m.es256(t, goodHead, goodClaims)
	for name, tc := range map[string]struct {
		keys  askedKeys
		raw   string
		want  string
		asked int
	}{
		"a known key":                              {askedKeys{first: known}, good, "pass", 1},
		"an unknown key: asked once more":          {askedKeys{first: empty, newer: known}, good, "pass", 2},
		"unknown then as well":                     {askedKeys{first: empty, newer: empty}, good, invalid, 2},
		"a bad signature is no unknown key":        {askedKeys{first: known, newer: known}, good[:len(good)-4] + "AAAA", invalid, 1},
		"nobody can tell":                          {askedKeys{err: errors.New("no route")}, good, outage, 1},
		"nobody can tell the second time":          {askedKeys{first: empty, again: errors.New("no route")}, good, outage, 2},
		"an answer that blames the token does not": {askedKeys{err: mandate.InvalidToken}, good, outage, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := tc.keys
			_, resp, _ := m.judge(t, tc.raw, func(j *resource.JWT) { j.Keys = &keys })
			if show(resp) != tc.want || keys.asked != tc.asked {
				t.Errorf("asked %d times, want %d; got\n%s\nwant\n%s", keys.asked, tc.asked, show(resp), tc.want)
			}
		})
	}
}

// live is a store that has one grant.
type live struct {
	grant             store.Grant
	grantErr, tomb    error
	wantJTI, wantName string
}

func (l live) Token(_ context.Context, key mandate.Digest, _ time.Time) (*mandate.Token, error) {
	if key != mandate.DigestOf(l.wantJTI) {
		return nil, store.ErrNotFound
	}
	return nil, l.tomb
}

func (l live) Grant(_ context.Context, id string) (store.Grant, error) {
	if id != l.wantName {
		return store.Grant{}, store.ErrNotFound
	}
	return l.grant, l.grantErr
}

func TestLive(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	named := but(t, `"jti"`, `"grant":"g1","jti"`)
	alive := live{wantJTI: "j1", wantName: "g1", tomb: store.ErrNotFound}
	change := func(f func(*live)) live {
		l := alive
		f(&l)
		return l
	}
	for name, tc := range map[string]struct {
		live   live
		claims string
		want   string
	}{
		"alive":                       {alive, named, "pass"},
		"the token was revoked":       {change(func(l *live) { l.tomb = store.ErrRevoked }), named, invalid},
		"another token was revoked":   {change(func(l *live) { l.tomb, l.wantJTI = store.ErrRevoked, "j2" }), named, "pass"},
		"the grant was revoked":       {change(func(l *live) { l.grant.Revoked = today.Add(-time.Second) }), named, invalid},
		"the grant is gone":           {change(func(l *live) { l.grantErr = store.ErrNotFound }), named, invalid},
		"no grant is named":           {change(func(l *live) { l.wantName = "" }), goodClaims, invalid},
		"an empty grant is named":     {change(func(l *live) { l.wantName = "" }), but(t, `"jti"`, `"grant":"","jti"`), invalid},
		"the store is down":           {change(func(l *live) { l.tomb = errors.New("refused") }), named, outage},
		"the store of grants is down": {change(func(l *live) { l.grantErr = errors.New("refused") }), named, outage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok, resp, _ := m.judge(t, m.es256(t, goodHead, tc.claims), func(j *resource.JWT) { j.Live = tc.live })
			if show(resp) != tc.want {
				t.Errorf("got\n%s\nwant\n%s", show(resp), tc.want)
			}
			if tok != nil && tok.GrantID() != "g1" {
				t.Errorf("grant %q, want %q", tok.GrantID(), "g1")
			}
		})
	}
}

// TestTokenCharacters tries every byte in a token (RFC 6750, section 2.1).
func TestTokenCharacters(t *testing.T) {
	t.Parallel()
	const legal = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	g := newGuard(t, nil)
	rule := g.Rule(mandate.Scope("profile"), false)
	for b := range 256 {
		char := string([]byte{byte(b)})
		want := malformed
		if strings.IndexByte(legal, byte(b)) >= 0 {
			want = invalid
		}
		for _, raw := range []string{char, char + "a", "a" + char + "a"} {
			if _, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, rule); show(resp) != want {
				t.Errorf("token %q: got\n%s\nwant\n%s", raw, show(resp), want)
			}
		}
	}
}
