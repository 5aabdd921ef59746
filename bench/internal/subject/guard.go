package subject

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"
	"github.com/valyala/fasthttp"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandatefiber "github.com/go-mandate/mandate/adapters/fiber"
	mandategin "github.com/go-mandate/mandate/adapters/gin"
	"github.com/go-mandate/mandate/bench/internal/measure"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// Guarded is a guard over a memory store with [Tokens] live tokens, each under a grant of its own.
type Guarded struct {
	Guard  *resource.Guard
	Tokens []string
}

// NewGuarded fills a store and puts a guard before it.
func NewGuarded() *Guarded {
	ctx, now, s := context.Background(), time.Now(), memstore.New()
	srv := must(server.New(server.Config{Issuer: issuer, Store: s, Secret: mandate.NewRandomSecret(), Scopes: []server.Scope{{Name: scope}, {Name: "write"}}}))
	g := &Guarded{Guard: must(resource.New(resource.Config{Verifiers: []resource.Verifier{resource.Of(srv)}}))}
	for i := range Tokens {
		text, grant, subject := "mda_"+opaque(), fmt.Sprint("grant-", i), fmt.Sprint("user-", i)
		check(s.CreateGrant(ctx, store.Grant{
			ID: grant, Key: mandate.DigestOf(grant), ClientID: "web", Subject: subject, Created: now, Expires: now.Add(24 * time.Hour),
			Details: store.Details{Scopes: "read write"},
		}))
		check(s.PutToken(ctx, mandate.DigestOf(text), mandate.NewToken(mandate.TokenInfo{
			GrantID: grant, ClientID: "web", Subject: subject, Scopes: "read write", IssuedAt: now, Expires: now.Add(12 * time.Hour),
		})))
		g.Tokens = append(g.Tokens, text)
	}
	return g
}

// Hot returns one of the tokens.
func (g *Guarded) Hot() string { return g.Tokens[len(g.Tokens)/2] }

// Core returns the check alone, without a framework, of tokens in turn, beginning with the i-th.
func (g *Guarded) Core(i int, tokens ...string) func() {
	rule, ctx := g.Guard.Rule(mandate.Scope(scope), false), context.Background()
	headers := make([]string, len(tokens))
	for i, t := range tokens {
		headers[i] = "Bearer " + t
	}
	return func() {
		if i++; i >= len(headers) {
			i = 0
		}
		if tok, _ := g.Guard.Check(ctx, resource.Credentials{Authorization: headers[i]}, rule); tok == nil {
			panic("refused")
		}
	}
}

// Digest returns the SHA-256 of token, which no check of an opaque token can do without.
func Digest(token string) func() {
	var sum mandate.Digest
	return func() {
		if sum = mandate.DigestOf(token); sum.IsZero() {
			panic("zero")
		}
	}
}

// Each returns whole requests with tokens in turn, beginning with the i-th.
func Each(h http.Handler, i int, tokens ...string) func() {
	w, r := measure.NewWriter(), bearer(tokens[0])
	headers := make([][]string, len(tokens))
	for i, t := range tokens {
		headers[i] = []string{"Bearer " + t}
	}
	return func() {
		if i++; i >= len(headers) {
			i = 0
		}
		r.Header["Authorization"] = headers[i]
		w.Clear()
		h.ServeHTTP(w, r)
		if w.Status != http.StatusOK {
			panic(w.Status)
		}
	}
}

// Gin returns the measured route on Gin, behind middleware.
func Gin(middleware ...gin.HandlerFunc) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.Use(middleware...)
	e.GET(path, func(c *gin.Context) { c.Data(http.StatusOK, kind, answerBytes) })
	return e
}

// Gin is the guarded route on Gin.
func (g *Guarded) Gin() http.Handler { return Gin(mandategin.New(g.Guard).Require(scope)) }

// GinWith is the decorator form on Gin.
func (g *Guarded) GinWith() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET(path, mandategin.New(g.Guard).With(func(c *gin.Context, _ *mandate.Token) { c.Data(http.StatusOK, kind, answerBytes) }, scope))
	return e
}

// Echo returns the measured route on Echo, behind middleware.
func Echo(middleware ...echo.MiddlewareFunc) http.Handler {
	e := echo.New()
	e.Use(middleware...)
	e.GET(path, func(c echo.Context) error { return c.Blob(http.StatusOK, kind, answerBytes) })
	return e
}

// Echo is the guarded route on Echo.
func (g *Guarded) Echo() http.Handler { return Echo(mandateecho.New(g.Guard).Require(scope)) }

// EchoWith is the decorator form on Echo.
func (g *Guarded) EchoWith() http.Handler {
	e := echo.New()
	e.GET(path, mandateecho.New(g.Guard).With(func(c echo.Context, _ *mandate.Token) error { return c.Blob(http.StatusOK, kind, answerBytes) }, scope))
	return e
}

// NetHTTP is the measured route on net/http.
func NetHTTP() http.Handler { return http.HandlerFunc(plain) }

func plain(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = kindField
	_, _ = w.Write(answerBytes)
}

// NetHTTP is the guarded route on net/http.
func (g *Guarded) NetHTTP() http.Handler { return nethttp.New(g.Guard).Require(scope)(NetHTTP()) }

// NetHTTPWith is the decorator form on net/http.
func (g *Guarded) NetHTTPWith() http.Handler {
	return nethttp.New(g.Guard).With(func(w http.ResponseWriter, r *http.Request, _ *mandate.Token) { plain(w, r) }, scope)
}

// Fiber returns the measured route on Fiber, behind middleware.
func Fiber(middleware ...fiber.Handler) fasthttp.RequestHandler {
	e := fiber.New()
	for _, m := range middleware {
		e.Use(m)
	}
	e.Get(path, fiberPlain)
	return e.Handler()
}

func fiberPlain(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, kind)
	return c.SendString(answer)
}

// Fiber is the guarded route on Fiber.
func (g *Guarded) Fiber() fasthttp.RequestHandler {
	return Fiber(mandatefiber.New(g.Guard).Require(scope))
}

// FiberWith is the decorator form on Fiber.
func (g *Guarded) FiberWith() fasthttp.RequestHandler {
	e := fiber.New()
	e.Get(path, mandatefiber.New(g.Guard).With(func(c *fiber.Ctx, _ *mandate.Token) error { return fiberPlain(c) }, scope))
	return e.Handler()
}
