package resource_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// mint makes tokens by hand, so that they can be wrong in every way.
type mint struct {
	ec  *ecdsa.PrivateKey // "ec" of the set
	ec2 *ecdsa.PrivateKey // "ec2" of the set
	rsa *rsa.PrivateKey   // "rsa" of the set
}

const (
	foreignIssuer = "https://login.example.com"

	goodHead   = `{"alg":"ES256","kid":"ec","typ":"at+jwt"}`
	goodClaims = `{"iss":"https://login.example.com","aud":"https://api.example.com","sub":"ann","client_id":"web","exp":1800000600,"iat":1799999940,"jti":"j1","scope":"profile"}`
)

// today is the time at which the tests of signed tokens happen.
var today = time.Unix(1_800_000_000, 0)

func newMint(t *testing.T) *mint {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec2, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &mint{ec, ec2, r}
}

func (m *mint) keys(t *testing.T) resource.KeySource {
	t.Helper()
	ec, err := jose.NewPublicKey(jose.ES256, m.ec.Public(), "ec")
	if err != nil {
		t.Fatal(err)
	}
	ec2, err := jose.NewPublicKey(jose.ES256, m.ec2.Public(), "ec2")
	if err != nil {
		t.Fatal(err)
	}
	r, err := jose.NewPublicKey(jose.RS256, m.rsa.Public(), "rsa")
	if err != nil {
		t.Fatal(err)
	}
	return resource.FixedKeys(jose.NewKeySet(ec, ec2, r))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// es256 signs head and claims, whatever they say.
func (m *mint) es256(t *testing.T, head, claims string) string {
	t.Helper()
	message := b64(head) + "." + b64(claims)
	sum := sha256.Sum256([]byte(message))
	r, s, err := ecdsa.Sign(rand.Reader, m.ec, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	var sig [64]byte
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return message + "." + b64(string(sig[:]))
}

func (m *mint) rs256(t *testing.T, head, claims string) string {
	t.Helper()
	message := b64(head) + "." + b64(claims)
	sum := sha256.Sum256([]byte(message))
	sig, err := rsa.SignPKCS1v15(rand.Reader, m.rsa, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return message + "." + b64(string(sig))
}

func hs256(head string, secret []byte) string {
	message := b64(head) + "." + b64(goodClaims)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(message))
	return message + "." + b64(string(h.Sum(nil)))
}

// respelled returns raw with its last character, of which four bits say nothing, written otherwise.
func respelled(raw string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(raw) - 1
	return raw[:last] + string(alphabet[strings.IndexByte(alphabet, raw[last])+1])
}

// but returns the good claims with old replaced, once; old must be among them.
func but(t *testing.T, old, replacement string) string {
	t.Helper()
	if strings.Count(goodClaims, old) != 1 {
		t.Fatalf("%q is not in the claims once", old)
	}
	return strings.Replace(goodClaims, old, replacement, 1)
}

// judge checks raw and returns the token, the response, and the cause that the hooks heard.
func (m *mint) judge(t *testing.T, raw string, change func(*resource.JWT)) (*mandate.Token, *mandate.Response, string) {
	t.Helper()
	var cause string
	v := resource.JWT{Issuer: foreignIssuer, Keys: m.keys(t)}
	if change != nil {
		change(&v)
	}
	g := newGuard(t, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{v}
		c.Now = func() time.Time { return today }
		c.Hooks.On = func(_ context.Context, e mandate.Event) {
			if e.Err == nil {
				return
			}
			cause = "none"
			if why := errors.Unwrap(e.Err); why != nil {
				cause = why.Error()
			}
			for part := range strings.SplitSeq(raw, ".") {
				if len(part) > 16 && strings.Contains(cause, part) {
					t.Errorf("the cause shows a part of the token: %s", cause)
				}
			}
		}
	})
	tok, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, g.Rule(mandate.Scope("profile"), false))
	return tok, resp, cause
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	spki, err := x509.MarshalPKIXPublicKey(m.rsa.Public())
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	other := newMint(t)
	good := m.es256(t, goodHead, goodClaims)
	head, rest, _ := strings.Cut(good, ".")
	payload, sig, _ := strings.Cut(rest, ".")
	for name, tc := range map[string]struct{ raw, cause string }{
		"alg none without a signature (RFC 8725, 2.1)": {b64(`{"alg":"none","typ":"at+jwt"}`) + "." + payload + ".", `"none"`},
		"alg none with a signature":                    {b64(`{"alg":"none","typ":"at+jwt"}`) + "." + payload + "." + sig, `"none"`},
		"alg nOnE":                                     {b64(`{"alg":"nOnE","typ":"at+jwt"}`) + "." + payload + ".", `"nOnE"`},
		"no alg":                                       {m.es256(t, `{"kid":"ec","typ":"at+jwt"}`, goodClaims), "alg"},
		"alg is no string":                             {m.es256(t, `{"alg":["ES256"],"kid":"ec","typ":"at+jwt"}`, goodClaims), "header"},
		"HS256 with the public key as the secret (RFC 8725, 2.1)":       {hs256(`{"alg":"HS256","kid":"rsa","typ":"at+jwt"}`, asPEM), `"HS256"`},
		"HS256 with the public key in DER":                              {hs256(`{"alg":"HS256","kid":"rsa","typ":"at+jwt"}`, spki), `"HS256"`},
		"HS256 with an empty secret":                                    {hs256(`{"alg":"HS256","typ":"at+jwt"}`, nil), `"HS256"`},
		"an algorithm that is not allowed":                              {m.rs256(t, `{"alg":"RS384","kid":"rsa","typ":"at+jwt"}`, goodClaims), `"RS384"`},
		"the algorithm of another key":                                  {m.rs256(t, `{"alg":"RS256","kid":"ec","typ":"at+jwt"}`, goodClaims), "no such key"},
		"a key id that nobody has":                                      {m.es256(t, `{"alg":"ES256","kid":"old","typ":"at+jwt"}`, goodClaims), "no such key"},
		"a key id that is no string":                                    {m.es256(t, `{"alg":"ES256","kid":7,"typ":"at+jwt"}`, goodClaims), "header"},
		"signed by somebody else":                                       {other.es256(t, goodHead, goodClaims), "signature"},
		"signed by somebody else who sends the key (RFC 8725, 3.8)":     {other.es256(t, `{"alg":"ES256","typ":"at+jwt","jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}`, goodClaims), "signature"},
		"signed by somebody else who says where the key is":             {other.es256(t, `{"alg":"ES256","kid":"ec","typ":"at+jwt","jku":"https://evil.example/jwks"}`, goodClaims), "signature"},
		"signed by somebody else who says where the certificate is":     {other.es256(t, `{"alg":"ES256","kid":"ec","typ":"at+jwt","x5u":"https://evil.example/cert.pem"}`, goodClaims), "signature"},
		"signed by somebody else who sends a certificate":               {other.es256(t, `{"alg":"ES256","kid":"ec","typ":"at+jwt","x5c":["MIIB"],"x5t":"AA"}`, goodClaims), "signature"},
		"a key id that is a path":                                       {hs256(`{"alg":"HS256","kid":"../../../../dev/null","typ":"at+jwt"}`, nil), `"HS256"`},
		"a key id that is a query":                                      {m.es256(t, `{"alg":"ES256","kid":"x' UNION SELECT 'k","typ":"at+jwt"}`, goodClaims), "no such key"},
		"a key id with a NUL":                                           {m.es256(t, `{"alg":"ES256","kid":"ec\u0000","typ":"at+jwt"}`, goodClaims), "no such key"},
		"a key id in other letters":                                     {m.es256(t, `{"alg":"ES256","kid":"EC","typ":"at+jwt"}`, goodClaims), "no such key"},
		"a doubled key id":                                              {m.es256(t, `{"alg":"ES256","kid":"ec","kid":"ec","typ":"at+jwt"}`, goodClaims), "header"},
		"a doubled key id, spelled otherwise":                           {m.es256(t, `{"alg":"ES256","kid":"ec","k\u0069d":"ec2","typ":"at+jwt"}`, goodClaims), "header"},
		"the claims were changed":                                       {head + "." + b64(but(t, `"scope":"profile"`, `"scope":"profile admin"`)) + "." + sig, "signature"},
		"the header was changed":                                        {b64(`{"alg":"ES256","kid":"ec","typ":"at+jwt" }`) + "." + payload + "." + sig, "signature"},
		"the key id of another key of the issuer":                       {m.es256(t, `{"alg":"ES256","kid":"ec2","typ":"at+jwt"}`, goodClaims), "signature"},
		"another spelling of the signature":                             {respelled(good), "signature"},
		"a signature of nothing":                                        {head + "." + payload + ".", "signature"},
		"a signature of zeros (CVE-2022-21449)":                         {head + "." + payload + "." + b64(strings.Repeat("\x00", 64)), "signature"},
		"a signature with an octet more":                                {good + "AA", "signature"},
		"a signature in ASN.1":                                          {head + "." + payload + "." + b64("\x30\x06\x02\x01\x01\x02\x01\x01"), "signature"},
		"a header parameter that must be understood (RFC 7515, 4.1.11)": {m.es256(t, `{"alg":"ES256","kid":"ec","typ":"at+jwt","crit":["exp"],"exp":1}`, goodClaims), "crit"},
		"an unencoded payload (RFC 7797)":                               {m.es256(t, `{"alg":"ES256","kid":"ec","typ":"at+jwt","b64":false,"crit":["b64"]}`, goodClaims), "crit"},
		"a doubled alg":                                                 {m.es256(t, `{"alg":"none","alg":"ES256","kid":"ec","typ":"at+jwt"}`, goodClaims), "header"},
		"an ID token: typ JWT":                                          {m.es256(t, `{"alg":"ES256","kid":"ec","typ":"JWT"}`, goodClaims), `typ is "JWT"`},
		"no typ":                                                        {m.es256(t, `{"alg":"ES256","kid":"ec"}`, goodClaims), `typ is ""`},
		"a logout token":                                                {m.es256(t, `{"alg":"ES256","kid":"ec","typ":"logout+jwt"}`, goodClaims), "logout+jwt"},
		"a type that begins like the right one":                         {m.es256(t, `{"alg":"ES256","kid":"ec","typ":"at+jwts"}`, goodClaims), "at+jwts"},
		"two dots":                                                      {"..", ""},
		"dots and garbage":                                              {"a.b.c", ""},
		"four parts":                                                    {good + ".AA", ""},
		"five parts: encrypted":                                         {head + ".AA.AA." + payload + ".AA", ""},
		"one part":                                                      {head, "three parts"},
		"a header that is no JSON":                                      {b64("{") + "." + payload + "." + sig, "header"},
		"a header that is null":                                         {b64("null") + "." + payload + "." + sig, ""},
		"a header with padding":                                         {b64(goodHead) + "=." + payload + "." + sig, "malformed"},
		"claims that are no JSON":                                       {m.es256(t, goodHead, "{"), "claims"},
		"claims that are null":                                          {m.es256(t, goodHead, "null"), "claims"},
		"claims that are a list":                                        {m.es256(t, goodHead, "[]"), "claims"},
		"a nested token":                                                {m.es256(t, `{"alg":"ES256","kid":"ec","typ":"at+jwt","cty":"JWT"}`, good), "claims"},
		"claims that come twice":                                        {m.es256(t, goodHead, but(t, `"sub":"ann"`, `"sub":"ann","sub":"root"`)), "claims"},
		"claims that come twice, spelled otherwise":                     {m.es256(t, goodHead, but(t, `"sub":"ann"`, `"sub":"ann","s\u0075b":"root"`)), "twice"},
		"claims that are nested too deep":                               {m.es256(t, goodHead, but(t, `"jti"`, `"x":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)+`,"jti"`)), "deep"},
		"claims that are not UTF-8":                                     {m.es256(t, goodHead, but(t, `"ann"`, "\"ann\xff\"")), "UTF-8"},
		"something after the claims":                                    {m.es256(t, goodHead, goodClaims+"{}"), "claims"},
		"over 16 KiB":                                                   {m.es256(t, goodHead, but(t, `"jti":"j1"`, `"jti":"j1","x":"`+strings.Repeat("a", 16<<10)+`"`)), "16 KiB"},

		"no iss":                                   {m.es256(t, goodHead, but(t, `"iss":"https://login.example.com",`, ``)), `iss is ""`},
		"another iss":                              {m.es256(t, goodHead, but(t, `login.`, `evil.`)), `evil.example.com`},
		"iss with a slash":                         {m.es256(t, goodHead, but(t, `login.example.com`, `login.example.com/`)), `iss is`},
		"iss is no string":                         {m.es256(t, goodHead, but(t, `"iss":"https://login.example.com"`, `"iss":["https://login.example.com"]`)), `"iss"`},
		"no aud":                                   {m.es256(t, goodHead, but(t, `"aud":"https://api.example.com",`, ``)), "aud is missing"},
		"an empty aud":                             {m.es256(t, goodHead, but(t, `"aud":"https://api.example.com"`, `"aud":""`)), "aud is missing or empty"},
		"a list of no aud":                         {m.es256(t, goodHead, but(t, `"aud":"https://api.example.com"`, `"aud":[]`)), "aud is missing"},
		"an empty aud beside the right one":        {m.es256(t, goodHead, but(t, `"aud":"https://api.example.com"`, `"aud":["https://api.example.com",""]`)), "empty"},
		"null beside the right aud":                {m.es256(t, goodHead, but(t, `"aud":"https://api.example.com"`, `"aud":["https://api.example.com",null]`)), `"aud"`},
		"aud is an object":                         {m.es256(t, goodHead, but(t, `"aud":"https://api.example.com"`, `"aud":{"0":"https://api.example.com"}`)), `"aud"`},
		"another aud":                              {m.es256(t, goodHead, but(t, `"https://api.example.com"`, `"account"`)), `aud is ["account"]`},
		"aud with the API's as a beginning":        {m.es256(t, goodHead, but(t, `"https://api.example.com"`, `"https://api.example.com.evil.example"`)), "aud is"},
		"no exp":                                   {m.es256(t, goodHead, but(t, `"exp":1800000600,`, ``)), "exp"},
		"exp is null":                              {m.es256(t, goodHead, but(t, `1800000600`, `null`)), "exp"},
		"exp is a string":                          {m.es256(t, goodHead, but(t, `1800000600`, `"1800000600"`)), "exp"},
		"exp is now":                               {m.es256(t, goodHead, but(t, `1800000600`, `1800000000`)), "expired"},
		"exp a millisecond ago":                    {m.es256(t, goodHead, but(t, `1800000600`, `1799999999.999`)), "expired"},
		"exp is zero":                              {m.es256(t, goodHead, but(t, `1800000600`, `0`)), "exp"},
		"exp is negative":                          {m.es256(t, goodHead, but(t, `1800000600`, `-1`)), "exp"},
		"exp beyond all years":                     {m.es256(t, goodHead, but(t, `1800000600`, `1e300`)), "exp"},
		"exp beyond a float":                       {m.es256(t, goodHead, but(t, `1800000600`, `1e999`)), "exp"},
		"exp beyond an int64":                      {m.es256(t, goodHead, but(t, `1800000600`, `92233720368547758070`)), "exp"},
		"exp with a thousand digits":               {m.es256(t, goodHead, but(t, `1800000600`, strings.Repeat("9", 1000))), "exp"},
		"nbf ahead":                                {m.es256(t, goodHead, but(t, `"jti"`, `"nbf":1800000001,"jti"`)), "not valid before"},
		"iat ahead":                                {m.es256(t, goodHead, but(t, `1799999940`, `1800000001`)), "future"},
		"no sub":                                   {m.es256(t, goodHead, but(t, `"sub":"ann",`, ``)), "sub is missing"},
		"an empty sub":                             {m.es256(t, goodHead, but(t, `"ann"`, `""`)), "sub is missing"},
		"sub is a number":                          {m.es256(t, goodHead, but(t, `"ann"`, `7`)), `"sub"`},
		"no client_id":                             {m.es256(t, goodHead, but(t, `"client_id":"web",`, ``)), "client_id is missing"},
		"client_id is a number":                    {m.es256(t, goodHead, but(t, `"web"`, `7`)), "client_id"},
		"no iat":                                   {m.es256(t, goodHead, but(t, `"iat":1799999940,`, ``)), "iat is missing"},
		"no jti":                                   {m.es256(t, goodHead, but(t, `"jti":"j1",`, ``)), "jti is missing"},
		"scope is a number":                        {m.es256(t, goodHead, but(t, `"profile"`, `1`)), "scope"},
		"scope is a list with a number":            {m.es256(t, goodHead, but(t, `"profile"`, `["profile",1]`)), "scope"},
		"scope is a list with null":                {m.es256(t, goodHead, but(t, `"profile"`, `["profile",null]`)), "scope"},
		"scope is an object":                       {m.es256(t, goodHead, but(t, `"profile"`, `{"profile":true}`)), "scope"},
		"scope with a quote":                       {m.es256(t, goodHead, but(t, `"profile"`, `"profile\""`)), "scope"},
		"scope with a line break":                  {m.es256(t, goodHead, but(t, `"profile"`, `"profile\r\nx"`)), "scope"},
		"auth_time is a string":                    {m.es256(t, goodHead, but(t, `"jti"`, `"auth_time":"now","jti"`)), "auth_time"},
		"bound to a DPoP key (RFC 9449, 7.2)":      {m.es256(t, goodHead, but(t, `"jti"`, `"cnf":{"jkt":"x"},"jti"`)), "bound to a key"},
		"bound to a certificate (RFC 8705, 3)":     {m.es256(t, goodHead, but(t, `"jti"`, `"cnf":{"x5t#S256":"x"},"jti"`)), "bound to a key"},
		"bound to what nobody knows":               {m.es256(t, goodHead, but(t, `"jti"`, `"cnf":{"new":1},"jti"`)), "bound to a key"},
		"bound by an empty cnf":                    {m.es256(t, goodHead, but(t, `"jti"`, `"cnf":{},"jti"`)), "bound to a key"},
		"bound by a cnf of the wrong type":         {m.es256(t, goodHead, but(t, `"jti"`, `"cnf":"x","jti"`)), "bound to a key"},
		"bound by a cnf that is null":              {m.es256(t, goodHead, but(t, `"jti"`, `"cnf":null,"jti"`)), "bound to a key"},
		"bound to a DPoP key without a thumbprint": {m.es256(t, goodHead, but(t, `"jti"`, `"cnf":{"jkt":""},"jti"`)), "bound to a key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := invalid
			if strings.Contains(tc.raw, "=") {
				want = malformed
			}
			for range 2 { // what is remembered of the first does not help the second
				tok, resp, cause := m.judge(t, tc.raw, nil)
				if tok != nil || show(resp) != want {
					t.Errorf("token %v, %s\nwant\n%s", tok, show(resp), want)
				}
				if want == invalid && !strings.Contains(cause, tc.cause) {
					t.Errorf("cause %q, want %q in it", cause, tc.cause)
				}
			}
		})
	}
}
