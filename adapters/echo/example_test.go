package mandateecho_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandate "github.com/go-mandate/mandate/core"
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
func get(r *echo.Echo, path, token string) {
	req := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	body := w.Body.String()
	if w.Code != http.StatusOK {
		body, _, _ = strings.Cut(body, ",")
	}
	fmt.Println(w.Code, body)
}

func ExampleAuth_Require() {
	auth := mandateecho.New(exampleGuard())
	r := echo.New()
	r.GET("/mail", func(c echo.Context) error {
		return c.String(http.StatusOK, "mail of "+mandateecho.Token(c).Subject())
	}, auth.Require("profile", "email"))
	get(r, "/mail", "anns")
	get(r, "/mail", "bobs")
	get(r, "/mail", "")
	// Output:
	// 200 mail of ann
	// 403 {"error":"insufficient_scope"
	// 401 {"error":"missing_authorization"
}

func ExampleAuth_RequireAny() {
	auth := mandateecho.New(exampleGuard())
	r := echo.New()
	r.GET("/user", func(c echo.Context) error { return c.String(http.StatusOK, "welcome") }, auth.RequireAny("profile email", "admin"))
	get(r, "/user", "anns")
	get(r, "/user", "bobs")
	// Output:
	// 200 welcome
	// 403 {"error":"insufficient_scope"
}

func ExampleAuth_With() {
	auth := mandateecho.New(exampleGuard())
	r := echo.New()
	r.GET("/me", auth.With(func(c echo.Context, tok *mandate.Token) error {
		return c.String(http.StatusOK, fmt.Sprintf("%s with %s", tok.Subject(), tok.Scopes()))
	}, "profile"))
	get(r, "/me", "anns")
	get(r, "/me", "stolen")
	// Output:
	// 200 ann with profile email
	// 401 {"error":"invalid_token"
}

func ExampleWithUser() {
	auth := mandateecho.New(exampleGuard())
	r := echo.New()
	r.GET("/me", mandateecho.WithUser(auth, func(c echo.Context, user *account) error {
		return c.String(http.StatusOK, "hello "+user.Name)
	}, "profile"))
	get(r, "/me", "bobs")
	get(r, "/me", "reports") // a client that acts for itself
	// Output:
	// 200 hello bob
	// 403 {"error":"insufficient_scope"
}

func ExampleAuth_Optional() {
	auth := mandateecho.New(exampleGuard())
	r := echo.New()
	r.GET("/timeline", func(c echo.Context) error {
		return c.String(http.StatusOK, fmt.Sprintf("timeline for %q", mandateecho.Token(c).Subject()))
	}, auth.Optional("profile"))
	get(r, "/timeline", "")
	get(r, "/timeline", "anns")
	get(r, "/timeline", "stolen")
	// Output:
	// 200 timeline for ""
	// 200 timeline for "ann"
	// 401 {"error":"invalid_token"
}

func ExampleAuth_Acquire() {
	auth := mandateecho.New(exampleGuard())
	r := echo.New()
	r.GET("/export", func(c echo.Context) error {
		tok, err := auth.Acquire(c, "email")
		if err != nil {
			return auth.Refuse(c, err)
		}
		return c.String(http.StatusOK, "exported for "+tok.ClientID())
	})
	get(r, "/export", "anns")
	get(r, "/export", "bobs")
	// Output:
	// 200 exported for web
	// 403 {"error":"insufficient_scope"
}
