package mandategin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
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

// engine is a quiet engine.
func engine() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	return gin.New()
}

// get prints what the path answers to a token.
func get(r *gin.Engine, path, token string) {
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
	auth := mandategin.New(exampleGuard())
	r := engine()
	r.GET("/mail", auth.Require("profile", "email"), func(c *gin.Context) {
		c.String(http.StatusOK, "mail of %s", mandategin.Token(c).Subject())
	})
	get(r, "/mail", "anns")
	get(r, "/mail", "bobs")
	get(r, "/mail", "")
	// Output:
	// 200 mail of ann
	// 403 {"error":"insufficient_scope"
	// 401 {"error":"missing_authorization"
}

func ExampleAuth_RequireAny() {
	auth := mandategin.New(exampleGuard())
	r := engine()
	r.GET("/user", auth.RequireAny("profile email", "admin"), func(c *gin.Context) { c.String(http.StatusOK, "welcome") })
	get(r, "/user", "anns")
	get(r, "/user", "bobs")
	// Output:
	// 200 welcome
	// 403 {"error":"insufficient_scope"
}

func ExampleAuth_With() {
	auth := mandategin.New(exampleGuard())
	r := engine()
	r.GET("/me", auth.With(func(c *gin.Context, tok *mandate.Token) {
		c.String(http.StatusOK, "%s with %s", tok.Subject(), tok.Scopes())
	}, "profile"))
	get(r, "/me", "anns")
	get(r, "/me", "stolen")
	// Output:
	// 200 ann with profile email
	// 401 {"error":"invalid_token"
}

func ExampleWithUser() {
	auth := mandategin.New(exampleGuard())
	r := engine()
	r.GET("/me", mandategin.WithUser(auth, func(c *gin.Context, user *account) {
		c.String(http.StatusOK, "hello %s", user.Name)
	}, "profile"))
	get(r, "/me", "bobs")
	get(r, "/me", "reports") // a client that acts for itself
	// Output:
	// 200 hello bob
	// 403 {"error":"insufficient_scope"
}

func ExampleAuth_Optional() {
	auth := mandategin.New(exampleGuard())
	r := engine()
	r.GET("/timeline", auth.Optional("profile"), func(c *gin.Context) {
		c.String(http.StatusOK, "timeline for %q", mandategin.Token(c).Subject())
	})
	get(r, "/timeline", "")
	get(r, "/timeline", "anns")
	get(r, "/timeline", "stolen")
	// Output:
	// 200 timeline for ""
	// 200 timeline for "ann"
	// 401 {"error":"invalid_token"
}

func ExampleAuth_Acquire() {
	auth := mandategin.New(exampleGuard())
	r := engine()
	r.GET("/export", func(c *gin.Context) {
		tok, err := auth.Acquire(c, "email")
		if err != nil {
			auth.Refuse(c, err)
			return
		}
		c.String(http.StatusOK, "exported for %s", tok.ClientID())
	})
	get(r, "/export", "anns")
	get(r, "/export", "bobs")
	// Output:
	// 200 exported for web
	// 403 {"error":"insufficient_scope"
}
