package subject

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	"github.com/valyala/fasthttp"

	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

const audience = "https://api.example.com"

// JWT is an issuer with one key, some of its tokens, and guards for them: one that remembers them, and one that remembers no more than
// the last.
type JWT struct {
	Tokens []string

	alg          jose.Alg
	key          *jose.Key
	set          *jose.KeySet
	seen, unseen *resource.Guard
}

// NewJWT makes an issuer for alg and that many tokens of the size of a real one, all of which the guard that remembers has seen.
func NewJWT(alg jose.Alg, tokens int) *JWT {
	j := &JWT{alg: alg, key: must(jose.Generate(alg))}
	j.set = jose.NewKeySet(j.key.Public())
	j.seen, j.unseen = j.guard(0), j.guard(1)
	j.Tokens = make([]string, tokens)
	var wg sync.WaitGroup
	const workers = 4
	for w := range workers {
		wg.Go(func() {
			for i := w; i < tokens; i += workers {
				j.Tokens[i] = j.New()
			}
		})
	}
	wg.Wait()
	seen := j.Seen(0)
	for range tokens {
		seen()
	}
	return j
}

// New returns a new token.
func (j *JWT) New() string {
	now := time.Now()
	c := jose.Claims{Issuer: issuer, Subject: opaque()[:20], Audience: []string{audience}, Expires: now.Add(12 * time.Hour), IssuedAt: now.Add(-time.Second), ID: opaque()[:22]}
	check(c.Set("client_id", "web"))
	check(c.Set("scope", "read write"))
	return must(jose.Sign(j.key, "at+jwt", c))
}

func (j *JWT) guard(remember int) *resource.Guard {
	return must(resource.New(resource.Config{Audience: audience, Verifiers: []resource.Verifier{resource.JWT{
		Issuer: issuer, Algs: []jose.Alg{j.alg}, Keys: resource.FixedKeys(j.set), Remember: remember,
	}}}))
}

// Raw returns the bare minimum for a token: the hash of what is signed, where the algorithm has one, and the signature.
func (j *JWT) Raw() func() {
	token := j.Tokens[0]
	i := strings.LastIndexByte(token, '.')
	message, sig := []byte(token[:i]), must(base64.RawURLEncoding.DecodeString(token[i+1:]))
	var good func() bool
	switch key := j.key.Public().Key().(type) {
	case *rsa.PublicKey:
		good = func() bool {
			sum := sha256.Sum256(message)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) == nil
		}
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		good = func() bool {
			sum := sha256.Sum256(message)
			return ecdsa.Verify(key, sum[:], r, s)
		}
	case ed25519.PublicKey:
		good = func() bool { return ed25519.Verify(key, message, sig) }
	default:
		panic(fmt.Sprintf("%T", key))
	}
	return func() {
		if !good() {
			panic("not verified")
		}
	}
}

// Unseen is the whole check of tokens that are not remembered, without a framework. It remembers each, as of one that will come again.
func (j *JWT) Unseen() func() { return j.check(j.unseen, 0, []string{j.Tokens[0], j.New()}) }

// Seen is the same for tokens that are remembered, in turn, beginning with the i-th.
func (j *JWT) Seen(i int) func() { return j.check(j.seen, i, j.Tokens) }

// Hot is the same for the first token alone.
func (j *JWT) Hot() func() { return j.check(j.seen, 0, j.Tokens[:1]) }

func (j *JWT) check(g *resource.Guard, i int, tokens []string) func() {
	rule, ctx := g.Rule(mandate.Scope(scope), false), context.Background()
	headers := make([]string, len(tokens))
	for i, t := range tokens {
		headers[i] = "Bearer " + t
	}
	return func() {
		if i++; i >= len(headers) {
			i = 0
		}
		if tok, _ := g.Check(ctx, resource.Credentials{Authorization: headers[i]}, rule); tok == nil {
			panic("refused")
		}
	}
}

// Gin is the route on Gin, behind the guard that remembers.
func (j *JWT) Gin() http.Handler { return Gin(mandategin.New(j.seen).Require(scope)) }

// Fiber is the route on Fiber, behind the guard that remembers.
func (j *JWT) Fiber() fasthttp.RequestHandler {
	return Fiber(mandatefiber.New(j.seen).Require(scope))
}

// Peer is the route on Gin behind what many write: golang-jwt with keyfunc, which checks issuer, audience, times, type and
// scope too.
func (j *JWT) Peer() http.Handler {
	keys := must(keyfunc.NewJWKSetJSON(must(json.Marshal(j.set))))
	parser := jwt.NewParser(jwt.WithValidMethods([]string{string(j.alg)}), jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	type claims struct {
		jwt.RegisteredClaims

		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	return Gin(func(c *gin.Context) {
		raw, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
		var got claims
		token, err := parser.ParseWithClaims(raw, &got, keys.Keyfunc)
		if !ok || err != nil || token.Header["typ"] != "at+jwt" || !strings.Contains(" "+got.Scope+" ", " "+scope+" ") {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Set("token", &got)
	})
}
