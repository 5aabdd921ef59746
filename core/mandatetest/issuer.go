package mandatetest

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// Audience is the name of the API that tokens are for where nothing else is said.
const Audience = "https://api.test"

// IssuerConfig changes what an [Issuer] is. The zero value is fine.
type IssuerConfig struct {
	URL      string   // the issuer identifier. Default: "https://id.test"
	Audience string   // what tokens are for that name no other. Default: Audience
	Alg      jose.Alg // signs. Default: ES256
}

// Issuer makes JWT access tokens (RFC 9068), good ones and bad ones. It may be used by any number of goroutines.
type Issuer struct {
	tb     testing.TB
	config IssuerConfig
	key    *jose.Key
}

// NewIssuer returns an issuer with a key of its own. Of several configs the last counts.
func NewIssuer(tb testing.TB, config ...IssuerConfig) *Issuer {
	tb.Helper()
	i := &Issuer{tb: tb}
	if n := len(config); n > 0 {
		i.config = config[n-1]
	}
	if i.config.URL == "" {
		i.config.URL = "https://id.test"
	}
	if i.config.Audience == "" {
		i.config.Audience = Audience
	}
	if i.config.Alg == "" {
		i.config.Alg = jose.ES256
	}
	i.key = i.newKey()
	return i
}

func (i *Issuer) newKey() *jose.Key {
	i.tb.Helper()
	key, err := jose.Generate(i.config.Alg)
	if err != nil {
		i.tb.Fatalf("mandatetest: issuer: %v", err)
	}
	return key
}

// URL returns the issuer identifier.
func (i *Issuer) URL() string { return i.config.URL }

// Keys returns the public keys, as the issuer would publish them.
func (i *Issuer) Keys() *jose.KeySet { return jose.NewKeySet(i.key.Public()) }

// Verifier returns what takes the issuer's tokens in a guard.
func (i *Issuer) Verifier() resource.JWT {
	return resource.JWT{Issuer: i.config.URL, Keys: resource.FixedKeys(i.Keys()), Algs: []jose.Alg{i.config.Alg}}
}

// Issue returns a token that is what info says. Where info is silent, it is for the issuer's audience, of the client [ClientID],
// made now, and good for ten minutes; without a Subject it names the client as its subject, as RFC 9068, section 2.2 has it. For
// expired tokens, those of another audience or issuer and so on, say so in info.
func (i *Issuer) Issue(info mandate.TokenInfo) string {
	i.tb.Helper()
	return i.sign(i.key, "at+jwt", i.claims(info))
}

// Forge is [Issuer.Issue] with the signature of somebody else's key: a token that nobody may believe.
func (i *Issuer) Forge(info mandate.TokenInfo) string {
	i.tb.Helper()
	claims := i.claims(info)
	good, bad := i.sign(i.key, "at+jwt", claims), i.sign(i.newKey(), "at+jwt", claims)
	return good[:strings.LastIndexByte(good, '.')] + bad[strings.LastIndexByte(bad, '.'):]
}

// Sign returns a JWT with exactly these claims and this header "typ"; times are seconds since 1970. It is for what no
// access token should look like.
func (i *Issuer) Sign(typ string, claims map[string]any) string {
	i.tb.Helper()
	return i.sign(i.key, typ, claims)
}

func (i *Issuer) sign(key *jose.Key, typ string, claims any) string {
	i.tb.Helper()
	token, err := jose.Sign(key, typ, claims)
	if err != nil {
		i.tb.Fatalf("mandatetest: sign: %v", err)
	}
	return token
}

func (i *Issuer) claims(info mandate.TokenInfo) *jose.Claims {
	i.tb.Helper()
	info = complete(info, 10*time.Minute)
	if info.Issuer == "" {
		info.Issuer = i.config.URL
	}
	if len(info.Audience) == 0 {
		info.Audience = []string{i.config.Audience}
	}
	if info.ID == "" {
		info.ID = rand.Text()
	}
	if info.Subject == "" {
		info.Subject = info.ClientID
	}
	c := &jose.Claims{
		Issuer: info.Issuer, Subject: info.Subject, Audience: info.Audience, Expires: info.Expires, IssuedAt: info.IssuedAt, ID: info.ID,
	}
	more := map[string]any{}
	if info.Claims != "" {
		if err := json.Unmarshal([]byte(info.Claims), &more); err != nil {
			i.tb.Fatalf("mandatetest: TokenInfo.Claims %q is not a JSON object: %v", info.Claims, err)
		}
	}
	more["client_id"] = info.ClientID
	if info.Scopes != "" {
		more["scope"] = string(info.Scopes)
	}
	if !info.AuthTime.IsZero() {
		more["auth_time"] = info.AuthTime.Unix()
	}
	if info.ACR != "" {
		more["acr"] = info.ACR
	}
	if info.Confirmed != (mandate.Confirmation{}) {
		more["cnf"] = info.Confirmed
	}
	for name, value := range more {
		if err := c.Set(name, value); err != nil {
			i.tb.Fatalf("mandatetest: claim %s: %v", name, err)
		}
	}
	return c
}
