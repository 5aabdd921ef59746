package shop_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	mandategin "github.com/go-mandate/mandate/adapters/gin"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/mandatetest"
	shop "github.com/go-mandate/mandate/examples/testing/gin"
)

// doc:start test-gin

func TestOrders(t *testing.T) {
	t.Parallel()
	guard, tokens := mandatetest.Guard(t, shop.GuardConfig())
	req := httptest.NewRequest(http.MethodGet, "/orders", nil)
	req.Header.Set("Authorization", tokens.Bearer(mandate.TokenInfo{Subject: "ada", Scopes: "orders"}))
	rec := httptest.NewRecorder()
	shop.Routes(guard).ServeHTTP(rec, req)
	if rec.Code != 200 || rec.Body.String() != "orders of ada" {
		t.Errorf("GET /orders = %d %s", rec.Code, rec.Body)
	}
}

// doc:end

func TestRefusals(t *testing.T) {
	t.Parallel()
	guard, tokens := mandatetest.Guard(t, shop.GuardConfig())
	r := shop.Routes(guard)
	// doc:start refusals
	for name, tc := range map[string]struct {
		path, authorization string
		status              int
	}{
		"no token":             {"/orders", "", 401},
		"unknown token":        {"/orders", "Bearer nonsense", 401},
		"expired token":        {"/orders", tokens.Bearer(mandate.TokenInfo{Scopes: "orders", Expires: time.Now().Add(-time.Minute)}), 401},
		"token of another API": {"/orders", tokens.Bearer(mandate.TokenInfo{Scopes: "orders", Audience: []string{"https://other.example"}}), 401},
		"another scope":        {"/orders", tokens.Bearer(mandate.TokenInfo{Subject: "ada", Scopes: "profile"}), 403},
		"no user":              {"/me", tokens.Bearer(mandate.TokenInfo{ClientID: "robot"}), 403},
		"user":                 {"/me", tokens.Bearer(mandate.TokenInfo{Subject: "ada"}), 200},
	} {
		// doc:end
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := httptest.NewRequest(http.MethodGet, tc.path, nil)
			if tc.authorization != "" {
				req.Header.Set("Authorization", tc.authorization)
			}
			rec := httptest.NewRecorder()
			r.ServeHTTP(rec, req)
			if rec.Code != tc.status {
				t.Errorf("GET %s = %d %s, want %d", tc.path, rec.Code, rec.Body, tc.status)
			}
		})
	}
}

// TestHandlerAlone tests a handler without any guard.
func TestHandlerAlone(t *testing.T) {
	t.Parallel()
	// doc:start settoken-gin
	rec := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(rec)
	c.Request = httptest.NewRequest(http.MethodGet, "/orders", nil)
	mandategin.SetToken(c, mandate.NewToken(mandate.TokenInfo{Subject: "ada", Scopes: "orders"}))
	handler := func(c *gin.Context) { c.String(200, mandategin.Token(c).Subject()) }
	handler(c)
	// doc:end
	if rec.Body.String() != "ada" {
		t.Errorf("handler says %q", rec.Body)
	}
}
