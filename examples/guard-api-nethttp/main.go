// Guard-api is an API behind guards, on net/http. Its tokens are the application's own, looked up in a table: no OAuth server is needed.
//
//	go run ./examples/guard-api-nethttp
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"slices"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	log.Fatal(run(*addr))
}

// run serves on addr until that fails.
func run(addr string) error {
	guard, err := resource.New(resource.Config{
		Audience:  api,
		Verifiers: []resource.Verifier{resource.Lookup(newTable().find)},
		User:      loadUser,
		Hooks:     resource.LogRefusals(slog.Default()), // says to the developer what the caller is not told
	})
	if err != nil {
		return err
	}
	auth := nethttp.New(guard)

	r := http.NewServeMux()
	// doc:start routes-nethttp
	handle := func(pattern string, h http.HandlerFunc, guards ...func(http.Handler) http.Handler) {
		var handler http.Handler = h
		for _, guard := range slices.Backward(guards) { // the first is outermost
			handler = guard(handler)
		}
		r.Handle(pattern, handler)
	}
	handle("GET /hello", hello, auth.Optional())                                        // anonymous allowed; a bad token still fails
	handle("GET /any", hello, auth.Require())                                           // any valid token
	handle("GET /orders", hello, auth.Require("orders"))                                // one scope
	handle("GET /address", hello, auth.Require("profile", "email"))                     // both; "profile email" is the same
	handle("GET /search", hello, auth.RequireAny("profile email", "admin"))             // (profile AND email) OR admin
	handle("POST /refunds", hello, auth.Require("orders"), auth.RequireRole("manager")) // stacked: AND
	handle("POST /payouts", hello, auth.RequireThat(mandate.AllOf(                      // anything that can be said of a token
		mandate.Scope("orders"), mandate.MaxAge(5*time.Minute))))
	r.Handle("GET /me", auth.With(me, "profile"))                        // the handler is given the token
	r.Handle("GET /account", nethttp.WithUser(auth, account, "profile")) // the handler is given the user
	api := http.NewServeMux()                                            // a whole group
	api.HandleFunc("GET /api/orders", hello)
	r.Handle("/api/", auth.Require("orders")(api))
	// doc:end

	fmt.Printf(lines, "http://"+addr)
	s := &http.Server{Addr: addr, Handler: r, ReadHeaderTimeout: 10 * time.Second}
	return s.ListenAndServe()
}

const lines = `These are answered with 401, 200, 403, 200, 200:

  curl -iw '\n' %[1]s/orders
  curl -iw '\n' -H "Authorization: Bearer demo-orders" %[1]s/orders
  curl -iw '\n' -H "Authorization: Bearer demo-profile" %[1]s/orders
  curl -iw '\n' -H "Authorization: Bearer demo-profile" %[1]s/me
  curl -iw '\n' %[1]s/hello
`

// doc:start handlers-nethttp

func hello(w http.ResponseWriter, r *http.Request) {
	tok := nethttp.Token(r) // nil where nobody is signed in; its methods may be called all the same
	write(w, map[string]any{"hello": tok.Subject(), "scope": tok.Scopes()})
}

func me(w http.ResponseWriter, _ *http.Request, tok *mandate.Token) {
	write(w, map[string]any{"user": tok.Subject(), "client": tok.ClientID()})
}

func account(w http.ResponseWriter, _ *http.Request, user *User) {
	write(w, map[string]any{"name": user.Name})
}

// doc:end

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who hung up cannot be told
}

// User is an account of the application.
type User struct{ ID, Name string }

// api names this API: in its guard, and in the tokens that are for no other.
const api = "https://api.example.com"

// table has the application's own tokens, by digest: who reads it can use none of them.
type table map[mandate.Digest]*mandate.Token

func newTable() table {
	return table{
		mandate.DigestOf("demo-profile"): mandate.NewToken(mandate.TokenInfo{
			Subject: "u1", ClientID: "phone", Scopes: "profile", Audience: []string{api}, Expires: time.Now().Add(time.Hour),
		}),
		mandate.DigestOf("demo-orders"): mandate.NewToken(mandate.TokenInfo{
			Subject: "u1", ClientID: "phone", Scopes: "orders", Audience: []string{api}, Claims: `{"roles":["manager"]}`, // without Expires: for ever
		}),
	}
}

func (t table) find(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
	if tok := t[mandate.DigestOf(raw)]; tok != nil {
		return tok, nil
	}
	return nil, mandate.InvalidToken // 401. Any other error, or no token and no error, means that nobody could tell: 503
}

// loadUser is called once for a request, and only where a handler asks.
func loadUser(_ context.Context, tok *mandate.Token) (any, error) {
	return &User{ID: tok.Subject(), Name: "Ada"}, nil
}
