// Package subject holds what is measured: guarded routes and token endpoints, Mandate's and those of the peers, each as a
// function that is one whole request. A function panics where the answer is not the one that it must be.
package subject

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/valyala/fasthttp"

	"github.com/go-mandate/mandate/bench/internal/measure"
)

// Tokens is how many access tokens are alive while a guard is measured.
const Tokens = 100_000

const (
	path   = "/me"
	scope  = "read"
	answer = `{"sub":"u"}`
	kind   = "application/json"
)

//nolint:gochecknoglobals // constants by nature
var (
	answerBytes = []byte(answer)
	kindField   = []string{kind}
)

// opaque returns 256 random bits as text.
func opaque() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Call returns a request for the measured route with token, again and again: request and writer are used again, so that
// what is left is the route's own.
func Call(h http.Handler, token string) func() {
	refuses(h, token)
	w, r := measure.NewWriter(), bearer(token)
	return func() {
		w.Clear()
		h.ServeHTTP(w, r)
		if w.Status != http.StatusOK || len(w.Body) != len(answer) {
			panic(fmt.Sprint(w.Status, string(w.Body)))
		}
	}
}

// CallAny is Call for a handler that does not look at the token.
func CallAny(h http.Handler) func() {
	w, r := measure.NewWriter(), bearer("x")
	return func() {
		w.Clear()
		h.ServeHTTP(w, r)
	}
}

func bearer(token string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// refuses makes sure that a guard is one: a token that is not quite right must not pass.
func refuses(h http.Handler, token string) {
	w := measure.NewWriter()
	h.ServeHTTP(w, bearer(token[:len(token)-6]+"AAAAAA"))
	if w.Status == http.StatusOK {
		panic("a wrong token passed")
	}
}

// CallFast is Call for fasthttp.
func CallFast(h fasthttp.RequestHandler, token string) func() {
	c := fast(token)
	return func() {
		c.Response.Reset()
		c.ResetUserValues()
		h(c)
		if c.Response.StatusCode() != fasthttp.StatusOK {
			panic(c.Response.StatusCode())
		}
	}
}

func fast(token string) *fasthttp.RequestCtx {
	c := &fasthttp.RequestCtx{}
	c.Request.Header.SetMethod(fasthttp.MethodGet)
	c.Request.SetRequestURI(path)
	c.Request.Header.Set("Authorization", "Bearer "+token)
	return c
}
