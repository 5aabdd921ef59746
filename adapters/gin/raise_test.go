package mandategin_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// TestRaise: middleware that reads c.Errors hears of refusals where that was asked for, and the answer stays as it is.
func TestRaise(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raise  bool
		token  string
		status int
		code   mandate.Code
	}{
		"no credentials":        {true, "", 401, mandate.MissingAuthorization},
		"unknown":               {true, "nobody", 401, mandate.InvalidToken},
		"a scope lacks":         {true, "machine", 403, mandate.InsufficientScope},
		"let in":                {true, opaque, 200, ""},
		"nobody wants to hear":  {false, "", 401, ""},
		"nobody hears of a 403": {false, "machine", 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := func(raise bool) (*httptest.ResponseRecorder, []*gin.Error) {
				guard := newGuard(t, map[string]mandate.TokenInfo{"machine": {ClientID: "m"}})
				auth := mandategin.New(guard, mandategin.Config{Raise: raise})
				var heard []*gin.Error
				listen := func(c *gin.Context) {
					c.Next()
					heard = c.Errors
				}
				header := bearer(tc.token)
				if tc.token == "" {
					header = nil
				}
				return do(t, "GET", "", header, listen, auth.Require("profile"), func(c *gin.Context) { c.String(200, "ran") }), heard
			}
			w, heard := answer(tc.raise)
			if w.Code != tc.status || (len(heard) == 1) != (tc.code != "") {
				t.Fatalf("status %d, errors %v; want %d and %q", w.Code, heard, tc.status, tc.code)
			}
			if tc.code != "" {
				if refusal, ok := errors.AsType[*resource.Refusal](heard[0]); !ok || !errors.Is(heard[0], tc.code) || refusal.Response().Status != tc.status {
					t.Errorf("heard %v, want the refusal", heard[0])
				}
			}
			if plain, _ := answer(false); plain.Body.String() != w.Body.String() || plain.Header().Get("WWW-Authenticate") != w.Header().Get("WWW-Authenticate") {
				t.Errorf("the answer is another: %s, want %s", w.Body, plain.Body)
			}
		})
	}
}
