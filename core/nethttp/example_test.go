package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
)

type account struct{ Name string }

// exampleGuard takes three tokens. An application takes those of its server: resource.Of(srv).
func exampleGuard() *resource.Guard {
	known := map[string]mandate.TokenInfo{
		"anns":    {Subject: "ann", ClientID: "web", Scopes: "profile email"},
		"bobs":    {Subject: "bob", ClientID: "web", Scopes: "profile"},
		"reports": {ClientID: "nightly-report", Scopes: "profile"},
	}
	guard, err := resource.New(resource.Config{
		Verifiers: []resource.Verifier{resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
			info, ok := known[raw]
			if !ok {
				return nil, mandate.Errorf(mandate.InvalidToken, errors.New("no such token"), "")
			}
			return mandate.NewToken(info), nil
		})},
		User: func(_ context.Context, tok *mandate.Token) (any, error) { return &account{Name: tok.Subject()}, nil },
	})
	if err != nil {
		panic(err)
	}
	return guard
}

// get prints what the path answers to a token.
func get(mux *http.ServeMux, path, token string) {
	req := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req)
	body := w.Body.String()
	if w.Code != http.StatusOK {
		body, _, _ = strings.Cut(body, ",")
	}
	fmt.Println(w.Code, body)
}

func ExampleAuth_Require() {
	auth := nethttp.New(exampleGuard())
	mux := http.NewServeMux()
	mux.Handle("GET /mail", auth.Require("profile", "email")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "mail of %s", nethttp.Token(r).Subject())
	})))
	get(mux, "/mail", "anns")
	get(mux, "/mail", "bobs")
	get(mux, "/mail", "")
	// Output:
	// 200 mail of ann
	// 403 {"error":"insufficient_scope"
	// 401 {"error":"missing_authorization"
}

func ExampleAuth_RequireAny() {
	auth := nethttp.New(exampleGuard())
	mux := http.NewServeMux()
	mux.Handle("GET /user", auth.RequireAny("profile email", "admin")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "welcome")
	})))
	get(mux, "/user", "anns")
	get(mux, "/user", "bobs")
	// Output:
	// 200 welcome
	// 403 {"error":"insufficient_scope"
}

func ExampleAuth_With() {
	auth := nethttp.New(exampleGuard())
	mux := http.NewServeMux()
	mux.Handle("GET /me", auth.With(func(w http.ResponseWriter, _ *http.Request, tok *mandate.Token) {
		_, _ = fmt.Fprintf(w, "%s with %s", tok.Subject(), tok.Scopes())
	}, "profile"))
	get(mux, "/me", "anns")
	get(mux, "/me", "stolen")
	// Output:
	// 200 ann with profile email
	// 401 {"error":"invalid_token"
}

func ExampleWithUser() {
	auth := nethttp.New(exampleGuard())
	mux := http.NewServeMux()
	mux.Handle("GET /me", nethttp.WithUser(auth, func(w http.ResponseWriter, _ *http.Request, user *account) {
		_, _ = fmt.Fprintf(w, "hello %s", user.Name)
	}, "profile"))
	get(mux, "/me", "bobs")
	get(mux, "/me", "reports") // a client that acts for itself
	// Output:
	// 200 hello bob
	// 403 {"error":"insufficient_scope"
}

func ExampleAuth_Optional() {
	auth := nethttp.New(exampleGuard())
	mux := http.NewServeMux()
	mux.Handle("GET /timeline", auth.Optional("profile")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "timeline for %q", nethttp.Token(r).Subject())
	})))
	get(mux, "/timeline", "")
	get(mux, "/timeline", "anns")
	get(mux, "/timeline", "stolen")
	// Output:
	// 200 timeline for ""
	// 200 timeline for "ann"
	// 401 {"error":"invalid_token"
}

func ExampleAuth_Acquire() {
	auth := nethttp.New(exampleGuard())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /export", func(w http.ResponseWriter, r *http.Request) {
		tok, err := auth.Acquire(r, "email")
		if err != nil {
			auth.Refuse(w, r, err)
			return
		}
		_, _ = fmt.Fprintf(w, "exported for %s", tok.ClientID())
	})
	get(mux, "/export", "anns")
	get(mux, "/export", "bobs")
	// Output:
	// 200 exported for web
	// 403 {"error":"insufficient_scope"
}
