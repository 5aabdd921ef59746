package mandateecho_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	mandateecho "github.com/go-mandate/mandate/adapters/echo"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// TestRaise: HTTPErrorHandler and middleware hear of refusals as *echo.HTTPError where that was asked for, and the answer stays
// as it is.
func TestRaise(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raise  bool
		token  string
		status int
		code   mandate.Code
	}{
		"no credentials":       {true, "", 401, mandate.MissingAuthorization},
		"unknown":              {true, "nobody", 401, mandate.InvalidToken},
		"a scope lacks":        {true, "machine", 403, mandate.InsufficientScope},
		"let in":               {true, opaque, 200, ""},
		"nobody wants to hear": {false, "", 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := func(raise bool) (*httptest.ResponseRecorder, []error) {
				guard := newGuard(t, map[string]mandate.TokenInfo{"machine": {ClientID: "m"}})
				auth := mandateecho.New(guard, mandateecho.Config{Raise: raise})
				var heard []error
				r := echo.New()
				r.HTTPErrorHandler = func(err error, c echo.Context) {
					heard = append(heard, err)
					r.DefaultHTTPErrorHandler(err, c)
				}
				r.GET("/x", func(c echo.Context) error { return c.String(200, "ran") }, auth.Require("profile"))
				req := httptest.NewRequestWithContext(t.Context(), "GET", "/x", strings.NewReader(""))
				if tc.token != "" {
					req.Header.Set("Authorization", "Bearer "+tc.token)
				}
				w := httptest.NewRecorder()
				r.ServeHTTP(w, req)
				return w, heard
			}
			w, heard := answer(tc.raise)
			if w.Code != tc.status || (len(heard) == 1) != (tc.code != "") {
				t.Fatalf("status %d, errors %v; want %d and %q", w.Code, heard, tc.status, tc.code)
			}
			if tc.code != "" {
				told, ok := errors.AsType[*echo.HTTPError](heard[0])
				if !ok || told.Code != tc.status || !errors.Is(heard[0], tc.code) {
					t.Errorf("heard %v, want an *echo.HTTPError of %d", heard[0], tc.status)
				}
				if refusal, ok := errors.AsType[*resource.Refusal](heard[0]); !ok || refusal.Response().Status != tc.status {
					t.Errorf("heard %v, want the refusal in it", heard[0])
				}
			}
			if plain, _ := answer(false); plain.Body.String() != w.Body.String() || plain.Header().Get("WWW-Authenticate") != w.Header().Get("WWW-Authenticate") {
				t.Errorf("the answer is another: %s, want %s", w.Body, plain.Body)
			}
		})
	}
}
